"""A Llama in a HookedTransformer: Hugging Face's own logits, and word for word why another goes to the bridge."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from interp.models.llama import as_hooked_transformer, why_not

CONFIG = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "rope_parameters": {"rope_type": "default", "rope_theta": 1e4},
    "attention_bias": False,
    "mlp_bias": False,
}


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({}, ""),
        ({"rope_parameters": None}, ""),
        ({"rope_parameters": {"rope_theta": 1e4}}, ""),
        (
            {"model_type": "mistral", "architectures": ["MistralForCausalLM"]},
            "HookedTransformer cannot take MistralForCausalLM from a folder; TransformerBridge is used",
        ),
        (
            {"model_type": "mistral", "architectures": None},
            "HookedTransformer cannot take this architecture from a folder; TransformerBridge is used",
        ),
        (
            {"rope_parameters": {"rope_type": "llama3"}},
            "HookedTransformer is not given rotary scaling 'llama3'; TransformerBridge is used",
        ),
        ({"attention_bias": True}, "HookedTransformer takes no Llama with biases; TransformerBridge is used"),
        ({"mlp_bias": True}, "HookedTransformer takes no Llama with biases; TransformerBridge is used"),
    ],
)
def test_why_not_says_what_does_not_fit(change, why):
    assert why_not(SimpleNamespace(**CONFIG | change)) == why


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({}, torch.float32),
        (
            {
                "num_key_value_heads": 4,
                "rope_parameters": {"rope_type": "default", "rope_theta": 50.0},
                "rms_norm_eps": 1e-3,
            },
            torch.float32,
        ),
        ({"head_dim": 16, "hidden_act": "gelu", "tie_word_embeddings": True}, torch.float64),
    ],
    ids=["grouped", "own rotary base and eps", "wide heads, tied, double"],
)
def test_the_numbers_are_hugging_faces(llama_folder: Path, change, kind):
    pytest.importorskip("transformer_lens.HookedTransformer", reason="TransformerLens 4 has no HookedTransformer")
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    torch.manual_seed(1)
    config = LlamaConfig(**LlamaConfig.from_pretrained(llama_folder).to_dict() | change)
    theirs = LlamaForCausalLM(config).to(kind).eval()
    with torch.no_grad():
        for parameter in theirs.parameters():  # norms begin as ones: make them matter
            parameter.add_(0.1 * torch.randn_like(parameter))
    assert not why_not(config)
    tokenizer = AutoTokenizer.from_pretrained(llama_folder)
    model = as_hooked_transformer(theirs, tokenizer, "mine")
    tokens = torch.randint(3, config.vocab_size, (2, 9))
    with torch.inference_mode():
        logits, cache = model.run_with_cache(tokens, prepend_bos=False)
        expected = theirs(tokens, output_hidden_states=True)
    scale = float(expected.logits.abs().max())
    assert float((logits - expected.logits).abs().max()) < 2e-5 * scale
    for layer in range(1, config.num_hidden_layers):  # unprocessed: the residual stream is Hugging Face's own
        ours, hidden = cache["resid_post", layer - 1], expected.hidden_states[layer]
        assert float((ours - hidden).abs().max()) < 2e-5 * float(hidden.abs().max())
    assert model.tokenizer is tokenizer and model.generation_config is theirs.generation_config
    assert not model.training and model.cfg.model_name == "mine" and model.cfg.dtype == kind
