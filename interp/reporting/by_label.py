"""What is drawn with a grid, found by the labels of the grid: controls, a comparison's cells, a Capture's samples."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from interp.errors import DataError
from interp.support.arrays import read_array
from interp.support.axes import places

if TYPE_CHECKING:
    from interp.comparing.compare import Comparison


def control_strip(name: str, row: Any, columns: Sequence[str]) -> np.ndarray:
    """One value per column, found by token where the control says of which token its values are."""
    if isinstance(row, xr.DataArray) and "token" in row.indexes:
        row = dict(zip(map(str, row.indexes["token"]), row.values, strict=True))
    if isinstance(row, Mapping):
        places(f"control {name!r}", columns, list(row), where="it", remedy="give a value for every token")
        row = [row[column] for column in columns]
    strip = read_array(f"control {name!r}", row, dtype=float)
    if strip.shape != (len(columns),):
        raise DataError(f"control {name!r}: expected one value per token ({len(columns)}), got {strip.shape}")
    return strip


def cells_of(comparison: "Comparison", grid: xr.Dataset) -> xr.Dataset:
    """The comparison's cells in the order of the grid's layers and tokens."""
    cells = comparison.delta_auc
    at = {
        axis: places(axis, grid[axis].values.tolist(), cells.indexes[axis].tolist(), where="the comparison")
        for axis in ("layer", "token")
    }
    return cells.isel(at).transpose("layer", "token", ...)


def labels_of(grid: xr.Dataset, ids: Sequence[str]) -> tuple[list[float | None], list[int]]:
    """Labels and folds of a grid in the order of the captured samples; None and -1 for those that it lacks.

    Raises DataError for a dataset that has none, or that has samples which were not captured.
    """
    names = ("sample", "y", "fold")
    if lacking := [name for name in names if name not in grid.variables or grid[name].dims != ("sample",)]:
        raise DataError(f"grid: expected one {lacking[0]!r} per sample; a grid comes from probe_grid or attention_grid")
    columns = (grid[name].values.tolist() for name in names)
    there = {name: (float(y), int(fold)) for name, y, fold in zip(*columns, strict=True)}
    places("grid", there, list(ids), where="the Capture", remedy="give the Capture that the grid was made from")
    rows = [there.get(name, (None, -1)) for name in ids]
    return [y for y, _ in rows], [fold for _, fold in rows]
