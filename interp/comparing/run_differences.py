"""Differences in AUC between any number of grids: models, data sets, sites, estimators, runs."""

from collections.abc import Mapping
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Int

from interp.comparing.pair import difference_of_pair
from interp.errors import DataError
from interp.grids.grid import check_grid
from interp.grids.join import reordered
from interp.grids.of_run import RunLike, grid_of
from interp.grids.variables import DIFFERENCES, returns
from interp.statistics.auc import (
    benjamini_hochberg,
)
from interp.support.accepted import GridSources
from interp.support.arguments import one_of
from interp.support.messages import shown
from interp.support.public import public

LAYERS = ("same", "depth")


@returns(DIFFERENCES)
@public
def compare_runs(grids: GridSources, *, layers: str = "same") -> xr.Dataset:
    """One grid minus another, for every pair, on (pair, layer, token): `delta`, `low`, `high`, `p`, `q`, `reason`.

    `grids`: {name: grid}, with the same roles in whatever order, not the same samples; a run, or its folder, stands for
    its probe grid, and a list of runs or folders names them by their folders. `interp.grid_table` makes a table of the
    result. `layers="same"` compares layer by layer, `"depth"` models of different depth: every layer of the shallowest
    grid with the layer of the nearest relative depth in each other grid (`layers_by_depth`); `first_layer` and
    `second_layer` (pair, layer) say which are compared.

    Where two grids have the same samples, labels, folds and groups, `samples` of the pair is "same", and a cell is the
    ΔAUC over the samples valid in both. Otherwise each AUC keeps its own samples, and the variance of the difference is
    the sum over all groups of the squared difference of the two influences: groups that both grids hold (the same
    questions, put to two models) are paired, the others independent; `shared_groups` counts them and `samples` says
    "shared groups" or "independent". `q` is by Benjamini-Hochberg over all pairs and cells. `mean_delta` with
    `mean_low`, `mean_high` and `mean_p` is the mean of `delta` over the cells that have one.

    Raises DataError for fewer than two grids, or layers or roles that differ: never an inner join.

    >>> from interp.demo import planted
    >>> cap, answers = planted()
    >>> strong, weak = (interp.probe_grid(cap, answers.correct, C=C) for C in (1.0, 0.01))
    >>> interp.compare_runs({"strong": strong, "weak": weak}).pair.values.tolist()
    ['strong − weak']
    """
    named = named_grids(grids)
    one_of("layers", layers, LAYERS)
    names = list(named)
    if len(names) < 2:
        raise DataError(f"grids: expected at least two to compare, got {len(names)}")
    for grid in named.values():
        check_grid(grid)
    own = {name: grid["layer"].values for name, grid in named.items()}
    if layers == "depth":
        own = layers_by_depth(own)
        shallowest = min(named.values(), key=lambda grid: int(grid["layer"].max()))["layer"].values
        named = {name: grid.sel(layer=own[name]).assign_coords(layer=shallowest) for name, grid in named.items()}
    first = named[names[0]]
    for name in names[1:]:
        _check_labels(names[0], first, name, named[name])
        named = {**named, name: reordered(named[name], {axis: first.indexes[axis] for axis in ("layer", "token")})}
    if layers == "same":
        own = {name: first["layer"].values for name in names}
    pairs = list(combinations(names, 2))
    cells = [difference_of_pair(named[a], named[b]) for a, b in pairs]
    shape = (len(pairs), first.sizes["layer"], first.sizes["token"])
    flat = [estimate for _, _, estimates, _ in cells for estimate in estimates]
    numbers = {name: np.array([getattr(e, name) for e in flat]).reshape(shape) for name in ("low", "high", "p")}
    delta = np.array([e.value for e in flat]).reshape(shape)
    reason = np.array([e.reason for e in flat], dtype=object).reshape(shape)
    dims = ("pair", "layer", "token")
    means = [mean for *_, mean in cells]
    return xr.Dataset(
        {
            "delta": (dims, delta),
            **{name: (dims, values) for name, values in numbers.items()},
            "q": (dims, benjamini_hochberg(numbers["p"])),
            "reason": (dims, reason),
            **{f"mean_{n}": ("pair", np.array([getattr(m, n) for m in means])) for n in ("low", "high", "p")},
            "mean_delta": ("pair", np.array([m.value for m in means])),
            "samples": ("pair", np.array([kind for kind, *_ in cells], dtype=object)),
            "shared_groups": ("pair", np.array([shared for _, shared, *_ in cells])),
        },
        coords={
            "pair": np.array([f"{a} − {b}" for a, b in pairs], dtype=object),
            "first": ("pair", np.array([a for a, _ in pairs], dtype=object)),
            "second": ("pair", np.array([b for _, b in pairs], dtype=object)),
            "first_layer": (("pair", "layer"), np.array([own[a] for a, _ in pairs])),
            "second_layer": (("pair", "layer"), np.array([own[b] for _, b in pairs])),
            "layer": first["layer"].values,
            "token": first["token"].values,
        },
    )


