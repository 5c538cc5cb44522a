"""Probes of matched width against scikit-learn's scaler, PCA and logistic regression on each part."""

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from interp.fitting import pca
from interp.fitting.pca import pca_logistic


@pytest.mark.parametrize("together", [1e7, 1])  # all problems at once, and one by one
@pytest.mark.parametrize(("n", "width", "components"), [(90, 20, 5), (60, 100, 8), (60, 9, 50)])
def test_every_problem_is_scikit_learns(monkeypatch, n, width, components, together) -> None:
    monkeypatch.setattr(pca, "TOGETHER", together)
    rng = np.random.default_rng(0)
    x = rng.standard_normal((n, width)) * np.geomspace(0.1, 10, width) + 3
    y = (x[:, -1] + rng.standard_normal(n) * 5 > 3).astype(np.int64)
    problems = [(y, np.arange(n) % 3 != 0, 1.0), (1 - y, np.arange(n) < n - 10, 0.01), (np.roll(y, 1), y < 2, 50.0)]
    for (labels, part, C), (probe, scaler, converged) in zip(
        problems, pca_logistic(x, problems, components=components), strict=True
    ):
        kept = min(components, width, int(part.sum()))
        exact = LogisticRegression(C=C, tol=1e-12, max_iter=50_000)
        theirs = make_pipeline(StandardScaler(), PCA(kept, svd_solver="full"), exact).fit(x[part], labels[part])
        np.testing.assert_allclose(
            probe.decision_function(scaler.apply(x)), theirs.decision_function(x), atol=2e-5 * np.sqrt(C)
        )
        assert converged


def test_a_part_whose_columns_hardly_vary_has_fewer_components_than_the_others() -> None:
    """Three columns vary in the first part, all in the second: both are solved together."""
    rng = np.random.default_rng(1)
    x, y = rng.standard_normal((40, 12)), np.arange(40) % 2
    x[:20, 3:] = 7.0
    problems = [(y, np.arange(40) < 20, 1.0), (y, np.arange(40) >= 20, 1.0)]
    for (labels, part, _), (probe, scaler, _) in zip(problems, pca_logistic(x, problems, components=6), strict=True):
        kept = min(6, len(scaler.kept))
        exact = LogisticRegression(tol=1e-12, max_iter=50_000)
        theirs = make_pipeline(StandardScaler(), PCA(kept), exact).fit(x[part][:, scaler.kept], labels[part])
        found = probe.decision_function(scaler.apply(x[part]))
        np.testing.assert_allclose(found, theirs.decision_function(x[part][:, scaler.kept]), atol=1e-5)
