"""AUC, influences, intervals and false discovery against loops, scikit-learn, SciPy and a jackknife."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats
from sklearn.metrics import roc_auc_score

from interp.statistics.auc import (
    auc_influence,
    auc_interval,
    benjamini_hochberg,
    delta_auc,
    estimate_auc,
    group_sums,
    normal_estimate,
    standard_error,
    why_undefined,
    within_fold_auc,
)
from interp.statistics.samples import Samples, group_codes


def simulate(n: int = 200, effect: float = 0.8, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    y, fold = rng.integers(0, 2, n), rng.integers(0, 5, n)
    return rng.standard_normal(n) + effect * y + 10 * fold, y, fold


def pair_loop(score: np.ndarray, y: np.ndarray, fold: np.ndarray) -> float:
    concordant = pairs = 0.0
    for i in range(len(y)):
        for j in range(len(y)):
            if y[i] == 1 and y[j] == 0 and fold[i] == fold[j] and np.isfinite(score[i] + score[j]):
                pairs += 1
                concordant += 1.0 if score[i] > score[j] else 0.5 if score[i] == score[j] else 0.0
    return concordant / pairs if pairs else np.nan


@settings(deadline=None)
@given(
    hnp.arrays(np.int64, 24, elements=st.integers(0, 3)),
    hnp.arrays(np.int64, 24, elements=st.integers(0, 1)),
    hnp.arrays(np.int64, 24, elements=st.integers(0, 2)),
)
def test_auc_is_the_share_of_concordant_pairs_of_the_same_fold(
    score: np.ndarray, y: np.ndarray, fold: np.ndarray
) -> None:
    expected = pair_loop(score, y, fold)
    np.testing.assert_allclose(within_fold_auc(score.astype(float), y, fold), expected, atol=1e-12)
    np.testing.assert_allclose(auc_influence(score.astype(float), y, fold, np.arange(24) // 2)[0], expected, atol=1e-12)


def test_auc_is_the_pair_weighted_mean_of_scikit_learns_auc_per_fold() -> None:
    score, y, fold = simulate()
    weight = [(y[fold == f] == 1).sum() * (y[fold == f] == 0).sum() for f in range(5)]
    per_fold = [roc_auc_score(y[fold == f], score[fold == f]) for f in range(5)]
    assert within_fold_auc(score, y, fold) == pytest.approx(np.average(per_fold, weights=weight), abs=1e-12)


def test_an_offset_of_a_fold_changes_nothing() -> None:
    """Each fold's probe has its own offset: pooling the folds would see the offsets."""
    score, y, fold = simulate()
    shifted = score + np.array([100, -7, 0, 3, 50])[fold]
    assert within_fold_auc(shifted, y, fold) == within_fold_auc(score, y, fold)
    assert abs(roc_auc_score(y, shifted) - roc_auc_score(y, score)) > 0.01


def test_many_labels_at_once_are_one_at_a_time() -> None:
    score, y, fold = simulate()
    rng = np.random.default_rng(1)
    labels = rng.permuted(np.tile(y, (20, 1)), axis=1)
    scores = rng.standard_normal((20, len(y)))
    np.testing.assert_array_equal(
        within_fold_auc(score, labels, fold), [within_fold_auc(score, row, fold) for row in labels]
    )
    np.testing.assert_array_equal(
        within_fold_auc(scores, labels, fold),
        [within_fold_auc(s, row, fold) for s, row in zip(scores, labels, strict=True)],
    )


def test_missing_scores_are_left_out() -> None:
    score, y, fold = simulate()
    gone, group = np.arange(len(y)) % 3 == 0, np.arange(len(y)) // 2
    value, influence = auc_influence(np.where(gone, np.nan, score), y, fold, group)
    assert value == within_fold_auc(score[~gone], y[~gone], fold[~gone])
    assert (influence[gone] == 0).all()
    np.testing.assert_array_equal(influence[~gone], auc_influence(score[~gone], y[~gone], fold[~gone], group[~gone])[1])


