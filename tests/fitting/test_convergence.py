"""The optimum of wide cells and of large C, where the objective is flat, against Newton's method in float64."""

import numpy as np
import pytest
import torch

from interp.fitting import newton, newton_direct, newton_dual
from interp.fitting.newton import has_converged, step_square
from interp.fitting.solver import Design

FOLDS = 5


def drawn(n: int, width: int, *, steep: bool = False, matrices: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Float32 features as they are captured, and labels that one direction partly says."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((matrices, n, width))
    if steep:
        x = (x * np.arange(1, width + 1.0) ** -1.5) @ np.linalg.qr(rng.standard_normal((width, width)))[0]
    signal = x[0] @ rng.standard_normal(width)
    return x.astype(np.float32), (signal / signal.std() + rng.standard_normal(n) > 0).astype(float)


def optimum(z: np.ndarray, t: np.ndarray, C: float) -> np.ndarray:
    """Weights, and the intercept behind them: full Newton steps in the row space of `z`, halved while they overshoot."""
    u, s, v = np.linalg.svd(z, full_matrices=False)
    rank = int((s > 1e-12 * s[0]).sum())
    a = np.c_[u[:, :rank] * s[:rank], np.ones(len(z))]
    penalty, best = np.r_[np.ones(rank), 0], np.zeros(rank + 1)

    def slope(point: np.ndarray) -> np.ndarray:
        return penalty * point + C * a.T @ (1 / (1 + np.exp(-a @ point)) - t)

    for _ in range(100):
        p = 1 / (1 + np.exp(-a @ best))
        step = -np.linalg.solve(np.diag(penalty) + C * (a.T * (p * (1 - p))) @ a, slope(best))
        decrement = -slope(best) @ step
        if decrement < 1e-24 * (penalty @ best**2):
            break
        while slope(best + step) @ step > 0.5 * decrement:
            step /= 2
        best = best + step
    return np.r_[best[:-1] @ v[:rank], best[-1]]


def exact(x: np.ndarray, y: np.ndarray, fold: np.ndarray, C: float) -> np.ndarray:
    """Out-of-fold scores of one cell."""
    score, x = np.empty(len(y)), x.astype(np.float64)
    for f in range(FOLDS):
        train = fold != f
        z = (x - x[train].mean(0)) / x[train].std(0)
        w = optimum(z[train], y[train], C)
        score[~train] = z[~train] @ w[:-1] + w[-1]
    return score


def scores(x: np.ndarray, y: np.ndarray, fold: np.ndarray, C: float) -> tuple[np.ndarray, bool]:
    """Of every matrix, its parts solved together; and whether all have converged."""
    part = torch.from_numpy(np.stack([fold != f for f in range(FOLDS)]))
    found = Design(torch.from_numpy(x)).solve(torch.from_numpy(y).expand(FOLDS, -1), part, C=C)
    f = found.coef.numpy() @ x.astype(np.float64).transpose(0, 2, 1) + found.intercept.numpy()[..., None]
    return np.take_along_axis(f, np.broadcast_to(fold, (len(x), 1, len(fold))), 1)[:, 0], bool(found.converged.all())


@pytest.mark.parametrize("C", [1.0, 10.0, 100.0])
@pytest.mark.parametrize(
    ("n", "width", "steep"),
    [(60, 1024, False), (60, 1024, True), (60, 4096, False), (300, 640, False), (300, 170, False)],
)
def test_wide_cells_and_large_C_have_the_scores_of_the_optimum(n: int, width: int, steep: bool, C: float) -> None:
    (x,), y = drawn(n, width, steep=steep)
    fold = np.arange(n) % FOLDS
    (found,), converged = scores(x[None], y, fold, C)
    expected = exact(x, y, fold, C)
    assert converged
    assert np.abs(found - expected).max() < 5e-5 * expected.std()


@pytest.mark.parametrize("C", [1.0, 100.0])
@pytest.mark.parametrize(("n", "width"), [(60, 300), (100, 250), (60, 128)])
def test_a_cell_alone_has_the_scores_it_has_beside_others(n: int, width: int, C: float) -> None:
    """Alone it is small enough to be factorised, beside others it is not."""
    x, y = drawn(n, width, matrices=6)
    fold = np.arange(n) % FOLDS
    together, converged = scores(x, y, fold, C)
    alone = np.concatenate([scores(x[[i]], y, fold, C)[0] for i in range(len(x))])
    assert converged
    assert (np.abs(together - alone).max(1) < 1e-5 * alone.std(1)).all()


def test_a_large_C_alone_is_no_reason_for_a_fit_not_to_have_converged() -> None:
    """The gradient is as many times larger as C is; here the labels cannot be separated."""
    (x,), y = drawn(500, 64)
    assert scores(x[None], y, np.arange(500) % FOLDS, 1e4)[1]


def test_a_fit_whose_gradient_is_small_but_whose_scores_are_not_right_has_not_converged(monkeypatch) -> None:
    (x,), y = drawn(60, 1024)
    monkeypatch.setattr(newton_dual, "TARGET", 1e-4)
    part = torch.from_numpy(np.stack([np.arange(60) % FOLDS != f for f in range(FOLDS)]))
    design = Design(torch.from_numpy(x))
    found, slope = design._optimum(
        torch.from_numpy(y).expand(FOLDS, -1), 10 * part.double(), design._variance(part.double()), 10.0
    )
    assert float(slope.max()) / 48 / 10 < newton.TOLERANCE
    assert not bool(has_converged(slope / 480, found.decrement).any())


@pytest.mark.parametrize("curvature", [0.01, 0.3, 100.0])
def test_the_length_of_the_step_that_is_left_is_never_said_too_long(curvature: float) -> None:
    """H = I + XᵀWX, seen through a preconditioner of another curvature: exact where W is the preconditioner's."""
    rng = np.random.default_rng(1)
    x, gradient = rng.standard_normal((40, 100)), rng.standard_normal(40) @ rng.standard_normal((40, 100))
    preconditioned = np.linalg.solve(np.eye(100) + curvature * x.T @ x, gradient)
    for weight in (np.full(40, curvature), rng.uniform(0, 1, 40)):
        norm, held, image, w = (
            torch.from_numpy(np.asarray(value))[None]
            for value in (gradient @ preconditioned, preconditioned @ preconditioned, x @ preconditioned, weight)
        )
        square = float(step_square(norm, held, image, w))
        newtons = gradient @ np.linalg.solve(np.eye(100) + (x.T * weight) @ x, gradient)
        assert square <= newtons * (1 + 1e-9)
        if weight[0] == curvature:
            assert square == pytest.approx(newtons)
    assert float(step_square(-norm, held, image, w)) == np.inf  # rounding alone makes a norm negative


@pytest.mark.parametrize("width", [20, 120])
@pytest.mark.parametrize("small", [0.0, 1e18])
def test_weights_that_are_rounding_alone_count_as_reached(width: int, small: float, monkeypatch) -> None:
    """Every sample with either label: the optimum is 0."""
    monkeypatch.setattr(newton_direct, "SMALL", small)
    x = np.random.default_rng(2).standard_normal((50, width))
    doubled, y = torch.from_numpy(np.r_[x, x]), torch.arange(100) // 50
    for C in (1e-3, 1.0, 1e3):
        found = Design(doubled).solve(y[None].double(), C=C)
        assert bool(found.converged.all()) and float(found.coef.abs().max()) < 1e-6
