"""The ROC curve within folds: its area is the AUC of `auc.py`, and a band says how sure it is, point by point."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy import stats

from interp.statistics.auc import LEVEL
from interp.statistics.samples import fold_pairs, leverage_free

RATES = np.array([0, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0])
"""False-positive rates at which a curve is given: closer where a detector is used."""
_SLOPE_OVER = 0.05
"""Half of the stretch of false-positive rates over which the slope of a curve is taken."""
_Z = float(stats.norm.ppf(0.5 + LEVEL / 2))


@dataclass(frozen=True)
class Roc:
    """Share of the right answers believed, for each share of the wrong ones believed."""

    false_positives: Float[np.ndarray, " rate"]
    recall: Float[np.ndarray, " rate"]
    low: Float[np.ndarray, " rate"]
    """Of the pointwise 95 % interval."""
    high: Float[np.ndarray, " rate"]


def roc_curve(
    score: Float[np.ndarray, " sample"],
    y: Int[np.ndarray, " sample"],
    fold: Int[np.ndarray, " sample"],
    group: Int[np.ndarray, " sample"],
    *,
    rates: Float[np.ndarray, " rate"] = RATES,
) -> Roc:
    """The folds' curves averaged at each rate, a fold weighing as many pairs as it has: as in the AUC.

    `score` is finite and `group` holds codes. A fold's curve joins its corners by straight lines, so that ties count
    half. Interval: from the samples' influences on a point of the curve (Hsieh & Turnbull 1996: a right answer
    by whether it lies above the threshold, a wrong one by moving the threshold, times the folds' mean slope), summed
    over groups, few of them as in `auc_influence`; it speaks of the fitted probes, as they are.
    Raises ValueError where no fold holds both a right and a wrong answer.
    """
    pairs = fold_pairs(y, fold)
    if not pairs:
        raise ValueError("no fold holds both a right and a wrong answer")
    total = sum(right * wrong for right, wrong in pairs.values())
    weight = {f: right * wrong / total for f, (right, wrong) in pairs.items()}
    corners = {f: _corners(*(score[(fold == f) & (y == label)] for label in (1, 0))) for f in pairs}
    share = np.array(list(weight.values()))
    curves = {f: _on_curve(corners[f], rates) for f in pairs}
    recall = share @ np.stack([*curves.values()])
    slope = share @ np.stack([_slope(corners[f], rates) for f in pairs])
    influence = np.zeros((len(rates), len(score)))
    for f, (n_right, n_wrong) in pairs.items():
        right, wrong = ((fold == f) & (y == label) for label in (1, 0))
        threshold = np.quantile(score[wrong], 1 - rates, method="inverted_cdf")[:, None]
        alone = []
        for members, moves in ((right, 1 / n_right), (wrong, -slope[:, None] / n_wrong)):
            free = leverage_free(group[members])
            if free.all():
                above = _centred(score[members] > threshold) / np.sqrt(free)
                influence[:, members] = weight[f] * moves * above
            else:
                alone.append(members)
        for members in alone if weight[f] < 1 else ():  # of one group: as in `auc_influence`
            apart = (curves[f] - recall) / (1 - weight[f]) / np.sqrt(len(alone))
            influence[:, members] = weight[f] * apart[:, None] / members.sum()
    sums = np.add.reduceat(influence[:, order := np.argsort(group, kind="stable")], _starts(group[order]), axis=1)
    half = _Z * np.sqrt((sums**2).sum(1))
    return Roc(rates, recall, np.clip(recall - half, 0, 1), np.clip(recall + half, 0, 1))


Corners = tuple[Float[np.ndarray, " corner"], Float[np.ndarray, " corner"]]


def _corners(right: Float[np.ndarray, " right"], wrong: Float[np.ndarray, " wrong"]) -> Corners:
    """The curve's corners: false-positive rate and recall at every score from the highest down, after (0, 0)."""
    values = np.unique(np.concatenate([right, wrong]))[::-1]
    x, y = ((len(part) - np.searchsorted(np.sort(part), values, side="left")) / len(part) for part in (wrong, right))
    return np.append(0.0, x), np.append(0.0, y)


def _on_curve(corners: Corners, rates: Float[np.ndarray, " rate"]) -> Float[np.ndarray, " rate"]:
    """Recall at each rate, on the lines between corners; where the curve rises straight up, its upper end."""
    x, y = corners
    here = np.searchsorted(x, rates, side="right") - 1
    there = np.minimum(here + 1, len(x) - 1)
    width = x[there] - x[here]
    return y[here] + (y[there] - y[here]) * np.divide(rates - x[here], width, out=np.zeros(len(rates)), where=width > 0)


def _slope(corners: Corners, rates: Float[np.ndarray, " rate"]) -> Float[np.ndarray, " rate"]:
    """Rise of the curve per unit of the rate, around each rate."""
    low, high = np.clip(rates - _SLOPE_OVER, 0, 1), np.clip(rates + _SLOPE_OVER, 0, 1)
    return (_on_curve(corners, high) - _on_curve(corners, low)) / (high - low)


def _centred(above: np.ndarray) -> Float[np.ndarray, "rate sample"]:
    return above - above.mean(1, keepdims=True)


def _starts(group: Int[np.ndarray, " sample"]) -> Int[np.ndarray, " group"]:
    return np.flatnonzero(np.append(True, np.diff(group) != 0))
