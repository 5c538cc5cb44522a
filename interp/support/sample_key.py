"""Which samples a key between brackets names: the one way in which answers, positions and captures are indexed."""

import operator
from collections.abc import Sequence
from typing import Any

from interp.errors import DataError
from interp.support.arrays import in_order
from interp.support.messages import shown


class NoSuchSample(DataError, IndexError):
    """An index past the last sample; also Python's own error, by which a loop over indices ends."""


def one_sample(key: Any, n: int) -> int | None:
    """The place (from 0) that a single whole number names; None for a key that names several."""
    if isinstance(key, bool) or getattr(key, "ndim", 0) != 0 or not hasattr(key, "__index__"):
        return None
    return _from_front(operator.index(key), n)


def place_of(key: Any, ids: Sequence[str]) -> int:
    """The place (from 0) of one sample, given by its place or its id. Raises DataError for anything else."""
    place = ids.index(key) if isinstance(key, str) and key in ids else one_sample(key, len(ids))
    if place is None:
        some = ", ".join(ids[:3]) + (" …" if len(ids) > 3 else "")
        raise DataError(f"sample: expected its place, from 0, or an id, got {shown(key)}; the ids are {some or 'none'}")
    return place


def chosen_samples(key: Any, n: int) -> list[int]:
    """The places (from 0) that a key names, in its order: a whole number, a slice, whole numbers or a mask.

    A mask has one bool for each of the `n` samples, read by order, whatever index a pandas Series brings. Raises
    DataError for anything else, `NoSuchSample` (a DataError, and an IndexError) for a number outside the samples.
    """
    one = one_sample(key, n)
    if one is not None:
        return [one]
    if isinstance(key, slice):
        try:
            return list(range(n))[key]
        except (TypeError, ValueError) as error:
            raise DataError(f"samples: expected a slice of whole numbers, got {shown(key)}") from error
    if key is None or isinstance(key, str | bytes | dict | bool):
        raise DataError(f"samples: expected a number, a slice, numbers or a mask, got {shown(key)}")
    values = in_order("samples", list(key) if isinstance(key, range) else key)
    if values and all(isinstance(value, bool) for value in values):
        if len(values) != n:
            raise DataError(f"samples: expected a mask of one bool for each of the {n} samples, got {len(values)}")
        return [place for place, wanted in enumerate(values) if wanted]
    if odd := [value for value in values if isinstance(value, bool) or not isinstance(value, int)]:
        raise DataError(f"samples: expected whole numbers, or a mask of bools, got {shown(odd[0])} among them")
    return [_from_front(value, n) for value in values]


def _from_front(place: int, n: int) -> int:
    if not -n <= place < n:
        raise NoSuchSample(f"sample {place} is outside the {n} samples; count from 0, or from the end with -1")
    return place % n
