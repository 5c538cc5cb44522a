"""Rotary factors that change with the length of a pass: a sample's numbers are its own, whatever stands beside it."""

from pathlib import Path

import pytest
import torch
from byte_tokenizer import save_byte_tokenizer
from families import FAMILIES
from hooked_cases import same

from interp.models.layer_types import context
from interp.models.loading import forward, hook_name, load_model, model_info
from interp.models.rotary import hold_rotary

SCALED = {
    "longrope": {
        "rope_type": "longrope",
        "rope_theta": 1e4,
        "short_factor": [1.0, 1.5, 2.0, 2.5],
        "long_factor": [2.0, 3.0, 4.0, 5.0],
        "original_max_position_embeddings": 16,
    },
    "dynamic": {"rope_type": "dynamic", "rope_theta": 1e4, "factor": 4.0},
}


def made(name: str):
    from transformers import LlamaConfig, LlamaForCausalLM

    settings = FAMILIES["llama"][1] | {"max_position_embeddings": 64 if name == "longrope" else 16}
    torch.manual_seed(0)
    config = LlamaConfig(**settings, rope_parameters=SCALED[name], initializer_range=0.2)
    config.architectures = ["LlamaForCausalLM"]
    return LlamaForCausalLM._from_config(config, attn_implementation="eager").eval()


@pytest.fixture(params=SCALED)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


SHORT, LONG = torch.arange(3, 13)[None], torch.arange(40, 70)[None]


def test_a_short_text_beside_a_long_one_and_after_it(name: str, tmp_path: Path) -> None:
    save_byte_tokenizer(tmp_path)
    with torch.inference_mode():
        alone = made(name)(SHORT).logits[:, -1]
        spoiled = made(name)
        both = torch.cat([torch.cat([SHORT.new_zeros(1, 20), SHORT], dim=1), LONG])
        mask = torch.ones_like(both)
        mask[0, :20] = 0
        theirs = spoiled(both, attention_mask=mask, position_ids=(mask.cumsum(1) - 1).clamp_min(0)).logits[:1, -1]
        assert not torch.allclose(alone, theirs, atol=1e-3), "Hugging Face's numbers of a sample depend on its batch"
    model = load_model(spoiled, tokenizer=tmp_path)  # a long text has passed
    assert model_info(model).n_ctx == 16
    same(forward(model, SHORT, torch.ones_like(SHORT), logits=True), alone)
    same(forward(model, both, mask, logits=True)[:1], alone)
    stream: list[torch.Tensor] = []
    forward(model, both, mask, hooks={hook_name("resid_post", 1): stream.append})
    forward(model, SHORT, torch.ones_like(SHORT), hooks={hook_name("resid_post", 1): stream.append})
    same(stream[0][:1, -10:], stream[1])


def test_a_kind_of_layer_of_its_own_is_held() -> None:
    class Rotary(torch.nn.Module):
        rope_type = {"full_attention": "longrope", "sliding_attention": "default"}
        full_attention_inv_freq = torch.ones(4)
        full_attention_original_inv_freq = torch.full((4,), 2.0)

    rotary = Rotary()
    hold_rotary(rotary)
    assert rotary.rope_type == {"full_attention": "held", "sliding_attention": "default"}
    assert torch.equal(rotary.full_attention_inv_freq, torch.full((4,), 2.0))


def test_how_long_a_text_may_be() -> None:
    from transformers import AutoConfig, Phi3Config

    assert context(100, None) == 100
    long = {**SCALED["longrope"], "short_factor": [1.0] * 48, "long_factor": [1.0] * 48}
    assert context(131_072, Phi3Config(original_max_position_embeddings=16, rope_parameters=long)) == 16
    chunked = AutoConfig.for_model("llama4_text", attention_chunk_size=512, num_hidden_layers=2)
    assert context(131_072, chunked) == 256
