"""Thresholds and risk-coverage against plain loops, the conformal promise, and resamples as repeated samples."""

import numpy as np
import pytest
from sklearn.metrics import roc_curve

from interp.applying.operating import (
    area,
    false_positive_threshold,
    group_weights,
    held_out_rates,
    oracle_risk,
    risk_coverage,
)


def threshold_by_loop(wrong: list[float], rate: float) -> float:
    """The lowest score of a wrong answer at or above which no more than rate·(n+1) of them lie."""
    allowed = [s for s in wrong if sum(other >= s for other in wrong) <= rate * (len(wrong) + 1) + 1e-9]
    return min(allowed, default=np.inf)


@pytest.mark.parametrize("rate", [0.01, 0.05, 0.1, 0.5])
@pytest.mark.parametrize("ties", [False, True])
def test_the_threshold_is_the_loops_also_in_every_resample(rate: float, ties: bool) -> None:
    rng = np.random.default_rng(0)
    wrong = rng.standard_normal(60).round(1 if ties else 9)
    weight = group_weights(np.arange(60), resamples=20)
    found = false_positive_threshold(wrong, rate, weight)
    for times, threshold in zip(weight.astype(int), found, strict=True):
        assert threshold == threshold_by_loop(np.repeat(wrong, times).tolist(), rate)


def test_a_new_wrong_answer_passes_no_more_often_than_promised() -> None:
    """Split conformal: over many calibration sets the mean false-positive rate is at most the rate, and near it."""
    rng = np.random.default_rng(0)
    for n, rate in ((50, 0.1), (120, 0.05), (30, 0.01)):
        rates = []
        for _ in range(400):
            threshold = false_positive_threshold(rng.standard_normal(n), rate)[0]
            rates.append((rng.standard_normal(2000) > threshold).mean())
        assert np.mean(rates) <= rate + 0.004
        assert np.mean(rates) >= rate - 1 / (n + 1) - 0.004
    assert false_positive_threshold(rng.standard_normal(30), 0.01)[0] == np.inf  # 1 % of 31 is less than one
    assert false_positive_threshold(np.zeros(0), 0.5)[0] == np.inf


def test_held_out_rates_are_the_loops_and_use_no_sample_of_the_fold() -> None:
    rng = np.random.default_rng(1)
    n, y = 200, rng.integers(0, 2, 200)
    fold = rng.integers(0, 5, n)
    columns = rng.standard_normal((5, n)) + y
    columns[:, ::7] = np.nan
    weight = group_weights(rng.integers(0, 60, n), resamples=15)
    recall, false_positives = held_out_rates(columns, y, fold, 0.1, weight)
    for r, times in enumerate(weight.astype(int)):
        accepted, total = {0: 0, 1: 0}, {0: 0, 1: 0}
        for f in range(5):
            copies = [i for i in range(n) for _ in range(times[i]) if np.isfinite(columns[f, i])]
            threshold = threshold_by_loop([columns[f, i] for i in copies if fold[i] != f and y[i] == 0], 0.1)
            for i in copies:
                if fold[i] == f:
                    accepted[y[i]] += columns[f, i] > threshold
                    total[y[i]] += 1
        assert recall[r] == pytest.approx(accepted[1] / total[1])
        assert false_positives[r] == pytest.approx(accepted[0] / total[0])


def test_with_one_set_of_scores_recall_is_a_point_of_the_roc_curve() -> None:
    rng = np.random.default_rng(2)
    y = np.repeat([0, 1], 5000)
    score = rng.standard_normal(10_000) + 1.5 * y
    fold = np.arange(10_000) % 5
    fpr, tpr, _ = roc_curve(y, score)
    for rate in (0.01, 0.05, 0.1):
        recall, false_positives = held_out_rates(np.tile(score, (5, 1)), y, fold, rate, np.ones((1, 10_000)))
        assert recall[0] == pytest.approx(np.interp(rate, fpr, tpr), abs=0.02)
        assert false_positives[0] == pytest.approx(rate, abs=0.006)


