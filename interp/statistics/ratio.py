"""Shares of a total effect: a ratio of sums over runs, with what blocks of runs say of its variance."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy import stats

from interp.statistics.auc import LEVEL, group_sums

MIN_BLOCKS = 6
"""Fewer blocks give no interval."""


@dataclass(frozen=True)
class Ratios:
    """Σ change / Σ total of every cell, never clipped; NaN where undefined."""

    value: Float[np.ndarray, "..."]
    low: Float[np.ndarray, "..."]
    high: Float[np.ndarray, "..."]
    n: Int[np.ndarray, "..."]
    """Runs behind it."""


def ratio_of_sums(
    change: Float[np.ndarray, "run ..."], total: Float[np.ndarray, " run"], block: Int[np.ndarray, " run"]
) -> Ratios:
    """95 % intervals by the linearised ratio: t with the number of blocks less one, blocks summed before squaring.

    Runs without a change in a cell (NaN) take no part there, neither above nor below the line. Undefined with fewer
    than `MIN_BLOCKS` blocks, and where the total is not told from 0: a share of nothing says nothing.
    """
    flat = change.reshape(len(change), -1)
    used = np.isfinite(flat)
    below = np.where(used, total[:, None], 0.0)
    sums = below.sum(0)
    with np.errstate(invalid="ignore", divide="ignore"):
        value = np.where(used, flat, 0.0).sum(0) / sums
        influence = np.where(used, flat - value * below, 0.0) / sums
    blocks = _present(used, block).sum(0)
    bound = stats.t.ppf(0.5 + LEVEL / 2, np.maximum(blocks - 1, 1))
    half = bound * _spread(influence, block, blocks)
    centred = np.where(used, below - sums / np.maximum(used.sum(0), 1), 0.0)
    told = np.abs(sums) > bound * _spread(centred, block, blocks)
    value = np.where((blocks >= MIN_BLOCKS) & told, value, np.nan)
    shape = change.shape[1:]
    low, high = value - half, value + half
    return Ratios(*(one.reshape(shape) for one in (value, low, high, used.sum(0))))


def _present(used: Bool[np.ndarray, "run cell"], block: Int[np.ndarray, " run"]) -> Bool[np.ndarray, "block cell"]:
    return group_sums(used.T.astype(float), block).T > 0


def _spread(
    values: Float[np.ndarray, "run cell"], block: Int[np.ndarray, " run"], blocks: Int[np.ndarray, " cell"]
) -> Float[np.ndarray, " cell"]:
    """Standard error of the sum of `values`."""
    sums = group_sums(values.T, block)
    return np.sqrt(blocks / np.maximum(blocks - 1, 1) * (sums**2).sum(-1))


@dataclass(frozen=True)
class Flipped:
    """Tests of every cell against sums whose blocks have random signs; NaN where undefined."""

    p: Float[np.ndarray, "..."]
    """Two-sided."""
    p_corrected: Float[np.ndarray, "..."]
    """By the largest statistic of all cells (Westfall & Young 1993)."""


def sign_flips(
    change: Float[np.ndarray, "run ..."], block: Int[np.ndarray, " run"], *, flips: int = 10_000, seed: int = 0
) -> Flipped:
    """Is the mean change of any cell other than 0? Signs of whole blocks are drawn by `default_rng([seed, 9])`.

    Exact where a block's change is as likely as its negative, as where what was put in and what it is compared with
    could have changed places. The statistic is |Σ| / √Σ², whose denominator no flip changes, so that cells compare.
    """
    flat = change.reshape(len(change), -1)
    used = np.isfinite(flat)
    sums = group_sums(np.where(used, flat, 0.0).T, block)
    enough = _present(used, block).sum(0) >= MIN_BLOCKS
    size = np.sqrt((sums**2).sum(-1))
    usable = enough & (size > 0)
    scaled = np.divide(sums, size[:, None], out=np.zeros_like(sums), where=usable[:, None])
    seen = np.abs(scaled.sum(-1))
    at_least, at_most = np.ones(len(seen)), np.ones(len(seen))
    rng, step = np.random.default_rng([seed, 9]), max(1, 4_000_000 // max(1, len(seen)))
    for begin in range(0, flips, step):
        signs = rng.choice([-1.0, 1.0], size=(min(step, flips - begin), sums.shape[1]))
        drawn = np.abs(signs @ scaled.T)
        at_least += (drawn >= seen - 1e-12).sum(0)
        at_most += (drawn.max(1, initial=0.0)[:, None] >= seen - 1e-12).sum(0)
    shape = change.shape[1:]
    found = (np.where(enough, np.where(size > 0, of / (1 + flips), 1.0), np.nan) for of in (at_least, at_most))
    return Flipped(*(one.reshape(shape) for one in found))
