"""TransformerLens's RemoteBridge (vLLM, Inspect): refused as a model in a sentence, its caches are read."""

import pytest
import torch

import interp
from interp.demo import model_path
from interp.errors import ModelError
from interp.models.backends.kinds import backend_of, is_remote


class RemoteBridge:
    """Called as TransformerLens calls it, for versions that do not have one."""


RemoteBridge.__module__ = "transformer_lens.model_bridge.remote_bridge"


def test_a_bridge_to_a_model_elsewhere_is_refused_with_what_to_do() -> None:
    for door in (interp.load_model, backend_of):
        with pytest.raises(
            ModelError, match=r"RemoteBridge runs its model elsewhere .*run_with_cache.*capture_from_cache"
        ):
            door(RemoteBridge())
    assert not is_remote(object())


def test_the_states_under_the_bridges_own_names_are_those_of_the_blocks() -> None:
    """What vLLM's driver offers: the outputs of the blocks, under their names on the bridge."""
    model = interp.load_model(model_path())
    ids, at = torch.tensor([[5, 6, 7, 8]]), interp.Positions.at([[1, 3]], 4)
    _, cache = model.run_with_cache(ids)
    remote = {f"blocks.{i}.hook_out": cache["resid_post", i] for i in range(model.cfg.n_layers)}
    wanted = interp.capture_from_cache(dict(cache.items()), at)
    found = interp.capture_from_cache(remote, at)
    assert found.layers == wanted.layers and torch.equal(found.resid, wanted.resid)
    both = interp.capture_from_cache(remote | {"blocks.0.hook_in": cache["resid_pre", 0]}, at)
    assert torch.equal(both.embed, wanted.embed) and found.embed is None


def test_a_cache_of_the_real_bridge_is_read() -> None:
    bridge = pytest.importorskip("transformer_lens.model_bridge.remote_bridge")
    protocol = pytest.importorskip("transformer_lens.model_bridge.driver_protocol")
    model = interp.load_model(model_path())
    if not hasattr(model, "adapter"):
        pytest.skip("this model is no bridge here")

    class Driver:
        """A driver whose engine is the model itself: it hands out copies, as vLLM's does."""

        architecture, bridge_config, tokenizer = "LlamaForCausalLM", model.cfg, model.tokenizer
        supported_hook_points = frozenset(f"blocks.{i}.hook_out" for i in range(9))
        non_fireable_hook_points: frozenset[str] = frozenset()
        provides_sequence_logits = False

        def forward(self, input_ids=None, capture=(), **options):
            _, cache = model.run_with_cache(torch.as_tensor(input_ids))
            return protocol.ForwardResult(logits=torch.zeros(1, 1, 8), captured={name: cache[name] for name in capture})

        def supports(self, feature: str) -> bool:
            return False

        def close(self) -> None:
            pass

    remote = bridge.RemoteBridge(model.adapter, model.tokenizer, Driver())
    ids, at = torch.tensor([[5, 6, 7, 8]]), interp.Positions.at([[1, 3]], 4)
    found = interp.capture_from_cache(remote.run_with_cache(ids)[1], at)
    wanted = interp.capture_from_cache(model.run_with_cache(ids)[1], at)
    assert torch.equal(found.resid, wanted.resid)
    with pytest.raises(ModelError, match="runs its model elsewhere"):
        interp.load_model(remote)
