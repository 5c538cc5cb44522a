"""Numbers that a caller gave, whatever holds them, as NumPy arrays or in order as Python's own."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int, Shaped

from interp.errors import DataError
from interp.support.messages import shown


def read_array(name: str, values: Any, *, dtype: Any = None) -> Shaped[np.ndarray, "..."]:
    """What NumPy, PyTorch, pandas or xarray hold, or a list, as an array; bfloat16 becomes float32.

    Raises DataError, which calls it `name`, for what is none: what can be indexed, but is no sequence and holds no
    array, as a Capture, is not its entries.
    """
    if hasattr(values, "__getitem__") and not isinstance(values, Sequence) and not hasattr(values, "__array__"):
        raise DataError(f"{name}: expected an array of numbers, got {shown(values)}")
    try:
        if hasattr(values, "detach"):
            values = values.detach().cpu()
            values = (values.float() if str(values.dtype) == "torch.bfloat16" else values).numpy()
        return np.asarray(values, dtype=dtype)
    except (TypeError, ValueError) as error:
        raise DataError(f"{name}: expected an array of numbers, got {shown(values)} ({error})") from error


def in_order(name: str, values: Any) -> list[Any]:
    """One plain Python value per sample, by order: what a pandas index or a tensor's device says of it is ignored.

    `values`: a list or tuple, or anything that NumPy takes (array, tensor, pandas Series, xarray DataArray). Raises
    DataError, which calls them `name`, for anything else: a single text is not its letters.
    """
    if isinstance(values, (list, tuple)):
        return [value.item() if getattr(value, "ndim", None) == 0 else value for value in values]
    array = read_array(name, values)
    if array.ndim != 1:
        raise DataError(f"{name}: expected one value per sample, in order, got {shown(values)}")
    return array.tolist()


def different(name: str, labels: Iterable[Any], n: int) -> tuple[Any, ...]:
    """The labels of an axis of length `n`. Raises DataError unless there is one for each place, no two alike."""
    found = tuple(labels)
    if len(found) != n or len(set(found)) != n:
        raise DataError(
            f"{name}: expected {n} different labels, got {len(found)} ({len(set(found))} different): {shown(found)}"
        )
    return found


def missing(value: Any) -> bool:
    """None, NaN, or pandas' NA."""
    return value is None or value is pd.NA or (isinstance(value, float) and value != value)


def read_whole_numbers(name: str, values: Any) -> Int[np.ndarray, "..."]:
    """An array of whole numbers (3.0 is one, as pandas writes columns). Raises DataError for others."""
    array = read_array(name, values)
    if not array.size:
        return array.astype(np.int64)
    if array.dtype.kind not in "iuf" or (array.dtype.kind == "f" and not (array == np.floor(array)).all()):
        raise DataError(f"{name}: expected whole numbers, got {shown(values)}")
    return array.astype(np.int64)


def whole_numbers_in_order(name: str, values: Any) -> Int[np.ndarray, " sample"]:
    """One whole number per sample, by order. Raises DataError for others, or several per sample."""
    array = read_whole_numbers(name, in_order(name, values))
    if array.ndim != 1:
        raise DataError(f"{name}: expected one whole number per sample, in order, got {shown(values)}")
    return array


def read_mask(name: str, values: Any) -> Bool[np.ndarray, "..."]:
    """An array of True and False, or of 1 and 0. Raises DataError for others."""
    array = read_array(name, values)
    if array.dtype.kind not in "biuf" or not np.isin(array, (0, 1)).all():
        raise DataError(f"{name}: expected True and False, got {shown(values)}")
    return array.astype(bool)


def read_numbers(name: str, values: Any) -> Float[np.ndarray, "..."]:
    """An array of numbers, None and NaN undefined. Raises DataError for others."""
    array = read_array(name, [np.nan if missing(value) else value for value in in_order(name, values)])
    if array.dtype.kind not in "biuf":
        raise DataError(f"{name}: expected numbers, got {shown(values)}")
    return array.astype(float)
