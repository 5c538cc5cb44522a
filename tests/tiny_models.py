"""Tiny random models of seven architectures, and Hugging Face's own numbers for them.

Run as a script, in a process that never imports TransformerLens: 3.9.0 patches Gemma's attention for a whole process,
and the bridge rewires the model it wraps, so a reference computed beside it would not be independent.
"""

import os
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file

VOCAB, LAYERS, WINDOW, N_TOKENS, N_NEW = 320, 4, 6, 20, 8
SIZES = {
    "vocab_size": VOCAB,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 64,
}
MIXED = ["sliding_attention", "sliding_attention", "full_attention", "sliding_attention"]
ARCHITECTURES = {
    "gpt2": {"vocab_size": VOCAB, "n_embd": 32, "n_layer": LAYERS, "n_head": 4, "n_positions": 64, "n_ctx": 64},
    "llama": SIZES,
    "mistral": SIZES | {"sliding_window": WINDOW, "head_dim": 8},
    "qwen3": SIZES | {"head_dim": 16},
    "gemma3_text": SIZES
    | {"head_dim": 16, "sliding_window": WINDOW, "layer_types": MIXED, "query_pre_attn_scalar": 16},
    "gpt_neox": {key: size for key, size in SIZES.items() if key != "num_key_value_heads"},
    "olmo2": SIZES,
}
WINDOWS = {
    "mistral": (WINDOW,) * LAYERS,
    "gemma3_text": tuple(WINDOW if kind == "sliding_attention" else None for kind in MIXED),
}


def build(folder: Path) -> None:
    """Save every model under `folder/<architecture>`, with `reference.safetensors` beside its weights."""
    from transformers import AutoConfig, AutoModelForCausalLM

    for seed, (name, settings) in enumerate(ARCHITECTURES.items()):
        torch.manual_seed(seed)
        model = AutoModelForCausalLM.from_config(
            AutoConfig.for_model(
                name, initializer_range=0.3, bos_token_id=1, eos_token_id=2, pad_token_id=0, **settings
            ),
            attn_implementation="eager",
        ).eval()
        with torch.no_grad():  # biases and norms begin as zeros and ones: make them matter
            for parameter in model.parameters():
                parameter.add_(0.1 * torch.randn_like(parameter))
        model.save_pretrained(folder / name)
        save_file(reference(model), folder / name / "reference.safetensors")
    assert "transformer_lens" not in sys.modules


@torch.inference_mode()
def reference(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    tokens = torch.randint(2, VOCAB, (4, N_TOKENS))
    inner = model.base_model
    blocks = inner.h if hasattr(inner, "h") else inner.layers
    stream: list[torch.Tensor] = []
    handles = [
        block.register_forward_hook(
            lambda _module, _input, output: stream.append(output[0] if isinstance(output, tuple) else output)
        )
        for block in blocks
    ]
    output = model(tokens, output_attentions=True, use_cache=False)
    for handle in handles:
        handle.remove()
    greedy = model.generate(
        tokens, attention_mask=torch.ones_like(tokens), max_new_tokens=N_NEW, do_sample=False, eos_token_id=None
    )
    return {
        "tokens": tokens,
        "resid_post": torch.stack(stream, dim=1).contiguous(),
        "pattern": torch.stack(output.attentions, dim=1).contiguous(),
        "logits": output.logits.contiguous(),
        "greedy": greedy[:, N_TOKENS:].contiguous(),
    }


if __name__ == "__main__":
    os.environ["HF_HUB_OFFLINE"] = "1"
    torch.set_num_threads(1)
    from transformers.utils import logging

    logging.disable_progress_bar()
    build(Path(sys.argv[1]))
