"""The AUC and its interval, computed within folds; influences, differences, false discovery: pure functions on arrays.

Every function takes out-of-fold scores (`NaN` = the sample is not in this cell), labels (1 = correct), folds and
integer group codes, and knows nothing of layers or tokens. Definitions: docs/definitions.md, "Numbers, exactly".
"""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Int
from scipy import stats
from scipy.special import expit, stdtrit

from interp.statistics.cross_fold import shared_variance
from interp.statistics.rank_sum import concordant_pairs
from interp.statistics.samples import Samples, fold_pairs, groups_of_classes, leverage_free

LEVEL = 0.95
MIN_PER_CLASS = 10
_Z = float(stats.norm.ppf(0.5 + LEVEL / 2))


@dataclass(frozen=True)
class Estimate:
    """An AUC, or a difference or mean of AUCs, with its 95 % interval; NaN and a reason where undefined."""

    value: float
    low: float
    high: float
    influence: Float[np.ndarray, " sample"] = field(repr=False)
    """How far each sample moves `value`; 0 for samples that are not used."""
    n: int
    n_correct: int
    se: float = float("nan")
    p: float = float("nan")
    """Two-sided, for differences only."""
    reason: str = ""


def undefined(n_samples: int, n: int, n_correct: int, reason: str) -> Estimate:
    """The estimate of a cell that has none: NaN everywhere and the reason, never 0.5."""
    nan = float("nan")
    return Estimate(nan, nan, nan, np.zeros(n_samples), n, n_correct, reason=reason)


def group_sums(
    values: Float[np.ndarray, "*cell sample"], group: Int[np.ndarray, " sample"]
) -> Float[np.ndarray, "*cell group"]:
    """Sum over the samples of each group."""
    out = np.zeros((int(group.max()) + 1, *values.shape[:-1]))
    np.add.at(out, group, np.moveaxis(values, -1, 0))
    return np.moveaxis(out, 0, -1)


def why_undefined(
    y: Int[np.ndarray, " sample"], fold: Int[np.ndarray, " sample"], min_per_class: int = MIN_PER_CLASS
) -> str:
    """Why samples with these labels and folds give no AUC (definitions: undefined); "" if they do."""
    n_correct, n_wrong = int((y == 1).sum()), int((y == 0).sum())
    if min(n_correct, n_wrong) < min_per_class:
        return f"{n_correct} correct and {n_wrong} wrong samples, at least {min_per_class} of each needed"
    if len(fold_pairs(y, fold)) < 2:
        return "fewer than two folds hold both a correct and a wrong sample"
    return ""


def concordance(
    score: Float[np.ndarray, "*#batch sample"],
    y: Int[np.ndarray, "*#batch sample"],
    fold: Int[np.ndarray, " sample"],
) -> tuple[Float[np.ndarray, "fold ..."], Float[np.ndarray, "fold ..."]]:
    """Concordant and all (correct, wrong) pairs of each fold, ties half; scores are finite, leading axes broadcast."""
    inside = [fold == f for f in np.unique(fold)]
    parts = [concordant_pairs(score[..., part], y[..., part] == 1) for part in inside]
    concordant, pairs = ([part[i] for part in parts] for i in range(2))
    return np.array(concordant), np.array(pairs)


def within_fold_auc(
    score: Float[np.ndarray, "*#batch sample"],
    y: Int[np.ndarray, "*#batch sample"],
    fold: Int[np.ndarray, " sample"],
) -> Float[np.ndarray, "..."]:
    """Share of concordant (correct, wrong) pairs of the same fold, ties half, over all such pairs (definitions: AUC).

    Leading axes of `score` and `y` (label permutations) broadcast; scores are finite. NaN where no fold has a pair.
    """
    concordant, pairs = (np.asarray(part.sum(0)) for part in concordance(score, y, fold))
    return np.divide(concordant, pairs, out=np.full(pairs.shape, np.nan), where=pairs > 0)


def auc_influence(
    score: Float[np.ndarray, " sample"],
    y: Int[np.ndarray, " sample"],
    fold: Int[np.ndarray, " sample"],
    group: Int[np.ndarray, " sample"],
) -> tuple[float, Float[np.ndarray, " sample"]]:
    """Within-fold AUC and every sample's influence on it; NaN scores are not used and have influence 0.

    In fold f with m correct and k wrong samples (DeLong et al. 1988) a correct sample's component is the share of
    wrong ones below it, a wrong sample's the share of correct ones above it; the influence is (component - AUC_f)/m
    or /k, times the fold's share of all pairs, over the square root of 1 less its group's share of the class in the
    fold (`leverage_free`). A class that is one group there has components of which nothing says how they vary: it
    moves the AUC by as much as the fold's differs from that of the other folds.
    """
    used = np.isfinite(score)
    counts = fold_pairs(y[used], fold[used])
    total = sum(m * k for m, k in counts.values())
    influence, concordant, lone = np.zeros(len(score)), 0.0, []
    for f, (m, k) in counts.items():
        inside = np.flatnonzero(used & (fold == f))
        correct, wrong = inside[y[inside] == 1], inside[y[inside] == 0]
        below = _share_below(score[wrong], score[correct])
        above = 1 - _share_below(score[correct], score[wrong])
        auc = float(below.mean())
        concordant += auc * m * k
        alone = []
        for members, component, others in ((correct, below, k), (wrong, above, m)):
            free = leverage_free(group[members])
            if free.all():
                influence[members] = (component - auc) * others / total / np.sqrt(free)
            else:
                alone.append(members)
        lone += [(auc, m * k / total, members, len(alone)) for members in alone]
    value = concordant / total if total else float("nan")
    for auc, share, members, sides in lone:
        if share < 1:  # (auc - value) / (1 - share): less the AUC of the other folds; where both classes do, half each
            influence[members] = share * (auc - value) / (1 - share) / np.sqrt(sides) / len(members)
    return value, influence


