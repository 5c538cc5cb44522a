"""`patch_grid`: nothing depends on how runs are batched, bad input is refused."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import xarray as xr
from patched_by_hand import BEFORE, ROLES, asked_of, random_answers

import interp
from interp.errors import DataError, ModelError, RunError
from interp.experiments.intervening import patched

FAST = {"controls": ["same_label"], "flips": 99, "pairs": 4}


def test_directions_and_runs_say_who_was_put_where(llama):
    asked = asked_of(llama, random_answers())
    found = asked.patched(llama, **FAST | {"pairs": 8})
    y = dict(zip(asked.answers.id, asked.answers.correct, strict=True))
    assert [y[s] for s in found["sample"].values] == [True, False] * 8 == (found["y"].values == 1).tolist()
    assert [y[s] for s in found["recipient"].values] == [False, True] * 8
    assert set(found["sample"].values) == set(found["recipient"].values) and len(set(found["sample"].values)) == 16
    np.testing.assert_array_equal(found["effect_n"].sel(token="before"), [[16] * 3, [8] * 3, [8] * 3])
    assert (found["effect_n"].sel(token="exact") == 0).all()
    reason = found["effect_reason"].sel(token="exact").values
    assert set(reason.ravel()) == {"at or after the exact answer's first token, whose log-probability it cannot change"}
    assert "exact answer's first token" in found["reason"].sel(layer=0, token="exact").item()
    into = {"into wrong": found["y"].values == 1, "into right": found["y"].values == 0}
    total = np.where(found["y"] == 1, 1, -1) * (found["outcome_donor"] - found["outcome_own"]).values
    assert found.attrs["told_apart"] == pytest.approx(total.mean())
    for name, some in into.items():
        effect = found["effect"].sel(direction=name).values
        mine = found["change"].values[some].sum(0) * (1 if name == "into wrong" else -1) / total[some].sum()
        np.testing.assert_allclose(effect, np.where(np.isfinite(effect), mine, np.nan))


def same_bytes(one: xr.Dataset, two: xr.Dataset) -> None:
    xr.testing.assert_identical(one, two)
    for name in one.variables:
        if one[name].dtype != object:
            assert one[name].values.tobytes() == two[name].values.tobytes(), name


def test_the_same_bytes_twice_and_nearly_the_same_whatever_the_memory(llama, monkeypatch):
    asked = asked_of(llama, random_answers())
    options = {"flips": 99, "pairs": 4, "seed": 3}
    found = asked.patched(llama, **options)
    same_bytes(found, asked.patched(llama, **options))
    one_text = 4 * (4 * 32 + 2 * 3 * 4 * 8) * 25
    for memory in (1, 5 * one_text):
        monkeypatch.setattr(patched, "MEMORY", memory)
        monkeypatch.setattr("interp.experiments.intervening.attributed.MEMORY", memory)
        again = asked.patched(llama, **options)
        for name in ("change", "control_change", "outcome_own", "attributed"):
            np.testing.assert_allclose(again[name], found[name], atol=2e-5, err_msg=f"{name} at {memory}")
    other = asked.patched(llama, **options | {"seed": 4})
    assert other["sample"].values.tolist() != found["sample"].values.tolist()


def test_progress_counts_every_sample_that_is_run(llama):
    asked, counted = asked_of(llama, random_answers()), []
    asked.patched(llama, **FAST, progress=counted.append)
    assert counted == [1] * (8 + 8)  # exact, and the gradients
    counted.clear()
    asked.patched(llama, **FAST | {"controls": ["scrambled_weights"]}, progress=counted.append)
    assert counted == [1] * (8 + 8 + 8)
    counted.clear()
    asked.patched(llama, **FAST, method="attribution", progress=counted.append)
    assert counted == [1] * 8


def test_layers_roles_and_controls_choose_from_the_whole(llama):
    asked = asked_of(llama, random_answers())
    whole = asked.patched(llama, **FAST | {"controls": ["random_direction", "same_label"]})
    assert whole["control"].values.tolist() == ["same_label", "random_direction"]
    part = asked.patched(llama, **FAST, layers=[2, 0], roles=["before", "early"])
    assert (part["layer"].values.tolist(), part["token"].values.tolist()) == ([2, 0], ["before", "early"])
    for name in ("change", "attributed_r"):
        mine = whole[name].sel(layer=part["layer"], token=part["token"])
        np.testing.assert_allclose(part[name], mine, atol=2e-5)
    none = asked.patched(llama, **FAST | {"controls": []}, layers=[1])
    assert none.sizes["control"] == 0 and np.isnan(none["auc"]).all()
    assert "own label" in none["reason"].sel(layer=1, token="early").item()


def test_the_grid_goes_where_other_grids_go(llama):
    asked = asked_of(llama, random_answers())
    found = asked.patched(llama, **FAST)
    assert interp.plot_grid(found) is not None
    assert set(interp.grid_table(found)["token"]) == set(ROLES)


def test_with_the_same_roles_pairs_need_no_equal_offsets(llama):
    asked = asked_of(llama, random_answers())
    moved = asked.cap.index.clone()
    moved[:, 1] -= torch.arange(24) % 2  # of wrong samples another token
    asked = replace(asked, cap=replace(asked.cap, index=moved))
    with pytest.raises(DataError, match=r"no right and wrong one .* equally placed roles; take match='roles'"):
        asked.patched(llama, **FAST)
    assert asked.patched(llama, match="roles", **FAST).attrs["n_pairs"] == 4


@pytest.fixture(scope="module")
def small(llama):
    return asked_of(llama, random_answers())


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"site": "resid_mid"}, "site: .*resid_mid"),
        ({"head": 0}, "head: only the site 'z' has heads, got site 'resid_post'"),
        ({"site": "z", "head": 4}, "head"),
        ({"question": "Sure?"}, "question: the outcome 'answer' asks none"),
        ({"outcome": "truth"}, "outcome: .*truth"),
        ({"outcome": lambda logits: logits}, "outcome: expected a tensor with a number for each of"),
        ({"outcome": lambda logits: 0.0}, "outcome: expected a tensor"),
        ({"outcome": "judgement", "question": " x" * 300}, "outcome: .* tokens, the model's context 256"),
        ({"match": "length"}, "match: .*length"),
        ({"method": "both"}, "method: .*both"),
        ({"controls": ["placebo"]}, "controls: .*placebo"),
        ({"pairs": 0}, "pairs"),
        ({"layers": [9]}, "layers: 1 of 1 are not in the Capture"),
        ({"roles": ["nowhere"]}, "roles: 1 of 1 are not in the Capture"),
        ({"flips": 3}, "flips"),
        ({"seed": -1}, "seed"),
        ({"model": None}, "give it as model="),
        ({"model": False}, "model"),
    ],
)
def test_what_is_wrong_is_said(small, llama, options, sentence, as_users_run_it):
    with pytest.raises((DataError, ModelError), match=sentence) as raised:
        small.patched(options.pop("model", llama) if "model" in options else llama, **options)
    assert "\n" not in str(raised.value)


def test_samples_that_make_no_pair_are_a_sentence(small, llama, as_users_run_it):
    alike = replace(small.answers, completion_ids=[[5, 6, 7, 8]] * 24)
    span = [(len(p) + BEFORE, len(p) + BEFORE) for p in alike.prompt_ids]
    alike = replace(alike, exact_answer_tokens=span)
    with pytest.raises(DataError, match="of 24 samples no right and wrong one .* different tokens"):
        interp.patch_grid(small.cap, alike, small.grid, model=llama)
    with pytest.raises(DataError, match="answers"):
        interp.patch_grid(small.cap, None, small.grid, model=llama)
    with pytest.raises(DataError, match="grid"):
        interp.patch_grid(small.cap, small.answers, None, model=llama)


def test_an_unfinished_run_is_refused(tmp_path, small):
    from valid_calls import unfinished_run

    run = interp.open_run(unfinished_run(tmp_path / "run"))
    with pytest.raises(RunError, match="interp resume"):
        interp.patch_grid(run)
    with pytest.raises(DataError, match="a run brings its answers and its grid"):
        interp.patch_grid(run, small.answers)
