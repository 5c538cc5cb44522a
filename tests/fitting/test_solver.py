"""The batched solver against scikit-learn at tol=1e-10, one fit at a time, over designs that break solvers."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from interp.errors import DataError
from interp.fitting import newton, newton_direct, newton_primal, solver
from interp.fitting.standardiser import Standardiser
from interp.statistics.auc import within_fold_auc
from interp.statistics.samples import fold_pairs


@pytest.fixture(params=["factorised", "iterated"], autouse=True)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Every problem by one of the two methods, whatever its size."""
    monkeypatch.setattr(newton_direct, "SMALL", 1e18 if request.param == "factorised" else 0.0)
    return str(request.param)


def design(kind: str, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Features and labels of one of the designs issue 5 names."""
    n, width = {"n < d": (80, 300), "n > d": (300, 12)}.get(kind, (160, 96))
    x = rng.standard_normal((n, width))
    mix = np.linalg.qr(rng.standard_normal((width, width)))[0]
    index = np.arange(1, width + 1.0)
    if kind == "correlated":
        x = (x * index**-0.5) @ mix
    if kind == "steep":
        x = (x * index**-1.5) @ mix
    if kind == "heavy tails":
        x = rng.standard_t(2.5, (n, 5)) @ rng.standard_normal((5, width)) + 0.1 * rng.standard_t(2.5, (n, width))
    if kind == "rank-deficient":
        x = x[:, :7] @ rng.standard_normal((7, width))
    if kind == "repeated samples":
        x[n // 2 :] = x[: n // 2]
    if kind == "huge dimension":
        x[:, 0] = 8e4 + 100 * x[:, 0]
    if kind == "constant columns":
        x[:, ::3] = 0.1
    signal = x @ mix[0] + (0 if kind == "separable" else x.std() * rng.standard_normal(n))
    cut = np.quantile(signal, 0.93 if kind == "imbalanced" else 0.4)
    return x, (signal > cut).astype(float)


def stratified(y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Three folds that hold both labels."""
    fold = np.empty(len(y), dtype=int)
    for label in (0, 1):
        where = rng.permutation(np.flatnonzero(y == label))
        fold[where] = np.arange(len(where)) % 3
    return fold


def one_by_one(x: np.ndarray, labels: np.ndarray, fold: np.ndarray, C: float) -> np.ndarray:
    """scikit-learn on every fold and label vector; Newton's solver, because L-BFGS stops early on steep designs."""
    score = np.full(labels.shape, np.nan)
    for f in np.unique(fold):
        train = fold != f
        scaler = Standardiser.fit(x[train])
        for column, t in zip(score, labels, strict=True):
            fitted = LogisticRegression(C=C, tol=1e-10, max_iter=1000, solver="newton-cholesky")
            fitted.fit(scaler.apply(x[train]), t[train])
            column[~train] = fitted.decision_function(scaler.apply(x[~train]))
    return score


KINDS = (
    "iid",
    "correlated",
    "steep",
    "heavy tails",
    "separable",
    "imbalanced",
    "rank-deficient",
    "repeated samples",
    "huge dimension",
    "constant columns",
    "n < d",
    "n > d",
)


@pytest.mark.parametrize("C", [0.01, 1.0, 30.0])
@pytest.mark.parametrize("kind", KINDS)
def test_equals_scikit_learn(kind: str, C: float) -> None:
    rng = np.random.default_rng(5)
    x, y = design(kind, rng)
    fold = stratified(y, rng)
    labels = np.stack([y, *(rng.permutation(y) for _ in range(4))])
    found = solver.cross_fit_logistic(x, labels, fold, C=C)
    expected = one_by_one(x, labels, fold, C)
    assert found.converged.all() and found.gradient.max() <= 1e-6
    error = np.abs(found.score[0] - expected) / expected.std(1, keepdims=True)
    assert error.max() < 1e-4
    pairs = sum(m * k for m, k in fold_pairs(y.astype(int), fold).values())
    difference = within_fold_auc(found.score[0, 0], y.astype(int), fold) - within_fold_auc(
        expected[0], y.astype(int), fold
    )
    assert abs(difference) * pairs <= 5


@settings(max_examples=15, deadline=None)
@given(
    n=st.integers(12, 90),
    width=st.integers(1, 120),
    rank=st.integers(1, 120),
    spread=st.floats(0, 6),
    C=st.sampled_from([1e-3, 1.0, 100.0]),
    seed=st.integers(0, 2**16),
)
def test_gradient_vanishes_on_any_design(n: int, width: int, rank: int, spread: float, C: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, rank)) @ (10 ** rng.uniform(-spread, 0, (rank, 1)) * rng.standard_normal((rank, width)))
    t = np.zeros((3, n))
    for column in t:
        column[rng.permutation(n)[: rng.integers(1, n)]] = 1
    found = solver.Design(torch.from_numpy(x)).solve(torch.from_numpy(t), C=C)
    scaler = Standardiser.fit(x)
    z, w = scaler.apply(x), found.coef.numpy()[:, scaler.kept] * scaler.scale
    error = 1 / (1 + np.exp(-(found.coef.numpy() @ x.T + found.intercept.numpy()[:, None]))) - t
    assert np.abs(w + C * error @ z).max() <= 1.1e-6 * n * max(1, C)
    assert np.abs(C * error.sum(1)).max() <= 1.1e-6 * n * max(1, C)
    assert bool(found.converged.all())


