"""Differences in AUC between any number of grids: models, data sets, sites, estimators, runs."""

from collections.abc import Mapping
from itertools import combinations
from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Float, Int

from interp.arguments import mapping, one_of
from interp.errors import DataError
from interp.probing.grid import GridArrays, check_grid, grid_arrays
from interp.statistics.cross_fold import Sketch
from interp.statistics.inference import (
    MIN_PER_CLASS,
    Estimate,
    auc_influence,
    benjamini_hochberg,
    delta_auc,
    group_codes,
    normal_estimate,
    undefined,
)

LAYERS = ("same", "depth")


def compare_runs(grids: Any, *, layers: str = "same") -> xr.Dataset:
    """One grid minus another, for every pair, on (pair, layer, token): `delta`, `low`, `high`, `p`, `q`, `reason`.

    `grids`: {name: grid}, with the same roles, not the same samples. `layers="same"` compares layer by layer, `"depth"`
    models of different depth: every layer of the shallowest grid with the layer of the nearest relative depth in each
    other grid (`layers_by_depth`); `first_layer` and `second_layer` (pair, layer) say which are compared.

    Where two grids have the same samples, labels and folds, `samples` of the pair is "same", and a cell is the ΔAUC
    over the samples valid in both. Otherwise each AUC keeps its own samples, and the variance of the difference is
    the sum over all groups of the squared difference of the two influences: groups that both grids hold (the same
    questions, put to two models) are paired, the others independent; `shared_groups` counts them and `samples` says
    "shared groups" or "independent". `q` is by Benjamini-Hochberg over all pairs and cells. `mean_delta` with
    `mean_low`, `mean_high` and `mean_p` is the mean over the cells defined in both.

    Raises DataError for fewer than two grids, or layers or roles that differ: never an inner join.
    """
    grids = mapping("grids", grids, "{name: grid}, every grid under a name of its own")
    one_of("layers", layers, LAYERS)
    names = list(grids)
    if len(names) < 2:
        raise DataError(f"grids: expected at least two to compare, got {len(names)}")
    for grid in grids.values():
        check_grid(grid)
    own = {name: grid["layer"].values for name, grid in grids.items()}
    if layers == "depth":
        own = layers_by_depth(own)
        shallowest = min(grids.values(), key=lambda grid: int(grid["layer"].max()))["layer"].values
        grids = {name: grid.sel(layer=own[name]).assign_coords(layer=shallowest) for name, grid in grids.items()}
    first = grids[names[0]]
    for name in names[1:]:
        _check_labels(names[0], first, name, grids[name])
    pairs = list(combinations(names, 2))
    cells = [_pair(grids[a], grids[b]) for a, b in pairs]
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


def layers_by_depth(layers: Mapping[str, Int[np.ndarray, " _"]]) -> dict[str, Int[np.ndarray, " shallowest"]]:
    """For every layer of the shallowest grid the layer of the nearest relative depth in each grid; of two, the lower.

    The relative depth of layer l (from 0) is (l + 1) / L, the share of the model's L blocks that it stands behind; L is
    taken from the grid's highest layer, so that grids have to reach the last one.
    """
    depth = {name: (own + 1) / (own.max() + 1) for name, own in layers.items()}
    wanted = depth[min(layers, key=lambda name: int(layers[name].max()))]
    # Rounded, so that two layers equally near are equally near in floating point too.
    apart = {name: np.abs(wanted[:, None] - depth[name]).round(9) for name in layers}
    return {name: own[apart[name].argmin(1)] for name, own in layers.items()}


def _check_labels(first: str, one: xr.Dataset, second: str, two: xr.Dataset) -> None:
    """Raise DataError, with what to do about it, unless two grids have the same layers and roles."""
    for axis, remedy in (
        ("layer", "compare them by relative depth: layers='depth' (on the command line: --layers depth)"),
        ("token", "make both with the same roles (on the command line of `interp run`: --role)"),
    ):
        own, other = one.indexes[axis].tolist(), two.indexes[axis].tolist()
        if own != other:
            raise DataError(
                f"grids: {first} and {second} differ in their {axis} labels ({_labels(own)} against "
                f"{_labels(other)}); {remedy}, or choose cells in Python: grid.sel({axis}=[…])"
            )


def _labels(values: list) -> str:
    return ", ".join(map(str, values[:4])) + (f" … {values[-1]}" if len(values) > 4 else "")


