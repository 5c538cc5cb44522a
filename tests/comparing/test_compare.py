"""Comparing grids: planted differences, identical grids, and what goes to comparison.json."""

import json

import numpy as np
import pytest
import xarray as xr

from interp.comparing.compare import Comparison, compare_grids, describe_best
from interp.errors import DataError
from interp.grids.probes import probe_grid


def test_a_comparison_survives_json_to_the_last_digit(grids: tuple[xr.Dataset, xr.Dataset]) -> None:
    found = compare_grids(*grids, names=("one", "two"))
    again = Comparison.from_dict(json.loads(json.dumps(found.to_dict())))
    assert again.names == found.names and json.dumps(again.to_dict()) == json.dumps(found.to_dict())
    xr.testing.assert_identical(again.delta_auc.drop_vars("token"), found.delta_auc.drop_vars("token"))
    assert again.delta_auc["token"].values.tolist() == found.delta_auc["token"].values.tolist()
    xr.testing.assert_equal(again.profiles, found.profiles)


def test_a_name_that_a_comparison_lacks_is_answered_with_the_nearest(grids: tuple[xr.Dataset, xr.Dataset]) -> None:
    found = compare_grids(*grids)
    with pytest.raises(
        DataError, match=r"^comparison: expected one of names, .*, got 'delta'; did you mean 'delta_auc'"
    ):
        found["delta"]
    with pytest.raises(KeyError):
        found["gain"]
    assert "gain" not in found and found.get("gain", 3) == 3 and found["best"] is found.best


def test_swapping_the_grids_turns_the_sign(grids: tuple[xr.Dataset, xr.Dataset]) -> None:
    forth, back = compare_grids(*grids), compare_grids(*reversed(grids))
    np.testing.assert_allclose(forth.delta_auc["delta"], -back.delta_auc["delta"])
    np.testing.assert_allclose(forth.delta_auc["p"], back.delta_auc["p"])
    assert forth.correlation["raw"]["between"] == pytest.approx(back.correlation["raw"]["between"])


def test_a_grid_compared_with_itself(grids: tuple[xr.Dataset, xr.Dataset]) -> None:
    """Any two grids can be compared; with itself nothing differs and the correlation is its own ceiling."""
    same = compare_grids(grids[0], grids[0])
    assert same.names == ("probe_1", "probe_2")
    assert (same.delta_auc["delta"].sel(token=["0", "1"]) == 0).all()
    assert (same.delta_auc["q"].sel(token=["0", "1"]) == 1).all()
    for kind in ("raw", "centred"):
        assert same.correlation[kind]["between"] == pytest.approx(same.correlation[kind]["within_1"])


def test_the_best_cell_is_the_planted_one_in_every_fold(grids: tuple[xr.Dataset, xr.Dataset]) -> None:
    best = describe_best(grids[0])
    planted = {"layer": 1, "token": "1"}
    assert best["cell"] == planted and all(cell == planted for cell in best["chosen"].values())
    assert best["nested"]["value"] == best["auc"]
    assert [{k: cell[k] for k in planted} for cell in best["peak_set"]] == [planted]


def test_profiles_are_means_over_the_cells_defined_in_both(grids: tuple[xr.Dataset, xr.Dataset]) -> None:
    one, two = grids
    one = one.copy(deep=True)
    one["auc"].loc[{"layer": 0, "token": "0"}] = np.nan
    one["reason"].loc[{"layer": 0, "token": "0"}] = "for the test"
    profiles = compare_grids(one, two).profiles
    np.testing.assert_allclose(profiles["layer_profile"].sel(layer=0), [one["auc"][0, 1], two["auc"][0, 1]])
    np.testing.assert_allclose(
        profiles["token_profile"].sel(token="0"), [one["auc"][1:, 0].mean(), two["auc"][1:, 0].mean()]
    )
    assert np.isnan(profiles["token_profile"].sel(token="2")).all()


def test_the_comparison_is_plain_json(grids: tuple[xr.Dataset, xr.Dataset]) -> None:
    whole = compare_grids(*grids).to_dict()
    again = json.loads(json.dumps(whole, allow_nan=False))
    assert again == whole
    assert again["delta_auc"]["delta"][0][2] is None and again["delta_auc"]["token"] == ["0", "1", "2"]
    assert again["best"]["attention"]["cell"] == {"layer": 2, "token": "0"}


def test_grids_without_a_defined_cell_can_still_be_described(grids: tuple[xr.Dataset, xr.Dataset]) -> None:
    rng = np.random.default_rng(0)
    y = np.array([1] * 40 + [0] * 8)
    empty = probe_grid(rng.standard_normal((48, 2, 2, 3)), y)
    whole = compare_grids(empty, empty.assign_attrs(kind="attention"))
    assert whole.best["probe"]["cell"] is None and whole.correlation["raw"]["between"] is None
    json.dumps(whole.to_dict(), allow_nan=False)


def test_grids_of_other_samples_are_refused(grids: tuple[xr.Dataset, xr.Dataset]) -> None:
    with pytest.raises(DataError, match="sample labels differ"):
        compare_grids(grids[0], grids[1].isel(sample=slice(1, None)))
    with pytest.raises(DataError, match="two different names"):
        compare_grids(*grids, names=("a", "a"))
