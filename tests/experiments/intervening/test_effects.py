"""From changes to the causal grid: planted shares come back, what is undefined says why, nothing is declared by chance."""

import numpy as np
import pytest
from planted_effects import LATE, ROLES, planted_effects, planted_grids
from sklearn.metrics import roc_auc_score

from interp.experiments.intervening.effects import CELL
from interp.experiments.intervening.variables import CAUSAL_GRID

SHARES = {(1, "last_q"): 0.8, (2, "exact_answer_before_first"): -0.5}


@pytest.fixture(scope="module")
def grids():
    return planted_grids()


@pytest.fixture(scope="module")
def found(grids):
    return planted_effects(SHARES, grids=grids)


def planted_at(found):
    out = np.zeros((3, 2))
    for (layer, role), share in SHARES.items():
        out[layer, ROLES.index(role)] = share
    return out


def test_planted_shares_are_in_their_intervals_in_every_direction(found):
    true, reached = planted_at(found), found.isel(token=slice(2))
    for direction in ("both", "into wrong", "into right"):
        one = reached.sel(direction=direction)
        np.testing.assert_allclose(one["effect"], true, atol=0.12)
        assert (one["effect_low"] < one["effect"]).all() and (one["effect"] < one["effect_high"]).all()
        assert ((one["effect_low"] <= true) & (true <= one["effect_high"])).mean() > 0.8
    np.testing.assert_allclose(reached["control_effect"], np.zeros((3, 3, 2)), atol=0.12)
    np.testing.assert_allclose(reached["over"], np.broadcast_to(true, (3, 3, 2)), atol=0.2)
    declared = reached["over_p_corrected"] < 0.05
    assert declared.values[:, true != 0].all()
    np.testing.assert_array_equal(declared.sel(control="same_label"), true != 0)
    assert (found["over_q"] >= found["over_p"] - 1e-12).where(found["over_p"].notnull(), True).all()
    np.testing.assert_allclose(found["attributed"], found["effect"].sel(direction="both"), atol=0.05)


def test_numbers_are_those_of_the_runs(found):
    towards = np.where(found["y"] == 1, 1.0, -1.0)
    total = towards * (found["outcome_donor"] - found["outcome_own"]).values
    change, control = (found[name].values for name in ("change", "control_change"))
    np.testing.assert_allclose(
        found["over"].values[:, :, :2],
        (towards[:, None, None] * (change - control)).sum(1)[:, :, :2] / total.sum(),
    )
    assert found.attrs["told_apart"] == pytest.approx(total.mean())
    score = found["score"].values
    np.testing.assert_allclose(score[:, :, :2], (change - control[0])[:, :, :2])
    # AUC within folds, of donors, by hand.
    y, fold, one = found["y"].values, found["fold"].values, score[:, 1, 0]
    parts = [((y[fold == f] == 1).sum() * (y[fold == f] == 0).sum(), f) for f in np.unique(fold)]
    auc = [(n, roc_auc_score(y[fold == f], one[fold == f])) for n, f in parts if n]
    assert found["auc"].sel(layer=1, token="last_q").item() == pytest.approx(np.average([a for _, a in auc], weights=[n for n, _ in auc]))  # fmt: skip
    assert found["auc"].sel(layer=1, token="last_q") > 0.9 > 0.75 > found["auc"].sel(layer=0, token="last_q")


def test_what_no_run_reaches_says_why(found):
    last = found.sel(token=ROLES[2])
    assert set(last["effect_reason"].values.ravel()) == set(last["reason"].values.ravel()) == {LATE}
    assert (last["effect_n"] == 0).all() and last["effect"].isnull().all() and last["over_p"].isnull().all()
    assert (found["effect_reason"].isel(token=slice(2)) == "").all()


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"n_pairs": 8}, "4 independent blocks of pairs, at least 6 needed"),
        ({"apart": 0.0}, "right and wrong samples are not told apart"),
    ],
)
def test_a_share_that_cannot_be_stated_says_why(grids, options, reason):
    found = planted_effects(SHARES, grids=grids, **options)
    assert found["effect"].sel(direction="both").isnull().all()
    assert reason in found["effect_reason"].sel(direction="both", layer=0, token="last_q").item()


def test_pairs_alone_take_part_but_for_donors_of_their_label(grids):
    found = planted_effects(SHARES, grids=grids, alone=6)
    assert found.attrs["n_alone"] == 6 and found.attrs["n_blocks"] == 15
    alike = found["control_change"].sel(control="same_label", token="last_q").values
    assert np.isnan(alike[-12:]).all() and np.isfinite(alike[:-12]).all()
    assert np.isfinite(found["control_change"].sel(control="random_direction", token="last_q")).all()
    assert (found["effect_n"].sel(direction="both", token="last_q") == 48).all()
    assert (found["n"].sel(token="last_q") == 36).all()


def test_without_a_control_there_is_no_auc_and_it_says_why(grids):
    found = planted_effects(SHARES, grids=grids, controls=["random_direction"], first_look=False)
    assert found["auc"].isnull().all() and "attributed" not in found
    assert found["reason"].sel(layer=0, token="last_q").item() == "there is no donor with the recipient's own label"
    assert found["reason"].sel(layer=0, token=ROLES[2]).item() == LATE
    assert planted_effects(grids=grids, controls=[]).sizes["control"] == 0


def test_gradients_that_go_with_what_was_seen(found):
    r = found["attributed_r"]
    assert (r.isel(token=slice(2)) > 0.98).all() and r.sel(token=ROLES[2]).isnull().all()


def test_where_a_donor_does_as_one_of_the_same_label_five_grids_in_100_declare_a_cell(grids):
    """The donors' changes and the controls' are drawn alike, and any sign of a block is as likely."""
    declared = []
    for seed in range(400):
        found = planted_effects(grids=grids, n_pairs=16, controls=["same_label"], first_look=False, flips=99, seed=seed)
        declared.append(bool((found["over_p_corrected"] <= 0.05).any()))
    assert 0.025 <= np.mean(declared) <= 0.08


def test_every_cell_is_on_the_axes_that_help_names(found):
    assert found["auc"].dims == CELL
    assert all(
        f"{name} (" in CAUSAL_GRID or f"{name}, " in CAUSAL_GRID for name in ("effect", "over", "control_effect")
    )
