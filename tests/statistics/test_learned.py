"""What a probe learned from its training samples, part by part: some scored folds, folds of one class, precision, blocks."""

import numpy as np
import pytest
from scipy.special import expit
from test_cross_fold import pair_matrix, sample, signs_of

from interp.statistics import cross_fold
from interp.statistics.cross_fold import Learned, shared_variance, training_sketch
from interp.statistics.samples import Samples


@pytest.mark.parametrize("width", [6, 80])
def test_of_some_scored_folds_it_is_their_rows_of_the_pair_matrix(width: int) -> None:
    x, y, fold = sample(0, 50, width, 1.0)
    p, group = expit(0.5 * x[:, 0]), np.arange(50) // 2
    loss, signs, scored = {"residual": y - p, "curvature": p * (1 - p), "penalty": 0.7}, signs_of(group), fold < 3
    found = training_sketch(x, Samples(y, fold, group, signs), x[:, 0], **loss, scored=scored)
    d = pair_matrix(x, y, fold, group, x[:, 0], **loss) * scored[:, None]
    np.testing.assert_allclose(found[:, 0], d @ signs, atol=1e-5 * np.abs(d @ signs).max())
    np.testing.assert_allclose(found[:, 1], d.T @ signs, atol=1e-5 * np.abs(d.T @ signs).max())


def test_a_fold_of_one_class_receives_nothing() -> None:
    x, y, fold = sample(0, 60, 6, 1.0)
    y[fold == 0] = 1
    p, names = expit(0.5 * x[:, 0]), signs_of(np.arange(60))
    loss = {"residual": y - p, "curvature": p * (1 - p), "penalty": 0.7}
    found = training_sketch(x, Samples(y, fold, np.arange(60), names), x[:, 0], **loss)
    assert (found[fold == 0, 0] == 0).all() and (found[fold != 0, 0] != 0).all() and np.isfinite(found).all()


@pytest.mark.parametrize(("penalty", "dtype"), [(0.7, np.float32), (1e-6, np.float64)])
def test_the_pull_of_a_push_is_that_of_the_hessian_without_the_fold(penalty: float, dtype: type) -> None:
    """In single precision only where the condition number allows it."""
    x, y, fold = sample(0, 60, 6, 1.0)
    p = expit(0.5 * x[:, 0])
    learned = Learned.of(x, Samples.alone(y, fold), residual=y - p, curvature=p * (1 - p), penalty=penalty)
    z, own, push = x - np.average(x, axis=0, weights=p * (1 - p)), fold == 2, np.arange(12.0)
    hessian = (z[~own].T * (p * (1 - p))[~own]) @ z[~own] + penalty * np.eye(6)
    np.testing.assert_allclose(learned.pull(2, push), np.linalg.solve(hessian, z[own].T @ push), rtol=1e-3)
    assert learned.without[2].dtype == dtype


def test_the_leverage_of_groups_over_many_columns_by_loop() -> None:
    rng = np.random.default_rng(0)
    root, residual, group = rng.standard_normal((600, 9)), rng.standard_normal(9), np.array([5, 2, 5, 9, 2, 2, 7, 9, 0])
    expected = [sum(root[:, i] @ root[:, k] * residual[k] for k in np.flatnonzero(group == group[i])) for i in range(9)]
    np.testing.assert_allclose(cross_fold._group_leverage(root, residual, group), expected)


def test_the_shared_variance_is_never_negative() -> None:
    one = np.stack([np.ones((4, 8)), -np.ones((4, 8))], axis=1)
    assert shared_variance(one, np.arange(4)) == 0.0
    assert shared_variance(np.abs(one), np.arange(4) // 2) == 2 * 2 * 2