@pytest.mark.parametrize("C", [0.01, 1.0, 30.0])
@pytest.mark.parametrize("kind", KINDS)
def test_training_parts_of_one_design_equal_scikit_learn(kind: str, C: float) -> None:
    rng = np.random.default_rng(6)
    x, y = design(kind, rng)
    fold = stratified(y, rng)
    part = np.stack([fold != f for f in range(3)])
    found = solver.Design(torch.from_numpy(x)).solve(torch.from_numpy(y).expand(3, -1), torch.from_numpy(part), C=C)
    score = np.take_along_axis(found.decision(torch.from_numpy(x)).numpy(), fold[None], 0)[0]
    expected = one_by_one(x, y[None], fold, C)[0]
    assert bool(found.converged.all())
    assert np.abs(score - expected).max() < 1e-4 * expected.std()
    for k in range(3):  # the gradient is that of the features standardised within the part, in float64
        scaler = Standardiser.fit(x[part[k]])
        z, w = scaler.apply(x[part[k]]), found.coef.numpy()[k, scaler.kept] * scaler.scale
        error = 1 / (1 + np.exp(-(x[part[k]] @ found.coef.numpy()[k] + found.intercept.numpy()[k]))) - y[part[k]]
        slope = max(np.abs(w + C * error @ z).max(), C * abs(error.sum())) / part[k].sum() / max(1, C)
        assert slope == pytest.approx(found.gradient[k].item(), rel=0.05, abs=3e-8)