def test_risk_and_coverage_are_the_loops() -> None:
    rng = np.random.default_rng(3)
    y, confidence = rng.integers(0, 2, 40), rng.standard_normal(40)
    coverage, risk = risk_coverage(confidence, y, np.ones((1, 40)))
    order = sorted(range(40), key=lambda i: -confidence[i])
    for k in range(40):
        assert coverage[0, k] == pytest.approx((k + 1) / 40)
        assert risk[0, k] == pytest.approx(np.mean([y[i] == 0 for i in order[: k + 1]]))
    assert area(coverage, risk)[0] == pytest.approx(risk.mean())


def test_a_resample_is_the_curve_of_the_repeated_samples_at_its_end_and_in_area() -> None:
    rng = np.random.default_rng(4)
    y, confidence = rng.integers(0, 2, 60), rng.standard_normal(60)
    weight = group_weights(rng.integers(0, 20, 60), resamples=5)
    _, risk = risk_coverage(confidence, y, weight)
    for times, curve in zip(weight.astype(int), risk, strict=True):
        assert curve[-1] == pytest.approx(1 - np.repeat(y, times).mean())


def test_equal_confidences_have_the_expected_risk_of_a_random_order() -> None:
    y = np.array([1, 0, 0, 1, 0])
    _, risk = risk_coverage(np.zeros(5), y, np.ones((1, 5)))
    np.testing.assert_allclose(risk[0], 0.6)


def test_chance_and_oracle_enclose_every_order() -> None:
    rng = np.random.default_rng(5)
    y = rng.integers(0, 2, 300)
    best = oracle_risk(int(y.sum()), 300)
    np.testing.assert_allclose(risk_coverage(y.astype(float), y, np.ones((1, 300)))[1][0], risk_with_ties(y))
    perfect = y + 1e-9 * np.arange(300)
    np.testing.assert_allclose(risk_coverage(perfect, y, np.ones((1, 300)))[1][0], best, atol=1e-12)
    for _ in range(20):
        assert (risk_coverage(rng.standard_normal(300), y, np.ones((1, 300)))[1][0] >= best - 1e-12).all()


def risk_with_ties(y: np.ndarray) -> np.ndarray:
    """Confidence equal to the label: all correct ones first, in any order, then all wrong ones: the oracle itself."""
    return oracle_risk(int(y.sum()), len(y))


def test_the_area_of_a_resample_weighs_every_copy() -> None:
    coverage = np.array([[0.25, 0.25, 1.0]])
    risk = np.array([[0.0, 0.5, 0.4]])
    assert area(coverage, risk)[0] == pytest.approx(0.25 * 0.0 + 0.75 * 0.4)


def test_group_weights_are_reproducible_and_keep_groups_together() -> None:
    group = np.repeat(np.arange(10), 3)
    weight = group_weights(group, resamples=50, seed=3)
    assert (weight[0] == 1).all() and (weight == group_weights(group, resamples=50, seed=3)).all()
    assert (weight.reshape(51, 10, 3).std(2) == 0).all()
    np.testing.assert_array_equal(weight.sum(1), 30)
    assert (weight != group_weights(group, resamples=50, seed=4)).any()


def test_nineteen_wrong_answers_are_the_fewest_that_give_a_threshold_at_five_per_cent() -> None:
    """The k-th largest of n wrong scores, k = floor(rate (n + 1)), exceeded by a new one with probability <= rate."""
    assert false_positive_threshold(np.arange(19.0), 0.05, np.ones((1, 19))).tolist() == [18.0]
    assert false_positive_threshold(np.arange(18.0), 0.05, np.ones((1, 18))).tolist() == [np.inf]


def test_an_answer_that_scores_just_the_threshold_is_not_accepted() -> None:
    fold = np.repeat([0, 1], 21)
    y = np.tile([0] * 19 + [1, 1], 2)
    score = np.tile([*np.arange(19.0), 18.0, 19.0], 2)  # the threshold of either fold is 18
    right, wrong = held_out_rates(np.stack([score, score]), y, fold, 0.05, np.ones((1, 42)))
    assert (right.tolist(), wrong.tolist()) == ([0.5], [0.0])
