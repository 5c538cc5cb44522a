"""Scrambled weights: another model while it lasts, the same bits afterwards, whatever happens inside."""

import pytest
import torch

from interp.models.loading import forward
from interp.models.scrambled import scrambled


def last_logits(model, tokens):
    return forward(model, tokens, torch.ones_like(tokens), logits=True)


def bits(model):
    return {name: one.detach().clone() for name, one in [*model.named_parameters(), *model.named_buffers()]}


def unlike(one, two):
    assert one.keys() == two.keys()
    return [name for name in one if not torch.equal(one[name], two[name])]


def test_another_model_inside_and_the_same_bits_outside(case):
    before, said = bits(case.model), last_logits(case.model, case.tokens)
    with scrambled(case.model, seed=1):
        inside = last_logits(case.model, case.tokens)
        changed = bits(case.model)
        different = unlike(before, changed)
        assert torch.isfinite(inside).all()
        assert ((inside - said).abs().max() / said.abs().max()) > 0.1
        # Every weight holds the same numbers, in another order.
        assert different
        for name in different:
            numbers = [one[name].flatten().sort().values for one in (before, changed)]
            # GPT-2's Q, K and V are parts of one weight.
            assert torch.equal(*numbers) or (case.name == "gpt2" and any(f".{x}." in name for x in "qkv")), name
        weights = {name for name, one in case.model.named_parameters() if one.unique().numel() > 8}
        assert weights <= set(different)
    assert unlike(before, bits(case.model)) == []
    assert torch.equal(last_logits(case.model, case.tokens), said)


def test_an_exception_inside_leaves_no_trace(llama):
    before = bits(llama)
    with pytest.raises(KeyError, match="mine"), scrambled(llama):
        raise KeyError("mine")
    assert unlike(before, bits(llama)) == []


def test_an_exception_while_scrambling_leaves_no_trace(llama, monkeypatch):
    from interp.models import scrambled as module

    before, done, own = bits(llama), [], module._reorder

    def fails(weight, order):
        if len(done) == 5:
            done.append(weight)
            raise MemoryError("mine")
        done.append(weight)
        own(weight, order)

    monkeypatch.setattr(module, "_reorder", fails)
    with pytest.raises(MemoryError, match="mine"), scrambled(llama):
        pass
    assert unlike(before, bits(llama)) == []


def test_the_order_is_the_seeds(llama):
    tokens = torch.arange(3, 15)[None]

    def inside(seed):
        with scrambled(llama, seed=seed):
            return last_logits(llama, tokens)

    assert torch.equal(inside(1), inside(1)) and not torch.equal(inside(1), inside(2))


def test_singular_values_stay(llama):
    weight = max((one for one in llama.parameters() if one.ndim == 2), key=torch.numel)
    before = torch.linalg.svdvals(weight.detach())
    with scrambled(llama):
        torch.testing.assert_close(torch.linalg.svdvals(weight.detach()), before)


def test_tied_weights_are_put_out_of_order_once(tiny_folder):
    """GPT-2's embedding is its unembedding: the rows of both are in one order inside."""
    from transformers import AutoModelForCausalLM

    from interp.models.loading import load_model

    plain = AutoModelForCausalLM.from_pretrained(tiny_folder / "gpt2", attn_implementation="eager").eval()
    assert plain.lm_head.weight.data_ptr() == plain.transformer.wte.weight.data_ptr()
    before = plain.transformer.wte.weight.detach().clone()
    model = load_model(plain, tokenizer=tiny_folder / "gpt2")
    with scrambled(model, seed=4):
        inside = plain.transformer.wte.weight.detach().clone()
        assert torch.equal(plain.lm_head.weight, inside)
        # One permutation of the rows and one of the columns: the first row's numbers are all in one row still.
        rows = {tuple(row.sort().values.tolist()) for row in inside}
        assert rows == {tuple(row.sort().values.tolist()) for row in before} and not torch.equal(inside, before)
    assert torch.equal(plain.transformer.wte.weight, before)
