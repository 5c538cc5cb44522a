"""What is drawn with a grid, found by its labels: loops over labels as the oracle, refusals word for word."""

from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr

from interp.errors import DataError
from interp.reporting.by_label import cells_of, control_strip, labels_of

COLUMNS = ("last_q", "-1", "exact_answer_last")
VALUES = {"-1": 0.1, "exact_answer_last": np.nan, "last_q": 0.3, "first_answer": 0.4}


def test_a_control_that_names_its_tokens_is_found_by_them():
    wanted = [0.3, 0.1, np.nan]
    array = xr.DataArray(list(VALUES.values()), coords={"token": list(VALUES)}, dims="token")
    for row in (VALUES, array, xr.DataArray(wanted, coords={"token": list(COLUMNS)})):
        np.testing.assert_array_equal(control_strip("length", row, COLUMNS), wanted)


def test_a_control_without_names_is_read_by_order():
    for row in ([1, 2, 3], (1, 2, 3), np.array([1, 2, 3]), xr.DataArray([1, 2, 3], dims="token")):
        found = control_strip("length", row, COLUMNS)
        assert found.tolist() == [1, 2, 3] and found.dtype == float


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ([1, 2], "control 'length': expected one value per token (3), got (2,)"),
        (np.zeros((3, 1)), "control 'length': expected one value per token (3), got (3, 1)"),
        (0.5, "control 'length': expected one value per token (3), got ()"),
        (
            {"last_q": 1, "-1": 2},
            "control 'length': 1 of 3 are not in it, first 'exact_answer_last'; there are last_q, -1; give a value for "
            "every token",
        ),
    ],
)
def test_a_control_that_does_not_fit_is_named(row, sentence):
    with pytest.raises(DataError) as error:
        control_strip("length", row, COLUMNS)
    assert str(error.value) == sentence


LAYERS, TOKENS = (0, 1, 2), ("last_q", "exact_answer_last", "-1")


def comparison(*dims: str) -> SimpleNamespace:
    """A comparison whose cells say where they are."""
    cells = xr.Dataset(
        {
            "delta_auc": (("layer", "token"), [[10 * layer + i for i in range(3)] for layer in LAYERS]),
            "edge": (("layer", "token", "bound"), np.zeros((3, 3, 2))),
        },
        coords={"layer": list(LAYERS), "token": list(TOKENS)},
    )
    return SimpleNamespace(delta_auc=cells.transpose(*dims, ...))


@pytest.mark.parametrize("dims", [("layer", "token"), ("token", "layer"), ("bound", "token", "layer")])
def test_cells_stand_in_the_order_of_the_grid(dims):
    grid = xr.Dataset(coords={"layer": [2, 0], "token": ["-1", "last_q"]})
    found = cells_of(comparison(*dims), grid)
    assert found["delta_auc"].dims == ("layer", "token")
    for i, layer in enumerate([2, 0]):
        for j, token in enumerate(["-1", "last_q"]):
            assert int(found["delta_auc"][i, j]) == 10 * layer + TOKENS.index(token)
    assert found["layer"].values.tolist() == [2, 0] and found["token"].values.tolist() == ["-1", "last_q"]


def test_a_cell_that_was_not_compared_is_named():
    grid = xr.Dataset(coords={"layer": [2, 3], "token": ["-1"]})
    with pytest.raises(DataError, match="^layer: 1 of 2 are not in the comparison, first 3; there are 0, 1, 2$"):
        cells_of(comparison("layer", "token"), grid)


def grid_of(ids, y=(1, 0, 1), fold=(0, 1, 2)) -> xr.Dataset:
    return xr.Dataset(coords={"sample": list(ids), "y": ("sample", list(y)), "fold": ("sample", list(fold))})


def test_labels_and_folds_stand_in_the_order_of_the_capture():
    y, fold = labels_of(grid_of(["s5", "s1", "s3"]), ["s1", "s2", "s3", "s4", "s5"])
    assert (y, fold) == ([0.0, None, 1.0, None, 1.0], [1, -1, 2, -1, 0])
    assert all(value is None or type(value) is float for value in y) and all(type(one) is int for one in fold)


def test_a_grid_of_other_samples_or_without_labels_is_refused():
    with pytest.raises(DataError) as error:
        labels_of(grid_of(["s5", "s1", "x"]), ["s1", "s5"])
    assert str(error.value) == (
        "grid: 1 of 3 are not in the Capture, first 'x'; there are s1, s5; give the Capture that the grid was made from"
    )
    for lacking in ("sample", "y", "fold"):
        grid = grid_of(["s5", "s1", "x"]).drop_vars(lacking)
        with pytest.raises(
            DataError, match=f"^grid: expected one '{lacking}' per sample; a grid comes from probe_grid"
        ):
            labels_of(grid, ["s1", "s5"])