def named_grids(grids: Any) -> dict[str, xr.Dataset]:
    """{name: grid} of what `compare_runs` takes. Raises DataError for grids without names, or a run given twice."""
    named = grids if isinstance(grids, Mapping) else named_by_folder("grids", grids, what="grid")
    return {str(name): grid_of(grid) for name, grid in named.items()}


def named_by_folder(argument: str, runs: Any, *, what: str = "run") -> dict[str, RunLike | str | Path]:
    """Runs or folders under the names of their folders, whole paths where those are not different.

    Raises DataError for anything else (`what` a caller could give by name), or a run given twice.
    """
    if not isinstance(runs, list | tuple) or not all(isinstance(run, RunLike | str | Path) for run in runs):
        raise DataError(
            f"{argument}: expected {{name: {what}}}, every {what} under a name of its own, got {shown(runs)}"
        )
    folders = [Path(run.name if isinstance(run, RunLike) else run) for run in runs]
    last = [folder.name for folder in folders]
    names = last if len(set(last)) == len(last) else [*map(str, folders)]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise DataError(f"{argument}: the run {twice} is given twice; give two or more different runs")
    return dict(zip(names, runs, strict=True))


def layers_by_depth(layers: Mapping[str, Int[np.ndarray, " _"]]) -> dict[str, Int[np.ndarray, " shallowest"]]:
    """For every layer of the shallowest grid the layer of the nearest relative depth in each grid; of two, the lower.

    The relative depth of layer l (from 0) is (l + 1) / L, the share of the model's L blocks that it stands behind; L is
    taken from the grid's highest layer, so that grids have to reach the last one.
    """
    shallowest = layers[min(layers, key=lambda name: int(layers[name].max()))]
    wanted = (shallowest + 1) / (shallowest.max() + 1)

    def nearest(own: Int[np.ndarray, " _"]) -> Int[np.ndarray, " shallowest"]:
        own = np.sort(own)
        # Rounded, so that two layers equally near are equally near in floating point too.
        apart = np.abs(wanted[:, None] - (own + 1) / (own.max() + 1)).round(9)
        return own[apart.argmin(1)]

    return {name: nearest(own) for name, own in layers.items()}


def _check_labels(first: str, one: xr.Dataset, second: str, two: xr.Dataset) -> None:
    """Raise DataError, with what to do about it, unless two grids have the same layers and roles."""
    for axis, remedy in (
        ("layer", "compare them by relative depth: layers='depth' (on the command line: --layers depth)"),
        ("token", "make both with the same roles (on the command line of `interp run`: --role)"),
    ):
        own, other = one.indexes[axis].tolist(), two.indexes[axis].tolist()
        if set(own) != set(other):
            raise DataError(
                f"grids: {first} and {second} differ in their {axis} labels ({_labels(own)} against "
                f"{_labels(other)}); {remedy}, or choose cells in Python: grid.sel({axis}=[…])"
            )


def _labels(values: list) -> str:
    return ", ".join(map(str, values[:4])) + (f" … {values[-1]}" if len(values) > 4 else "")