def test_influence_is_delongs_component_by_loop() -> None:
    score, y, fold = simulate(60)
    total = sum((y[fold == f] == 1).sum() * (y[fold == f] == 0).sum() for f in range(5))
    group = np.arange(len(y)) // 3
    _, influence = auc_influence(score, y, fold, group)
    for i in range(len(y)):
        others = [j for j in range(len(y)) if fold[j] == fold[i] and y[j] != y[i]]
        m = sum(1 for j in range(len(y)) if fold[j] == fold[i] and y[j] == y[i])
        own = sum(1 for j in range(len(y)) if fold[j] == fold[i] and y[j] == y[i] and group[j] == group[i])
        sign = 1 if y[i] == 1 else -1
        component = np.mean([(sign * np.sign(score[i] - score[j]) + 1) / 2 for j in others])
        inside = fold == fold[i]
        auc = pair_loop(score[inside], y[inside], fold[inside])
        expected = (component - auc) / m * len(others) * m / total / np.sqrt(1 - own / m)
        assert influence[i] == pytest.approx(expected, abs=1e-12)


def test_variance_without_groups_is_delongs() -> None:
    """One fold, every sample its own group: DeLong's S10/m + S01/k, with divisors m - 1 and k - 1."""
    score, y, _ = simulate(150)
    fold = np.zeros(len(y), dtype=int)
    correct, wrong = score[y == 1], score[y == 0]
    psi = (np.sign(correct[:, None] - wrong[None]) + 1) / 2
    expected = psi.mean(1).var(ddof=1) / len(correct) + psi.mean(0).var(ddof=1) / len(wrong)
    _, influence = auc_influence(score, y, fold, np.arange(len(y)))
    assert standard_error(influence, np.arange(len(y))) ** 2 == pytest.approx(expected, rel=1e-12)


def test_variance_is_near_a_jackknife_over_groups() -> None:
    score, y, fold = simulate(600)
    group = group_codes([f"{f}-{i // 2 % 20}" for i, f in enumerate(fold)])
    _, influence = auc_influence(score, y, fold, group)
    left_out = [within_fold_auc(score[group != g], y[group != g], fold[group != g]) for g in np.unique(group)]
    jackknife = (len(left_out) - 1) * np.var(left_out)
    assert standard_error(influence, group) ** 2 == pytest.approx(jackknife, rel=0.15)


def test_duplicates_in_a_group_do_not_shrink_the_interval() -> None:
    score, y, fold = simulate()
    group = np.arange(len(y))
    once = estimate_auc(score, Samples(y, fold, group))
    twice = estimate_auc(np.tile(score, 2), Samples(y, fold, group).at(np.tile(group, 2)))
    assert twice.value == pytest.approx(once.value) and twice.se == pytest.approx(once.se)
    ungrouped = estimate_auc(np.tile(score, 2), Samples.alone(np.tile(y, 2), np.tile(fold, 2)))
    assert ungrouped.se == pytest.approx(once.se / np.sqrt(2), rel=0.03)  # but for the divisors m - 1


def test_interval_covers_the_truth() -> None:
    """Truth of two unit normals one apart: Φ(1/√2). 400 repetitions, so 95 % ± 3.3 (three standard errors)."""
    truth, hits = stats.norm.cdf(1 / np.sqrt(2)), 0
    for seed in range(400):
        score, y, fold = simulate(effect=1.0, seed=seed)
        cell = estimate_auc(score, Samples(y, fold, np.arange(len(y))))
        hits += cell.low <= truth <= cell.high
    assert 0.917 <= hits / 400 <= 0.983


def test_interval_by_hand() -> None:
    low, high = auc_interval(0.8, 0.05, 40, 40)
    logit, half = np.log(4), 2.0226909 * 0.05 / 0.16  # t with 39 degrees of freedom
    assert (low, high) == pytest.approx((1 / (1 + np.exp(half - logit)), 1 / (1 + np.exp(-half - logit))), abs=1e-7)
    exact = stats.binomtest(12, 12).proportion_ci(0.95, method="exact")
    assert auc_interval(0.999, 2.0, 2, 2) == pytest.approx((0.0, 1.0))  # so wide that exp would overflow
    assert auc_interval(1.0, 0.0, 12, 30) == pytest.approx((exact.low, 1.0))
    assert auc_interval(0.0, 0.0, 30, 12) == pytest.approx((0.0, 1 - exact.low))


def noise(seed: int, group: np.ndarray, y: np.ndarray, folds: int) -> tuple[np.ndarray, Samples]:
    """Scores that know nothing, but are alike within a group; groups lie within a fold."""
    rng = np.random.default_rng(seed)
    score = rng.standard_normal(group.max() + 1)[group] + rng.standard_normal(len(y))
    return score, Samples(y, group % folds, group)


