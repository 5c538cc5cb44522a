"""A pair of grids: how their samples are related, and a mean whose interval is that of the mean by hand."""

import numpy as np
import pytest
from scipy import stats
from test_run_differences import grid

from interp.comparing.pair import difference_of_pair
from interp.statistics.auc import auc_influence


def test_the_kind_of_a_pair_follows_from_its_samples() -> None:
    one = grid(np.arange(200))
    assert difference_of_pair(one, one.isel(sample=slice(None, None, -1)))[:2] == ("same", 200)
    assert difference_of_pair(one, grid(np.arange(150, 350), noise_seed=1))[:2] == ("shared groups", 50)
    assert difference_of_pair(one, grid(np.arange(500, 700), noise_seed=1))[:2] == ("independent", 0)


def test_the_mean_of_independent_grids_has_the_variance_of_both_means() -> None:
    """Without what the folds share: the influences of all cells, averaged, squared, summed over groups."""
    one, two = (grid(ids, noise_seed=seed) for ids, seed in ((np.arange(200), 0), (np.arange(500, 700), 3)))
    one, two = (g.drop_vars([name for name in g.data_vars if "training" in name]) for g in (one, two))
    _, _, cells, mean = difference_of_pair(one, two)
    values, variance = [], 0.0
    for g in (one, two):
        found = [
            auc_influence(g["score"].values[:, i, j], g["y"].values, g["fold"].values, np.arange(200))
            for i in range(2) for j in range(2)
        ]  # fmt: skip
        values.append(np.mean([auc for auc, _ in found]))
        variance += (np.mean([influence for _, influence in found], axis=0) ** 2).sum()
    z = stats.norm.ppf(0.975)
    assert mean.value == pytest.approx(values[0] - values[1]) == pytest.approx(np.mean([c.value for c in cells]))
    assert (mean.high - mean.low) / 2 == pytest.approx(z * np.sqrt(variance))
