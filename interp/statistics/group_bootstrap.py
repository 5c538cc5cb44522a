"""Means over questions, resampled by group; and the interval of a share."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy import stats

from interp.statistics.auc import LEVEL, group_sums

_Z = float(stats.norm.ppf(0.5 + LEVEL / 2))
CHUNK = 2_000_000
"""Numbers of one array of drawn weights."""


@dataclass(frozen=True)
class Mean:
    """A mean or a difference of means, with its 95 % interval; NaN and a reason where undefined."""

    value: float
    low: float = float("nan")
    high: float = float("nan")
    p: float = float("nan")
    """Two-sided, against 0."""
    reason: str = ""


def resampled_means(
    values: Float[np.ndarray, "row question"],
    group: Int[np.ndarray, " question"],
    *,
    resamples: int = 2000,
    seed: int = 0,
) -> Float[np.ndarray, "resample row"]:
    """Means of every row over as many groups, drawn with replacement by `default_rng([seed, 6])`; rows share the draws.

    Groups are drawn in the order of their codes, so that nothing depends on the order of the questions.
    """
    codes = np.unique(group, return_inverse=True)[1]
    sums, sizes = group_sums(values, codes), np.bincount(codes)
    n, rng = len(sizes), np.random.default_rng([seed, 6])
    out, at = np.empty((resamples, len(values))), 0
    while at < resamples:
        part = min(resamples - at, max(1, CHUNK // n))
        weight = rng.multinomial(n, np.full(n, 1 / n), size=part).astype(np.float64)
        out[at : at + part] = weight @ sums.T / (weight @ sizes)[:, None]
        at += part
    return out


def mean_estimate(value: float, drawn: Float[np.ndarray, " resample"], n_groups: int) -> Mean:
    """The interval between two points of what was drawn, p = 2 · the smaller share beyond 0.

    The points are 2.5 % and 97.5 %, moved outwards as far as few groups need (Hesterberg 2015, expanded percentile).
    """
    wide = np.sqrt(n_groups / (n_groups - 1)) * stats.t.ppf(0.5 + LEVEL / 2, n_groups - 1) if n_groups > 1 else np.inf
    tail = float(stats.norm.sf(wide))
    low, high = np.quantile(drawn, [tail, 1 - tail])
    beyond = min((drawn <= 0).sum(), (drawn >= 0).sum())
    return Mean(value, float(low), float(high), min(1.0, 2 * (1 + float(beyond)) / (1 + len(drawn))))


def accuracy_estimate(value: float, drawn: Float[np.ndarray, " resample"], n_groups: int) -> Mean:
    """The same of an accuracy; at 0 or 1, where every resample is alike, the exact binomial bound on the groups."""
    bound = ((1 - LEVEL) / 2) ** (1 / n_groups)
    if value in (0.0, 1.0):
        return Mean(value, bound if value else 0.0, 1.0 if value else 1 - bound)
    found = mean_estimate(value, drawn, n_groups)
    return Mean(value, found.low, found.high)


def share_interval(member: Bool[np.ndarray, " question"], group: Int[np.ndarray, " question"]) -> Mean:
    """Share of the members with Wilson's interval (1927), at the number of questions that the groups are worth.

    That number is p (1 - p) over the variance of the share between groups: the questions themselves where each is its
    own group, fewer where those of a group are alike; the groups where all or none are members.
    """
    share, n_groups = float(member.mean()), len(np.unique(group))
    centred = group_sums(member - share, np.unique(group, return_inverse=True)[1])
    variance = float((centred**2).sum()) / len(member) ** 2
    n = min(len(member), share * (1 - share) / variance) if variance > 0 else n_groups
    centre = (share + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    half = _Z / (1 + _Z**2 / n) * float(np.sqrt(share * (1 - share) / n + _Z**2 / (4 * n**2)))
    return Mean(share, max(0.0, centre - half), min(1.0, centre + half))
