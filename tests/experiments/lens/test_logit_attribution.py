"""Direct logit attribution: the sum is the whole; every component by hand; what cannot be told apart, and why."""

import numpy as np
import pytest
import torch
from families import build, texts
from labelled_tokens import PROMPT, labelled
from tiny_models import LAYERS

import interp
from interp.demo import answered, questions_path
from interp.experiments.lens import attribution, components
from interp.experiments.lens.components import BLOCKS, HEADS, PARTS, Parts, contributions
from interp.models.backends.kinds import backend_of

ROLE = "exact_answer_before_first"
APART = {
    "gpt2": HEADS,
    "llama": HEADS,
    "granite": HEADS,
    "gemma2": PARTS,
    "olmo2": PARTS,
    "falcon": HEADS,
    "cohere": HEADS,
}
"""How far families are taken apart: a norm stands behind Gemma's and OLMo 2's W_O, blocks of Falcon are parallel."""


def test_the_components_sum_to_the_models_own_logit_difference(case):
    answers = labelled(case.tokens)
    found = interp.logit_attribution(answers, case.model)
    total = found["attribution"].sum("component", skipna=False)
    own = case.logits[:, PROMPT].double()
    given = torch.tensor([ids[1] for ids in answers.completion_ids])
    expected = own.gather(-1, given[:, None])[:, 0] - own.mean(-1)
    np.testing.assert_allclose(total.sel(contrast="given − mean"), expected, atol=1e-4)
    np.testing.assert_allclose(found["total"].sel(contrast="given − mean"), expected, atol=1e-4)
    assert found.attrs["deviation"] < 1e-4
    assert np.isnan(total.sel(contrast="given − right")).all()  # nobody said what is right
    heads = (found["component_kind"] == "head").sum()
    assert heads == (0 if case.name in ("gemma3_text", "olmo2") else 4 * LAYERS)
    assert bool(found.attrs["parts_reason"]) == (heads == 0)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", APART)
def test_families_are_taken_as_far_apart_as_their_sites_allow(name, tiny_folder):
    try:
        model = interp.load_model(build(name), tokenizer=tiny_folder / "llama")
    except interp.ModelError:
        pytest.skip("this release of TransformerLens has no right bridge for it")
    parts = Parts.of(model)
    assert parts.sites == APART[name] and (not parts.reason) == (parts.sites == HEADS)
    if name == "granite":
        assert parts.factors == pytest.approx([0.5, 0.5], rel=1e-4)  # its residual multiplier
    answers = labelled(torch.tensor([text[:29] for text in texts()]))
    found = interp.logit_attribution(answers, model)
    np.testing.assert_allclose(found["attribution"].sum("component", skipna=False), found["total"], atol=1e-4)
    if name in ("llama", "granite"):  # they have no biases: nothing is left beside the heads
        np.testing.assert_allclose(
            found["attribution"].sel(component="attention biases", contrast="given − mean"), 0, atol=1e-5
        )


def test_every_component_of_a_gpt2_by_hand(tiny_folder):
    """LayerNorm with its divisor held fixed, W_O of Hugging Face's own module, biases apart."""
    from transformers import AutoModelForCausalLM

    plain = AutoModelForCausalLM.from_pretrained(tiny_folder / "gpt2", attn_implementation="eager").eval()
    hf = AutoModelForCausalLM.from_pretrained(tiny_folder / "gpt2", attn_implementation="eager").eval()
    model = interp.load_model(hf, tokenizer=tiny_folder / "gpt2")
    tokens = torch.randint(3, 320, (4, 20), generator=torch.Generator().manual_seed(5))
    answers = labelled(tokens)
    found = interp.logit_attribution(answers, model).sel(contrast="given − mean")["attribution"]
    seen, handles = {}, []
    for layer, block in enumerate(plain.transformer.h):
        proj = block.attn.c_proj
        handles.append(proj.register_forward_pre_hook(lambda m, i, layer=layer: seen.__setitem__(("z", layer), i[0])))
        handles.append(
            block.mlp.register_forward_hook(lambda m, i, o, layer=layer: seen.__setitem__(("mlp", layer), o))
        )
    norm = plain.transformer.ln_f
    handles.append(norm.register_forward_pre_hook(lambda m, i: seen.__setitem__("last", i[0])))
    with torch.no_grad():
        plain(tokens)
        embed = plain.transformer.wte(tokens) + plain.transformer.wpe(torch.arange(20))
        weight = plain.lm_head.weight.double()
        for i in range(4):
            x = seen["last"][i, PROMPT].double()
            divisor = (x.var(unbiased=False) + norm.eps).sqrt()
            row = weight[tokens[i, PROMPT + 1]] - weight.mean(0)

            def share(vector, row=row, divisor=divisor):
                vector = vector.double()
                return float((vector - vector.mean()) / divisor * norm.weight.double() @ row)

            one, biases = found.isel(sample=i), 0.0
            assert float(one.sel(component="embedding")) == pytest.approx(share(embed[i, PROMPT]), abs=1e-5)
            for layer, block in enumerate(plain.transformer.h):
                z = seen["z", layer][i, PROMPT].reshape(4, -1)
                w = block.attn.c_proj.weight.reshape(4, z.shape[1], -1)
                for head in range(4):
                    expected = share(z[head] @ w[head])
                    assert float(one.sel(component=f"head {layer}.{head}")) == pytest.approx(expected, abs=1e-5)
                expected = share(seen["mlp", layer][i, PROMPT])
                assert float(one.sel(component=f"mlp {layer}")) == pytest.approx(expected, abs=1e-5)
                biases += share(block.attn.c_proj.bias)
            assert float(one.sel(component="attention biases")) == pytest.approx(biases, abs=1e-5)
            assert float(one.sel(component="final biases")) == pytest.approx(float(norm.bias.double() @ row), abs=1e-5)


