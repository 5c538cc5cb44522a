"""How far training on each sample has lifted the AUC of every other fold: its part in a choice among trained probes."""

import numpy as np
from jaxtyping import Float, Int

from interp.statistics.auc_slope import AucSlope
from interp.statistics.cross_fold import Learned
from interp.statistics.samples import fold_pairs


def training_lift(
    learned: Learned, score: Float[np.ndarray, " sample"], folds: Int[np.ndarray, " fold"]
) -> Float[np.ndarray, "sample fold"]:
    """To first order, times the fold's share of all pairs: influences beside those of the samples that are tested.

    Training on j moves the score of i by x_iᵀ H⁻¹ x_j r_j (`cross_fold.py`), a moved score the concordant pairs
    by the density of the other class there. 0 within the sample's own fold, of mean 0 over those that trained.
    `score`: out of fold, of the samples that `learned` was made of.
    """
    samples, out = learned.samples, np.zeros((len(score), len(folds)))
    counts = fold_pairs(samples.y, samples.fold)
    pairs = sum(m * k for m, k in counts.values())
    for at, f in enumerate(folds.tolist()):
        if f not in counts:
            continue
        inside = samples.fold == f
        slope = AucSlope.of(score[inside], samples.y[inside], samples.group[inside])
        pull = learned.pull(f, slope.of_all(samples.y[inside]) / pairs)
        lift = learned.removed[~inside] * (learned.z[~inside] @ pull - learned.mean @ pull)
        out[~inside, at] = lift - lift.mean()
    return out
