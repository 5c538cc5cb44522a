"""Hooks that edit, and vectors put through a model's own last modules: on both classes, against the plain pass."""

import pytest
import torch
from hooked_cases import same
from tiny_models import LAYERS

from interp.models.backends.kinds import backend_of
from interp.models.hooked import forward, hook_name


def passed(model, tokens, hooks):
    logits = forward(model, tokens, torch.ones_like(tokens), hooks=hooks, logits=True)
    assert logits is not None
    return logits


@pytest.mark.parametrize("layer", range(LAYERS))
def test_a_stream_put_in_place_of_another_leads_where_it_led(case, layer):
    name, first, second = hook_name("resid_post", layer), case.tokens[:1], case.tokens[1:2]
    seen = {}
    there = passed(case.model, first, {name: lambda hidden: seen.__setitem__(name, hidden.clone())})
    here = passed(case.model, second, {})
    assert (there - here).abs().max() > 0.1
    assert torch.equal(passed(case.model, second, {name: lambda hidden: seen[name]}), there)
    assert torch.equal(passed(case.model, second, {}), here)


def test_an_edit_within_a_cached_pass(case):
    """One token's stream, edited in the part that follows the cache, is edited as in one pass."""
    model, tokens, name = case.model, case.tokens[:1], hook_name("resid_post", 0)

    def last_token(hidden):
        hidden = hidden.clone()
        hidden[:, -1] *= -2
        return hidden

    whole = passed(model, tokens, {name: last_token})
    cache, mask = backend_of(model).new_cache(1), torch.ones_like(tokens)
    forward(model, tokens[:, :-2], mask[:, :-2], cache=cache)
    parts = forward(model, tokens[:, -2:], mask, cache=cache, hooks={name: last_token}, logits=True)
    same(parts, whole)
    assert (whole - passed(model, tokens, {})).abs().max() > 1e-3


def test_the_last_stream_unembedded_is_the_models_logits(case):
    seen, name = {}, hook_name("resid_post", LAYERS - 1)
    passed(case.model, case.tokens, {name: lambda hidden: seen.__setitem__(name, hidden.clone())})
    backend = backend_of(case.model)
    for row, expected in zip(seen[name], case.logits, strict=True):
        same(backend.unembed(row), expected)