def _pair(first: xr.Dataset, second: xr.Dataset) -> tuple[str, int, list[Estimate], Estimate]:
    """How the pair's samples are related, how many groups they share, the cells' differences, and their mean."""
    one, two = grid_arrays(first), grid_arrays(second)
    groups = [grid["group"].values.tolist() for grid in (first, second)]
    shared = len(set(groups[0]) & set(groups[1]))
    least = int(max(grid.attrs.get("min_per_class", MIN_PER_CLASS) for grid in (first, second)))
    same = first.indexes["sample"].equals(second.indexes["sample"]) and all(
        np.array_equal(first[name].values, second[name].values) for name in ("y", "fold", "group")
    )
    # One code per group over both grids: the influences of a group that both hold are subtracted before squaring.
    group = one.group if same else group_codes(groups[0] + groups[1])
    why = [grid["reason"].transpose("layer", "token").values for grid in (first, second)]
    estimates, trained = [], []
    for layer, role in np.ndindex(*one.auc.shape):
        n = len(group)
        if reason := str(why[0][layer, role] or why[1][layer, role]):
            estimates.append(undefined(n, 0, 0, reason))
        elif same:
            scores = (one.score[:, layer, role], two.score[:, layer, role])
            trained.append(one.trained(layer, role) - two.trained(layer, role))
            labels = (one.y, one.fold, group)
            estimates.append(delta_auc(*scores, *labels, training=trained[-1], min_per_class=least))
        else:
            trained.append(np.concatenate([one.trained(layer, role), -two.trained(layer, role)]))
            estimates.append(_own_samples(one, two, layer, role, group, trained[-1]))
    defined = [e for e in estimates if not e.reason]
    if defined:
        influence, training = np.mean([e.influence for e in defined], axis=0), np.mean(trained, axis=0)
        value = float(np.mean([e.value for e in defined]))
        mean = normal_estimate(value, influence, group, len(group), 0, training=training)
    else:
        mean = undefined(len(group), 0, 0, "no cell is defined in both")
    kind = "same" if same else "shared groups" if shared else "independent"
    return kind, shared, estimates, mean


def _own_samples(
    one: GridArrays, two: GridArrays, layer: int, role: int, group: Int[np.ndarray, " sample"], training: Sketch
) -> Estimate:
    """Difference of two AUCs, each on its own samples; `group` codes the first grid's samples, then the second's."""
    parts: list[Float[np.ndarray, " sample"]] = []
    values = []
    for sign, grid in ((1.0, one), (-1.0, two)):
        value, influence = auc_influence(grid.score[:, layer, role], grid.y, grid.fold)
        values.append(value)
        parts.append(sign * influence)
    n = int(sum(np.isfinite(grid.score[:, layer, role]).sum() for grid in (one, two)))
    return normal_estimate(values[0] - values[1], np.concatenate(parts), group, n, 0, training=training)


def describe_differences(differences: xr.Dataset) -> list[str]:
    """What `compare_runs` found, in a few lines per pair."""
    lines = []
    for name in differences["pair"].values:
        pair = differences.sel(pair=name)
        delta, q = pair["delta"].values, pair["q"].values
        how = {"same": "the same samples", "independent": "no question in common"}.get(
            str(pair["samples"].item()), f"{int(pair['shared_groups'])} questions in common"
        )
        lines.append(f"{name} ({how})")
        own, other = pair["first_layer"].values.tolist(), pair["second_layer"].values.tolist()
        if own != other:
            matched = ", ".join(f"{a} with {b}" for a, b in zip(own, other, strict=True))
            lines.append(f"  layers are paired by relative depth: {matched}")
        if not np.isfinite(delta).any():
            lines.append("  no cell is defined in both")
            continue
        mean, low, high, p = (float(pair[f"mean_{key}"]) for key in ("delta", "low", "high", "p"))
        lines.append(f"  mean difference in AUC over cells: {mean:+.3f} [{low:+.3f}, {high:+.3f}], p = {p:.2g}")
        higher, lower = int(((q < 0.05) & (delta > 0)).sum()), int(((q < 0.05) & (delta < 0)).sum())
        lines.append(f"  of {int(np.isfinite(delta).sum())} cells {higher} are higher, {lower} lower (q < 0.05)")
        row, column = np.unravel_index(int(np.nanargmax(np.abs(delta))), delta.shape)
        layer = str(own[row]) if own[row] == other[row] else f"{own[row]} against {other[row]}"
        place = f"layer {layer}, {pair['token'].values[column]}"
        span = f"[{float(pair['low'][row, column]):+.3f}, {float(pair['high'][row, column]):+.3f}]"
        lines.append(f"  largest at {place}: {delta[row, column]:+.3f} {span}, q = {q[row, column]:.2g}")
    return lines
