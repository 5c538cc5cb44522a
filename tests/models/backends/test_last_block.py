"""Vectors are unembedded without the blocks before the last: the same bits, and the model is whole again."""

import pytest
import torch

from interp.models.backends.bridge import TransformerBridge
from interp.models.backends.kinds import backend_of
from interp.models.backends.last_block import EQUAL, last_block


@pytest.fixture
def bridge(case):
    if not TransformerBridge.takes(case.model):
        pytest.skip("the other class ends its pass by itself")
    return case.model


def passes(model, run) -> list[int]:
    """How often each block ran."""
    count = [0] * model.cfg.n_layers
    handles = [
        block.original_component.register_forward_pre_hook(
            lambda *_, layer=layer: count.__setitem__(layer, count[layer] + 1)
        )
        for layer, block in enumerate(model.blocks)
    ]
    run()
    for handle in handles:
        handle.remove()
    return count


def test_the_same_bits_in_one_block(bridge):
    backend, x = backend_of(bridge), torch.randn(6, bridge.cfg.d_model, generator=torch.Generator().manual_seed(0))
    first, whole = backend.unembed(x), backend._put_in(x)
    assert getattr(bridge, EQUAL) is True and torch.equal(first, whole)
    assert passes(bridge, lambda: backend.unembed(x)) == [0] * (bridge.cfg.n_layers - 1) + [1]
    assert passes(bridge, lambda: backend._put_in(x)) == [1] * bridge.cfg.n_layers


def test_a_model_that_differs_or_fails_without_its_blocks_keeps_them(bridge, monkeypatch):
    backend, x = backend_of(bridge), torch.ones(2, bridge.cfg.d_model)
    whole = backend._put_in(x)
    for trouble in (lambda y: y + 1, lambda y: 1 / 0):
        monkeypatch.delattr(bridge, EQUAL, raising=False)

        def unembed(vectors, trouble=trouble):
            found = backend._put_in(vectors)
            return trouble(found) if "forward" in vars(bridge.blocks[0]) else found

        with last_block(backend, unembed):
            assert getattr(bridge, EQUAL) is False
            assert torch.equal(unembed(x), whole)
    monkeypatch.delattr(bridge, EQUAL, raising=False)


def test_the_blocks_are_back_after_an_error(bridge):
    with pytest.raises(KeyError), backend_of(bridge).beginning_at(2):
        raise KeyError
    tokens = torch.tensor([[5, 6, 7]])
    assert passes(bridge, lambda: bridge(tokens)) == [1] * bridge.cfg.n_layers
