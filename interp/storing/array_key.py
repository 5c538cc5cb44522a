"""What a key between brackets names, axis by axis, as PyTorch reads it, so that only that is read from the disk."""

from typing import Any

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor


def whole_key(key: Any, shape: tuple[int, ...]) -> list[Any]:
    """One entry per axis: an int from 0, a slice, or a tensor of ints; what the key leaves out is `slice(None)`.

    Raises IndexError, as a tensor does, for an index outside its axis, a mask of another shape or too many entries;
    also for None and single bools, which would add an axis.
    """
    given = [_entry(entry) for entry in (key if isinstance(key, tuple) else (key,))]
    left = len(shape) - sum(_width(entry) for entry in given)
    if left < 0 or sum(entry is Ellipsis for entry in given) > 1:
        raise IndexError(f"too many indices for {len(shape)} axes: {key!r:.80}")
    if not any(entry is Ellipsis for entry in given):
        given.append(Ellipsis)
    entries: list[Any] = []
    for entry in given:
        axis = len(entries)
        if entry is Ellipsis:
            entries += [slice(None)] * left
        elif isinstance(entry, int):
            entries.append(_from_front(entry, shape[axis]))
        elif _is_mask(entry):
            if tuple(entry.shape) != shape[axis : axis + entry.ndim]:
                raise IndexError(f"a mask of shape {(*entry.shape,)} does not fit the axes {shape[axis:]}")
            entries += entry.nonzero(as_tuple=True)
        else:
            entries.append(entry)
    return entries


def picked(entry: Any, size: int) -> tuple[Int[Tensor, " wanted"], Any]:
    """The places of an axis that an entry names, each once, and the entry that picks them from those alone."""
    places = torch.arange(size)
    if isinstance(entry, int):
        return places[entry : entry + 1], 0
    if isinstance(entry, slice):
        return places[entry], slice(None)
    return places[entry].unique(return_inverse=True)


def _entry(entry: Any) -> Any:
    """A slice, Ellipsis or int as it is; everything else as a tensor."""
    if entry is Ellipsis or isinstance(entry, slice):
        return entry
    if not isinstance(entry, Tensor):
        entry = torch.from_numpy(np.array(entry, order="C")) if entry is not None else torch.tensor(True)
    if entry.ndim == 0 and entry.dtype == torch.bool:
        raise IndexError("None and bools add an axis, which an array on the disk does not: index what it gives")
    if entry.is_floating_point() and entry.numel():
        raise IndexError(f"expected whole numbers, got {entry.dtype}")
    if entry.ndim == 0:
        return int(entry)
    return entry.cpu() if entry.dtype == torch.bool else entry.cpu().long()


def _width(entry: Any) -> int:
    """How many axes an entry names."""
    if entry is Ellipsis:
        return 0
    return int(entry.ndim) if _is_mask(entry) else 1


def _is_mask(entry: Any) -> bool:
    return isinstance(entry, Tensor) and entry.dtype == torch.bool


def _from_front(index: int, size: int) -> int:
    if not -size <= index < size:
        raise IndexError(f"index {index} is out of range for an axis of {size}")
    return index % size
