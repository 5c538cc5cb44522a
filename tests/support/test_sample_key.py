"""A key between brackets names the samples that NumPy's would."""

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from interp.errors import DataError, InterpError
from interp.support.sample_key import chosen_samples, one_sample

N = 7
PLACES = st.integers(-N, N - 1)
KEYS = st.one_of(
    st.slices(N),
    st.lists(PLACES),
    st.lists(PLACES, min_size=1).map(np.array),
    st.lists(PLACES, min_size=1).map(torch.tensor),
    st.lists(PLACES).map(tuple),
    st.lists(PLACES, min_size=1).map(lambda values: pd.Series(values, index=values[::-1])),
    st.lists(st.booleans(), min_size=N, max_size=N),
    st.lists(st.booleans(), min_size=N, max_size=N).map(np.array),
    st.lists(st.booleans(), min_size=N, max_size=N).map(torch.tensor),
    st.lists(st.booleans(), min_size=N, max_size=N).map(lambda values: pd.Series(values, index=range(N, 0, -1))),
    st.just(range(2, 5)),
)


@given(KEYS)
def test_several_samples_are_those_that_numpy_picks(key) -> None:
    plain = key if isinstance(key, slice) else np.array(list(key))
    expected = np.arange(N)[plain if isinstance(plain, slice) or plain.size else plain.astype(int)]
    assert chosen_samples(key, N) == expected.tolist()
    assert one_sample(key, N) is None


@given(PLACES)
def test_one_sample_is_counted_from_either_end(place) -> None:
    for key in (place, np.int32(place), torch.tensor(place)):
        assert one_sample(key, N) == range(N)[place] and chosen_samples(key, N) == [range(N)[place]]


@pytest.mark.parametrize(
    ("key", "message"),
    [
        (N, f"sample {N} is outside the {N} samples"),
        ([0, -N - 1], f"sample {-N - 1} is outside"),
        ([True] * (N - 1), f"a mask of one bool for each of the {N} samples, got {N - 1}"),
        ([True, 2], "expected whole numbers, or a mask of bools, got True"),
        ([0.0, 1.0], "expected whole numbers, or a mask of bools, got 0.0"),
        (["a"], "got 'a' among them"),
        ("a", "expected a number, a slice, numbers or a mask, got 'a'"),
        (None, "got None"),
        (True, "got True"),
        (1.5, "samples: expected"),
        (slice("a", None), "samples: expected a slice of whole numbers"),
        (pd.Series([True, None] * 3 + [True], dtype="boolean"), "got"),
        (np.zeros((2, 2), dtype=int), "got"),
    ],
    ids=str,
)
def test_what_names_no_samples_is_an_error_of_ours(key, message) -> None:
    with pytest.raises(DataError, match=message):
        chosen_samples(key, N)


def test_a_number_past_the_end_ends_a_loop_over_numbers() -> None:
    with pytest.raises(IndexError) as caught:
        chosen_samples(N, N)
    assert isinstance(caught.value, InterpError)
