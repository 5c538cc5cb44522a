"""Means and medians of right and of wrong samples, and their difference, resampled by group: groups stay whole."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from interp.statistics.auc import group_sums
from interp.statistics.group_bootstrap import mean_estimate, resampled_means

ROWS = 256
"""Rows of which resamples are held at once."""
MEDIAN_RESAMPLES = 500
"""Every resample of a median runs over all samples."""
LABELS = ("right", "wrong")


@dataclass(frozen=True)
class ByLabel:
    """Of every row, right samples first; NaN where no sample has a value, ends NaN with fewer than two groups."""

    value: Float[np.ndarray, "label row"]
    low: Float[np.ndarray, "label row"]
    high: Float[np.ndarray, "label row"]
    n: Int[np.ndarray, "label row"]
    difference: Float[np.ndarray, "number row"]
    """Of means, right less wrong: value, the ends of its 95 % interval, two-sided p against 0."""


def means_by_label(
    values: Float[np.ndarray, "row sample"],
    y: Int[np.ndarray, " sample"],
    group: Int[np.ndarray, " sample"],
    *,
    resamples: int = 2000,
    seed: int = 0,
) -> ByLabel:
    """Means over the samples that have a value, by the draws of `resampled_means`, which both labels share."""
    parts = [_means(values[at : at + ROWS], y, group, resamples, seed) for at in range(0, len(values), ROWS)]
    return _joined(parts, len(values))


def _means(values: np.ndarray, y: np.ndarray, group: np.ndarray, resamples: int, seed: int) -> ByLabel:
    used = _used(values, y)
    n = used.sum(-1)
    sums = np.where(used, values, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        value = sums.sum(-1) / n
        stacked = np.concatenate([*sums, *used.astype(np.float64)])
        drawn = resampled_means(stacked, group, resamples=resamples, seed=seed).reshape(resamples, 2, 2, -1)
        drawn = drawn[:, 0] / drawn[:, 1]  # of the sums and of the counts, whose ratio is the resampled mean
    difference = np.full((4, len(values)), np.nan)
    difference[0] = value[0] - value[1]
    for row in range(len(values)):
        groups = [len(np.unique(group[one])) for one in used[:, row]]
        if min(groups) > 1:
            both = drawn[:, 0, row] - drawn[:, 1, row]
            found = mean_estimate(difference[0, row], both[np.isfinite(both)], min(groups))
            difference[1:, row] = found.low, found.high, found.p
    return ByLabel(value, *_ends(value, drawn, used, group), n, difference)


def medians_by_label(
    values: Float[np.ndarray, "row sample"],
    y: Int[np.ndarray, " sample"],
    group: Int[np.ndarray, " sample"],
    *,
    resamples: int = MEDIAN_RESAMPLES,
    seed: int = 0,
) -> ByLabel:
    """Medians over the samples that have a value; groups are drawn as in `means_by_label`. No difference."""
    used, codes = _used(values, y), np.unique(group, return_inverse=True)[1]
    n_groups = int(codes.max()) + 1
    rng = np.random.default_rng([seed, 6])
    weight = rng.multinomial(n_groups, np.full(n_groups, 1 / n_groups), size=resamples).astype(np.float64)
    value, drawn = np.full((2, len(values)), np.nan), np.full((resamples, 2, len(values)), np.nan)
    for label, row in np.ndindex(*value.shape):
        own = np.flatnonzero(used[label, row])
        if len(own):
            own = own[np.argsort(values[row, own], kind="stable")]
            value[label, row] = np.median(values[row, own])
            drawn[:, label, row] = _weighted_median(values[row, own], weight[:, codes[own]])
    nothing = np.full((4, len(values)), np.nan)
    return ByLabel(value, *_ends(value, drawn, used, group), used.sum(-1), nothing)


def _weighted_median(
    ordered: Float[np.ndarray, " sample"], weight: Float[np.ndarray, "resample sample"]
) -> Float[np.ndarray, " resample"]:
    """As if every value stood there so often; NaN where none is drawn."""
    below = weight.cumsum(1)
    total = below[:, -1:]
    half = total / 2
    slack = 1e-9 * total
    lower, upper = (below >= half - slack).argmax(1), (below > half + slack).argmax(1)
    return np.where(total[:, 0] > 0, (ordered[lower] + ordered[upper]) / 2, np.nan)


def _used(values: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.isfinite(values)[None] & (y == np.array([1, 0])[:, None])[:, None]


def _ends(value: np.ndarray, drawn: np.ndarray, used: np.ndarray, group: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    low, high = np.full((2, *value.shape), np.nan)
    codes = np.unique(group, return_inverse=True)[1]
    for label in range(len(value)):
        groups = (group_sums(used[label].astype(np.float64), codes) > 0).sum(-1)
        for row in np.flatnonzero(groups > 1):
            column = drawn[:, label, row]
            found = mean_estimate(value[label, row], column[np.isfinite(column)], int(groups[row]))
            low[label, row], high[label, row] = found.low, found.high
    return low, high


def _joined(parts: list[ByLabel], n: int) -> ByLabel:
    if not n:
        nothing = np.zeros((2, 0))
        return ByLabel(nothing, nothing, nothing, nothing.astype(np.int64), np.zeros((4, 0)))
    names = ("value", "low", "high", "n", "difference")
    return ByLabel(*(np.concatenate([getattr(part, name) for part in parts], axis=-1) for name in names))
