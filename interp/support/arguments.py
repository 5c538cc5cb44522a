"""What a caller gave, checked at the door: a rule for each kind of argument, one sentence where it does not fit.

Every rule returns the value as the rest of the package takes it, and raises `error` (DataError unless told) that says
what was expected, what came, and where; a misspelt name is answered with the nearest right one.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from errno import ENAMETOOLONG
from inspect import signature
from operator import index
from os import PathLike, fspath, lstat
from pathlib import Path
from typing import Any, TypeVar

from interp.errors import DataError, InterpError
from interp.support.messages import nearest, shown

T = TypeVar("T")
Bound = int | float | None


def one_of(name: str, value: Any, known: Iterable[T], *, error: type[InterpError] = DataError) -> T:
    """The one of `known` that `value` is; a text or a whole number."""
    names = list(known)
    for one in names:
        if isinstance(one, str) is isinstance(value, str) and _same(one, value):
            return one
    listed = ", ".join(map(str, names)) or "nothing, for there is none"
    raise error(f"{name}: expected one of {listed}, got {shown(value)}{nearest(value, names)}")


def known_options(
    where: str, given: Iterable[str], known: Iterable[str], *, error: type[InterpError] = DataError
) -> None:
    """Refuse the first option that `where` does not take, with the nearest that it does."""
    names = sorted(known)
    for name in given:
        if name not in names:
            hint = nearest(name, names) or f"; there are {', '.join(names)}"
            raise error(f"{where}: there is no option {name!r}{hint}")


def parameters(called: Callable[..., Any]) -> set[str]:
    """The names under which a function takes its arguments."""
    return set(signature(called).parameters)


def _same(one: object, value: object) -> bool:
    if isinstance(one, str):
        return bool(one == value)
    number = _index(value)
    return number is not None and number == one


def _index(value: object) -> int | None:
    """A whole number as Python's own, from whatever may index a list (numpy's and torch's too), but no bool."""
    if isinstance(value, bool) or str(getattr(value, "dtype", "")) in ("bool", "torch.bool"):
        return None
    try:
        return index(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None


def whole_number(
    name: str, value: Any, low: int | None = None, high: int | None = None, *, error: type[InterpError] = DataError
) -> int:
    """A whole number from `low` to `high`."""
    number = _index(value)
    if number is None or (low is not None and number < low) or (high is not None and number > high):
        bounds = (f" from {low}" if low is not None else "") + (f" to {high}" if high is not None else "")
        raise error(f"{name}: expected a whole number{bounds}, got {shown(value)}")
    return number


def whole_numbers(name: str, values: Any, low: int | None = None, high: int | None = None) -> tuple[int, ...]:
    """Several whole numbers; a text is none, and a single number is one."""
    if _index(values) is not None:
        return (whole_number(name, values, low, high),)
    return tuple(whole_number(name, value, low, high) for value in _each(name, values, "whole numbers"))


MANY = 1_000_000
"""More permutations or resamples than that are a mistake, and fill the memory."""
SEED = 2**32 - 1
"""The largest seed that NumPy and scikit-learn both take."""


def seed_number(value: Any) -> int:
    """A random seed."""
    return whole_number("seed", value, 0, SEED)


def number(
    name: str, value: Any, *, low: Bound = None, above: Bound = None, high: Bound = None, below: Bound = None
) -> float:
    """A finite number, at least `low` or more than `above`, at most `high` or less than `below`."""
    plain = value.item() if getattr(value, "ndim", None) == 0 and hasattr(value, "item") else value
    found = float(plain) if isinstance(plain, int | float) and not isinstance(plain, bool) else float("nan")
    inside = (
        abs(found) < float("inf")
        and (low is None or found >= low)
        and (above is None or found > above)
        and (high is None or found <= high)
        and (below is None or found < below)
    )
    if not inside:
        bounds = {"from": low, "above": above, "up to": high, "below": below}
        words = ", ".join(f"{word} {bound:g}" for word, bound in bounds.items() if bound is not None)
        raise DataError(f"{name}: expected a number{' ' if words else ''}{words}, got {shown(value)}")
    return found


def numbers(name: str, values: Any, **bounds: Bound) -> tuple[float, ...]:
    """Several numbers; a single one is one of them."""
    if isinstance(values, int | float) or getattr(values, "ndim", None) == 0:
        return (number(name, values, **bounds),)
    return tuple(number(name, value, **bounds) for value in _each(name, values, "numbers"))


def flag(name: str, value: Any) -> bool:
    """True or False, not something that merely counts as one: `"no"` counts as true."""
    if isinstance(value, bool) or type(value).__name__ in ("bool", "bool_"):  # numpy's
        return bool(value)
    raise DataError(f"{name}: expected True or False, got {shown(value)}")


def one_text(name: str, value: Any, *, error: type[InterpError] = DataError) -> str:
    """One text, of whole characters: half a surrogate pair can be neither written to a file nor given to a model."""
    if not isinstance(value, str):
        hint = "; decode it first" if isinstance(value, bytes | bytearray) else ""
        raise error(f"{name}: expected a text, got {shown(value)}{hint}")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise error(f"{name}: half a surrogate pair in {shown(value)}; it is no valid text") from None
    return value


def several_texts(name: str, values: Any, *, one: bool = True) -> tuple[str, ...]:
    """Several texts. A single text is one of them (`one=False`: is refused), never its letters.

    What a set holds comes in the order of the alphabet, because its own order is another in every process.
    """
    if isinstance(values, str):
        if one:
            return (one_text(name, values),)
        raise DataError(f"{name}: expected several texts, got the single text {shown(values)}; write [{values!r}]")
    found = _each(name, values, "texts")
    for place, value in enumerate(found):
        one_text(f"{name}[{place}]", value)
    return tuple(sorted(found)) if isinstance(values, AbstractSet) else tuple(found)


def _each(name: str, values: Any, what: str) -> Sequence[Any]:
    """The entries of a list, tuple, array or any other iterable but a text or a mapping."""
    closed = isinstance(values, str | bytes | bytearray | Mapping) or getattr(values, "ndim", 1) != 1
    if closed or not isinstance(values, Iterable):
        raise DataError(f"{name}: expected a list of {what}, got {shown(values)}")
    return values.tolist() if hasattr(values, "tolist") else list(values)


def cell_label(value: Any) -> tuple[int, str]:
    """A cell by its layer and role. Raises DataError for anything else."""
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise DataError(f"cell: expected (layer, role), as in (8, 'exact_answer_last'), got {shown(value)}")
    return whole_number("cell: the layer", value[0], 0), one_text("cell: the role", value[1])


def instance(name: str, value: Any, kind: type[T], hint: str, *, error: type[InterpError] = DataError) -> T:
    """An object of a class of ours, or of a library's; `hint` says where one comes from."""
    if not isinstance(value, kind) or isinstance(value, type):
        raise error(f"{name}: expected {_article(kind.__name__)}, got {shown(value)}; {hint}")
    return value


def _article(name: str) -> str:
    return f"{'an' if name[0] in 'AEIO' else 'a'} {name}"


def mapping(name: str, value: Any, form: str) -> Mapping[Any, Any]:
    """A mapping of the form that a message shows, as in `{name: grid}`."""
    if not isinstance(value, Mapping):
        raise DataError(f"{name}: expected a mapping {form}, got {shown(value)}")
    return value


def function(name: str, value: Any, form: str) -> Callable[..., Any] | None:
    """Something that can be called as `form` shows, or None."""
    if value is not None and (not callable(value) or isinstance(value, type)):
        raise DataError(f"{name}: expected a function {form} or None, got {shown(value)}")
    return value


def path(name: str, value: Any, *, error: type[InterpError] = DataError) -> Path:
    """A path of the file system, from a text or a path."""
    where = fspath(value) if isinstance(value, str | PathLike) else None
    if not isinstance(where, str) or not where.strip() or not _nameable(where):
        raise error(f"{name}: expected a path, got {shown(value)}")
    return Path(where)


def _nameable(where: str) -> bool:
    """Whether a file can have this name: it holds no NUL, can be encoded, and is no longer than names may be."""
    try:
        lstat(where)
    except (OSError, ValueError) as error:
        return getattr(error, "errno", ENAMETOOLONG) != ENAMETOOLONG
    return True


MOST_JOBS = 4096


def job_count(value: Any) -> int | None:
    """`n_jobs` as joblib takes it: how many workers, -1 for one per core; None: as many as pay."""
    if value is None:
        return None
    count = whole_number("n_jobs", value, -MOST_JOBS, MOST_JOBS)
    if count == 0:
        raise DataError("n_jobs: expected a number of workers, -1 (one per core) or None (as many as pay), got 0")
    return count


def progress_function(value: Any) -> Callable[[int], None] | None:
    """`progress`: what is called with the number of steps just finished."""
    return function("progress", value, "(finished: int)")
