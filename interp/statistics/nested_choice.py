"""Which cell is best, judged without a fold: what a nested choice needs (definitions: best cell).

The out-of-fold scores of the other folds will not do. Their probes were fitted on the fold that is left out, and the
same products of samples raise both folds' AUCs: on pure noise a cell chosen so has AUC 0.55, not 0.50. Here every pair
of folds is left out in turn, and a probe of the remaining folds scores both: no probe that takes part in the choice has
seen a label of the fold.
"""

from collections.abc import Callable
from itertools import combinations

import numpy as np
from jaxtyping import Bool, Float, Int

from interp.statistics.auc import MIN_PER_CLASS, undefined
from interp.statistics.rank_sum import concordant_pairs
from interp.statistics.resampling import NestedBest, composed_best
from interp.statistics.ridge import FoldRidge
from interp.statistics.samples import Samples

ALPHA = 1.0
"""Ridge penalty of the probes that choose: their features have variance 1."""


def choice_auc(
    x: Float[np.ndarray, "sample width"], y: Int[np.ndarray, " sample"], fold: Int[np.ndarray, " sample"]
) -> Float[np.ndarray, " fold"]:
    """For each fold, AUC within the other folds of ridge probes that were fitted without it and without their own fold.

    NaN where a training part has one class, or two folds leave none to train on. Ridge for every linear probe, because
    only the order of cells is asked for; columns are standardised over all samples, so that products of samples are
    computed once for all ten training parts.
    """
    ridge = FoldRidge.of(x, fold, alpha=ALPHA)
    pairs = list(combinations(ridge.parts, 2)) if len(ridge.parts) > 2 else []
    by_pair = dict(zip(pairs, ridge.scores(y[ridge.order][None].astype(np.float64), pairs), strict=True))

    def scores(out: np.ndarray) -> np.ndarray:
        first, second = np.unique(fold[out]).tolist()
        found = np.empty(int(out.sum()))
        # Its samples stand fold by fold there, and here as they were given.
        found[np.argsort(fold[out], kind="stable")] = by_pair[first, second][0]
        return found

    return pairs_left_out_auc(scores, y, fold)


def pairs_left_out_auc(
    scores: Callable[[Bool[np.ndarray, " sample"]], Float[np.ndarray, " out"]],
    y: Int[np.ndarray, " sample"],
    fold: Int[np.ndarray, " sample"],
) -> Float[np.ndarray, " fold"]:
    """`choice_auc` of any probe: `scores` trains it without the samples of two folds and scores those."""
    numbers = np.unique(fold)
    score = np.full((len(numbers), len(y)), np.nan)  # of every sample, by the fold that was left out beside its own
    for pair in combinations(numbers.tolist(), 2):
        out = np.isin(fold, pair)
        if y[~out].any() and not y[~out].all():
            found = scores(out)
            for scored, beside in (pair, pair[::-1]):
                score[numbers == beside, fold == scored] = found[fold[out] == scored]
    concordant, pairs = np.zeros((2, len(numbers)))
    for f in numbers:
        beside, inside = numbers != f, fold == f
        part = concordant_pairs(score[np.ix_(beside, inside)], y[inside] == 1)
        concordant[beside] += part[0]
        pairs[beside] += part[1]
    return np.divide(concordant, pairs, out=np.full(len(numbers), np.nan), where=pairs > 0)


def chosen_best(
    score: Float[np.ndarray, "sample cell"],
    choice: Float[np.ndarray, "fold cell"],
    samples: Samples,
    *,
    training: Float[np.ndarray, "sample cell side direction"] | None = None,
    min_per_class: int = MIN_PER_CLASS,
) -> NestedBest:
    """AUC of the best cell, chosen for each fold by `choice_auc` and scored on that fold (definitions: best cell).

    `training`: the cells' `training_sketch`, for the interval (`composed_best`).
    """
    folds = np.unique(samples.fold)
    if not np.isfinite(choice).any(1).all():
        reason = "without some fold no cell can be judged: a training part of the choice has one class only"
        return NestedBest(undefined(len(samples), 0, 0, reason), {}, np.full(len(samples), np.nan))
    cells = np.nan_to_num(choice, nan=-1.0).argmax(1)
    chosen = dict(zip(folds.tolist(), cells.tolist(), strict=True))
    return composed_best(score, chosen, samples, training=training, min_per_class=min_per_class)
