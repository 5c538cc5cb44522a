"""A probe fitted on parts of a cell's samples, against scikit-learn on the same rows; and what counts as its values."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LinearRegression, LogisticRegression, RidgeClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler

from interp.errors import DataError
from interp.fitting.estimators import ProbeSpec
from interp.fitting.training import Cell, Problem, decision_values, train_parts
from interp.statistics.samples import Samples


def cell(probe: object) -> Cell:
    rng = np.random.default_rng(0)
    y = np.arange(60) % 2
    x = rng.standard_normal((60, 8)) * np.geomspace(0.1, 10, 8) + y[:, None]
    return Cell(x, Samples(y, np.arange(60) // 2 % 5, np.arange(60)), ProbeSpec(probe))


PARTS = [np.arange(60) % 5 != 0, np.arange(60) < 40, np.ones(60, bool)]
STRENGTHS = [0.1, 3.0, 0.1]


def theirs(name: str, C: float) -> object:
    if name == "ridge":
        return RidgeClassifier(alpha=1 / C)
    return LogisticRegression(C=C, tol=1e-12, max_iter=20_000)


@pytest.mark.parametrize("name", ["logistic", "ridge"])
def test_each_part_has_its_own_scaling_and_its_own_C(name):
    """Problems of the same C are solved together, so their order must come back."""
    given = cell(name)
    labels = [given.y, given.y, np.roll(given.y, 7)]
    problems = [Problem(y, part, C) for y, part, C in zip(labels, PARTS, STRENGTHS, strict=True)]
    for y, part, C, fit in zip(labels, PARTS, STRENGTHS, train_parts([given.x], given.spec, problems)[0], strict=True):
        scaler = StandardScaler().fit(given.x[part])
        oracle = theirs(name, C).fit(scaler.transform(given.x[part]), y[part])
        expected = oracle.decision_function(scaler.transform(given.x))
        np.testing.assert_allclose(fit.decision(given.x), expected, atol=1e-6)
        assert (fit.C, fit.converged) == (C, True)


def test_a_probe_that_stops_before_its_optimum_says_so():
    given = cell(LogisticRegression(max_iter=1))
    ((fit,),) = train_parts([given.x], given.spec, [Problem(given.y, PARTS[0], 1.0)])
    assert not fit.converged


@pytest.mark.parametrize(
    ("estimator", "values"),
    [
        (LogisticRegression(), lambda fitted, x: fitted.decision_function(x)),
        (KNeighborsClassifier(), lambda fitted, x: fitted.predict_proba(x)[:, 1]),
        (LinearRegression(), lambda fitted, x: fitted.predict(x)),
    ],
    ids=lambda one: type(one).__name__,
)
def test_the_values_are_the_most_telling_that_an_estimator_has(estimator, values):
    problem = cell("logistic")
    fitted = estimator.fit(problem.x, problem.y)
    np.testing.assert_array_equal(decision_values(fitted, problem.x), values(fitted, problem.x))


class Given(ClassifierMixin, BaseEstimator):
    """A classifier whose values are given."""

    def __init__(self, values):
        self.values = values

    def decision_function(self, x):
        return self.values


@pytest.mark.parametrize("values", [np.zeros(2), np.zeros((3, 2)), np.array([0, np.nan, 1]), np.array([0, np.inf, 1])])
def test_values_that_are_not_one_finite_number_per_sample_are_refused(values):
    with pytest.raises(DataError, match="probe: Given gave values of shape .* for 3 samples"):
        decision_values(Given(values), np.zeros((3, 4)))
    assert decision_values(Given(np.zeros((3, 1))), np.zeros((3, 4))).shape == (3,)


def test_an_estimator_without_values_is_refused():
    with pytest.raises(DataError, match="probe: StandardScaler has neither decision_function nor predict_proba"):
        decision_values(StandardScaler(), np.zeros((3, 4)))
