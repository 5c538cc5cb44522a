"""How the attention probe reads its metrics: what one head has is not lost, and every door reads the same columns."""

import math

import numpy as np
import pytest
import torch

from interp.capturing.activations import Capture
from interp.comparing.delta import delta_grid
from interp.controls.permutations import permutation_test, ridge_aucs
from interp.errors import DataError
from interp.grids.attention_columns import FLOOR, with_transform
from interp.grids.gain import gain_grid
from interp.grids.probes import attention_grid, probe_grid
from interp.statistics.auc import within_fold_auc

ROLES = ("last_q", "exact_answer_first")


def capture(
    y: np.ndarray, *, planted: float = 0.0, centre: float = -12.0, decades: float = 3.0, seed: int = 0
) -> Capture:
    """Two metrics of three heads over many orders of magnitude; one head of one cell attends more where y is 1."""
    rng = np.random.default_rng(seed)
    n = len(y)
    exponents = {name: rng.normal(centre, decades, (n, 1, 3, 2)) for name in ("to_self", "received")}
    exponents["to_self"][:, 0, 1, 1] += planted * y
    x = torch.from_numpy(rng.standard_normal((n, 1, 2, 5)).astype(np.float32))
    return Capture(
        sites={"resid_post": x},
        embed=x[:, 0],
        attention={name: torch.from_numpy((10.0**e).astype(np.float32)) for name, e in exponents.items()},
        valid=torch.ones(n, 2, dtype=torch.bool),
        index=torch.zeros(n, 2, dtype=torch.int64),
        layers=(0,),
        roles=ROLES,
        id=tuple(f"s{i}" for i in range(n)),
    )


def labels(n: int = 240, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 2, n)


def test_columns_are_the_metrics_and_their_logarithms_by_loop() -> None:
    x = np.array([[0.5, 1e-12, 0.0], [1.0, 3e-41, 40.0], [2e-7, 1e-38, -1e-9]])
    expected = [[*row, *(math.log(max(value, FLOOR)) for value in row)] for row in x.tolist()]
    np.testing.assert_allclose(with_transform(x, "with_log"), expected, rtol=1e-15)
    assert with_transform(x, "none") is x
    for dtype in (np.float16, np.float32):
        small = x.astype(dtype)
        found = with_transform(small, "with_log")
        assert found.dtype == np.float32 and np.isfinite(found).all()
        np.testing.assert_array_equal(found[:, :3], small)


def test_what_one_head_has_at_a_tiny_scale_is_not_lost() -> None:
    """Around 1e-12, over sixteen orders of magnitude: the head alone tells, the probe that holds it should too."""
    y = labels()
    cap = capture(y, planted=5.0)
    grid = attention_grid(cap, y)
    head = cap.attention["to_self"][:, 0, 1, 1].double().numpy()
    alone = float(within_fold_auc(head, y, grid["fold"].values))
    assert alone > 0.83
    assert grid["auc"].sel(token="exact_answer_first").item() > alone - 0.05
    assert attention_grid(cap, y, transform="none")["auc"].sel(token="exact_answer_first").item() < alone - 0.2
    assert grid["low"].sel(token="last_q") < 0.5 < grid["high"].sel(token="last_q")
    assert grid["n_features"].values.tolist() == [[12, 12]] and grid.attrs["transform"] == "with_log"


@pytest.mark.parametrize("factor", [1e-9, 1e7])
def test_the_unit_of_a_metric_does_not_matter(factor: float) -> None:
    y = labels(120)
    cap, other = capture(y, planted=3.0, decades=1.0), capture(y, planted=3.0, decades=1.0)
    other.attention["received"] = other.attention["received"].double() * factor
    first, second = (attention_grid(c, y)["score"].values for c in (cap, other))
    np.testing.assert_allclose(first, second, atol=1e-4 * first.std())


def test_ties_and_constants() -> None:
    """Columns that are 0 for most or all samples, as attention to a question that lies outside the window."""
    y = labels(120)
    cap = capture(y)
    cap.attention["received"][:] = 0
    cap.attention["to_self"][10:] = 0
    grid = attention_grid(cap, y)
    assert np.isfinite(grid["auc"]).all() and (grid["auc"] - 0.5 < 0.15).all()
    cap.attention["to_self"][:] = 0
    reasons = attention_grid(cap, y)["reason"].values.ravel().tolist()
    assert all("no column varies in the training part" in reason for reason in reasons)


@pytest.mark.parametrize("transform", ["with_log", "none"])
def test_permutations_read_the_columns_of_the_grid(transform: str) -> None:
    y = labels(120)
    cap = capture(y, planted=5.0)
    grid = attention_grid(cap, y, transform=transform)
    fold = grid["fold"].values
    metrics = np.concatenate([cap.attention[m][:, 0, :, 1].double().numpy() for m in cap.attention], axis=1)
    columns = metrics if transform == "none" else np.concatenate([metrics, np.log(metrics)], axis=1)
    expected = ridge_aucs(columns, y[None] == 1, fold)[0]
    found = permutation_test(grid, cap, permutations=20)
    assert found["permutation_auc"].sel(token="exact_answer_first").item() == pytest.approx(expected, abs=2e-3)
    refitted = permutation_test(grid, cap, permutations=2, statistic="logistic")
    np.testing.assert_allclose(refitted["permutation_auc"], grid["auc"], atol=2e-3)
    if transform == "none":  # a grid made before there was a choice
        del grid.attrs["transform"]
        old = permutation_test(grid, cap, permutations=20)
        np.testing.assert_array_equal(old["permutation_auc"], found["permutation_auc"])


def test_the_gain_reads_the_metrics_so_and_the_vector_as_it_is() -> None:
    y = labels()
    cap = capture(y, planted=5.0)
    vectors = cap.resid[:, 0, 1].double().numpy()
    metrics = np.concatenate([cap.attention[m][:, 0, :, 1].double().numpy() for m in cap.attention], axis=1)
    both = np.concatenate([vectors, metrics, np.log(metrics)], axis=1)
    expected = probe_grid(both[:, None, None], y)["score"].values[:, 0, 0]
    grid = gain_grid(cap, y)
    np.testing.assert_allclose(grid["score"].values[:, 0, 1], expected, atol=1e-4 * expected.std())
    assert grid.attrs["transform"] == "with_log"
    added = delta_grid(grid, gain_grid(cap, y, transform="none")).sel(token="exact_answer_first")
    assert added["low"] > 0.05


def test_nothing_is_found_where_nothing_is() -> None:
    """Labels that know nothing of the metrics: AUC 0.5 on average, intervals that hold it, no flattered best cell."""
    aucs, covered, best = [], [], []
    for seed in range(12):
        y = labels(80, seed)
        grid = attention_grid(capture(y, seed=seed), y, seed=seed)
        aucs += grid["auc"].values.ravel().tolist()
        covered += ((grid["low"] <= 0.5) & (grid["high"] >= 0.5)).values.ravel().tolist()
        best += grid["choice_auc"].max("token").values.ravel().tolist()
    assert np.mean(aucs) == pytest.approx(0.5, abs=0.04) and np.mean(covered) >= 0.85
    assert np.mean(best) < 0.6


def test_a_transform_without_a_name_is_refused() -> None:
    y = labels(60)
    for grid in (attention_grid, gain_grid):
        with pytest.raises(DataError, match="transform: expected one of with_log, none, got 'rank'"):
            grid(capture(y), y, transform="rank")
