"""Ranks of the right ones among scores: Mann and Whitney's statistic for many score and label vectors at once."""

import numpy as np
from jaxtyping import Bool, Float
from scipy import stats

BLOCK = 1 << 15
"""Numbers that are sorted together: few enough to stay in a processor's cache."""


def concordant_pairs(
    score: Float[np.ndarray, "*#batch sample"], correct: Bool[np.ndarray, "*#batch sample"]
) -> tuple[Float[np.ndarray, "..."], Float[np.ndarray, "..."]]:
    """How many pairs of a correct and a wrong sample have the correct one higher, ties half, of how many."""
    m = correct.sum(-1)
    concordant = np.asarray(rank_sum(score, correct) - m * (m + 1) / 2)
    return concordant, np.broadcast_to(m * (correct.shape[-1] - m) * 1.0, concordant.shape)


def rank_sum(
    score: Float[np.ndarray, "*#batch sample"], correct: Bool[np.ndarray, "*#batch sample"]
) -> Float[np.ndarray, "..."]:
    """Sum of the ranks of the correct samples, from 1, ties at their mean; NaN for a vector that holds one.

    Scores in single precision are ranked five times as fast as others.
    """
    score, correct = np.broadcast_arrays(score, correct)
    if score.dtype != np.float32 or score.ndim < 2:
        return _by_order(score, correct)
    n = score.shape[-1]
    rows, flags = score.reshape(-1, n), correct.reshape(-1, n)
    step = max(1, BLOCK // max(1, n))
    parts = [_by_value(rows[a : a + step], flags[a : a + step]) for a in range(0, len(rows), step)]
    return np.concatenate(parts or [np.zeros(0)]).reshape(score.shape[:-1])


def _by_value(
    score: Float[np.ndarray, "row sample"], correct: Bool[np.ndarray, "row sample"]
) -> Float[np.ndarray, " row"]:
    """By sorting values instead of places: as float64 a single has 29 bits to spare, the last of which is the label."""
    value = score.astype(np.float64)
    value += 0.0  # no -0, whose bits are not those of its equal
    bits = value.view(np.int64)
    bits |= correct
    value.sort(axis=-1)
    label = bits & 1
    total = label.astype(np.float64) @ np.arange(1.0, score.shape[-1] + 1)
    bits ^= label
    slow = (bits[:, 1:] == bits[:, :-1]).any(-1) | ~np.isfinite(score).all(-1)
    if slow.any():
        total[slow] = _by_order(score[slow], correct[slow])
    return np.asarray(total)


def _by_order(
    score: Float[np.ndarray, "*batch sample"], correct: Bool[np.ndarray, "*batch sample"]
) -> Float[np.ndarray, "*batch"]:
    """By sorting places."""
    order = np.argsort(score, axis=-1)
    ordered = np.take_along_axis(score, order, -1)
    total = np.asarray(np.take_along_axis(correct, order, -1) @ np.arange(1.0, score.shape[-1] + 1))
    # Ranks with ties take ten times as long: only where there are some. NaN stands last, and makes the sum NaN.
    slow = (ordered[..., 1:] == ordered[..., :-1]).any(-1) | np.isnan(ordered[..., -1])
    if slow.any():
        total[slow] = (stats.rankdata(score[slow], axis=-1) * correct[slow]).sum(-1)
    return total