def _share_below(
    others: Float[np.ndarray, " other"], score: Float[np.ndarray, " sample"]
) -> Float[np.ndarray, " sample"]:
    """Share of the others that lie below each score, ties half."""
    ordered = np.sort(others)
    return (np.searchsorted(ordered, score, "left") + np.searchsorted(ordered, score, "right")) / (2 * len(ordered))


def standard_error(
    influence: Float[np.ndarray, " sample"],
    group: Int[np.ndarray, " sample"],
    training: Float[np.ndarray, "sample side direction"] | None = None,
    choice: float = 0.0,
) -> float:
    """Square root of the sum over groups of the squared summed influences (definitions: interval).

    Plus what the folds' errors share because each trained the others (`training_sketch`; None: not known), and because
    each takes part in the others' `choice` (`choice_variance`).
    """
    shared = 0.0 if training is None else shared_variance(training, group)
    return float(np.sqrt((group_sums(influence, group) ** 2).sum() + shared + choice))


def auc_interval(value: float, se: float, n_correct: int, n_wrong: int) -> tuple[float, float]:
    """95 % interval of an AUC: on the logit scale, by t; exact binomial on the smaller class at 0 or 1.

    `n_correct`, `n_wrong`: groups with samples of the class; the smaller number less one are the degrees of freedom.
    """
    tail, smaller = (1 - LEVEL) / 2, min(n_correct, n_wrong)
    if value <= 0 or value >= 1:
        bound = tail ** (1 / smaller)  # Clopper-Pearson with all successes
        return (bound, 1.0) if value >= 1 else (0.0, 1 - bound)
    wide = float(stdtrit(max(1, smaller - 1), 1 - tail))
    centre, half = np.log(value / (1 - value)), wide * se / (value * (1 - value))
    low, high = expit(centre + np.array([-half, half]))
    return float(low), float(high)


def estimate_auc(
    score: Float[np.ndarray, " sample"],
    samples: Samples,
    *,
    training: Float[np.ndarray, "sample side direction"] | None = None,
    choice: float = 0.0,
    min_per_class: int = MIN_PER_CLASS,
) -> Estimate:
    """One cell's AUC with interval and influences, or the reason why it is undefined (definitions: AUC, interval).

    `training`: the cell's `training_sketch`; None for scores not trained on these samples. `choice`: `choice_variance`.
    """
    y, fold = samples.y, samples.fold
    used = np.isfinite(score)
    n, n_correct = int(used.sum()), int(y[used].sum())
    if reason := why_undefined(y[used], fold[used], min_per_class):
        return undefined(len(score), n, n_correct, reason)
    value, influence = auc_influence(score, y, fold, samples.group)
    se = standard_error(influence, samples.group, training, choice)
    low, high = auc_interval(value, se, *groups_of_classes(y[used], samples.group[used]))
    return Estimate(value, low, high, influence, n, n_correct, se=se)


def normal_estimate(
    value: float,
    influence: Float[np.ndarray, " sample"],
    group: Int[np.ndarray, " sample"],
    n: int,
    n_correct: int,
    *,
    training: Float[np.ndarray, "sample side direction"] | None = None,
    choice: float = 0.0,
) -> Estimate:
    """A difference with its influences (`training`, `choice` as combined): normal 95 % interval and two-sided p."""
    se = standard_error(influence, group, training, choice)
    if se == 0 and value != 0:
        return undefined(
            len(influence), n, n_correct, "the difference has no variance (both grids are all ties or perfect)"
        )
    p = 1.0 if se == 0 else float(2 * stats.norm.sf(abs(value) / se))
    return Estimate(value, value - _Z * se, value + _Z * se, influence, n, n_correct, se=se, p=p)


def delta_auc(
    score_1: Float[np.ndarray, " sample"],
    score_2: Float[np.ndarray, " sample"],
    samples: Samples,
    *,
    training: Float[np.ndarray, "sample side direction"] | None = None,
    choice: float = 0.0,
    min_per_class: int = MIN_PER_CLASS,
) -> Estimate:
    """AUC of `score_1` minus AUC of `score_2`, over the samples valid in both (definitions: ΔAUC).

    `training`: the first cell's `training_sketch` minus the second's; `choice`: the `choice_variance` of both.
    """
    y, fold = samples.y, samples.fold
    both = np.isfinite(score_1) & np.isfinite(score_2)
    n, n_correct = int(both.sum()), int(y[both].sum())
    if reason := why_undefined(y[both], fold[both], min_per_class):
        return undefined(len(y), n, n_correct, reason)
    value_1, influence_1 = auc_influence(np.where(both, score_1, np.nan), y, fold, samples.group)
    value_2, influence_2 = auc_influence(np.where(both, score_2, np.nan), y, fold, samples.group)
    if training is not None:
        training = np.where(both[:, None, None], training, 0.0)
    value, influence = value_1 - value_2, influence_1 - influence_2
    return normal_estimate(value, influence, samples.group, n, n_correct, training=training, choice=choice)


def benjamini_hochberg(p: Float[np.ndarray, "*cell"]) -> Float[np.ndarray, "*cell"]:
    """q values over all finite p of the grid (Benjamini & Hochberg 1995); NaN stays NaN and is not counted."""
    q = np.full(p.shape, np.nan)
    known = np.isfinite(p)
    if known.any():
        q[known] = stats.false_discovery_control(p[known], method="bh")
    return q
