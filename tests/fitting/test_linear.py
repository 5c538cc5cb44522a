"""The linear estimators: scikit-learn's contract, and their definitions."""

import numpy as np
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from interp.fitting.linear import MassMean


@parametrize_with_checks([MassMean()])
def test_the_estimators_keep_scikit_learns_contract(estimator: object, check: object) -> None:
    check(estimator)  # type: ignore[operator]


def test_mass_mean_is_the_difference_of_the_class_means() -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((200, 40))
    y = (x[:, 0] + rng.standard_normal(200) > 0).astype(int)
    probe = MassMean().fit(x, y)
    direction = x[y == 1].mean(0) - x[y == 0].mean(0)
    np.testing.assert_allclose(probe.coef_[0], direction)
    midpoint = (x[y == 1].mean(0) + x[y == 0].mean(0)) / 2
    assert probe.decision_function(midpoint[None])[0] == pytest.approx(0, abs=1e-12)
