"""Platt's sigmoid against scikit-learn and a soft-target logistic regression; reliability against a loop."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.linear_model import LogisticRegression

from interp.applying.platt import Platt, reliability


def scores(n: int, seed: int = 0, scale: float = 1.0, offset: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    return scale * (rng.standard_normal(n) + y) + offset, y


class Identity(ClassifierMixin, BaseEstimator):
    """A classifier whose decision value is its one feature."""

    def fit(self, X: np.ndarray, y: np.ndarray) -> "Identity":
        self.classes_ = np.unique(y)
        return self

    def decision_function(self, X: np.ndarray) -> np.ndarray:
        return X[:, 0]

    def predict(self, X: np.ndarray) -> np.ndarray:
        return (X[:, 0] > 0).astype(int)


@pytest.mark.parametrize(("scale", "offset"), [(1.0, 0.0), (1e-4, 3.0), (50.0, -2000.0)])
def test_the_sigmoid_is_a_logistic_regression_on_platts_soft_targets(scale: float, offset: float) -> None:
    s, y = scores(300, scale=scale, offset=offset)
    n_correct = y.sum()
    target = np.where(y == 1, (n_correct + 1) / (n_correct + 2), 1 / (len(y) - n_correct + 2))
    z = ((s - s.mean()) / s.std())[:, None]
    oracle = LogisticRegression(C=1e10, tol=1e-12, max_iter=10_000).fit(
        np.concatenate([z, z]), np.repeat([1, 0], 300), sample_weight=np.concatenate([target, 1 - target])
    )
    np.testing.assert_allclose(Platt.fit(s, y).probability(s), oracle.predict_proba(z)[:, 1], atol=1e-6)


def test_it_is_what_scikit_learns_calibrator_learns_from_the_same_scores() -> None:
    s, y = scores(400)
    calibrated = CalibratedClassifierCV(Identity(), method="sigmoid", ensemble=False, cv=5).fit(s[:, None], y)
    np.testing.assert_allclose(Platt.fit(s, y).probability(s), calibrated.predict_proba(s[:, None])[:, 1], atol=1e-4)


def test_separated_and_equal_scores_stay_finite() -> None:
    y = np.repeat([0, 1], 20)
    apart = Platt.fit(10.0 * y, y).probability(np.array([0.0, 10.0]))
    np.testing.assert_allclose(apart, [1 / 22, 21 / 22], atol=1e-6)
    constant = Platt.fit(np.zeros(40), y)
    assert constant.probability(np.zeros(1))[0] == pytest.approx(0.5)


def test_it_is_calibrated_on_new_samples() -> None:
    s, y = scores(2000)
    new, label = scores(20_000, seed=1)
    found = reliability(Platt.fit(s, y).probability(new), label)
    assert found.ece < 0.03 and found.brier < found.brier_base - 0.02
    assert reliability(np.clip(Platt.fit(s, y).probability(new) + 0.2, 0, 1), label).ece > 0.15  # the check can fail


def test_reliability_is_a_loop_over_bins_of_equal_size() -> None:
    rng = np.random.default_rng(0)
    p, y = rng.uniform(0, 1, 103), rng.integers(0, 2, 103)
    found = reliability(p, y, bins=10)
    order, start, error = np.argsort(p), 0, 0.0
    for size, predicted, observed in zip(found.count, found.predicted, found.observed, strict=True):
        part = order[start : start + size]
        assert (predicted, observed) == (pytest.approx(p[part].mean()), pytest.approx(y[part].mean()))
        error += size * abs(p[part].mean() - y[part].mean())
        start += size
    assert start == 103 and found.ece == pytest.approx(error / 103)
    assert found.brier == pytest.approx(np.mean([(a - b) ** 2 for a, b in zip(p, y, strict=True)]))


def test_counts_stand_for_repeated_samples():
    rng = np.random.default_rng(3)
    score, y = rng.standard_normal(40), rng.integers(0, 2, 40)
    count = rng.integers(1, 5, 40)
    one, other = Platt.fit(score, y, count=count.astype(float)), Platt.fit(np.repeat(score, count), np.repeat(y, count))
    assert (one.slope, one.intercept) == pytest.approx((other.slope, other.intercept), abs=1e-9)
