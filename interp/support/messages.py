"""What a message says of a value: the value itself, cut short, and the nearest right name."""

from collections.abc import Iterable
from difflib import get_close_matches
from numbers import Number
from reprlib import Repr


class _Short(Repr):
    """`reprlib`, which names what is not plain by its type."""

    def repr_instance(self, value: object, level: int) -> str:
        if isinstance(value, str):  # a kind of text, such as a CSV cell
            return self.repr_str(str.__str__(value), level)
        return repr(value) if isinstance(value, Number | bytes | slice) else type(value).__name__


LONGEST = 100
_SHORT = _Short()
_SHORT.maxstring = _SHORT.maxother = LONGEST - 20
_PLAIN = (str, bytes, int, float, complex, type(None), list, tuple, set, frozenset, dict, range, slice)


def shown(value: object) -> str:
    """A value in a message: as Python writes it, cut short; of anything larger than plain values only its type."""
    if isinstance(value, _PLAIN):
        text = " ".join(_SHORT.repr(value).splitlines())
        return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
    shape = getattr(value, "shape", None)
    return f"{type(value).__name__} of shape {(*shape,)}" if isinstance(shape, tuple) else type(value).__name__


def nearest(value: object, known: Iterable[object]) -> str:
    """`; did you mean 'temperature'?` for a text that is nearly one of `known` or begins a single one, else nothing."""
    if not isinstance(value, str):
        return ""
    by_folded, typed = {str(name).casefold(): str(name) for name in known}, value.strip().casefold()
    begun = [name for name in by_folded if typed and name.startswith(typed)]
    found = get_close_matches(typed, by_folded, n=1) or (begun if len(begun) == 1 else [])
    return f"; did you mean {by_folded[found[0]]!r}?" if found else ""
