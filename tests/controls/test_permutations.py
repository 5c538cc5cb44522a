"""Permutations against loops, scikit-learn's RidgeClassifier, planted signal and the null."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import RidgeClassifier
from sklearn.preprocessing import StandardScaler

from interp.capturing.activations import Capture
from interp.controls.permutations import permutation_test, permute_labels, ridge_aucs, signal
from interp.errors import DataError
from interp.grids.probes import attention_grid, probe_grid
from interp.statistics.auc import within_fold_auc


def test_groups_exchange_whole_label_vectors_with_groups_of_equal_size() -> None:
    group = np.array([0, 1, 0, 2, 2, 3, 4, 4, 4, 1, 5])
    y = np.array([1, 0, 0, 1, 1, 1, 0, 0, 1, 0, 0])
    drawn, unmoved = permute_labels(y, group, permutations=400, seed=7)
    assert unmoved == 3 and (drawn[:, group == 4] == y[group == 4]).all()
    pairs = [group == g for g in (0, 1, 2)]
    vectors = sorted(tuple(y[mask]) for mask in pairs)
    seen = set()
    for row in drawn:
        assert sorted(tuple(row[mask]) for mask in pairs) == vectors
        assert sorted(row[[5, 10]]) == sorted(y[[5, 10]])
        seen.add(tuple(row))
    assert len(seen) == 12  # 3! orders of the pairs times 2! of the single samples
    again, _ = permute_labels(y, group, permutations=400, seed=7)
    assert (again == drawn).all()
    assert (permute_labels(y, group, permutations=400, seed=8)[0] != drawn).any()


@pytest.mark.parametrize(("n", "width"), [(60, 9), (60, 130), (400, 3)])
def test_ridge_aucs_are_those_of_scikit_learn(n: int, width: int) -> None:
    rng = np.random.default_rng(0)
    x, fold = rng.standard_normal((n, width)) * 7 + 3, rng.permutation(np.arange(n) % 4)
    x[:, 2] = 5.0
    labels = rng.integers(0, 2, (70, n)) == 1
    found = ridge_aucs(x, labels, fold, alpha=0.3)
    z = StandardScaler().fit_transform(x)  # over all samples: no label is used
    expected = []
    for y in labels:
        score = np.empty(n)
        for f in range(4):
            train = fold != f
            score[~train] = RidgeClassifier(alpha=0.3).fit(z[train], y[train]).decision_function(z[~train])
        expected.append(within_fold_auc(score, y.astype(int), fold))
    pairs = 4 * (n / 8) ** 2
    np.testing.assert_allclose(found, expected, rtol=0, atol=1.5 / pairs)  # products are in single precision


def test_signal_equals_a_loop() -> None:
    rng = np.random.default_rng(1)
    auc, null = rng.uniform(0.4, 0.8, (3, 4)), rng.uniform(0.3, 0.7, (99, 3, 4))
    auc[0, 0] = np.nan
    null[:, 1, 1] = 0.5
    null[3, 2, 2] = np.nan
    z, p, corrected = signal(auc, null)
    assert np.isnan([z[0, 0], p[0, 0], corrected[0, 0], z[1, 1], corrected[1, 1]]).all()
    expected = np.full((3, 4), np.nan)
    drawn = np.full((99, 3, 4), -np.inf)
    for i in range(3):
        for j in range(4):
            if (i, j) in ((0, 0), (1, 1)):
                continue
            values = null[:, i, j][np.isfinite(null[:, i, j])]
            expected[i, j] = (auc[i, j] - values.mean()) / values.std(ddof=1)
            drawn[:, i, j] = np.nan_to_num((null[:, i, j] - values.mean()) / values.std(ddof=1), nan=-np.inf)
    np.testing.assert_allclose(z, expected)
    largest = drawn.max((1, 2))
    assert corrected[2, 3] == pytest.approx((1 + sum(value >= expected[2, 3] for value in largest)) / 100)


def planted(seed: int, strength: float = 3.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, 90)
    x = rng.standard_normal((90, 3, 4, 8)).astype(np.float32)
    x[:, 1, 2] += strength * np.outer(y, rng.standard_normal(8)) / np.sqrt(8)
    valid = np.ones((90, 4), bool)
    valid[:20, 3] = False
    return x, y, valid


@pytest.mark.parametrize("statistic", ["ridge", "logistic"])
def test_the_planted_cell_is_found_and_no_other(statistic: str) -> None:
    x, y, valid = planted(3)
    grid = probe_grid(x, y, valid=valid, folds=3)
    found = permutation_test(grid, x, permutations=99, statistic=statistic)
    assert found["p_corrected"].values[1, 2] == 0.01
    others = np.delete(found["p_corrected"].values.ravel(), 1 * 4 + 2)
    assert (others > 0.05).all()
    assert found["q"].values[1, 2] < 0.01
    if statistic == "logistic":  # the statistic is the grid's own AUC, up to the optimum's accuracy
        np.testing.assert_allclose(found["permutation_auc"], grid["auc"], atol=2e-3)
        assert "refitted" in found.attrs["permutation_statistic"]
    else:
        assert "ridge classifier" in found.attrs["permutation_statistic"]
    used = valid[:, 3]
    expected = ridge_aucs(x[used, 0, 3].astype(float), y[used][None] == 1, grid["fold"].values[used])[0]
    if statistic == "ridge":
        assert found["permutation_auc"].values[0, 3] == pytest.approx(expected)


def test_undefined_cells_stay_undefined() -> None:
    x, y, valid = planted(4)
    valid[:, 1] = np.arange(90) < 12
    found = permutation_test(probe_grid(x, y, valid=valid, folds=3), x, permutations=20)
    assert np.isnan(found["z"].values[:, 1]).all() and np.isnan(found["p_corrected"].values[:, 1]).all()
    assert np.isfinite(found["z"].values[:, [0, 2, 3]]).all()


def test_both_grids_of_a_capture_share_their_permutations_and_p_is_uniform_under_the_null() -> None:
    rng = np.random.default_rng(5)
    n, roles = 120, ("last_q", "exact_answer_first")
    y = rng.integers(0, 2, n)
    groups = [f"g{i // 2}" for i in range(n)]
    attention = {name: torch.from_numpy(rng.standard_normal((n, 3, 2, 2))) for name in ("entropy", "to_self")}
    attention["entropy"][4, :, 1, 0] = torch.nan
    cap = Capture(
        sites={"resid_post": torch.from_numpy(rng.standard_normal((n, 3, 2, 6))).half()},
        embed=torch.zeros(n, 2, 6),
        attention=attention,
        valid=torch.ones(n, 2, dtype=torch.bool),
        index=torch.zeros(n, 2, dtype=torch.int64),
        layers=(0, 1, 2),
        roles=roles,
        id=tuple(f"s{i}" for i in range(n)),
    )
    probe = permutation_test(probe_grid(cap, y, groups), cap, permutations=99, seed=2)
    attn = permutation_test(attention_grid(cap, y, groups), cap, permutations=99, seed=2)
    assert probe.attrs["permutation_unmoved"] == 0
    for grid in (probe, attn):
        assert (grid["p_corrected"] > 0.02).all() and (grid["p"] > 1e-3).all()
        assert (grid["p_corrected"].values >= grid["p"].values - 0.05).all()


def test_a_bare_array_keeps_the_ids_it_was_given() -> None:
    x, y, _ = planted(6)
    ids = [f"q{i}" for i in range(len(y))]
    plain = permutation_test(probe_grid(x, y, folds=3), x, permutations=9)
    order = np.random.default_rng(0).permutation(len(y))  # rows are found by id, not by place
    named = permutation_test(probe_grid(x, y, folds=3, ids=ids), x[order], ids=[ids[i] for i in order], permutations=9)
    np.testing.assert_array_equal(named["permutation_auc"], plain["permutation_auc"])
    with pytest.raises(
        DataError, match="samples: 90 of 90 are not in the data, first 'q0'.*the same layers=, roles= and ids="
    ):
        permutation_test(probe_grid(x, y, folds=3, ids=ids), x, permutations=9)


def test_bad_input() -> None:
    x, y, _ = planted(0)
    grid = probe_grid(x, y, folds=3)
    with pytest.raises(DataError, match="statistic"):
        permutation_test(grid, x, statistic="lasso")
    with pytest.raises(DataError, match="samples: 40 of 90 are not in the data"):
        permutation_test(grid, x[:50])
    with pytest.raises(DataError, match="layers: 1 of 3 are not in the data, first 2"):
        permutation_test(grid, x[:, :2])
    with pytest.raises(DataError, match="permutations: expected a whole number from 2 to 1000000, got 1"):
        permutation_test(grid, x, permutations=1)


def test_data_that_lack_a_value_where_the_grid_has_a_score_are_refused() -> None:
    """They gave p values of NaN features: of every cell NaN, without a word."""
    x = np.random.default_rng(0).standard_normal((30, 2, 1, 3)).astype(np.float32)
    y, ids = np.arange(30) % 2, [f"s{i}" for i in range(30)]
    x[3, 0] = np.nan  # left out of that cell, so that the grid itself is no reason
    grid = probe_grid(x, y, ids=ids, folds=2, min_per_class=2, n_jobs=1)
    assert np.isfinite(permutation_test(grid, x, ids=ids, permutations=5, n_jobs=1)["p"]).all()
    other = x.copy()
    other[7, 1, 0, 2] = np.inf
    with pytest.raises(DataError, match="data: sample 's7' has NaN or infinity at layer 1, 0, where it has a score"):
        permutation_test(grid, other, ids=ids, permutations=5, n_jobs=1)
