"""The tests check the types and shapes of every call, wherever pytest is called as pyproject.toml says."""

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from beartype import beartype
from checked_calls import check_calls
from jaxtyping import Float, TypeCheckError
from numpy import ndarray

import interp
from interp.statistics.samples import fold_pairs

ROOT = Path(interp.__file__).parent
MODULES = sorted(
    ".".join(path.relative_to(ROOT.parent).with_suffix("").parts).removesuffix(".__init__")
    for path in ROOT.rglob("*.py")
)
DATACLASS = tuple(
    f".__{name}__" for name in ("eq", "repr", "hash", "setattr", "delattr", "replace", "lt", "le", "gt", "ge")
)
"""What dataclasses write besides `__init__`."""
check = check_calls(typechecker=beartype)


@check
def doubled(number: int) -> int:
    return 2 * number if number < 9 else "many"


@check
def added(a: Float[ndarray, " n"], b: Float[ndarray, "#n"] | None, *, cut: int = 0) -> Float[ndarray, " n"]:
    inner = repeated(np.ones(9), 2)  # a call of its own, with sizes of its own
    return (a if b is None else a + b)[cut:] * inner[0, 0]


@check
def repeated(a: Float[ndarray, " n"], times: int) -> Float[ndarray, "{times} n"]:
    return np.stack([a] * min(times, 3))


@check
def rows(a: Float[ndarray, "n m"]) -> Iterator[Float[ndarray, " m"]]:
    yield from a


@check
@dataclass
class Pair:
    left: int
    right: Float[ndarray, " n"]
    weight: Float[ndarray, " n"]

    @staticmethod
    @check
    def of(right: Float[ndarray, " n"]) -> "Pair":
        return Pair(0, right, right)


def test_what_is_right_passes() -> None:
    assert doubled(2) == 4 and len(list(rows(np.zeros((3, 2))))) == 3
    assert added(np.ones(3), np.ones(1)).tolist() == [2.0] * 3 and added(np.ones(3), None).tolist() == [1.0] * 3
    assert Pair.of(np.zeros(2)).right.size == 2
    assert inspect.signature(added) == inspect.signature(added.__wrapped__)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: doubled("2"),
        lambda: doubled(9),
        lambda: added(np.ones(3), np.ones(2)),
        lambda: added(np.ones(3, dtype=int), None),
        lambda: added(np.ones(3), None, cut=1),
        lambda: added(np.ones((3, 1)), None),
        lambda: added(np.ones(3), None, cut="1"),
        lambda: repeated(np.ones(2), 4),
        lambda: rows(np.ones(2)),
        lambda: Pair("0", np.ones(2), np.ones(2)),
        lambda: Pair(0, np.ones(2), np.ones(3)),
        lambda: Pair.of(np.ones((2, 1))),
    ],
)
def test_what_is_wrong_is_caught(wrong) -> None:
    with pytest.raises(TypeCheckError):
        wrong()


def test_the_checks_can_be_turned_off(as_users_run_it) -> None:
    assert doubled(9) == "many" and len(Pair("0", np.ones(2), np.ones(3)).weight) == 3


def test_a_call_that_fails_leaves_no_sizes_behind() -> None:
    for _ in range(2):
        with pytest.raises(TypeCheckError):
            added(np.ones(3), np.ones(2))
    assert isinstance(np.ones(5), Float[ndarray, " n"]) and isinstance(np.ones(6), Float[ndarray, " n"])


def unchecked(name: str) -> list[str]:
    """The functions and methods of a module that nothing is wrapped around."""
    module = import_module(name)
    owners = [module, *(one for one in vars(module).values() if inspect.isclass(one) and one.__module__ == name)]
    found = [getattr(thing, "__func__", thing) for owner in owners for thing in vars(owner).values() if callable(thing)]
    own = [one for one in found if inspect.isfunction(one) and one.__module__ == name]
    return [one.__qualname__ for one in own if not hasattr(one, "__wrapped__") and "<locals>" not in one.__qualname__]


def test_every_function_of_the_package_is_checked(pytestconfig: pytest.Config) -> None:
    if not pytestconfig.getoption("jaxtyping_packages"):
        pytest.skip("called without a check of types")
    assert len(MODULES) > 400
    lacking = [f"{name}.{one}" for name in MODULES for one in unchecked(name) if not one.endswith(DATACLASS)]
    assert not lacking
    with pytest.raises(TypeCheckError):
        fold_pairs(np.zeros((2, 2), dtype=int), np.zeros(2, dtype=int))
