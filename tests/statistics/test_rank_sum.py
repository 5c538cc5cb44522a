"""Ranks against SciPy, for single and double precision, ties, signed zeros and NaN."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import stats

from interp.statistics.rank_sum import BLOCK, concordant_pairs, rank_sum

SINGLES = st.floats(width=32, allow_nan=True, allow_infinity=True) | st.sampled_from([0.0, -0.0, 1.0, -1.0])


def by_scipy(score: np.ndarray, correct: np.ndarray) -> np.ndarray:
    return (stats.rankdata(score, axis=-1) * correct).sum(-1)


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_it_is_the_sum_of_the_mean_ranks(data: st.DataObject) -> None:
    shape = data.draw(st.tuples(st.integers(1, 4), st.integers(1, 9)))
    score = data.draw(arrays.arrays(np.float32, shape, elements=SINGLES))
    correct = data.draw(arrays.arrays(bool, shape))
    for dtype in (np.float32, np.float64):
        np.testing.assert_array_equal(rank_sum(score.astype(dtype), correct), by_scipy(score, correct))


@pytest.mark.parametrize("decimals", [1, 7])
def test_many_rows_and_one_row_of_scores_for_many_labels(decimals: int) -> None:
    rng = np.random.default_rng(0)
    score = rng.standard_normal((3 * BLOCK // 100, 1, 100)).round(decimals).astype(np.float32)
    correct = rng.random((2, 100)) < 0.3
    found = rank_sum(score, correct)
    np.testing.assert_array_equal(found, by_scipy(*np.broadcast_arrays(score, correct)))
    concordant, pairs = concordant_pairs(score[0], correct)
    m = correct.sum(1)
    np.testing.assert_array_equal(concordant, found[0] - m * (m + 1) / 2)
    np.testing.assert_array_equal(pairs, m * (100 - m))


def test_neighbours_of_single_precision_are_told_apart_whatever_their_labels() -> None:
    one = np.float32(1)
    score = np.array([[one, np.nextafter(one, np.float32(2)), -one, np.nextafter(-one, np.float32(0))]])
    for correct in ([True, False, True, False], [False, True, False, True], [True, True, False, False]):
        expected = np.array([3, 4, 1, 2])[correct].sum()
        assert rank_sum(score, np.array([correct])).tolist() == [expected]
