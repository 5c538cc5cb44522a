"""Numbers that a caller gave, whatever holds them, as NumPy arrays or in order as Python's own."""

from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Shaped

from interp.arguments import shown
from interp.errors import DataError


def read_array(name: str, values: Any) -> Shaped[np.ndarray, "..."]:
    """What NumPy, PyTorch, pandas or xarray hold, or a list, as an array; bfloat16 becomes float32.

    Raises DataError, which calls it `name`, for what is none.
    """
    try:
        if hasattr(values, "detach"):
            values = values.detach().cpu()
            return (values.float() if str(values.dtype) == "torch.bfloat16" else values).numpy()
        return np.asarray(values)
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


def missing(value: Any) -> bool:
    """None, NaN, or pandas' NA."""
    return value is None or value is pd.NA or (isinstance(value, float) and value != value)
