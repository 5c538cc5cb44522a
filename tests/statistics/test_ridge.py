"""Ridge of any folds against scikit-learn on the same standardised columns, in both dimensions and both precisions."""

import numpy as np
import pytest
from sklearn.linear_model import RidgeClassifier
from sklearn.preprocessing import StandardScaler

from interp.statistics.ridge import FoldRidge


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("columns", [1, 90])  # the inverse goes to the labels' side or to the samples'
@pytest.mark.parametrize("width", [7, 150])
def test_it_is_scikit_learns_ridge_on_the_other_folds(width: int, columns: int, dtype: type) -> None:
    rng = np.random.default_rng(0)
    x, fold = rng.standard_normal((90, width)) * 5 + 2, rng.permutation(np.arange(90) % 5) * 2
    x[:, 1], x[:, 3] = 4.0, x[:, 0]  # one constant, two alike
    labels = rng.integers(0, 2, (columns, 90))
    ridge, z = FoldRidge.of(x, fold, alpha=0.7), StandardScaler().fit_transform(x)
    assert (fold[ridge.order] == np.sort(fold)).all()
    held_out = [[4], [0, 8], [2, 4, 6]]
    target = (2.0 * labels[:, ridge.order] - 1).astype(dtype)
    for out, found in zip(held_out, ridge.scores(target, held_out), strict=True):
        train, test = ~np.isin(fold, out), [i for i in ridge.order if fold[i] in out]
        assert found.dtype == dtype and found.shape == (columns, len(test))
        for row, y in zip(found, labels, strict=True):
            expected = RidgeClassifier(alpha=0.7).fit(z[train], y[train]).decision_function(z[test])
            np.testing.assert_allclose(row, expected, rtol=0, atol=1e-10 if dtype is np.float64 else 2e-5)


def test_what_it_was_given_is_not_changed() -> None:
    x = np.arange(40.0).reshape(20, 2) ** 2
    before = x.copy()
    FoldRidge.of(x, np.arange(20) % 4)
    assert (x == before).all()


def test_a_column_of_zeros_or_that_varies_by_its_rounding_is_none_and_the_penalty_is_scikit_learns() -> None:
    rng = np.random.default_rng(0)
    x, fold = rng.standard_normal((20, 4)), np.arange(20) % 4
    x[:, 1], x[:, 3] = 1e6 + 1e-9 * x[:, 1], 0.0
    ridge = FoldRidge.of(x, fold)
    np.testing.assert_allclose(ridge.z, StandardScaler().fit_transform(x)[ridge.order][:, [0, 2]])
    assert ridge.alpha == RidgeClassifier().alpha
