"""Samples: one length for all, some of them as loops would take them, codes and signs that follow from names."""

import numpy as np
import pytest

from interp.statistics.samples import DIRECTIONS, Samples, group_codes, group_signs

NAMES = ["b", "a", "b", "c"]


def samples() -> Samples:
    return Samples.named(np.array([1, 0, 1, 0]), np.array([0, 1, 0, 1]), NAMES, ["s0", "s1", "s2", "s3"])


def test_codes_follow_from_the_order_of_names_not_of_samples():
    assert group_codes(NAMES).tolist() == [1, 0, 1, 2]
    np.testing.assert_array_equal(samples().group, group_codes(NAMES))
    np.testing.assert_array_equal(samples().signs, group_signs(NAMES))
    assert samples().signs.shape == (4, DIRECTIONS) and len(samples()) == 4


@pytest.mark.parametrize("used", [[True, False, True, True], [3, 0], [], [2, 2, 1]], ids=str)
def test_some_samples_keep_everything_of_theirs(used):
    key = np.array(used, dtype=bool if used and used[0] is True else np.int64)
    places = np.arange(4)[key].tolist()
    some = samples().at(key)
    for name in ("y", "fold", "group", "signs"):
        expected = [getattr(samples(), name)[i] for i in places]
        np.testing.assert_array_equal(getattr(some, name), np.array(expected).reshape(getattr(some, name).shape))
    assert some.ids == tuple(samples().ids[i] for i in places)
    assert Samples.alone(samples().y, samples().fold).at(key).group.tolist() == places


def test_arrays_of_several_lengths_are_no_samples(as_users_run_it):
    with pytest.raises(ValueError, match=r"samples: expected arrays of one length, got .*'fold': 4"):
        Samples(np.zeros(3, int), np.zeros(4, int), np.zeros(3, int))
    with pytest.raises(ValueError, match=r"samples: expected arrays of one length, got .*'ids': 2"):
        Samples(np.zeros(3, int), np.zeros(3, int), np.zeros(3, int), ids=("a", "b"))
