"""The features behind a grid's cells, found by layer, role and sample in what the grid was made from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Float, Int, Shaped

from interp.capturing.activations import Capture
from interp.grids.attention_columns import transformed_width, with_transform
from interp.grids.features import Features, as_array, read_features
from interp.support.axes import places

AXES = {"layers": "layer", "roles": "token", "samples": "sample"}


@dataclass(frozen=True)
class CellColumns:
    """Features of a grid's cells, as its own probes saw them, addressed by the grid's layers, roles and samples."""

    features: Features
    index: Int[np.ndarray, " sample"]
    """Where the grid's samples stand in the features."""
    metrics: Sequence[Any] | None = None
    """Of an attention grid: every attention metric, `sample layer head role`."""
    transform: str = "none"
    """How its probes read them (`attention_columns`)."""

    def __call__(self, used: Shaped[np.ndarray, " sample"], layer: int, role: int) -> Float[np.ndarray, "used width"]:
        """Of one cell; `used`: a mask or places of samples of the grid."""
        samples = self.index[used]
        if self.metrics is None:
            return self.features.finite_column(samples, layer, role)
        at = self.features.layer_at[layer], self.features.role_at[role]
        columns = np.concatenate([as_array(values[samples, at[0], :, at[1]]) for values in self.metrics], axis=1)
        return with_transform(columns[:, np.isfinite(columns).all(0)], self.transform)

    @property
    def width(self) -> int:
        """Numbers of a sample in one cell, as if every attention metric were finite."""
        if self.metrics is None:
            return int(self.features.values.shape[-1])
        return transformed_width(sum(int(values.shape[2]) for values in self.metrics), self.transform)


def cell_columns(
    grid: xr.Dataset,
    data: Any,
    *,
    layers: Sequence[int] | None = None,
    roles: Sequence[str] | None = None,
    ids: Any = None,
) -> CellColumns:
    """The features behind a grid's cells, found in `data` by layer, role and sample.

    `layers`, `roles` and `ids` name the axes of a bare array, as in `probe_grid`; a Capture knows its own.
    """
    attention = grid.attrs.get("kind") == "attention"
    if isinstance(data, Capture):
        site = next(iter(data.sites)) if attention else str(grid.attrs["site"])
        features = read_features(data, site=site, layers=layers, roles=roles, ids=ids)
    else:
        features = read_features(data, layers=layers, roles=roles, ids=ids)
    remedy = "give the data of the grid, and with a bare array the same layers=, roles= and ids= as to probe_grid"
    wanted = {name: grid[dim].values.tolist() for name, dim in AXES.items()}
    there = (features.layers, features.roles, features.ids)
    at = [
        places(name, wanted[name], own, where="the data", remedy=remedy)
        for name, own in zip(wanted, there, strict=True)
    ]
    transform = str(grid.attrs.get("transform", "none"))  # grids from before it was recorded read them as they are
    metrics = list(data.attention.values()) if attention and isinstance(data, Capture) else None
    return CellColumns(features.select(wanted["layers"], wanted["roles"]), at[2], metrics, transform)
