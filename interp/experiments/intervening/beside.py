"""Decodable, looked at, matters: probe grid, attention grid and causal grid on the same samples and cells."""

from itertools import combinations

import numpy as np
import xarray as xr

from interp.errors import DataError
from interp.grids.grid import grid_arrays
from interp.grids.join import aligned
from interp.statistics.auc import estimate_auc
from interp.statistics.resampling import split_halves
from interp.statistics.samples import Samples
from interp.support.axes import places

NAMES = ("decodable", "looked at", "matters")


def beside(probe: xr.Dataset, attention: xr.Dataset, causal: xr.Dataset) -> xr.Dataset:
    """AUCs of the three on the donors of the causal grid, and whether the grids look alike (definitions: alike).

    Returns `auc`, `low`, `high` on (grid, layer, token), and on (first, second) of `NAMES` by (kind: raw, centred)
    `r`, the mean correlation over cells between halves of the groups, `ceiling_first` and `ceiling_second`, that of
    each grid with itself. Raises DataError where a grid lacks samples or cells of the causal one.
    """
    order = {name: causal[name].values.tolist() for name in ("sample", "layer", "token")}
    grids = [*(aligned(causal, _of_the_same(one, order)) for one in (probe, attention)), causal]
    arrays = [grid_arrays(one) for one in grids]
    # Runs of a block share states, so blocks, which hold whole groups, are what is independent in all three.
    samples = Samples(arrays[2].y, arrays[2].fold, causal["block"].values)
    least, seed = int(causal.attrs.get("min_per_class", 10)), int(causal.attrs["seed"])
    shape = arrays[0].auc.shape
    estimates = [
        [estimate_auc(one.score[(slice(None), *at)], samples, min_per_class=least) for at in np.ndindex(shape)]
        for one in arrays
    ]
    dims = ("grid", "layer", "token")
    columns = {
        name: (dims, np.array([[getattr(e, field) for e in some] for some in estimates]).reshape(3, *shape))
        for name, field in (("auc", "value"), ("low", "low"), ("high", "high"))
    }
    defined = np.isfinite(columns["auc"][1]).all(0)
    pairs = list(combinations(range(3), 2))
    found = {name: np.full((3, 2), np.nan) for name in ("r", "ceiling_first", "ceiling_second")}
    if defined.sum() > 2:
        for k, (i, j) in enumerate(pairs):
            halves = split_halves(arrays[i].score, arrays[j].score, samples, defined, seed=seed)
            for m, kind in enumerate(KINDS):
                one = halves[kind]
                for name, value in zip(found, (one.between, one.within_1, one.within_2), strict=True):
                    found[name][k, m] = value
    return xr.Dataset(
        {**columns, **{name: (("pair", "kind"), value) for name, value in found.items()}},
        coords={
            "grid": np.array(NAMES, dtype=object),
            "layer": causal["layer"].values,
            "token": causal["token"].values,
            "pair": np.array([f"{NAMES[i]}, {NAMES[j]}" for i, j in pairs], dtype=object),
            "kind": np.array(KINDS, dtype=object),
        },
        attrs={"n_cells": int(defined.sum()), "n_samples": causal.sizes["sample"]},
    )


KINDS = ("raw", "centred")


def _of_the_same(grid: xr.Dataset, order: dict[str, list]) -> xr.Dataset:
    for name, wanted in order.items():
        places(name, wanted, grid[name].values.tolist(), where="the run's grids")
    if not all(name in grid for name in ("score", "y")):
        raise DataError("grid: expected the run's probe and attention grids")
    return grid.sel(order)
