"""Which cell is best, judged without a fold: what a nested choice needs (SPEC: best cell).

The out-of-fold scores of the other folds will not do. Their probes were fitted on the fold that is left out, and the
same products of samples raise both folds' AUCs: on pure noise a cell chosen so has AUC 0.55, not 0.50. Here every pair
of folds is left out in turn, and a probe of the remaining folds scores both: none that takes part in the choice has
seen the fold.
"""

from itertools import combinations

import numpy as np
from jaxtyping import Float, Int
from scipy import linalg

from interp.inference import MIN_PER_CLASS, concordance, estimate_auc, undefined
from interp.resampling import NestedBest

ALPHA = 1.0
"""Ridge penalty of the probes that choose, on standardised columns: the least squares of C = 1."""


def choice_auc(
    x: Float[np.ndarray, "sample width"], y: Int[np.ndarray, " sample"], fold: Int[np.ndarray, " sample"]
) -> Float[np.ndarray, " fold"]:
    """For each fold, AUC within the other folds of ridge probes that were fitted without it and without their own fold.

    NaN where a training part has one class or no varying column. Ridge, because only the order of cells is asked for.
    """
    numbers = np.unique(fold)
    concordant, pairs = np.zeros((2, len(numbers)))
    for a, b in combinations(range(len(numbers)), 2):
        out = (fold == numbers[a]) | (fold == numbers[b])
        score = _ridge(x[~out], y[~out], x[out])
        for scored, left_out in ((a, b), (b, a)):
            inside = fold[out] == numbers[scored]
            part = concordance(score[inside], y[out][inside], fold[out][inside])
            concordant[left_out] += part[0].sum()
            pairs[left_out] += part[1].sum()
    return np.divide(concordant, pairs, out=np.full(len(numbers), np.nan), where=pairs > 0)


def _ridge(
    x: Float[np.ndarray, "sample width"], y: Int[np.ndarray, " sample"], new: Float[np.ndarray, "other width"]
) -> Float[np.ndarray, " other"]:
    """Decision values, up to their offset, on columns standardised within the training part."""
    mean, scale = x.mean(0), x.std(0)
    varies = scale > 1e-12 * np.abs(mean)
    if not varies.any() or len(np.unique(y)) < 2:
        return np.full(len(new), np.nan)
    z = (x[:, varies] - mean[varies]) / scale[varies]
    target = y - y.mean()
    wide = z.shape[1] > z.shape[0]
    inner = z @ z.T if wide else z.T @ z
    inner[np.diag_indices_from(inner)] += ALPHA
    solution = linalg.solve(inner, target if wide else z.T @ target, assume_a="pos", check_finite=False)
    weights = z.T @ solution if wide else solution
    return ((new[:, varies] - mean[varies]) / scale[varies]) @ weights


def chosen_best(
    score: Float[np.ndarray, "sample cell"],
    choice: Float[np.ndarray, "fold cell"],
    y: Int[np.ndarray, " sample"],
    fold: Int[np.ndarray, " sample"],
    group: Int[np.ndarray, " sample"],
    *,
    min_per_class: int = MIN_PER_CLASS,
) -> NestedBest:
    """AUC of the best cell, chosen for each fold by `choice_auc` and scored on that fold (SPEC: best cell)."""
    folds = np.unique(fold)
    if not np.isfinite(choice).any(1).all():
        reason = "without some fold no cell can be judged: a training part of the choice has one class only"
        return NestedBest(undefined(len(y), 0, 0, reason), {}, np.full(len(y), np.nan))
    cells = np.nan_to_num(choice, nan=-1.0).argmax(1)
    composed = np.full(len(y), np.nan)
    for f, cell in zip(folds, cells, strict=True):
        composed[fold == f] = score[fold == f, cell]
    estimate = estimate_auc(composed, y, fold, group, min_per_class=min_per_class)
    return NestedBest(estimate, dict(zip(folds.tolist(), cells.tolist(), strict=True)), composed)
