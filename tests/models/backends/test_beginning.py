"""Passes that begin at a later layer, and caches of some samples for them: the same numbers, and nothing is left behind."""

import pytest
import torch
from hooked_cases import same

from interp.models.backends.caches import PassedTokens
from interp.models.backends.kinds import backend_of
from interp.models.loading import forward, hook_name, is_recurrent, new_cache

ROWS = torch.tensor([2, 0, 2])


def _streams(model, tokens, cache=None, mask=None, hooks=None):
    names, kept = [hook_name("resid_pre", k) for k in range(4)] + [hook_name("resid_post", 3)], {}
    seen = {name: (lambda hidden, name=name: kept.update({name: hidden.clone()})) for name in names} | (hooks or {})
    forward(model, tokens, torch.ones_like(tokens) if mask is None else mask, hooks=seen, cache=cache)
    return kept


@pytest.mark.parametrize("layer", range(1, 4))
def test_a_pass_that_is_given_a_layers_stream_ends_as_the_whole_one(case, layer):
    whole, backend = _streams(case.model, case.tokens), backend_of(case.model)
    end, ran = hook_name("resid_post", 3), []
    with backend.beginning_at(layer):
        pass  # the first time it looks what the blocks give back
    hooks = {hook_name("resid_pre", layer): lambda hidden: whole[hook_name("resid_pre", layer)]}
    points = [case.model.hook_dict[hook_name("mlp_out", k)] for k in range(4)]
    handles = [point.register_forward_hook(lambda *_, k=k: ran.append(k)) for k, point in enumerate(points)]
    with backend.beginning_at(layer):
        found = _streams(case.model, case.tokens, hooks=hooks | {end: (kept := []).append})
        same(kept[0], whole[end])
    for handle in handles:
        handle.remove()
    assert ran == list(range(layer, 4)) and end not in found
    again = _streams(case.model, case.tokens)  # nothing is hidden any more
    assert all(torch.equal(again[name], whole[name]) for name in whole)


def test_nothing_is_hidden_at_layer_0_and_after_an_error(case):
    backend, own = backend_of(case.model), [vars(block).get("forward") for block in case.model.blocks]
    with backend.beginning_at(0):
        assert [vars(block).get("forward") for block in case.model.blocks] == own
    with pytest.raises(ZeroDivisionError), backend.beginning_at(3), backend.beginning_at(1):
        raise ZeroDivisionError
    assert [vars(block).get("forward") for block in case.model.blocks] == own


def test_rows_of_a_cache_go_on_as_the_samples_do_and_leave_it_alone(case):
    model, tokens, split = case.model, case.tokens, 12
    if is_recurrent(model):
        pytest.skip("of models with keys and values")
    cache = new_cache(model, len(tokens))
    ones = torch.ones_like(tokens)
    forward(model, tokens[:, :split], ones[:, :split], cache=cache)
    held = [one.clone() for one in cache.tensors()]
    whole = _streams(model, tokens)
    end = hook_name("resid_post", 3)
    for _ in range(2):  # the first does not use it up
        rows = cache.rows(ROWS, 0)
        found = _streams(model, tokens[ROWS, split:], rows, ones[ROWS])
        same(found[end], whole[end][ROWS, split:])
        same(rows.values(3)[:, :split], cache.values(3)[ROWS])
    assert all(torch.equal(one, other) for one, other in zip(held, cache.tensors(), strict=True))


def test_rows_for_a_later_layer_hold_what_that_layer_reads(case):
    model, tokens, split, layer = case.model, case.tokens, 12, 2
    if is_recurrent(model):
        pytest.skip("of models with keys and values")
    cache, ones, backend = new_cache(model, len(tokens)), torch.ones_like(tokens), backend_of(model)
    forward(model, tokens[:, :split], ones[:, :split], cache=cache)
    whole, end, begin = _streams(model, tokens), hook_name("resid_post", 3), hook_name("resid_pre", layer)
    kept = []
    with backend.beginning_at(layer):
        hooks = {begin: lambda hidden: whole[begin][ROWS, split:], end: kept.append}
        forward(model, tokens[ROWS, split:], ones[ROWS], hooks=hooks, cache=cache.rows(ROWS, layer))
    same(kept[0], whole[end][ROWS, split:])
    own = {one.untyped_storage().data_ptr() for one in cache.tensors()}
    shared = sum(one.untyped_storage().data_ptr() in own for one in cache.rows(ROWS, layer).tensors())
    assert shared >= 2 * layer  # keys and values of the layers before it take no memory


def test_passed_tokens_are_picked():
    cache = PassedTokens(torch.tensor([[1, 2], [3, 4], [5, 6]]))
    assert cache.rows(ROWS, 1).passed.tolist() == [[5, 6], [1, 2], [5, 6]]
    assert cache.passed.tolist() == [[1, 2], [3, 4], [5, 6]] and PassedTokens().rows(ROWS, 0).passed is None
