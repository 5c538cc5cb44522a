"""Changes of patched runs whose truth is known, put through `ratio_of_sums` and `sign_flips`."""

import numpy as np

from interp.statistics.ratio import ratio_of_sums, sign_flips

CELLS, RUNS = 24, 4
"""Cells, each correlated with those beside it, and runs of a block."""
SHARE = 0.3
KINDS = {"symmetric": "normal", "skewed": "exponential less its mean"}


def effects(kind: str, blocks: int, seed: int) -> dict[str, float]:
    """Is a cell of a grid without any effect declared; and do the intervals of a true share of 0.3 contain it?"""
    rng = np.random.default_rng([31, sum(map(ord, kind)), blocks, seed])
    block, n = np.repeat(np.arange(blocks), RUNS), blocks * RUNS
    drawn = rng.standard_normal((blocks, CELLS)) if kind == "symmetric" else rng.exponential(1, (blocks, CELLS)) - 1
    along = np.cumsum(drawn, axis=1) / np.sqrt(np.arange(1, CELLS + 1))
    change = along[block] * rng.uniform(0.5, 1.5, (n, 1)) + 0.5 * rng.standard_normal((n, CELLS))
    declared = sign_flips(change, block, flips=1000, seed=seed).p_corrected.min() <= 0.05
    total = 3 + rng.exponential(2, n) + rng.standard_normal(blocks)[block]
    share = ratio_of_sums(SHARE * total[:, None] + change, total, block)
    return {"any": float(declared), "covers": float(((share.low <= SHARE) & (share.high >= SHARE)).mean())}