def test_usual_parts_are_solved_together(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(6)
    for kind in KINDS:
        x, y = design(kind, rng)
        fold = stratified(y, rng)
        part = torch.from_numpy(np.stack([fold != f for f in range(3)]))
        whole = solver.Design(torch.from_numpy(x))
        with monkeypatch.context() as patch:
            patch.setattr(solver, "Design", None)  # what a part of its own would need
            assert bool(whole.solve(torch.from_numpy(y).expand(3, -1), part).converged.all())


@pytest.mark.parametrize("kind", ["correlated", "n > d"])
@pytest.mark.parametrize("far", [1e2, 1e3, 1e4, 1e6])
def test_a_part_for_which_the_common_scale_is_none_is_solved_by_itself(kind: str, far: float) -> None:
    rng = np.random.default_rng(7)
    x, y = design(kind, rng)
    x[3, 1:] *= far  # fold 0 is trained without this sample, at a scale the others do not know
    x[:, 0] = 5.0
    x[3, 0] = 6.0  # ... and this column does not vary there
    fold = np.arange(len(y)) % 3
    part = np.stack([fold != f for f in range(3)])
    found = solver.Design(torch.from_numpy(x)).solve(torch.from_numpy(y).expand(3, -1), torch.from_numpy(part), C=0.01)
    score = np.take_along_axis(found.decision(torch.from_numpy(x)).numpy(), fold[None], 0)[0]
    expected = one_by_one(x, y[None], fold, 0.01)[0]
    assert bool(found.converged.all())
    usual = np.arange(len(y)) != 3
    assert np.abs(score - expected)[usual].max() < 1e-4 * expected[usual].std()
    assert found.coef[0, 0] == 0


def test_a_part_of_another_scale_is_not_tried_together(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(7)
    x, y = design("n > d", rng)
    x[3] *= 1e4
    part = np.stack([np.arange(len(y)) % 3 != f for f in range(3)])  # the first lacks the far sample
    columns: list[int] = []

    def counted(x: torch.Tensor, labels: torch.Tensor, *rest: object) -> newton.Optimum:
        columns.append(len(labels))
        return solve(x, labels, *rest)

    module, name = (newton_direct, "solve_direct") if way == "factorised" else (newton_primal, "solve_primal")
    solve = getattr(module, name)
    monkeypatch.setattr(solver, name, counted)
    solver.Design(torch.from_numpy(x)).solve(torch.from_numpy(y).expand(3, -1), torch.from_numpy(part))
    assert columns == [2, 1]


@pytest.mark.parametrize("kind", ["correlated", "n > d", "n < d", "constant columns"])
def test_matrices_solved_together_are_each_solved_alone(kind: str) -> None:
    """The second has a column that is constant in it alone, the third a part that needs a scale of its own."""
    rng = np.random.default_rng(9)
    x, y = design(kind, rng)
    several = np.stack([x, rng.permutation(x), x * rng.uniform(0.5, 2, x.shape), x[:, ::-1]])
    several[1, :, 1] = 0.1
    several[2, 3, 1:] *= 1e4
    labels = torch.from_numpy(np.stack([y, y, y, rng.permutation(y)]))
    part = torch.from_numpy(np.stack([np.arange(len(y)) % 3 != f for f in (0, 1, 2, 0)]))
    for where in (part, None):
        together = solver.Design(torch.from_numpy(several)).solve(labels, where, C=0.3)
        assert bool(together.converged.all()) and not together.coef[1, :, 1].any()
        for i, own in enumerate(several):
            alone = solver.Design(torch.from_numpy(own)).solve(labels, where, C=0.3)
            score, expected = (torch.from_numpy(own) @ coef.T for coef in (together.coef[i], alone.coef))
            close = 1e-5 * float(expected.std())
            np.testing.assert_allclose(score + together.intercept[i], expected + alone.intercept, atol=close)


def test_a_matrix_in_which_nothing_varies_is_nan_beside_others() -> None:
    rng = np.random.default_rng(10)
    x, y = np.stack([np.full((60, 4), 0.1), rng.standard_normal((60, 4))]), np.arange(60) % 2.0
    part = torch.from_numpy(np.stack([np.arange(60) % 3 != f for f in range(3)]))
    found = solver.Design(torch.from_numpy(x)).solve(torch.from_numpy(y).expand(3, -1), part)
    assert found.intercept.isnan().all(1).tolist() == [True, False]
    assert found.converged.all(1).tolist() == [False, True]


def test_parts_with_one_class_or_no_varying_column_are_nan() -> None:
    rng = np.random.default_rng(8)
    x, y = rng.standard_normal((40, 5)), np.arange(40) % 2.0
    part = np.stack([y == 1, np.arange(40) < 4, np.arange(40) >= 0])
    x[:4] = 0.3
    found = solver.Design(torch.from_numpy(x)).solve(torch.from_numpy(y).expand(3, -1), torch.from_numpy(part))
    assert found.intercept.isnan().tolist() == [True, True, False]
    assert found.converged.tolist() == [False, False, True]


def test_strengths_and_label_vectors_do_not_touch_each_other() -> None:
    rng = np.random.default_rng(1)
    x, y = design("correlated", rng)
    fold = np.arange(len(y)) % 4
    labels = np.stack([y, *(rng.permutation(y) for _ in range(3))])
    together = solver.cross_fit_logistic(x, labels, fold, C=[0.1, 10.0])
    assert together.score.shape == (2, 4, len(y))
    for s, C in enumerate((0.1, 10.0)):
        for r in range(4):
            alone = solver.cross_fit_logistic(x, labels[r : r + 1], fold, C=C).score[0, 0]
            np.testing.assert_allclose(together.score[s, r], alone, atol=2e-5 * alone.std())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_reads_half_precision(dtype: torch.dtype) -> None:
    rng = np.random.default_rng(2)
    x, y = design("correlated", rng)
    x = torch.from_numpy(x).to(dtype)
    fold = np.arange(len(y)) % 4
    found = solver.cross_fit_logistic(x, y[None], fold).score[0]
    expected = solver.cross_fit_logistic(x.double().numpy(), y[None], fold).score[0]
    np.testing.assert_array_equal(found, expected)


def test_one_class_training_part_is_nan_and_not_converged() -> None:
    rng = np.random.default_rng(3)
    x, fold = rng.standard_normal((40, 5)), np.arange(40) % 2
    labels = np.stack([(fold == 0).astype(int), rng.permutation(np.arange(40) % 3 == 0).astype(int)])
    found = solver.cross_fit_logistic(x, labels, fold)
    assert np.isnan(found.score[0, 0]).all() and not found.converged[0, 0].any()
    assert np.isfinite(found.score[0, 1]).all() and found.converged[0, 1].all()


def test_no_varying_column_is_nan() -> None:
    found = solver.cross_fit_logistic(np.full((30, 4), 0.1), (np.arange(30) % 2)[None], np.arange(30) % 3)
    assert np.isnan(found.score).all() and not found.converged.any()


def test_unfinished_work_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(4)
    x, y = design("separable", rng)
    monkeypatch.setattr(newton, "MAX_NEWTON", 4)
    found = solver.cross_fit_logistic(x, y[None], np.arange(len(y)) % 3)
    assert np.isfinite(found.score).all() and not found.converged.all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": np.full((1, 30), 2.0)}, "labels 0 and 1"),
        ({"x": np.where(np.eye(30, 4) > 0, np.nan, 1.0)}, "NaN or infinity"),
        ({"C": 0.0}, "positive"),
        ({"C": [1.0, -1.0]}, "positive"),
    ],
)
def test_bad_input(change: dict, message: str) -> None:
    rng = np.random.default_rng(0)
    arguments = {"x": rng.standard_normal((30, 4)), "labels": (np.arange(30) % 2)[None], "fold": np.arange(30) % 3}
    arguments |= {"C": 1.0} | change
    C = arguments.pop("C")
    with pytest.raises(DataError, match=message):
        solver.cross_fit_logistic(**arguments, C=C)
