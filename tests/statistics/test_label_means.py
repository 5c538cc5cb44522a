"""Means and medians by label against NumPy and straight loops over draws of groups."""

import numpy as np
import pytest

from interp.statistics.group_bootstrap import mean_estimate
from interp.statistics.label_means import LABELS, MEDIAN_RESAMPLES, ByLabel, means_by_label, medians_by_label


def drawn(n_groups: int, resamples: int, seed: int = 0) -> np.ndarray:
    """How often each group is drawn, in each resample."""
    rng = np.random.default_rng([seed, 6])
    return rng.multinomial(n_groups, np.full(n_groups, 1 / n_groups), size=resamples)


@pytest.fixture
def data():
    rng = np.random.default_rng(3)
    group = rng.integers(0, 12, 40)
    values = rng.normal(size=(3, 40))
    values[1, rng.random(40) < 0.4] = np.nan
    y = np.arange(40) % 2
    values[2] += 3 * y
    return values, y, np.unique(group, return_inverse=True)[1]


@pytest.mark.parametrize(("function", "statistic"), [(means_by_label, np.mean), (medians_by_label, np.median)])
def test_equal_to_a_loop_over_the_draws(data, function, statistic):
    values, y, group = data
    found = function(values, y, group, resamples=60)
    assert isinstance(found, ByLabel) and LABELS == ("right", "wrong") and MEDIAN_RESAMPLES < 2000
    weight = drawn(group.max() + 1, 60)
    for label, row in np.ndindex(2, 3):
        used = np.isfinite(values[row]) & (y == 1 - label)
        own = values[row, used]
        assert found.n[label, row] == used.sum()
        assert found.value[label, row] == pytest.approx(statistic(own))
        each = [statistic(np.repeat(own, one[group[used]])) for one in weight]
        expected = mean_estimate(statistic(own), np.array(each), len(np.unique(group[used])))
        assert (found.low[label, row], found.high[label, row]) == pytest.approx((expected.low, expected.high))


def test_the_difference_draws_both_labels_together(data):
    values, y, group = data
    found = means_by_label(values, y, group, resamples=60)
    weight = drawn(group.max() + 1, 60)
    used = np.isfinite(values[1])
    right, wrong = used & (y == 1), used & (y == 0)
    each = [
        np.repeat(values[1, right], w[group[right]]).mean() - np.repeat(values[1, wrong], w[group[wrong]]).mean()
        for w in weight
    ]
    value = values[1, right].mean() - values[1, wrong].mean()
    expected = mean_estimate(value, np.array(each), min(len(np.unique(group[one])) for one in (right, wrong)))
    assert found.difference[:, 1] == pytest.approx((value, expected.low, expected.high, expected.p))
    assert found.difference[3, 2] < 0.05 and found.difference[0, 2] > 2  # the row in which right ones are higher


def test_nothing_and_a_single_group_have_no_interval():
    y, group = np.array([1, 1, 0]), np.array([0, 0, 1])
    values = np.array([[1.0, 3.0, np.nan]])
    for function in (means_by_label, medians_by_label):
        found = function(values, y, group, resamples=20)
        assert found.value[0, 0] == 2 and np.isnan(found.low).all() and np.isnan(found.value[1, 0])
        assert np.isnan(found.difference[1:]).all()
    assert means_by_label(np.zeros((0, 3)), y, group).value.shape == (2, 0)


def test_many_rows_are_the_same_as_each_alone(data):
    values, y, group = data
    whole = means_by_label(np.tile(values, (100, 1)), y, group, resamples=30)
    alone = means_by_label(values, y, group, resamples=30)
    np.testing.assert_array_equal(whole.low[:, -3:], alone.low)
    np.testing.assert_array_equal(whole.difference[:, -3:], alone.difference)
