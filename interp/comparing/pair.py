"""The difference in AUC between two grids, cell by cell and on average, on the same samples or each on its own."""

from dataclasses import replace

import numpy as np
import xarray as xr
from jaxtyping import Float, Int

from interp.grids.grid import GridArrays, grid_arrays
from interp.grids.join import reordered
from interp.statistics.auc import MIN_PER_CLASS, Estimate, auc_influence, delta_auc, normal_estimate, undefined
from interp.statistics.cross_fold import Sketch
from interp.statistics.samples import DIRECTIONS, group_codes


def difference_of_pair(first: xr.Dataset, second: xr.Dataset) -> tuple[str, int, list[Estimate], Estimate]:
    """How the pair's samples are related, how many groups they share, the cells' differences, and their mean."""
    same = _same_samples(first, second)
    if same:
        second = reordered(second, {"sample": first.indexes["sample"]})
    one, two = grid_arrays(first), grid_arrays(second)
    groups = [grid["group"].values.tolist() for grid in (first, second)]
    shared = len(set(groups[0]) & set(groups[1]))
    least = int(max(grid.attrs.get("min_per_class", MIN_PER_CLASS) for grid in (first, second)))
    # One code per group over both grids: the influences of a group that both hold are subtracted before squaring.
    group = one.group if same else group_codes(groups[0] + groups[1])
    why = [grid["reason"].transpose("layer", "token").values for grid in (first, second)]
    estimates: list[Estimate] = []
    total = _MeanDifference(group)
    for layer, role in np.ndindex(*one.auc.shape):
        if reason := str(why[0][layer, role] or why[1][layer, role]):
            estimates.append(undefined(len(group), 0, 0, reason))
            continue
        if same:
            estimate, training = _common_samples(one, two, layer, role, least)
        else:
            estimate, training = _own_samples(one, two, layer, role, group)
        estimates.append(replace(estimate, influence=np.empty(0)))  # as long as the samples: only their sum is needed
        total.add(estimate, training)
    kind = "same" if same else "shared groups" if shared else "independent"
    return kind, shared, estimates, total.estimate()


def _same_samples(first: xr.Dataset, second: xr.Dataset) -> bool:
    """Whether two grids have the same samples, in whatever order, each with the same label, fold and group."""
    a, b = first.indexes["sample"], second.indexes["sample"]
    if not a.sort_values().equals(b.sort_values()):
        return False
    at = b.get_indexer(a)
    return all(np.array_equal(first[name].values, second[name].values[at]) for name in ("y", "fold", "group"))


def _common_samples(one: GridArrays, two: GridArrays, layer: int, role: int, least: int) -> tuple[Estimate, Sketch]:
    """ΔAUC of a cell over the samples valid in both grids, with the sketch of its variance over these samples."""
    scores = (one.score[:, layer, role], two.score[:, layer, role])
    training = one.trained(layer, role) - two.trained(layer, role)
    training[~np.isfinite(scores).all(0)] = 0.0
    return delta_auc(*scores, one.samples, training=training, min_per_class=least), training


def _own_samples(
    one: GridArrays, two: GridArrays, layer: int, role: int, group: Int[np.ndarray, " sample"]
) -> tuple[Estimate, Sketch]:
    """Difference of two AUCs, each on its own samples; `group` codes the first grid's samples, then the second's."""
    parts: list[Float[np.ndarray, " sample"]] = []
    values = []
    for sign, grid in ((1.0, one), (-1.0, two)):
        value, influence = auc_influence(grid.score[:, layer, role], grid.y, grid.fold, grid.group)
        values.append(value)
        parts.append(sign * influence)
    n = int(sum(np.isfinite(grid.score[:, layer, role]).sum() for grid in (one, two)))
    training = np.concatenate([one.trained(layer, role), -two.trained(layer, role)])
    estimate = normal_estimate(values[0] - values[1], np.concatenate(parts), group, n, 0, training=training)
    return estimate, training


class _MeanDifference:
    """The mean of cells' differences: of the defined ones only, each with its own influences and sketch."""

    def __init__(self, group: Int[np.ndarray, " sample"]) -> None:
        self.group, self.cells, self.value = group, 0, 0.0
        self.influence, self.training = np.zeros(len(group)), np.zeros((len(group), 2, DIRECTIONS))

    def add(self, estimate: Estimate, training: Sketch) -> None:
        """One cell more, unless it is undefined."""
        if estimate.reason:
            return
        self.cells += 1
        self.value += estimate.value
        self.influence += estimate.influence
        self.training += training

    def estimate(self) -> Estimate:
        """The mean with its interval and p."""
        n = len(self.group)
        if not self.cells:
            return undefined(n, 0, 0, "no cell is defined in both")
        influence, training = self.influence / self.cells, self.training / self.cells
        return normal_estimate(self.value / self.cells, influence, self.group, n, 0, training=training)
