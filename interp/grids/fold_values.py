"""What a grid keeps of its folds, on the axes of its scores: no dimension of its own, so that a table stays a table.

A number of every fold stands at each of the fold's samples; the sixteen numbers of a `training_sketch` are the bytes of
one value. Both are sliced, renamed, saved and read with the sample, layer and token that they belong to.
"""

import numpy as np
import xarray as xr
from jaxtyping import Float, Int, Shaped

from interp.statistics.samples import DIRECTIONS

AXES = ("sample", "layer", "token")
VARIABLES = ("choice_auc", "chosen_C", "training")
_NUMBER = np.dtype("<f4")
_BYTES = np.dtype(f"S{2 * DIRECTIONS * _NUMBER.itemsize}")


def packed(sketch: Float[np.ndarray, "*cell side direction"]) -> Shaped[np.ndarray, "*cell"]:
    """Every cell's sketch as the bytes of its float32 numbers (netCDF keeps fixed-length bytes as they are)."""
    flat = np.ascontiguousarray(sketch, dtype=_NUMBER).reshape(*sketch.shape[:-2], 2 * DIRECTIONS)
    return flat.view(_BYTES)[..., 0]


def unpacked(values: Shaped[np.ndarray, "*cell"]) -> Float[np.ndarray, "*cell side direction"]:
    """The sketches that `packed` gave."""
    return np.ascontiguousarray(values, dtype=_BYTES).view(_NUMBER).reshape(*values.shape, 2, DIRECTIONS)


def at_samples(
    values: Float[np.ndarray, "layer role fold"], fold: Int[np.ndarray, " sample"]
) -> Float[np.ndarray, "sample layer role"]:
    """Each fold's number at the fold's samples; `values` has the folds in increasing order."""
    return np.moveaxis(values[..., np.unique(fold, return_inverse=True)[1].ravel()], -1, 0)


def of_folds(
    values: Float[np.ndarray, "sample layer role"], fold: Int[np.ndarray, " sample"]
) -> Float[np.ndarray, "fold layer role"]:
    """The inverse of `at_samples`: one number for each fold that has a sample."""
    return values[np.unique(fold, return_index=True)[1]]


def without_own_dims(grid: xr.Dataset) -> xr.Dataset:
    """A grid of the first files, which had dims for folds, sides and directions, as grids are now; others unchanged."""
    if "training" in grid and "side" in grid["training"].dims:
        sketch = grid["training"].transpose(..., *AXES, "side", "direction")
        grid = grid.assign(training=(sketch.dims[:-2], packed(sketch.values)))
    if "held_out_fold" in grid.dims:
        fold = xr.Variable("sample", grid["fold"].values)
        by_fold = grid[[name for name, values in grid.data_vars.items() if "held_out_fold" in values.dims]]
        spread = by_fold.sel(held_out_fold=fold).transpose(..., *AXES).drop_vars("held_out_fold")
        grid = grid.drop_dims("held_out_fold").merge(spread, join="exact", compat="equals")
    return grid
