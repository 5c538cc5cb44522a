"""Every outcome of `patch_grid` against a straight loop of plain Hugging Face passes, and TransformerLens' own patching."""

import numpy as np
import pytest
import torch
from hooked_cases import converted
from patched_by_hand import ROLES, Plain, asked_of, hugging_face, log_probability, loop, random_answers, samples_of

FAST = {"controls": ["same_label"], "flips": 99, "pairs": 6}
PARTS = {"gpt2": {"attn_out": "attn", "mlp_out": "mlp"}, "llama": {"attn_out": "self_attn", "mlp_out": "mlp"}}


@pytest.fixture(scope="module", params=["gpt2", "llama", "gpt_neox"])
def both(request, tiny_folder):
    plain, hooked = hugging_face(tiny_folder / request.param)
    return request.param, plain, hooked, asked_of(hooked, random_answers())


def _is_the_loops(found, plain, asked, own=None):
    base, out = loop(plain, asked, found, own)
    np.testing.assert_allclose(found["outcome_own"].values, base, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(found["change"].values + base[:, None, None], out, rtol=1e-5, atol=1e-5)
    back = {name: value for name, value in zip(found["recipient"].values, base, strict=True)}
    np.testing.assert_allclose(found["outcome_donor"].values, [back[s] for s in found["sample"].values], atol=1e-5)
    return out


def test_plain_forward_hooks_give_every_outcome(both):
    _, plain, hooked, asked = both
    found = asked.patched(hooked, **FAST)
    lengths = {len(one.exact) for one in samples_of(asked.answers).values()}
    assert lengths == {1, 2, 3} and len({len(ids) for ids in asked.answers.prompt_ids}) == 3
    out = _is_the_loops(found, Plain(plain), asked)
    assert np.isnan(out[:, :, ROLES.index("exact")]).all() and np.isfinite(out[:, :, :3]).all()
    # Every cell does something, but those of the last layer that no later token can read any more.
    assert np.abs(found["change"].values[:, :-1, :3]).min() > 1e-4 and (found["change"].values[:, -1, :2] == 0).all()
    # The share, again from the loop's numbers.
    towards = np.where(found["y"].values == 1, 1.0, -1.0)[:, None, None]
    total = (towards[:, 0, 0] * (found["outcome_donor"] - found["outcome_own"]).values).sum()
    effect = found["effect"].sel(direction="both").values
    if np.isfinite(effect).any():
        mine = (towards * (out - found["outcome_own"].values[:, None, None])).sum(0) / total
        np.testing.assert_allclose(effect[:, :3], mine[:, :3], rtol=1e-4)


@pytest.mark.parametrize("site", ["attn_out", "mlp_out"])
def test_so_do_outputs_of_attention_and_mlp(both, site):
    name, plain, hooked, asked = both
    if name not in PARTS:
        pytest.skip("of two architectures")
    found = asked.patched(hooked, site=site, pairs=4, **{k: v for k, v in FAST.items() if k != "pairs"})
    _is_the_loops(found, Plain(plain, PARTS[name][site]), asked)


def test_one_head_of_z_is_one_slice_of_what_the_output_projection_takes(both):
    name, plain, hooked, asked = both
    if name != "llama":
        pytest.skip("of one architecture")
    one = asked.patched(hooked, site="z", head=2, layers=[1], roles=["last_q"], **FAST)
    assert one.attrs["head"] == 2
    heads, width, samples = slice(2 * 8, 3 * 8), 32, samples_of(asked.answers)
    block = plain.model.layers[1].self_attn.o_proj
    at = {name: int(asked.cap.index[i, 1]) for i, name in enumerate(asked.answers.id)}

    def passed(ids, token=None, state=None):
        kept = []

        def hook(module, given):
            z = given[0].clone()
            kept.append(z[0].clone())
            if state is not None:
                z[0, token, heads] = state
            return (z,)

        handle = block.register_forward_pre_hook(hook)
        with torch.inference_mode():
            logits = plain(torch.tensor([ids]), use_cache=False).logits[0]
        handle.remove()
        assert kept[0].shape[-1] == width
        return logits, kept[0]

    for run, (donor, recipient) in enumerate(zip(one["sample"].values, one["recipient"].values, strict=True)):
        it, other = samples[recipient], samples[donor]
        state, value = passed(other.ids)[1][at[donor], heads], []
        for which in (it, other) if it.right else (other, it):
            logits, _ = passed([*it.before, *which.exact[:-1]], at[recipient], state)
            value.append(log_probability(logits, which.exact))
        mine = value[0] - value[1] - float(one["outcome_own"][run])
        assert float(one["change"][run, 0, 0]) == pytest.approx(mine, abs=1e-5)


def test_a_judgement_and_an_own_outcome_reach_every_cell(both):
    _, plain, hooked, asked = both

    def own(logits):
        return logits[:, 7] - 2 * logits[:, 11]

    found = asked.patched(hooked, outcome=own, pairs=3, controls=[], flips=99)
    out = _is_the_loops(found, Plain(plain), asked, (own, []))
    assert found.attrs["outcome"] == "own" and np.isfinite(out).all()
    question = " the"
    ids = hooked.tokenizer(question, add_special_tokens=False)["input_ids"]
    found = asked.patched(hooked, outcome=own, question=question, pairs=2, controls=[], flips=99)
    assert ids and found.attrs["question"] == question
    _is_the_loops(found, Plain(plain), asked, (own, ids))
    found = asked.patched(hooked, outcome="judgement", pairs=2, controls=[], flips=99)
    text = found.attrs["question"]
    ids = hooked.tokenizer(f"{text} ", add_special_tokens=False)["input_ids"]  # bytes: the space is a token
    yes, no = (hooked.tokenizer(word, add_special_tokens=False)["input_ids"][0] for word in ("Yes", "No"))
    _is_the_loops(found, Plain(plain), asked, (lambda logits: logits[:, yes] - logits[:, no], ids))


def test_transformer_lens_own_patching_gives_the_same(tiny_folder):
    pytest.importorskip("transformer_lens.HookedTransformer", reason="TransformerLens 4 has no HookedTransformer")
    from transformer_lens import patching

    model = converted(tiny_folder / "gpt2")
    asked = asked_of(model, random_answers(longest=1, spread=1))  # one text of one length for both answers
    found = asked.patched(model, **FAST)
    samples, index = samples_of(asked.answers), asked.cap.index[0].tolist()

    def setter(corrupted, at, clean):
        corrupted[:, at[1]] = clean[:, at[1]]
        return corrupted

    for run, (donor, recipient) in enumerate(zip(found["sample"].values, found["recipient"].values, strict=True)):
        it, other = samples[recipient], samples[donor]
        right, wrong = (one.exact[0] for one in ((it, other) if it.right else (other, it)))
        with torch.inference_mode():
            _, cache = model.run_with_cache(torch.tensor([other.before]))
            theirs = patching.generic_activation_patch(
                model,
                torch.tensor([it.before]),
                cache,
                lambda logits, a=right, b=wrong: logits[0, -1].log_softmax(-1)[a] - logits[0, -1].log_softmax(-1)[b],
                setter,
                "resid_post",
                index_axis_names=("layer", "pos"),
            )
        mine = found["change"].values[run, :, :3] + float(found["outcome_own"][run])
        np.testing.assert_allclose(mine, theirs[:, index[:3]].numpy(), atol=1e-5)
