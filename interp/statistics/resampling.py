"""Statements about a whole grid: its best cell, where its peak lies, and whether two grids look alike.

Scores come as (sample, cell); `NaN` = the sample is not in this cell. Definitions: numbers, exactly.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from interp.statistics.auc import LEVEL, MIN_PER_CLASS, Estimate, concordance, estimate_auc, group_sums
from interp.statistics.samples import Samples


@dataclass(frozen=True)
class NestedBest:
    """The grid's best cell, chosen on the other folds and scored on each fold."""

    estimate: Estimate
    chosen: dict[int, int]
    """The cell chosen for each fold."""
    score: Float[np.ndarray, " sample"]
    """Each sample's score in the cell that was chosen without its fold."""


@dataclass(frozen=True)
class SplitHalves:
    """Mean correlations over cells between grids of two disjoint halves of the groups."""

    between: float
    """Grid 1 on one half with grid 2 on the other."""
    within_1: float
    """Grid 1 with itself across halves: the ceiling of `between`."""
    within_2: float
    n_cells: int


def nested_best(
    score: Float[np.ndarray, "sample cell"],
    samples: Samples,
    *,
    min_per_class: int = MIN_PER_CLASS,
) -> NestedBest:
    """AUC of the best cell, chosen on the other folds and scored on each fold (definitions: best cell).

    `score` holds defined cells only. Chosen so, the best of many cells is not favoured by its luck.
    """
    aucs = aucs_without_folds(score, samples)
    chosen = {int(f): int(auc.argmax()) for f, auc in zip(np.unique(samples.fold), aucs, strict=True)}
    return composed_best(score, chosen, samples, min_per_class=min_per_class)


def aucs_without_folds(score: Float[np.ndarray, "sample cell"], samples: Samples) -> Float[np.ndarray, "fold cell"]:
    """AUC of every cell over all folds but one, for each fold; -1 where no pair is left."""
    y, fold = samples.y, samples.fold
    folds = np.unique(fold)
    concordant, pairs = np.zeros((2, len(folds), score.shape[1]))
    masks, cell_mask = np.unique(np.isfinite(score), axis=1, return_inverse=True)
    for number, used in enumerate(masks.T):  # cells of one role mostly have the same samples
        cells = np.flatnonzero(cell_mask.ravel() == number)
        present = np.isin(folds, fold[used])
        parts = concordance(np.ascontiguousarray(score[np.ix_(used, cells)].T), y[used], fold[used])
        concordant[np.ix_(present, cells)], pairs[np.ix_(present, cells)] = parts
    aucs = []
    for i in range(len(folds)):
        others = np.arange(len(folds)) != i
        total = pairs[others].sum(0)
        aucs.append(np.divide(concordant[others].sum(0), total, out=np.full(total.shape, -1.0), where=total > 0))
    return np.array(aucs)


def composed_best(
    score: Float[np.ndarray, "sample cell"],
    chosen: dict[int, int],
    samples: Samples,
    *,
    training: Float[np.ndarray, "sample cell side direction"] | None = None,
    min_per_class: int = MIN_PER_CLASS,
) -> NestedBest:
    """AUC of each fold's chosen cell on that fold.

    `training`: the cells' `training_sketch`. Each fold takes its own cell's, as if the other folds had chosen that cell
    too: exact where they agree; where they do not, folds share less than that, and the interval is a little wide. That
    each fold takes part in the others' choice is not in it: a little narrow where a few cells compete
    (docs/calibration.md).
    """
    cell = np.array([chosen[f] for f in samples.fold.tolist()])
    own = (np.arange(len(samples)), cell)
    shared = None if training is None else training[own]
    estimate = estimate_auc(score[own], samples, training=shared, min_per_class=min_per_class)
    return NestedBest(estimate, chosen, score[own])


def peak_set(
    auc: Float[np.ndarray, " cell"],
    influence: Float[np.ndarray, "cell sample"],
    group: Int[np.ndarray, " sample"],
    *,
    seed: int = 0,
    resamples: int = 2000,
) -> Float[np.ndarray, " cell"]:
    """Share of the resamples whose maximum each cell holds, for the cells of the peak set; 0 elsewhere.

    The smallest set of cells that holds 95 % of the argmaxes over Gaussian multiplier resamples of the group
    influences, drawn by `default_rng([seed, 1])` (definitions: where it is). NaN cells (undefined) never win.
    """
    share = np.zeros(len(auc))
    defined = np.flatnonzero(np.isfinite(auc))
    if len(defined) == 0:
        return share
    sums = group_sums(influence[defined], group)
    multipliers = np.random.default_rng([seed, 1]).standard_normal((resamples, sums.shape[1]))
    winners = (auc[defined] + multipliers @ sums.T).argmax(1)
    wins = np.bincount(winners, minlength=len(defined)) / resamples
    order = np.argsort(-wins, kind="stable")
    size = int(np.searchsorted(np.cumsum(wins[order]), LEVEL - 1e-12)) + 1
    share[defined[order[:size]]] = wins[order[:size]]
    return share


