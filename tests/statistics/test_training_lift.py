"""How training on a sample lifts the AUC of the other folds, against loops over pairs."""

import numpy as np
import pytest
from scipy import stats
from scipy.special import expit

from interp.statistics import auc_slope
from interp.statistics.cross_fold import Learned
from interp.statistics.samples import Samples
from interp.statistics.training_lift import training_lift


@pytest.mark.parametrize("width", [6, 70])
def test_it_is_the_sum_over_the_pairs_of_each_fold(width: int) -> None:
    rng = np.random.default_rng(0)
    n, penalty = 60, 0.7
    y, fold = np.arange(n) % 2, np.arange(n) // 2 % 5
    x = rng.standard_normal((n, width)) + 0.5 * y[:, None]
    score = x[:, 0] + 0.3 * x[:, 1]
    p = expit(score / 2)
    learned = Learned.of(x, Samples(y, fold, np.arange(n)), residual=y - p, curvature=p * (1 - p), penalty=penalty)
    found = training_lift(learned, score, np.arange(6))
    z, pairs = x - (p * (1 - p)) @ x / (p * (1 - p)).sum(), sum(6 * 6 for _ in range(5))
    for f in range(5):
        train = np.flatnonzero(fold != f)
        hessian = (z[train].T * (p * (1 - p))[train]) @ z[train] + penalty * np.eye(width)
        moved = z @ np.linalg.solve(hessian, z.T) * learned.removed
        right, wrong = (np.flatnonzero((fold == f) & (y == label)) for label in (1, 0))
        width_f = auc_slope.BANDWIDTH * np.sqrt((score[right].var() + score[wrong].var()) / 2)
        expected = np.zeros(n)
        for i in right:
            for k in wrong:
                density = stats.norm.pdf((score[i] - score[k]) / width_f) / width_f
                expected[train] += density * (moved[i] - moved[k])[train] / pairs
        expected[train] -= expected[train].mean()
        np.testing.assert_allclose(found[:, f], expected, atol=1e-5 * np.abs(expected).max())
        assert (found[fold == f, f] == 0).all()
    assert (found[:, 5] == 0).all(), "a fold that holds no sample"
