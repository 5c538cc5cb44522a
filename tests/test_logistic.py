"""The logistic probe against scikit-learn, over designs that break solvers, and the estimator contract."""

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.utils.estimator_checks import parametrize_with_checks

from interp.probing import logistic
from interp.probing.estimators import MassMean
from interp.probing.logistic import Logistic


def design(kind: str, n: int = 200, width: int = 40) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    if kind == "wide":
        width = 500
    x = rng.standard_normal((n, width))
    if kind in ("correlated", "steep", "wide and steep"):
        width = 400 if kind == "wide and steep" else width
        spectrum = np.arange(1.0, width + 1) ** (-0.5 if kind == "correlated" else -1.5)
        x = rng.standard_normal((n, width)) * spectrum @ np.linalg.qr(rng.standard_normal((width, width)))[0]
    if kind == "rank deficient":
        x[:, 20:] = x[:, :20]
    x = (x - x.mean(0)) / x.std(0)
    f = x @ rng.standard_normal(x.shape[1]) / np.sqrt(x.shape[1])
    y = (f + rng.standard_normal(n) > 0).astype(int)
    if kind == "separable":
        y = (f > 0).astype(int)
    if kind == "imbalanced":
        y = (f + rng.standard_normal(n) > 2).astype(int)
    if kind == "fewer samples than columns, duplicated":
        x, y = np.tile(x[:15], (2, 1)), np.tile(np.arange(15) % 2, 2)
    return x, y


KINDS = (
    "independent",
    "correlated",
    "steep",
    "wide",
    "wide and steep",
    "rank deficient",
    "separable",
    "imbalanced",
    "fewer samples than columns, duplicated",
)


@pytest.mark.parametrize("C", [1.0, 0.01, 100.0])
@pytest.mark.parametrize("kind", KINDS)
def test_scores_are_scikit_learns_and_the_gradient_vanishes(kind: str, C: float) -> None:
    x, y = design(kind)
    ours = Logistic(C=C).fit(x, y)
    reference = LogisticRegression(C=C, solver="newton-cholesky", tol=1e-12, max_iter=1000).fit(x, y)
    error = 1 / (1 + np.exp(-ours.decision_function(x))) - y
    gradient = np.append(ours.coef_[0] + C * (error @ x), C * error.sum())
    assert np.abs(gradient).max() <= 1e-6 * len(y) * max(1, C)
    fresh = np.random.default_rng(1).standard_normal((100, len(x))) @ x / np.sqrt(len(x))
    expected = reference.decision_function(fresh)
    np.testing.assert_allclose(ours.decision_function(fresh), expected, atol=1e-4 * expected.std())


def test_what_has_not_converged_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = design("independent")
    monkeypatch.setattr(logistic, "STOP", 10.0)
    with pytest.warns(ConvergenceWarning, match="gradient"):
        Logistic().fit(x, y)


@parametrize_with_checks([Logistic(), MassMean()])
def test_the_estimators_keep_scikit_learns_contract(estimator: object, check: object) -> None:
    check(estimator)  # type: ignore[operator]


def test_mass_mean_is_the_difference_of_the_class_means() -> None:
    x, y = design("independent")
    probe = MassMean().fit(x, y)
    direction = x[y == 1].mean(0) - x[y == 0].mean(0)
    np.testing.assert_allclose(probe.coef_[0], direction)
    midpoint = (x[y == 1].mean(0) + x[y == 0].mean(0)) / 2
    assert probe.decision_function(midpoint[None])[0] == pytest.approx(0, abs=1e-12)
