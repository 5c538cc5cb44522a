"""Numbers that a caller gave: the same from every container, and one sentence for what is none."""

import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from interp.errors import DataError
from interp.support.arrays import (
    different,
    in_order,
    missing,
    read_array,
    read_mask,
    read_numbers,
    read_whole_numbers,
)

HOLDERS = {
    "list": list,
    "tuple": tuple,
    "numpy": np.array,
    "torch": torch.tensor,
    "torch, with a graph": lambda values: (
        torch.tensor(values).clone().requires_grad_(torch.tensor(values).is_floating_point())
    ),
    "pandas, of another index": lambda values: pd.Series(values, index=range(len(values))[::-1]),
    "xarray": lambda values: xr.DataArray(values, coords={"sample": np.arange(len(values))[::-1]}),
    "numpy scalars": lambda values: [np.asarray(value)[()] for value in values],
    "tensors of one number": lambda values: [torch.tensor(value) for value in values],
}


@pytest.mark.parametrize("holder", HOLDERS)
@settings(max_examples=8)
@given(st.data())
def test_order_and_values_are_those_of_the_list(holder, data):
    of = data.draw(st.sampled_from([st.booleans(), st.integers(-9, 9), st.integers(-40, 40).map(lambda n: n / 4)]))
    values = data.draw(st.lists(of, min_size=1, max_size=5))
    found = in_order("y", HOLDERS[holder](values))
    assert found == values and {type(value) for value in found} == {type(value) for value in values}


def test_texts_and_what_has_several_axes_are_not_values_in_order():
    for value in ("yes", 3, np.zeros((2, 2)), torch.tensor(1)):
        with pytest.raises(DataError, match="^labels: expected one value per sample, in order, got "):
            in_order("labels", value)


def test_bfloat16_becomes_float32_and_the_rest_keeps_its_type():
    exact = torch.tensor([1.0, -2.5], dtype=torch.bfloat16)
    assert read_array("x", exact).dtype == np.float32 and read_array("x", exact).tolist() == [1.0, -2.5]
    for kind in (torch.float16, torch.float64, torch.int8, torch.bool):
        assert str(read_array("x", torch.ones(2, dtype=kind)).dtype) == str(kind).removeprefix("torch.")
    with pytest.raises(DataError, match=r"^x: expected an array of numbers, got \[\[1\], \[1, 2\]\] \("):
        read_array("x", [[1], [1, 2]])


@pytest.mark.parametrize(
    ("value", "is_missing"),
    [(None, True), (np.nan, True), (pd.NA, True), (0, False), ("", False), (False, False), (np.inf, False)],
)
def test_what_is_missing(value, is_missing):
    assert missing(value) is is_missing


def test_labels_are_one_for_each_place_and_no_two_alike():
    assert different("layers", iter([3, 1, "a"]), 3) == (3, 1, "a")
    for labels, said in (([1, 2], "got 2 (2 different): (1, 2)"), ([1, 2, 1], "got 3 (2 different): (1, 2, 1)")):
        with pytest.raises(DataError) as error:
            different("layers", labels, 3)
        assert str(error.value) == f"layers: expected 3 different labels, {said}"


def test_whole_numbers_may_be_written_as_floats():
    for values in ([3, -1], [3.0, -1.0], np.array([3, -1], np.int8), torch.tensor([3.0, -1.0]), pd.Series([3.0, -1])):
        found = read_whole_numbers("fold", values)
        assert found.tolist() == [3, -1] and found.dtype == np.int64
    assert read_whole_numbers("fold", []).dtype == np.int64 and read_whole_numbers("fold", np.zeros((0, 2))).shape == (
        0,
        2,
    )
    for wrong in ([0.5], [np.nan], ["1"], [True]):
        with pytest.raises(DataError, match="^fold: expected whole numbers, got "):
            read_whole_numbers("fold", wrong)


def test_masks_are_true_and_false_or_one_and_zero():
    for values in ([[True, False]], [[1, 0]], torch.tensor([[1.0, 0.0]]), pd.DataFrame([[True, False]])):
        found = read_mask("valid", values)
        assert found.tolist() == [[True, False]] and found.dtype == bool
    for wrong in ([2, 0], [np.nan], ["True"], [None]):
        with pytest.raises(DataError, match="^valid: expected True and False, got "):
            read_mask("valid", wrong)


def test_numbers_that_are_not_there_are_nan():
    found = read_numbers("score", [1, None, 2.5, np.nan, pd.NA, True])
    assert found.dtype == float and np.array_equal(found, [1, np.nan, 2.5, np.nan, np.nan, 1], equal_nan=True)
    with pytest.raises(DataError, match="^score: expected numbers, got "):
        read_numbers("score", ["1", "2"])
