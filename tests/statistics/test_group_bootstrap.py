"""Means over groups drawn anew, against a loop and the normal formula; shares against Wilson's interval."""

import numpy as np
import pytest
from scipy import stats
from scipy.stats import binomtest

from interp.statistics.group_bootstrap import accuracy_estimate, mean_estimate, resampled_means, share_interval


def test_resampled_means_are_those_of_a_loop() -> None:
    rng = np.random.default_rng(0)
    values, group = rng.normal(size=(2, 30)), rng.integers(0, 9, 30)
    found = resampled_means(values, group, resamples=50, seed=4)
    codes = np.unique(group)
    draw = np.random.default_rng([4, 6])
    for one in found:
        weight = draw.multinomial(len(codes), np.full(len(codes), 1 / len(codes)))
        places = [
            i for code, times in zip(codes, weight, strict=True) for i in np.flatnonzero(group == code).tolist() * times
        ]
        assert one == pytest.approx(values[:, places].mean(1))


def test_their_spread_is_the_cluster_robust_error_and_the_order_does_not_matter() -> None:
    rng = np.random.default_rng(1)
    group = np.repeat(np.arange(100), 3)
    values = (rng.normal(size=100)[group] + rng.normal(size=300))[None]
    drawn = resampled_means(values, group, resamples=4000)
    centred = values[0] - values.mean()
    robust = np.sqrt((np.bincount(group, centred) ** 2).sum()) / 300
    assert drawn.std() == pytest.approx(robust, rel=0.05)
    order = rng.permutation(300)
    assert np.allclose(resampled_means(values[:, order], group[order], resamples=4000), drawn)


def test_intervals_and_p() -> None:
    drawn = np.linspace(-1, 3, 401)
    found = mean_estimate(1.0, drawn, 10**9)
    assert (found.low, found.high) == pytest.approx((-0.9, 2.9))
    assert mean_estimate(1.0, drawn, 20).low < -0.9 < 2.9 < mean_estimate(1.0, drawn, 20).high
    assert found.p == pytest.approx(2 * (1 + 101) / 402)
    assert mean_estimate(0.0, np.zeros(99), 30).p == 1.0
    assert accuracy_estimate(1.0, np.ones(99), 20).low == pytest.approx(binomtest(20, 20).proportion_ci().low)


@pytest.mark.parametrize("n_groups", [2, 5, 20])
def test_an_interval_of_few_groups_by_hand(n_groups: int) -> None:
    """Hesterberg (2015): the percentile of the normal at sqrt(n / (n - 1)) t; of evenly drawn values it is their place."""
    tail = stats.norm.sf(np.sqrt(n_groups / (n_groups - 1)) * stats.t.ppf(0.975, n_groups - 1))
    found = mean_estimate(1.0, np.linspace(-1, 3, 401), n_groups)
    assert (found.low, found.high) == pytest.approx((-1 + 4 * tail, 3 - 4 * tail))


def test_one_group_tells_nothing_and_no_or_all_right_have_the_exact_bound() -> None:
    drawn = np.linspace(-1, 3, 401)
    assert (mean_estimate(1.0, drawn, 1).low, mean_estimate(1.0, drawn, 1).high) == (-1, 3)
    none, every = accuracy_estimate(0.0, np.zeros(99), 20), accuracy_estimate(1.0, np.ones(99), 20)
    assert (none.low, none.high) == pytest.approx((0, binomtest(0, 20).proportion_ci().high))
    assert (every.low, every.high) == pytest.approx((binomtest(20, 20).proportion_ci().low, 1))


@pytest.mark.parametrize("chunk", [1, 7, 30])
def test_parts_of_resamples_are_the_same_draws(monkeypatch, chunk: int) -> None:
    values, group = np.random.default_rng(0).normal(size=(2, 30)), np.arange(30) // 4
    whole = resampled_means(values, group, resamples=50)
    monkeypatch.setattr("interp.statistics.group_bootstrap.CHUNK", chunk)
    assert np.allclose(resampled_means(values, group, resamples=50), whole, rtol=1e-12, atol=0)


def test_a_share_has_wilsons_interval_or_that_of_its_groups() -> None:
    member = np.arange(40) % 4 == 0
    exact = binomtest(10, 40).proportion_ci(method="wilson")
    found = share_interval(member, np.arange(40))
    assert (found.low, found.high) == pytest.approx((exact.low, exact.high))
    # Every question four times: as wide as with a fourth of them.
    repeated = share_interval(np.repeat(member, 4), np.repeat(np.arange(40), 4))
    assert (repeated.low, repeated.high) == pytest.approx((exact.low, exact.high))
    none = binomtest(0, 40).proportion_ci(method="wilson")
    found = share_interval(np.zeros(40, dtype=bool), np.arange(40))
    assert (found.low, found.high) == pytest.approx((none.low, none.high), abs=1e-12)


@pytest.mark.parametrize("n", [1, 2, 5, 40, 199])
def test_a_share_of_none_or_all_stays_between_0_and_1(n: int) -> None:
    for every in (True, False):
        found = share_interval(np.full(n, every), np.arange(n))
        exact = binomtest(n * every, n).proportion_ci(method="wilson")
        assert (found.low, found.high) == pytest.approx((exact.low, exact.high), abs=1e-12)
        assert found.low >= 0 and found.high <= 1


@pytest.mark.parametrize("alike", [True, False])
def test_a_share_counts_as_many_questions_as_its_groups_are_worth(alike: bool) -> None:
    """p (1 - p) over the variance between groups, by loop; never more than there are questions."""
    member = np.random.default_rng(0).random(60) < 0.3
    group = np.where(member, 0, 1) * 10 + np.arange(60) % 7 if alike else np.arange(60) // 5
    p = member.mean()
    variance = sum((member[group == g] - p).sum() ** 2 for g in set(group)) / 60**2
    n = min(60, p * (1 - p) / variance)
    z = stats.norm.ppf(0.975)
    half = z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    found = share_interval(member, group)
    assert (found.high - found.low) / 2 == pytest.approx(half)
    assert (found.high + found.low) / 2 == pytest.approx((p + z**2 / (2 * n)) / (1 + z**2 / n))


def test_an_accuracy_between_has_the_interval_of_a_mean_and_no_p() -> None:
    drawn = np.linspace(0.2, 0.9, 99)
    found, mean = accuracy_estimate(0.5, drawn, 20), mean_estimate(0.5, drawn, 20)
    assert (found.value, found.low, found.high) == (0.5, mean.low, mean.high) and np.isnan(found.p)


def test_defaults_are_the_documented_draws() -> None:
    values, group = np.random.default_rng(0).normal(size=(1, 12)), np.arange(12) // 2
    assert (resampled_means(values, group) == resampled_means(values, group, resamples=2000, seed=0)).all()