@pytest.mark.parametrize(
    ("group", "correct", "folds"),
    [
        (np.arange(120) % 5, 0.5, 5),  # every fold is one group
        (np.arange(120) % 6, 0.5, 5),
        (np.arange(120) % 10, 0.5, 5),
        (np.where(np.arange(120) < 80, 0, np.arange(120) - 79), 0.5, 5),  # one giant group
        (np.arange(200), 0.05, 5),  # two right answers in a fold
        (np.arange(200), 0.05, 10),  # one
        (np.arange(100), 0.5, 50),
    ],
    ids=["a group a fold", "six groups", "ten groups", "a giant", "two right", "one right", "two in a fold"],
)
def test_intervals_cover_where_little_says_how_scores_vary(group: np.ndarray, correct: float, folds: int) -> None:
    hits, widths = [], []
    for seed in range(200):
        n = len(group)
        y = np.random.default_rng([seed, 1]).permutation(np.arange(n) < correct * n).astype(np.int64)
        if correct < 0.1:  # as folds are made: as many in each
            y = ((np.arange(n) // folds + seed) % round(1 / correct) == 0).astype(np.int64)
        cell = estimate_auc(*noise(seed, group, y, folds), min_per_class=1)
        hits.append(cell.low <= 0.5 <= cell.high)
        widths.append(cell.high - cell.low)
    assert np.mean(hits) >= 0.87 and np.mean(widths) < 0.85, "nor wider than they must be"


def test_a_class_of_one_group_moves_the_auc_by_what_sets_its_fold_apart() -> None:
    score, y, fold = simulate(60, effect=1.0)
    group = np.where((fold == 0) & (y == 1), 1000, np.arange(60))
    value, influence = auc_influence(score, y, fold, group)
    inside = fold == 0
    own, others = (within_fold_auc(score[at], y[at], fold[at]) for at in (inside, ~inside))
    pairs = [int((y[fold == f] == 1).sum() * (y[fold == f] == 0).sum()) for f in range(5)]
    lone = inside & (y == 1)
    assert influence[lone].sum() == pytest.approx(pairs[0] / sum(pairs) * (own - others))
    everyone = auc_influence(score, y, fold, np.arange(60))[1]
    np.testing.assert_array_equal(influence[~lone], everyone[~lone])
    both = auc_influence(score, y, fold, np.where(inside, 1000, np.arange(60)))[1]
    assert (
        both[lone].sum()
        == pytest.approx(influence[lone].sum() / np.sqrt(2))
        == pytest.approx(both[inside & ~lone].sum())
    )
    assert value == within_fold_auc(score, y, fold)


def test_a_perfect_cell_of_few_groups_is_as_sure_as_they_are_many() -> None:
    y = np.arange(100) % 2
    few, many = (
        estimate_auc(y + 0.0, Samples(y, np.arange(100) // 20, group))
        for group in (np.arange(100) // 10, np.arange(100))
    )
    assert few.low == pytest.approx(0.025 ** (1 / 10)) and many.low == pytest.approx(0.025 ** (1 / 50))


@pytest.mark.parametrize("smaller", [0, 1])
def test_a_perfect_cell_has_the_exact_interval_of_its_smaller_class(smaller: int) -> None:
    y = np.where(np.arange(42) < 12, smaller, 1 - smaller)
    samples = Samples(y, np.arange(42) % 3, np.arange(42))
    exact = stats.binomtest(12, 12).proportion_ci(0.95, method="exact")
    best, worst = estimate_auc(y.astype(float), samples), estimate_auc(-y.astype(float), samples)
    assert (best.value, best.low, best.high) == pytest.approx((1.0, exact.low, 1.0))
    assert (worst.value, worst.low, worst.high) == pytest.approx((0.0, 0.0, 1 - exact.low))


def test_delta_is_the_difference_on_common_samples_and_knows_their_correlation() -> None:
    score, y, fold = simulate(300)
    other = score + np.random.default_rng(5).standard_normal(len(y))
    gone = np.arange(len(y)) < 40
    delta = delta_auc(np.where(gone, np.nan, score), other, Samples(y, fold, np.arange(len(y))))
    kept = ~gone
    expected = within_fold_auc(score[kept], y[kept], fold[kept]) - within_fold_auc(other[kept], y[kept], fold[kept])
    assert delta.value == pytest.approx(expected, abs=1e-12)
    assert (delta.n, delta.n_correct) == (kept.sum(), y[kept].sum())
    separate = [estimate_auc(s[kept], Samples(y[kept], fold[kept], np.arange(kept.sum()))).se for s in (score, other)]
    assert delta.se < np.hypot(*separate)  # positively correlated scores: a smaller error than that of two samples
    assert delta.p == pytest.approx(2 * stats.norm.sf(abs(delta.value) / delta.se))
    back = delta_auc(other, np.where(gone, np.nan, score), Samples(y, fold, np.arange(len(y))))
    assert (back.value, back.low, back.high) == pytest.approx((-delta.value, -delta.high, -delta.low))


def test_delta_of_a_grid_with_itself_is_zero_with_p_one() -> None:
    score, y, fold = simulate()
    same = delta_auc(score, score, Samples(y, fold, np.arange(len(y))))
    assert (same.value, same.low, same.high, same.p) == (0, 0, 0, 1)


def test_delta_p_is_uniform_when_neither_is_better() -> None:
    rng = np.random.default_rng(2)
    p = []
    for seed in range(300):
        truth, y, fold = simulate(seed=seed)
        noise = rng.standard_normal((2, len(y)))
        p.append(delta_auc(truth + noise[0], truth + noise[1], Samples(y, fold, np.arange(len(y)))).p)
    assert stats.kstest(p, "uniform").pvalue > 0.001


@pytest.mark.parametrize(
    ("y", "fold", "reason"),
    [
        ([1] * 9 + [0] * 30, [0, 1, 2] * 13, "9 correct and 30 wrong samples, at least 10 of each needed"),
        ([1] * 30 + [0] * 9, [0, 1, 2] * 13, "30 correct and 9 wrong"),
        ([1] * 20 + [0] * 20, [0] * 20 + [1] * 20, "fewer than two folds hold both"),
        ([1, 0] * 20, [0] * 40, "fewer than two folds hold both"),
    ],
)
def test_undefined_is_nan_with_the_reason_and_never_a_half(y: list, fold: list, reason: str) -> None:
    rng = np.random.default_rng(0)
    cell = estimate_auc(rng.standard_normal(len(y)), Samples(np.array(y), np.array(fold), np.arange(len(y))))
    assert np.isnan([cell.value, cell.low, cell.high]).all() and cell.reason.startswith(reason)
    assert (cell.n, cell.n_correct) == (len(y), sum(y))


@settings(deadline=None)
@given(hnp.arrays(float, st.integers(1, 30), elements=st.floats(0, 1)), st.data())
def test_benjamini_hochberg_is_scipys_over_the_known_cells(p: np.ndarray, data: st.DataObject) -> None:
    known = data.draw(hnp.arrays(bool, p.shape))
    q = benjamini_hochberg(np.where(known, p, np.nan))
    assert np.isnan(q[~known]).all()
    if known.any():
        np.testing.assert_array_equal(q[known], stats.false_discovery_control(p[known]))


def test_groups_are_summed_in_the_order_of_their_names() -> None:
    group = group_codes(["b", "a", "b", "c"])
    assert group.tolist() == [1, 0, 1, 2]
    values = np.arange(8.0).reshape(2, 4)
    np.testing.assert_array_equal(group_sums(values, group), [[1, 0 + 2, 3], [5, 4 + 6, 7]])


def test_a_score_that_is_not_a_number_makes_the_auc_undefined_not_wrong():
    rng = np.random.default_rng(0)
    score, y, fold = rng.standard_normal((3, 40)), np.arange(40) % 2, np.arange(40) // 2 % 4
    score[1, 5] = np.nan
    assert np.isnan(within_fold_auc(score, y, fold)).tolist() == [False, True, False]


def test_two_folds_with_both_classes_are_enough() -> None:
    y, fold = np.array([0, 1, 0, 1, 1]), np.array([0, 0, 1, 1, 2])
    assert why_undefined(y, fold, 1) == ""
    assert why_undefined(y[:2], fold[:2], 1) == "fewer than two folds hold both a correct and a wrong sample"


def test_a_difference_without_variance_is_undefined_unless_it_is_zero() -> None:
    group, none = np.arange(4), np.zeros(4)
    assert normal_estimate(0.0, none, group, 4, 2).p == 1.0
    without = normal_estimate(0.1, none, group, 4, 2)
    assert np.isnan(without.value) and without.reason.startswith("the difference has no variance") and without.n == 4


def test_nothing_is_added_for_a_choice_that_was_not_made() -> None:
    influence, group = np.array([0.1, -0.2, 0.3, -0.2]), np.arange(4)
    plain, chosen = (normal_estimate(0.1, influence, group, 4, 2, **given) for given in ({}, {"choice": 0.0}))
    assert plain.se == chosen.se and plain.low == chosen.low
    assert normal_estimate(0.1, influence, group, 4, 2, choice=1.0).se > plain.se
