"""Every public function and class shows how it is used, and what it shows is what happens."""

import doctest
import inspect
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import interp
import interp.demo

FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


def is_shown(name: str) -> bool:
    value = getattr(interp, name)
    return callable(value) and not (inspect.isclass(value) and issubclass(value, Exception))


def methods(name: str) -> list[str]:
    """Public methods of a class that have an example of their own."""
    kind = getattr(interp, name)
    public = [method for method in dir(kind) if not method.startswith("_")] if inspect.isclass(kind) else []
    return [f"{name}.{method}" for method in public if ">>>" in (getattr(kind, method).__doc__ or "")]


SHOWN = sorted(filter(is_shown, interp.__all__))
METHODS = [method for name in SHOWN for method in methods(name)]


def check_example(name: str, folder: Path) -> None:
    """What `help(interp.<name>)` shows, typed in `folder`, prints what it says."""
    value = interp
    for part in name.split("."):
        value = getattr(value, part)
    text = inspect.cleandoc(value.__doc__ or "")
    example = doctest.DocTestParser().get_doctest(text, {"interp": interp}, name, None, None)
    assert example.examples, f"interp.{name} has no example"
    said: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        results = doctest.DocTestRunner(optionflags=FLAGS).run(example, out=said.append)
    assert not results.failed, "".join(said)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the example of `run` was called, whose run others open: a folder that pytest takes away."""
    where = tmp_path_factory.mktemp("examples")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("interp.demo.answered", cache(interp.demo.answered))  # what most begin with
        check_example("run", where)
        yield where


@pytest.mark.parametrize("name", [name for name in [*SHOWN, *METHODS] if name != "run"])
def test_the_example_of(name: str, folder: Path) -> None:
    check_example(name, folder)


def test_a_wrong_example_is_noticed() -> None:
    wrong = doctest.DocTestParser().get_doctest(">>> len(interp.ROLES)\n14\n", {"interp": interp}, "wrong", None, None)
    assert doctest.DocTestRunner(optionflags=FLAGS).run(wrong, out=lambda _: None).failed == 1
