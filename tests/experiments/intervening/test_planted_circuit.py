"""A model of which one head hands one token on: `patch_grid` lights the cells on its way, and declares no others."""

import numpy as np
import pytest
import torch
import xarray as xr
from patched_by_hand import answers_by_ids, asked_of

import interp

SUBJECTS = 8


def circuit_model(tokenizer):
    """Three layers of which all but one head are zero: head 0 of layer 1 hands the subject, at token 3, to all behind.

    The logit of the answer 20 + k is high where subject 10 + k was handed on.
    """
    from transformers import GPT2Config, GPT2LMHeadModel

    size = {"vocab_size": 320, "n_embd": 64, "n_layer": 3, "n_head": 2, "n_positions": 32, "n_inner": 8}
    model = GPT2LMHeadModel(GPT2Config(**size, tie_word_embeddings=False, attn_implementation="eager")).eval()
    place, handed = 63, 32
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        inner = model.transformer
        for norm in [inner.ln_f, *(one for block in inner.h for one in (block.ln_1, block.ln_2))]:
            norm.weight.fill_(1.0)
        generator = torch.Generator().manual_seed(0)
        inner.wte.weight[:, 10:30] = torch.randn(320, 20, generator=generator)
        inner.wte.weight[10 : 10 + SUBJECTS] = 0
        for k in range(SUBJECTS):
            inner.wte.weight[10 + k, k] = 5.0
            model.lm_head.weight[20 + k, handed + k] = 1.0
        inner.wpe.weight[3, place] = 5.0
        head = inner.h[1].attn
        head.c_attn.bias[0] = 30.0  # the query of head 0, wherever; its key says whether this is the subject's place
        head.c_attn.weight[place, 64 + 0] = 5.0
        for k in range(SUBJECTS):
            head.c_attn.weight[k, 128 + k] = 1.0
            head.c_proj.weight[k, handed + k] = 5.0
    return interp.load_model(model, tokenizer=tokenizer)


@pytest.fixture(scope="module")
def circuit(llama_folder):
    """Right samples have subjects 0 to 3, wrong ones 4 to 7; the other tokens are noise."""
    rng, n = np.random.default_rng(0), 60
    k = [i % 2 * 4 + int(rng.integers(4)) for i in range(n)]
    prompts = rng.integers(100, 300, (n, 7))
    prompts[:, 3] = [10 + one for one in k]
    answers = answers_by_ids(
        prompts.tolist(), [[20 + one] for one in k], [i % 2 == 0 for i in range(n)],
        rng.integers(100, 300, (n, 3)).tolist(),
    )  # fmt: skip
    model = circuit_model(llama_folder)
    return model, asked_of(model, answers)


LIT = {"resid_post": {(0, "early"), (1, "before"), (2, "before")}, "attn_out": {(1, "before")}, "z": {(1, "before")}}


@pytest.mark.parametrize("method", ["exact", "attribution"])
@pytest.mark.parametrize("site", LIT)
def test_a_planted_circuit_lights_its_cells_and_nothing_else(circuit, site, method):
    model, asked = circuit
    found = asked.patched(model, pairs=30, site=site, method=method, controls=["same_label"], flips=999)
    assert found.attrs["n_blocks"] >= 10
    lit = xr.zeros_like(found["effect"].isel(direction=0, drop=True), dtype=bool)
    for layer, role in LIT[site]:
        lit.loc[layer, role] = True
    can = found["token"].values != "exact"
    for direction in found["direction"].values:
        effect = found["effect"].sel(direction=direction)
        assert np.abs(effect.values[:, can] - lit.values[:, can]).max() < (1e-2 if method == "exact" else 0.6)
        assert np.abs(effect.values[:, can][~lit.values[:, can]]).max() < (1e-2 if method == "exact" else 0.05)
        assert effect.where(lit).min() > 0.4 and np.isnan(effect.sel(token="exact")).all()
    declared = found["over_p_corrected"].sel(control="same_label") < 0.05
    assert (declared == lit).all()
    # A donor of the same label names another subject: it takes the recipient's own answer away, no more.
    share = found["control_effect"].sel(control="same_label").where(lit)
    assert float(share.max()) < 0.8
    if method == "exact":
        assert float(found["attributed"].where(lit).min()) > 0.4
        assert (found["auc"].where(lit, drop=False).stack(cell=("layer", "token")).dropna("cell") > 0.95).all()


def test_only_the_head_that_carries_it_counts(circuit):
    model, asked = circuit
    options = {"pairs": 12, "site": "z", "controls": [], "layers": [1], "roles": ["before"], "flips": 99}
    effects = [float(asked.patched(model, head=head, **options)["effect"][0, 0, 0]) for head in (0, 1)]
    assert effects == pytest.approx([1, 0], abs=1e-2)


def test_scrambled_weights_and_a_random_step_do_not_do_it(circuit):
    model, asked = circuit
    found = asked.patched(model, pairs=24, flips=99, layers=[0], roles=["early"])
    share = found["control_effect"].sel(layer=0, token="early")
    assert abs(float(share.sel(control="random_direction"))) < 0.5
    moved = found["control_change"].sel(control="scrambled_weights").values
    assert np.isfinite(moved).all() and np.abs(moved).mean() < 0.3 * np.abs(found["change"].values).mean()
