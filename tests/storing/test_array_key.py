"""Keys between brackets against NumPy's own indexing: the entries of every axis, and what is read of the disk for them."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from interp.storing.array_key import picked, whole_key

SHAPE = (4, 3, 2, 5)
ARRAY = np.arange(np.prod(SHAPE)).reshape(SHAPE)


@st.composite
def keys(draw):
    """A key in NumPy's types: axis by axis an int, a slice, or indices, all of one length; or a mask in their place."""
    length, masked, key, axis = draw(st.integers(0, 3)), draw(st.booleans()), [], 0
    while axis < len(SHAPE) and draw(st.integers(0, 5)):
        size = SHAPE[axis]
        kind = draw(st.sampled_from(["int", "slice", "mask" if masked else "indices"]))
        if kind == "int":
            key.append(draw(st.integers(-size, size - 1)))
        elif kind == "slice":
            ends = st.none() | st.integers(-size - 2, size + 2)
            key.append(slice(draw(ends), draw(ends), draw(st.none() | st.integers(1, 3))))
        elif kind == "indices":
            key.append(np.array(draw(st.lists(st.integers(-size, size - 1), min_size=length, max_size=length)), int))
        else:
            shape = SHAPE[axis : axis + draw(st.integers(1, len(SHAPE) - axis))]
            bits = draw(st.lists(st.booleans(), min_size=int(np.prod(shape)), max_size=int(np.prod(shape))))
            key.append(np.array(bits).reshape(shape))
            break  # one mask, and no indices beside it: their lengths would have to agree
        axis += 1
    return (*key, Ellipsis) if draw(st.booleans()) else tuple(key)


def by_numpy(array: np.ndarray, key: tuple) -> np.ndarray:
    """As PyTorch does it: ints choose first, so that they are no indices beside others."""
    entries = [entry for entry in key if entry is not Ellipsis]
    ints, axis = [slice(None)] * array.ndim, 0
    for entry in entries:
        if isinstance(entry, int):
            ints[axis] = entry
        axis += entry.ndim if isinstance(entry, np.ndarray) and entry.dtype == bool else 1
    return array[tuple(ints)][tuple(entry for entry in entries if not isinstance(entry, int))]


@settings(max_examples=40)
@given(keys())
def test_the_entries_name_what_numpy_gives(key):
    wanted = by_numpy(ARRAY, key)
    entries = whole_key(key, SHAPE)
    assert len(entries) == len(SHAPE)
    assert all(isinstance(entry, int | slice | torch.Tensor) for entry in entries)
    assert not any(isinstance(entry, int) and entry < 0 for entry in entries)
    assert torch.from_numpy(ARRAY)[tuple(entries)].numpy().tolist() == wanted.tolist()

    parts = [picked(*pair) for pair in zip(entries, SHAPE, strict=True)]
    read = ARRAY[np.ix_(*(places.numpy() for places, _ in parts))]  # each place of an axis once, and no other
    assert all(len(set(places.tolist())) == len(places) for places, _ in parts)
    given_back = torch.from_numpy(read)[tuple(within for _, within in parts)]
    assert given_back.shape == wanted.shape and given_back.numpy().tolist() == wanted.tolist()


@settings(max_examples=40)
@given(keys())
def test_only_what_is_asked_for_is_read(key):
    named = set(by_numpy(ARRAY, key).ravel().tolist())
    parts = [picked(*pair)[0] for pair in zip(whole_key(key, SHAPE), SHAPE, strict=True)]
    for axis, places in enumerate(parts):
        needed = {int(np.unravel_index(number, SHAPE)[axis]) for number in named}
        assert not named or set(places.tolist()) == needed


@pytest.mark.parametrize(
    ("key", "numpy"),
    [
        (-1, -1),
        (np.int64(2), 2),
        (torch.tensor(1), 1),
        ([0, 2], [0, 2]),
        (torch.tensor([[0, 1], [2, -1]]), np.array([[0, 1], [2, -1]])),
        ((Ellipsis, 2), (Ellipsis, 2)),
        ((1, Ellipsis, [0, 1]), (slice(1, 2), Ellipsis, [0, 1])),
        ((slice(1, 3), Ellipsis, 0, slice(None, None, 2)), (slice(1, 3), Ellipsis, 0, slice(None, None, 2))),
        (np.array([3, 1])[::-1], [1, 3]),
        ([], np.array([], int)),
        ((), ()),
    ],
    ids=repr,
)
def test_keys_of_other_types_and_ellipses_within(key, numpy):
    found = torch.from_numpy(ARRAY)[tuple(whole_key(key, SHAPE))]
    assert found.squeeze().tolist() == ARRAY[numpy].squeeze().tolist()


@pytest.mark.parametrize(
    ("key", "sentence"),
    [
        (4, "index 4 is out of range for an axis of 4"),
        ((0, -4), "index -4 is out of range for an axis of 3"),
        ((0, 0, 0, 0, 0), r"too many indices for 4 axes: \(0, 0, 0, 0, 0\)"),
        ((Ellipsis, 0, Ellipsis), "too many indices for 4 axes"),
        (np.ones(3, bool), r"a mask of shape \(3,\) does not fit the axes \(4, 3, 2, 5\)"),
        ((0, np.ones((3, 3), bool)), r"a mask of shape \(3, 3\) does not fit the axes"),
        (None, "None and bools add an axis"),
        (True, "None and bools add an axis"),
        ([0.0, 1.0], "expected whole numbers, got torch.float64"),
    ],
)
def test_what_names_nothing_is_an_index_error(key, sentence):
    with pytest.raises(IndexError, match=sentence):
        whole_key(key, SHAPE)
