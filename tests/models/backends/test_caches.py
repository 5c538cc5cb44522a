"""Caches of every library: copies grow by themselves, samples are picked and repeated, and a pass goes on from them."""

import pytest
import torch
from hooked_cases import same

from interp.errors import ModelError
from interp.models.backends.backend import Backend
from interp.models.backends.caches import KeyValueCache, PassedTokens
from interp.models.backends.hook_points import padding_inside_window
from interp.models.backends.kinds import backend_of
from interp.models.hooked import forward


def filled(backend: Backend, tokens: torch.Tensor) -> KeyValueCache:
    cache = backend.new_cache(len(tokens))
    forward(backend.model, tokens, torch.ones_like(tokens), cache=cache)
    return cache


def test_a_copy_grows_by_itself(case):
    backend, tokens = backend_of(case.model), case.tokens[:2]
    cache = filled(backend, tokens[:, :4])
    before = [one.clone() for one in cache.tensors()]
    forward(case.model, tokens[:, 4:], torch.ones_like(tokens), cache=cache.copy())
    assert all(map(torch.equal, cache.tensors(), before)) and len(before) == 2 * backend.cfg.n_layers


def test_repeated_and_selected_samples_go_on_where_their_own_would(case):
    tokens = case.tokens[:2]
    cache = filled(backend_of(case.model), tokens[:, :-1]).repeat(2)
    rows = torch.tensor([3, 0, 1, 1])
    cache.select(rows)
    taken = tokens[[1, 0, 0, 0]]
    logits = forward(case.model, taken[:, -1:], torch.ones_like(taken), cache=cache, logits=True)
    same(logits, case.logits[[1, 0, 0, 0], -1])


def test_values_are_those_of_every_token_by_head(case):
    info = backend_of(case.model).cfg
    values = filled(backend_of(case.model), case.tokens[:1]).values(0)
    assert values.shape == (1, case.tokens.shape[1], info.n_key_value_heads or info.n_heads, info.d_head)


def test_tokens_that_passed():
    empty = PassedTokens()
    assert empty.repeat(3).passed is None and empty.tensors() == []
    empty.select(torch.tensor([0, 0]))
    kept = PassedTokens()
    assert kept.grown(torch.tensor([[1, 2], [3, 4]])).tolist() == [[1, 2], [3, 4]]
    other = kept.copy()
    assert other.grown(torch.tensor([[5], [6]])).tolist() == [[1, 2, 5], [3, 4, 6]]
    other.select(torch.tensor([1, 1]))
    assert other.passed.tolist() == [[3, 4, 6]] * 2 and kept.passed.tolist() == [[1, 2], [3, 4]]
    assert kept.repeat(2).passed.tolist() == [[1, 2], [1, 2], [3, 4], [3, 4]]
    with pytest.raises(ModelError, match="keeps no values"):
        kept.values(0)


@pytest.mark.parametrize(
    ("windows", "mask", "inside"),
    [
        ((None, None), [[1, 0, 1, 1]], False),  # no window
        ((3, None), [[1, 0, 1, 1]], True),
        ((4, None), [[1, 0, 1, 1]], False),  # all of it is seen
        ((3, 2), [[0, 0, 1, 1]], False),  # padding before all tokens
        ((2, 2), [[1, 1, 1, 1], [1, 1, 0, 1]], True),  # in one sample
    ],
)
def test_padding_that_a_window_would_count(windows, mask, inside):
    assert padding_inside_window(windows, torch.tensor(mask)) is inside
