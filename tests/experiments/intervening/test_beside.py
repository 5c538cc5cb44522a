"""Three grids on the samples of the causal one: each AUC is that grid's own there, and grids that look alike are told."""

from types import SimpleNamespace

import numpy as np
import pytest
from planted_effects import ROLES, planted_effects, planted_grids

from interp.errors import DataError
from interp.experiments.intervening.beside import beside
from interp.statistics.auc import estimate_auc
from interp.statistics.samples import Samples


@pytest.fixture(scope="module")
def grids():
    return planted_grids()


@pytest.fixture(scope="module")
def causal(grids):
    return planted_effects({(1, "last_q"): 0.9, (2, "last_q"): 0.4}, grids=grids)


def test_its_numbers_are_those_of_the_grids(grids, causal):
    three = beside(grids.probe, grids.attention, causal)
    for name in ("auc", "low", "high"):  # also the interval, over blocks
        np.testing.assert_allclose(three[name].sel(grid="matters").values, causal[name].values)
    samples = Samples(causal["y"].values, causal["fold"].values, causal["block"].values)
    for name, grid in (("decodable", grids.probe), ("looked at", grids.attention)):
        own = grid.sel(sample=causal["sample"].values)
        for layer in (0, 1, 2):
            score = own["score"].sel(layer=layer, token="last_q").values
            one = estimate_auc(score, samples, min_per_class=5)
            at = three.sel(grid=name, layer=layer, token="last_q")
            assert (float(at["auc"]), float(at["low"])) == pytest.approx((one.value, one.low))
    assert three.attrs == {"n_cells": 6, "n_samples": 48}  # the last role has no effect


def test_a_grid_that_is_the_other_correlates_with_it_as_with_itself(grids, causal):
    causal = causal.copy()
    twin = grids.probe.sel(sample=causal["sample"].values)
    causal["score"] = ("sample", "layer", "token"), np.where(np.isnan(causal["score"]), np.nan, twin["score"])
    three = beside(grids.probe, grids.attention, causal)
    one = three.sel(pair="decodable, matters", kind="raw")
    assert float(one["r"]) == pytest.approx(float(one["ceiling_first"])) == pytest.approx(float(one["ceiling_second"]))
    assert list(three["pair"].values) == ["decodable, looked at", "decodable, matters", "looked at, matters"]


def test_the_order_of_samples_and_cells_does_not_count(grids, causal):
    turned = SimpleNamespace(
        probe=grids.probe.isel(sample=slice(None, None, -1), layer=[2, 0, 1]),
        attention=grids.attention.isel(token=[2, 1, 0]),
    )
    one, other = (beside(of.probe, of.attention, causal) for of in (grids, turned))
    for name in one.data_vars:
        np.testing.assert_array_equal(one[name], other[name])


def test_too_few_cells_are_not_correlated(grids):
    causal = planted_effects(grids=grids).isel(layer=[1], token=[0, 1])
    three = beside(grids.probe, grids.attention, causal)
    assert three.attrs["n_cells"] == 2 and three["r"].isnull().all() and three["auc"].notnull().all()


def test_grids_of_other_samples_or_cells_are_refused(grids, causal):
    with pytest.raises(DataError, match="sample: .*are not in the run's grids"):
        beside(grids.probe.isel(sample=slice(10)), grids.attention, causal)
    with pytest.raises(DataError, match="token: 1 of 3 are not in the run's grids"):
        beside(grids.probe, grids.attention.sel(token=list(ROLES[:2])), causal)
