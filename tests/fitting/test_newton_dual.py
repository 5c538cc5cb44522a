"""Newton's method in the space of the samples against scikit-learn's LogisticRegression, on matrices wider than long."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from interp.fitting.newton import Optimum, gram
from interp.fitting.newton_dual import solve_dual

N, WIDTH, COLUMNS = 36, 70, 3


def problems(kind: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A centred matrix, labels of several columns, and which samples each column is trained on."""
    rng = np.random.default_rng(3)
    x = rng.standard_normal((N, WIDTH)) * np.arange(1, WIDTH + 1.0) ** (-1.0 if kind == "steep" else 0.0)
    if kind == "repeated samples":
        x[N // 2 :] = x[: N // 2]
    x -= x.mean(0)
    labels = (x[:, 0] + x.std() * rng.standard_normal((COLUMNS, N)) > 0).astype(float)
    if kind == "separable":
        labels[:] = x[:, 1] > 0
    inside = rng.uniform(size=(COLUMNS, N)) < 0.8
    inside[0] = True
    return x, labels, inside


def solved(
    x: np.ndarray, labels: np.ndarray, inside: np.ndarray, C: float, penalty: np.ndarray | None = None
) -> Optimum:
    matrix = torch.from_numpy(x)
    return solve_dual(
        matrix,
        lambda dtype: gram(matrix.to(dtype)),
        torch.from_numpy(labels),
        C * torch.from_numpy(inside.astype(float)),
        None if penalty is None else torch.from_numpy(penalty),
        C,
    )


def by_scikit_learn(x, labels, inside, C, penalty=None) -> tuple[np.ndarray, np.ndarray]:
    """One fit at a time; |w|² times a penalty is |w|² on features divided by its root."""
    w, b = np.empty((COLUMNS, WIDTH)), np.empty(COLUMNS)
    for k, (t, part) in enumerate(zip(labels, inside, strict=True)):
        root = np.ones(WIDTH) if penalty is None else np.sqrt(penalty[k])
        fit = LogisticRegression(C=C, tol=1e-12, max_iter=1000, solver="newton-cholesky").fit(x[part] / root, t[part])
        w[k], b[k] = fit.coef_[0] / root, fit.intercept_[0]
    return w, b


@pytest.mark.parametrize("C", [0.01, 1.0, 100.0])
@pytest.mark.parametrize("kind", ["iid", "steep", "separable", "repeated samples"])
def test_the_optimum_is_that_of_scikit_learn(kind, C):
    x, labels, inside = problems(kind)
    found = solved(x, labels, inside, C)
    w, b = by_scikit_learn(x, labels, inside, C)
    close = (1e-5 if C > 1 else 1e-6) * np.abs(w).max()  # the gradient that is left is relative to that at 0, so to C
    np.testing.assert_allclose(found.w.numpy(), w, atol=close)
    np.testing.assert_allclose(found.b.numpy(), b, atol=close)
    np.testing.assert_allclose(found.f.numpy(), found.w.numpy() @ x.T + found.b.numpy()[:, None], atol=1e-9)
    assert found.products > 0


def test_penalties_are_scales_of_the_features():
    x, labels, inside = problems("steep")
    penalty = np.random.default_rng(0).uniform(0.5, 2.0, (COLUMNS, WIDTH))
    found = solved(x, labels, inside, 1.0, penalty)
    w, b = by_scikit_learn(x, labels, inside, 1.0, penalty)
    np.testing.assert_allclose(found.w.numpy(), w, atol=1e-6 * np.abs(w).max())
    np.testing.assert_allclose(found.b.numpy(), b, atol=1e-6)
    without = solved(x, labels, inside, 1.0)
    assert np.abs(found.w.numpy() - without.w.numpy()).max() > 1e-2  # they do matter


def test_labels_outside_the_training_part_and_other_columns_do_not_matter():
    x, labels, inside = problems("iid")
    changed = np.where(inside, labels, 1 - labels)
    together, other = solved(x, labels, inside, 1.0), solved(x, changed, inside, 1.0)
    assert torch.equal(together.w, other.w) and torch.equal(together.b, other.b)
    for k in range(COLUMNS):
        alone = solved(x, labels[[k]], inside[[k]], 1.0)
        np.testing.assert_allclose(alone.w[0], together.w[k], atol=1e-6 * float(together.w[k].abs().max()))


def test_the_gradient_is_zero_at_the_optimum():
    x, labels, inside = problems("iid")
    found = solved(x, labels, inside, 1.0)
    error = inside * (1 / (1 + np.exp(-found.f.numpy())) - labels)
    assert np.abs(found.w.numpy() + error @ x).max() < 1e-6 * N and np.abs(error.sum(1)).max() < 1e-6 * N
    at_zero = inside * (0.5 - labels)
    assert np.abs(at_zero @ x).max() > 1  # and is not so anywhere