def split_halves(
    score_1: Float[np.ndarray, "sample layer role"],
    score_2: Float[np.ndarray, "sample layer role"],
    samples: Samples,
    defined: Bool[np.ndarray, "layer role"],
    *,
    seed: int = 0,
    halvings: int = 200,
) -> dict[str, SplitHalves]:
    """Do two grids look alike? `raw`, and `centred` (row and column means removed; definitions: alike).

    Groups are split in two halves, `halvings` times, by `default_rng([seed, 2])`; over the `defined` cells, grid 1
    on one half is correlated with grid 2 on the other.
    """
    n_groups = int(samples.group.max()) + 1
    order = np.random.default_rng([seed, 2]).permuted(np.tile(np.arange(n_groups), (halvings, 1)), axis=1)
    first = (order < n_groups // 2)[:, samples.group]
    halves = np.concatenate([first, ~first])
    labels = (samples.y, samples.fold)
    grids = [_half_aucs(score, *labels, halves, defined).reshape(2, halvings, -1) for score in (score_1, score_2)]
    layer, role = np.nonzero(defined)

    def mean_correlation(a: np.ndarray, b: np.ndarray, centre: bool) -> float:
        values = [_correlation(x, z, layer, role, centre) for x, z in zip(a, b, strict=True)]
        return float(np.nanmean(values)) if np.isfinite(values).any() else float("nan")

    (a1, b1), (a2, b2) = grids
    return {
        name: SplitHalves(
            between=mean_correlation(np.concatenate([a1, b1]), np.concatenate([b2, a2]), centre),
            within_1=mean_correlation(a1, b1, centre),
            within_2=mean_correlation(a2, b2, centre),
            n_cells=len(layer),
        )
        for name, centre in (("raw", False), ("centred", True))
    }


def _half_aucs(
    score: Float[np.ndarray, "sample layer role"],
    y: Int[np.ndarray, " sample"],
    fold: Int[np.ndarray, " sample"],
    halves: Bool[np.ndarray, "half sample"],
    defined: Bool[np.ndarray, "layer role"],
) -> Float[np.ndarray, "half cell"]:
    """Within-fold AUC of every defined cell on every half: all halves in one product with the table of pairs."""
    weight = halves.astype(np.float32)  # sums of 0, 1/2 and 1 below 2^24 are exact in float32
    columns = []
    for layer, role in np.argwhere(defined):
        column = score[:, layer, role]
        concordant, pairs = np.zeros((2, len(halves)))
        for f in np.unique(fold):
            inside = np.isfinite(column) & (fold == f)
            correct, wrong = np.flatnonzero(inside & (y == 1)), np.flatnonzero(inside & (y == 0))
            above = column[correct, None] - column[None, wrong]
            table = ((np.sign(above) + 1) / 2).astype(np.float32)
            concordant += np.einsum("hk,hk->h", weight[:, correct] @ table, weight[:, wrong], dtype=np.float64)
            pairs += weight[:, correct].sum(1, dtype=np.float64) * weight[:, wrong].sum(1, dtype=np.float64)
        columns.append(np.divide(concordant, pairs, out=np.full(len(halves), np.nan), where=pairs > 0))
    return np.stack(columns, axis=1) if columns else np.zeros((len(halves), 0))


def _correlation(
    x: Float[np.ndarray, " cell"],
    z: Float[np.ndarray, " cell"],
    layer: Int[np.ndarray, " cell"],
    role: Int[np.ndarray, " cell"],
    centre: bool,
) -> float:
    """Pearson correlation over the cells known in both; NaN for fewer than three or constant values."""
    known = np.isfinite(x) & np.isfinite(z)
    if known.sum() < 3:
        return float("nan")
    pair = np.stack([x[known], z[known]])
    if centre:
        pair = remove_row_and_column_means(pair, layer[known], role[known])
    pair = pair - pair.mean(1, keepdims=True)
    norm = np.sqrt((pair**2).sum(1))
    return float(pair[0] @ pair[1] / norm.prod()) if norm.min() > 1e-12 else float("nan")


def remove_row_and_column_means(
    values: Float[np.ndarray, "*grid cell"], layer: Int[np.ndarray, " cell"], role: Int[np.ndarray, " cell"]
) -> Float[np.ndarray, "*grid cell"]:
    """What is left of each cell after the best additive layer + role fit (exact also where cells are missing)."""
    design = np.concatenate([layer[:, None] == np.unique(layer), role[:, None] == np.unique(role)], axis=1)
    fit = np.linalg.lstsq(design.astype(float), values.reshape(-1, len(layer)).T, rcond=None)[0]
    return values - (design @ fit).T.reshape(values.shape)
