"""Best cell, peak set and split halves: planted peaks, nulls, and loops as oracles."""

import numpy as np
import pytest

from interp.statistics import resampling
from interp.statistics.auc import auc_influence, estimate_auc, within_fold_auc
from interp.statistics.resampling import (
    aucs_without_folds,
    composed_best,
    nested_best,
    peak_set,
    remove_row_and_column_means,
    split_halves,
)
from interp.statistics.samples import Samples


def grid(n: int = 300, layers: int = 4, roles: int = 5, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    y, fold = rng.integers(0, 2, n), rng.integers(0, 5, n)
    return rng.standard_normal((n, layers, roles)), y, fold


def influences(score: np.ndarray, y: np.ndarray, fold: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    group = np.arange(len(y))
    pairs = [auc_influence(column, y, fold, group) for column in score.reshape(len(y), -1).T]
    return np.array([auc for auc, _ in pairs]), np.stack([influence for _, influence in pairs])


def test_the_nested_best_cell_is_chosen_without_the_fold_it_is_scored_on() -> None:
    score, y, fold = grid()
    flat = score.reshape(len(y), -1)
    best = nested_best(flat, Samples(y, fold, np.arange(len(y))))
    concordant = pairs = 0.0
    for f in range(5):
        others = fold != f
        choice = int(np.argmax([within_fold_auc(column[others], y[others], fold[others]) for column in flat.T]))
        assert best.chosen[f] == choice
        inside, m = fold == f, (fold == f) & (y == 1)
        count = m.sum() * (inside.sum() - m.sum())
        concordant += count * within_fold_auc(flat[inside, choice], y[inside], fold[inside])
        pairs += count
    assert best.estimate.value == pytest.approx(concordant / pairs, abs=1e-12)


def test_aucs_without_each_fold_where_cells_have_samples_of_their_own() -> None:
    score, y, fold = grid(n=80)
    flat = score.reshape(len(y), -1)[:, :4]
    flat[::3, 1], flat[fold == 2, 2] = np.nan, np.nan
    for f, found in enumerate(aucs_without_folds(flat, Samples.alone(y, fold))):
        for cell, column in zip(found, flat.T, strict=True):
            used = np.isfinite(column) & (fold != f)
            assert cell == pytest.approx(within_fold_auc(column[used], y[used], fold[used]), abs=1e-12)


def test_without_a_fold_one_pair_is_enough_and_none_loses_to_every_auc() -> None:
    y, fold = np.array([1, 0, 1, 1]), np.array([0, 0, 1, 1])
    score = np.array([[2.0, 1.0], [1.0, 2.0], [0.0, 0.0], [0.0, 0.0]])
    assert aucs_without_folds(score, Samples.alone(y, fold)).tolist() == [[-1, -1], [1, 0]]


def test_a_composed_best_takes_the_score_and_the_training_of_each_folds_cell() -> None:
    score, y, fold = grid()
    flat, samples = score.reshape(len(y), -1), Samples.alone(y, fold)
    training = np.random.default_rng(1).standard_normal((len(y), 20, 2, 8)).astype(np.float32) / 50
    training[:, :, 1] = training[:, :, 0]
    chosen = {f: 3 * f for f in range(5)}
    own = (np.arange(len(y)), 3 * fold)
    fixed, trained = (composed_best(flat, chosen, samples, training=t).estimate for t in (None, training))
    assert fixed.se == estimate_auc(flat[own], samples).se
    assert trained.se == estimate_auc(flat[own], samples, training=training[own]).se > fixed.se
    assert (composed_best(flat, chosen, samples).score == flat[own]).all()


def test_the_best_of_many_null_cells_is_not_better_than_chance_when_nested() -> None:
    naive, nested = [], []
    for seed in range(30):
        score, y, fold = grid(layers=6, roles=10, seed=seed)
        flat = score.reshape(len(y), -1)
        naive.append(max(float(within_fold_auc(column, y, fold)) for column in flat.T))
        nested.append(nested_best(flat, Samples(y, fold, np.arange(len(y)))).estimate.value)
    assert np.mean(naive) > 0.56
    assert np.mean(nested) == pytest.approx(0.5, abs=0.02)


def test_a_strong_peak_is_located_alone_and_a_tie_is_not() -> None:
    score, y, fold = grid(600)
    score[:, 2, 3] += 2.0 * y
    share = peak_set(*influences(score, y, fold), np.arange(len(y)))
    assert share.argmax() == 2 * 5 + 3 and (share > 0).sum() == 1
    score[:, 1, 1] += 2.0 * y
    tied = peak_set(*influences(score, y, fold), np.arange(len(y)))
    assert set(np.flatnonzero(tied)) == {1 * 5 + 1, 2 * 5 + 3}
    assert tied.sum() >= 0.95


def test_the_peak_set_is_the_smallest_that_holds_95_percent_of_the_resamples() -> None:
    """By loop over the documented draws."""
    score, y, fold = grid()
    group = np.arange(len(y)) // 2
    auc, influence = influences(score, y, fold)
    draws = np.random.default_rng([7, 1]).standard_normal((2000, group.max() + 1))
    sums = np.stack([np.bincount(group, row) for row in influence])
    wins = np.bincount([int(np.argmax(auc + sums @ draw)) for draw in draws], minlength=len(auc)) / 2000
    share = peak_set(auc, influence, group, seed=7)
    np.testing.assert_allclose(share[share > 0], wins[share > 0])
    assert share.sum() >= 0.95 > share.sum() - share[share > 0].min()
    assert wins[share == 0].max(initial=0) <= share[share > 0].min()


def test_an_undefined_cell_is_never_the_peak() -> None:
    score, y, fold = grid()
    auc, influence = influences(score, y, fold)
    auc[4] = np.nan
    assert peak_set(auc, influence, np.arange(len(y)))[4] == 0
    assert (peak_set(np.full_like(auc, np.nan), influence, np.arange(len(y))) == 0).all()


def test_a_single_defined_cell_holds_every_resample() -> None:
    auc, influence = np.array([np.nan, 0.6, np.nan]), np.zeros((3, 8))
    assert peak_set(auc, influence, np.arange(8)).tolist() == [0, 1, 0]


def test_exactly_95_percent_are_enough() -> None:
    """Cell 1 beats cell 0 in the largest of twenty draws alone."""
    draws = np.sort(np.random.default_rng([5, 1]).standard_normal(20))
    auc = np.array([draws[-2:].mean(), 0.0])
    share = peak_set(auc, np.array([[0.0], [1.0]]), np.zeros(1, int), seed=5, resamples=20)
    assert share.tolist() == [0.95, 0]


def test_defaults_are_the_documented_draws() -> None:
    score, y, fold = grid(n=40, layers=2, roles=2)
    auc, influence = influences(score, y, fold)
    group, samples, defined = np.arange(40), Samples.alone(y, fold), np.ones((2, 2), bool)
    assert (peak_set(auc, influence, group) == peak_set(auc, influence, group, seed=0, resamples=2000)).all()
    assert split_halves(score, score, samples, defined) == split_halves(
        score, score, samples, defined, seed=0, halvings=200
    )


def test_split_halves_by_loop() -> None:
    score, y, fold = grid()
    score += y[:, None, None] * np.linspace(0, 1, 20).reshape(4, 5)
    other = score + np.random.default_rng(1).standard_normal(score.shape)
    score[::3, 0, 1] = np.nan
    group = np.arange(len(y)) // 3
    defined = np.ones((4, 5), dtype=bool)
    defined[3, 4] = False
    halves = split_halves(score, other, Samples(y, fold, group), defined, seed=2, halvings=3)
    order = np.random.default_rng([2, 2]).permuted(np.tile(np.arange(100), (3, 1)), axis=1)

    def aucs(scores: np.ndarray, half: np.ndarray) -> np.ndarray:
        return np.array(
            [
                auc_influence(np.where(half, scores[:, layer, role], np.nan), y, fold, group)[0]
                for layer, role in np.argwhere(defined)
            ]
        )

    between, ceiling = [], []
    for row in order:
        half = (row < 50)[group]
        between += [
            np.corrcoef(aucs(score, half), aucs(other, ~half))[0, 1],
            np.corrcoef(aucs(score, ~half), aucs(other, half))[0, 1],
        ]
        ceiling.append(np.corrcoef(aucs(score, half), aucs(score, ~half))[0, 1])
    assert halves["raw"].between == pytest.approx(np.mean(between), abs=1e-9)
    assert halves["raw"].within_1 == pytest.approx(np.mean(ceiling), abs=1e-9)
    assert halves["raw"].n_cells == 19


def test_aucs_of_halves_are_aucs() -> None:
    """Ties count half; a correlation would not see AUCs that are all moved or turned alike."""
    score, y, fold = grid(n=60)
    score, defined = score.round(), np.arange(20).reshape(4, 5) % 3 > 0
    halves = np.random.default_rng(1).random((6, 60)) < 0.5
    halves[0] = y == 1
    found = resampling._half_aucs(score, y, fold, halves, defined)
    assert found.shape == (6, 13) and np.isnan(found[0]).all()
    for half, row in zip(halves[1:], found[1:], strict=True):
        aucs = [float(within_fold_auc(c[half], y[half], fold[half])) for c in score[:, defined].T]
        assert row.tolist() == pytest.approx(aucs)
    assert resampling._half_aucs(score, y, fold, halves, np.zeros((4, 5), bool)).shape == (6, 0)


def test_halves_alike_need_three_cells_and_a_pair_in_each_half() -> None:
    """Three groups: the half with one of them holds one pair at most, or none where that is the third."""
    y, fold, group = np.array([1, 0, 1, 0, 1, 1]), np.zeros(6, int), np.arange(6) // 2
    score = np.array([[3.0, 1, 2], [1, 2, 1], [1, 2, 3], [2, 2, 4], [0, 0, 0], [5, 5, 5]]).reshape(6, 1, 3)
    score[:, 0, 2] += 0.5 * y
    samples, three = Samples(y, fold, group), np.ones((1, 3), bool)
    two = np.array([[True, True, False]])
    found = split_halves(score, score, samples, three, halvings=12)["raw"]
    order = np.random.default_rng([0, 2]).permuted(np.tile(np.arange(3), (12, 1)), axis=1)
    kept = []
    for row in order:
        half = (row < 1)[group]
        if half[:4].any():
            sides = [[within_fold_auc(c[m], y[m], fold[m]) for c in score[:, 0].T] for m in (half, ~half)]
            kept.append(np.corrcoef(*sides)[0, 1] if np.ptp(sides, axis=1).all() else np.nan)
    assert 0 < len(kept) < 12 and np.isfinite(kept).any()
    assert found.within_1 == pytest.approx(np.nanmean(kept))
    few = split_halves(score, score, samples, two, halvings=12)["raw"]
    assert np.isnan([few.between, few.within_1, few.within_2]).all() and few.n_cells == 2
    none = split_halves(score, score, samples, ~three, halvings=2)["centred"]
    assert np.isnan(none.between) and none.n_cells == 0


def test_a_cell_unknown_in_one_grid_takes_no_part_in_their_likeness() -> None:
    score, y, fold = grid(n=60)
    other, samples, defined = score + y[:, None, None], Samples.alone(y, fold), np.ones((4, 5), bool)
    fewer, gone = defined.copy(), other.copy()
    fewer[1, 2], gone[:, 1, 2] = False, np.nan
    for name in ("raw", "centred"):
        whole, part = (
            split_halves(score, *rest, halvings=4)[name] for rest in ((gone, samples, defined), (other, samples, fewer))
        )
        assert whole.between == pytest.approx(part.between) and whole.within_2 == pytest.approx(part.within_2)


def test_grids_that_share_only_their_rows_look_alike_until_the_rows_are_removed() -> None:
    rng = np.random.default_rng(3)
    n, layers, roles = 800, 8, 6
    y, fold = rng.integers(0, 2, n), rng.integers(0, 5, n)
    rows = np.linspace(0, 2, layers)[:, None] * y[:, None, None]
    own = [rng.uniform(0, 1, (layers, roles)) * y[:, None, None] for _ in range(2)]
    first, second = (rows + part + rng.standard_normal((n, layers, roles)) for part in own)
    halves = split_halves(first, second, Samples(y, fold, np.arange(n)), np.ones((layers, roles), bool))
    assert halves["raw"].between > 0.8
    assert abs(halves["centred"].between) < 0.35 < halves["centred"].within_1


def test_row_and_column_means_are_removed_also_where_cells_are_missing() -> None:
    layer, role = np.nonzero(np.array([[1, 1, 0], [1, 1, 1], [1, 0, 1]]))
    additive = np.array([0.5, 0.1, 0.9])[layer] + np.array([0.0, 0.3, -0.2])[role]
    np.testing.assert_allclose(remove_row_and_column_means(additive, layer, role), 0, atol=1e-12)
    full = np.indices((3, 4)).reshape(2, -1)
    values = np.random.default_rng(0).standard_normal(12)
    table = values.reshape(3, 4)
    expected = table - table.mean(0) - table.mean(1, keepdims=True) + table.mean()
    np.testing.assert_allclose(remove_row_and_column_means(values, *full), expected.ravel(), atol=1e-12)
