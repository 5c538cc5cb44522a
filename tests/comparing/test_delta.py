"""The differences of two grids: where they were planted, and cell by cell those of two scores."""

import numpy as np
import pytest
import xarray as xr

from interp.comparing.delta import delta_grid, differences
from interp.grids.grid import grid_arrays
from interp.statistics.auc import benjamini_hochberg, delta_auc
from interp.statistics.samples import Samples


def test_differences_are_found_where_they_were_planted(grids: tuple[xr.Dataset, xr.Dataset]) -> None:
    delta = delta_grid(*grids)
    assert delta["low"].sel(layer=1, token="1") > 0.2 and delta["high"].sel(layer=2, token="0") < -0.2
    assert (delta["q"] < 1e-3).sum() == 2
    assert np.isnan(delta["delta"].sel(token="2")).all()
    assert all("at least 10 of each" in reason for reason in delta["reason"].sel(token="2").values)


def test_every_delta_is_that_of_inference_and_q_is_over_the_grid(grids: tuple[xr.Dataset, xr.Dataset]) -> None:
    one, two = grids
    delta = delta_grid(one, two)
    for layer in range(3):
        for role in range(2):
            cell = {"layer": layer, "token": role}
            expected = delta_auc(
                one["score"].isel(cell).values,
                two["score"].isel(cell).values,
                Samples(one["y"].values, one["fold"].values, grid_arrays(one).group),
                training=grid_arrays(one).trained(*cell.values()) - grid_arrays(two).trained(*cell.values()),
            )
            here = delta.isel(cell)
            assert [here[name].item() for name in ("delta", "low", "high", "p", "n")] == [
                expected.value,
                expected.low,
                expected.high,
                expected.p,
                expected.n,
            ]
            assert expected.value == pytest.approx(float(one["auc"].isel(cell) - two["auc"].isel(cell)), abs=1e-12)
    np.testing.assert_array_equal(delta["q"], benjamini_hochberg(delta["p"].values))


def test_the_cells_that_differ_are_counted_by_direction(grids: tuple[xr.Dataset, xr.Dataset]) -> None:
    delta = delta_grid(*grids)
    found = differences(delta, ("one", "two"))
    assert (found["cells"], found["one_higher"], found["two_higher"]) == (6, 1, 1)
    assert found["mean_delta"] == pytest.approx(float(delta["delta"].mean()))
    assert type(found["mean_delta"]) is float
    turned = differences(delta_grid(*reversed(grids)), ("one", "two"))
    assert (turned["one_higher"], turned["two_higher"]) == (1, 1)
    assert turned["mean_delta"] == pytest.approx(-found["mean_delta"])
    nothing = differences(delta.where(delta["delta"] > 9), ("one", "two"))
    assert nothing == {"cells": 0, "one_higher": 0, "two_higher": 0, "mean_delta": None}