def test_a_head_that_writes_the_answer_is_the_one_that_is_told(llama_folder):
    """One head's W_O is set so that whatever it sees it writes one token's row: only it tells right from wrong."""
    model = interp.load_model(llama_folder)
    answers = labelled(torch.randint(3, 320, (16, 20), generator=torch.Generator().manual_seed(7)))
    before = interp.logit_attribution(answers, model)
    weight = backend_of(model).output_weight(1)
    with torch.no_grad():
        weight[2] *= 40
    try:
        after = interp.logit_attribution(answers, model)
    finally:
        with torch.no_grad():
            weight[2] /= 40
    largest = np.abs(after["attribution"].sel(contrast="given − mean")).mean("sample")
    assert str(largest["component"][int(largest.values.argmax())].item()) == "head 1.2"
    assert float(np.abs(before["attribution"].sel(component="head 1.2", contrast="given − mean")).mean()) < 0.2 * float(
        largest.max()
    )


def test_given_against_right_is_a_difference_of_two_logits():
    model, answers = answered(24)
    rows = interp.load_rows(questions_path())
    found = interp.logit_attribution(answers, model, rows=rows)
    wrong = found["y"].values == 0
    against = found.sel(contrast="given − right")
    assert np.isnan(against["total"][~wrong]).all() and np.isfinite(against["total"][wrong]).any()
    positions = interp.resolve_positions(answers, roles=(ROLE,))
    cap = interp.capture(model, answers, positions)
    at = {name: i for i, name in enumerate(cap.id)}
    for i in np.flatnonzero(wrong):
        logits = backend_of(model).unembed(cap.resid[at[str(found["sample"].values[i])], -1])[0]
        right = int(found["right_token"][i])
        if right >= 0:
            expected = float(logits[int(found["given_token"][i])] - logits[right])
            assert float(against["total"][i]) == pytest.approx(expected, abs=1e-4)
            assert expected > 0  # greedy: the given token is the top one
    mean = found["attribution"].values[wrong][:, 1].mean(0)
    np.testing.assert_allclose(found["attribution_mean"].sel(contrast="given − right", label="wrong"), mean)
    assert found["n_attributed"].sel(contrast="given − right").values.tolist() == [0, int(wrong.sum())]
    gap = found["attribution_mean"].sel(contrast="given − mean")
    np.testing.assert_allclose(found["attribution_difference"], gap.sel(label="right") - gap.sel(label="wrong"))


def test_blocks_are_components_where_nothing_else_adds_up(llama, monkeypatch):
    answers = labelled(torch.randint(3, 320, (4, 20), generator=torch.Generator().manual_seed(5)))
    whole = interp.logit_attribution(answers, llama)
    parts = {}
    for wanted in (PARTS, BLOCKS):
        monkeypatch.setattr(attribution.Parts, "of", lambda model, wanted=wanted: Parts(wanted, "said so"))
        parts[wanted] = interp.logit_attribution(answers, llama)
        np.testing.assert_allclose(parts[wanted]["total"], whole["total"], atol=1e-5)
        assert parts[wanted].attrs["parts_reason"] == "said so"
        np.testing.assert_allclose(
            parts[wanted]["attribution"].sum("component", skipna=False), whole["total"], atol=1e-4
        )
    of_block = whole["attribution"].where(whole["component_layer"] == 1, drop=True).sum("component")
    np.testing.assert_allclose(
        parts[BLOCKS]["attribution"].sel(component="block 1", contrast="given − mean"),
        of_block.sel(contrast="given − mean"),
        atol=1e-4,
    )
    monkeypatch.undo()
    monkeypatch.setattr(components, "check_sites", refuse)
    assert Parts.of(llama).sites == BLOCKS and "no such site" in Parts.of(llama).reason
    monkeypatch.undo()
    monkeypatch.setattr(attribution, "contributions", lambda *args: contributions(*args) + 1)
    with pytest.raises(interp.ModelError, match="miss the logit difference"):
        interp.logit_attribution(answers, llama)


def refuse(model, sites):
    raise interp.ModelError("no such site")


def test_samples_without_an_exact_answer_or_label_take_no_part(llama):
    from dataclasses import replace

    answers = labelled(torch.randint(3, 320, (4, 20), generator=torch.Generator().manual_seed(5)))
    some = replace(
        answers, correct=[True, None, False, False], exact_answer_tokens=[*answers.exact_answer_tokens[:3], None]
    )
    assert interp.logit_attribution(some, llama)["sample"].values.tolist() == ["0", "2"]
    with pytest.raises(interp.DataError, match="no labelled sample has an exact answer"):
        interp.logit_attribution(replace(answers, correct=[None] * 4), llama)
