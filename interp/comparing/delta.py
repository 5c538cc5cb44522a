"""First grid minus second, cell by cell, and how many cells differ."""

from typing import Any

import numpy as np
import xarray as xr

from interp.grids.grid import grid_arrays
from interp.grids.join import aligned
from interp.statistics.auc import MIN_PER_CLASS, benjamini_hochberg, delta_auc
from interp.support.atomic import plain


def delta_grid(probe: xr.Dataset, attn: xr.Dataset) -> xr.Dataset:
    """First minus second in every cell: `delta`, interval, `p`, `q`, `n`, `n_correct`, `reason` (definitions: ΔAUC).

    Raises DataError if layers, roles, samples, labels, folds or groups differ.
    """
    attn = aligned(probe, attn)
    first, second = grid_arrays(probe), grid_arrays(attn)
    min_per_class = int(max(grid.attrs.get("min_per_class", MIN_PER_CLASS) for grid in (probe, attn)))
    dims = ("layer", "token")
    shape = first.auc.shape
    why = [grid["reason"].transpose(*dims).values for grid in (probe, attn)]
    values = {name: np.full(shape, np.nan) for name in ("delta", "low", "high", "p")}
    counts = {name: np.zeros(shape, dtype=np.int64) for name in ("n", "n_correct")}
    reasons = np.full(shape, "", dtype=object)
    for layer, role in np.ndindex(*shape):
        cell, scores = (layer, role), (first.score[:, layer, role], second.score[:, layer, role])
        # The scores of an undefined cell are all NaN: the reason of the grid says more than an empty intersection.
        reasons[cell] = str(why[0][cell] or why[1][cell])
        if reasons[cell]:
            continue
        training = first.trained(layer, role) - second.trained(layer, role)
        estimate = delta_auc(*scores, first.samples, training=training, min_per_class=min_per_class)
        for name, value in zip(values, (estimate.value, estimate.low, estimate.high, estimate.p), strict=True):
            values[name][cell] = value
        counts["n"][cell], counts["n_correct"][cell] = estimate.n, estimate.n_correct
        reasons[cell] = estimate.reason
    variables = {**values, "q": benjamini_hochberg(values["p"]), **counts, "reason": reasons}
    coords = {"layer": probe["layer"], "token": probe["token"]}
    return xr.Dataset({name: (dims, value) for name, value in variables.items()}, coords=coords)


def differences(delta_auc: xr.Dataset, names: tuple[str, str]) -> dict[str, Any]:
    """How many cells of a `delta_grid` differ at q < 0.05, in which direction, and the mean difference."""
    q, delta = delta_auc["q"].values, delta_auc["delta"].values
    significant = q < 0.05
    return {
        "cells": int(np.isfinite(delta).sum()),
        f"{names[0]}_higher": int((significant & (delta > 0)).sum()),
        f"{names[1]}_higher": int((significant & (delta < 0)).sum()),
        "mean_delta": plain(np.nanmean(delta)) if np.isfinite(delta).any() else None,
    }
