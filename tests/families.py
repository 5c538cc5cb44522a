"""Tiny random models of every family that TransformerLens bridges, and Hugging Face's own numbers for them.

    python tests/families.py FOLDER [NAME …]

As a script it writes `FOLDER/NAME.safetensors`, in a process that never imports TransformerLens (see tiny_models.py).
"""

import os
import sys
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

VOCAB, LAYERS, N_NEW = 320, 2, 6
N_TEXT, N_PROMPT, N_SHARED = (40, 33, 29, 36), (30, 28, 26, 30), 24
WINDOW = 8
_BASE = {"vocab_size": VOCAB, "hidden_size": 32, "num_hidden_layers": LAYERS, "num_attention_heads": 4}
_ROOM = {"max_position_embeddings": 128}
_MHA = {**_BASE, **_ROOM, "intermediate_size": 48}
"""Every head with keys of its own."""
_GQA = {**_MHA, "num_key_value_heads": 2}
_WIDE = {**_GQA, "head_dim": 16}
"""Heads that together are wider than the stream."""
_MOE = {"num_experts": 4, "num_local_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 24}
_SLIDING = {"sliding_window": WINDOW, "layer_types": ["sliding_attention", "full_attention"]}
_GPT2 = {"vocab_size": VOCAB, "n_embd": 32, "n_layer": LAYERS, "n_head": 4, "n_positions": 128}
_MAMBA = {"mamba_d_state": 8, "mamba_d_conv": 4, "mamba_expand": 2, "mamba_n_heads": 8, "mamba_d_head": 8}
_MLA = {
    **_MHA, "num_key_value_heads": 4, "q_lora_rank": 16, "kv_lora_rank": 16,
    "qk_nope_head_dim": 8, "qk_rope_head_dim": 8, "v_head_dim": 12,
}  # fmt: skip
_LINEAR = {
    "layer_types": ["linear_attention", "full_attention"], "linear_conv_kernel_dim": 2, "linear_key_head_dim": 8,
    "linear_value_head_dim": 8, "linear_num_key_heads": 2, "linear_num_value_heads": 4,
}  # fmt: skip
_DEEPSEEK = {
    **_MLA, "n_routed_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 24, "n_group": 1,
    "topk_group": 1, "first_k_dense_replace": 1, "n_shared_experts": 1,
}  # fmt: skip
_FALCON = {**_BASE, "bias": True, "parallel_attn": True, "ffn_hidden_size": 48}

FAMILIES: dict[str, tuple[str, dict[str, Any]]] = {
    "afmoe": ("afmoe", {**_WIDE, **_MOE, **_SLIDING, "num_dense_layers": 1, "global_attn_every_n_layers": 2}),
    "apertus": ("apertus", _GQA),
    "arcee": ("arcee", _GQA),
    "bamba": ("bamba", {**_GQA, **_MAMBA, "attn_layer_indices": [1], "mamba_n_groups": 1}),
    "bitnet": ("bitnet", _GQA),
    "bloom": ("bloom", {"vocab_size": VOCAB, "hidden_size": 32, "n_layer": LAYERS, "n_head": 4}),
    "codegen": ("codegen", {**_GPT2, "rotary_dim": 4, "n_ctx": 128}),
    "cohere": ("cohere", _GQA),
    "cohere, norms of queries": ("cohere", {**_GQA, "use_qk_norm": True}),
    "cohere2": ("cohere2", {**_GQA, **_SLIDING}),
    "deepseek_v2": ("deepseek_v2", _DEEPSEEK),
    "deepseek_v3": ("deepseek_v3", _DEEPSEEK),
    "ernie4_5": ("ernie4_5", _GQA),
    "ernie4_5_moe": ("ernie4_5_moe", {**_GQA, "moe_num_experts": 4, "moe_k": 2, "moe_intermediate_size": 24}),
    "exaone4": ("exaone4", {**_GQA, **_SLIDING}),
    "falcon": ("falcon", {**_FALCON, "multi_query": True}),
    "falcon, new architecture": ("falcon", {**_FALCON, "new_decoder_architecture": True, "num_kv_heads": 2}),
    "falcon, ALiBi": ("falcon", {**_FALCON, "multi_query": False, "alibi": True, "parallel_attn": False}),
    "falcon_h1": ("falcon_h1", {**_GQA, **_MAMBA, "mamba_d_ssm": 64, "mamba_n_groups": 1}),
    "falcon_mamba": ("falcon_mamba", {**_BASE, "state_size": 8, "intermediate_size": 64}),
    "flex_olmo": ("flex_olmo", {**_GQA, **_MOE}),
    "gemma": ("gemma", _WIDE),
    "gemma2": ("gemma2", {**_WIDE, **_SLIDING, "query_pre_attn_scalar": 16}),
    "gemma3": ("gemma3_text", {**_WIDE, **_SLIDING, "query_pre_attn_scalar": 16}),
    "gemma3n": (
        "gemma3n_text",
        {**_WIDE, **_SLIDING, "num_kv_shared_layers": 0, "hidden_size_per_layer_input": 8, "vocab_size_per_layer_input": VOCAB,
         "laurel_rank": 4, "intermediate_size": [48, 48], "activation_sparsity_pattern": [0.0, 0.0], "altup_num_inputs": 2},
    ),
    "gemma4": ("gemma4_text", {**_WIDE, **_SLIDING, "num_kv_shared_layers": 0, "hidden_size_per_layer_input": 8, "vocab_size_per_layer_input": VOCAB, "global_head_dim": 16}),
    "glm": ("glm", {**_GQA, "head_dim": 8}),
    "glm4": ("glm4", {**_GQA, "head_dim": 8}),
    "glm4_moe": ("glm4_moe", {**_GQA, **_MOE, "n_routed_experts": 4, "n_group": 1, "topk_group": 1, "n_shared_experts": 1}),
    "glm4_moe_lite": ("glm4_moe_lite", {**_DEEPSEEK}),
    "gpt2": ("gpt2", _GPT2),
    "gpt_bigcode": ("gpt_bigcode", {**_GPT2, "multi_query": True}),
    "gpt_neo": ("gpt_neo", {"vocab_size": VOCAB, "hidden_size": 32, "num_layers": LAYERS, "num_heads": 4, "max_position_embeddings": 128, "attention_types": [[["global", "local"], 1]], "window_size": WINDOW}),
    "gpt_neox": ("gpt_neox", _MHA),
    "gpt_neox, sequential": ("gpt_neox", {**_MHA, "use_parallel_residual": False}),
    "gpt_oss": ("gpt_oss", {**_WIDE, **_SLIDING, **_MOE}),
    "gptj": ("gptj", {**_GPT2, "rotary_dim": 4}),
    "granite": ("granite", {**_GQA, "residual_multiplier": 0.5, "embedding_multiplier": 2.0, "logits_scaling": 3.0}),
    "granitemoe": ("granitemoe", {**_GQA, **_MOE, "residual_multiplier": 0.5}),
    "granitemoehybrid, rotary": ("granitemoehybrid", {**_GQA, **_MOE, **_MAMBA, "mamba_n_groups": 1, "layer_types": ["mamba", "attention"], "shared_intermediate_size": 24, "residual_multiplier": 0.5, "position_embedding_type": "rope"}),
    "granitemoehybrid": ("granitemoehybrid", {**_GQA, **_MOE, **_MAMBA, "mamba_n_groups": 1, "layer_types": ["mamba", "attention"], "shared_intermediate_size": 24, "residual_multiplier": 0.5}),
    "helium": ("helium", {**_GQA, "head_dim": 8}),
    "hunyuan": ("hunyuan_v1_dense", {**_GQA, "head_dim": 8}),
    "jais2": ("jais2", {**_GQA, "head_dim": 8}),
    "jamba": ("jamba", {**_GQA, "num_experts": 2, "num_experts_per_tok": 1, "attn_layer_offset": 1, "attn_layer_period": 2, "mamba_d_state": 8, "use_mamba_kernels": False}),
    "jetmoe": ("jetmoe", {**_MHA, "num_key_value_heads": 2, "kv_channels": 8, "num_local_experts": 4, "num_experts_per_tok": 2}),
    "lfm2": ("lfm2", {**_GQA, "layer_types": ["conv", "full_attention"], "block_multiple_of": 8}),
    "lfm2_moe": ("lfm2_moe", {**_GQA, **_MOE, "layer_types": ["conv", "full_attention"], "num_dense_layers": 1}),
    "llama": ("llama", _GQA),
    "llama, biases": ("llama", {**_MHA, "attention_bias": True, "mlp_bias": True}),
    "llama, scaled rotary": ("llama", {**_GQA, "rope_parameters": {"rope_type": "llama3", "rope_theta": 1e4, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 16}}),
    "llama4": ("llama4_text", {**_GQA, "head_dim": 8, "num_local_experts": 2, "intermediate_size_mlp": 48, "attention_chunk_size": 128, "interleave_moe_layer_step": 2}),
    "mamba": ("mamba", {**_BASE, "state_size": 8}),
    "mamba2": ("mamba2", {"vocab_size": VOCAB, "hidden_size": 32, "num_hidden_layers": LAYERS, "num_heads": 8, "head_dim": 8, "state_size": 8, "n_groups": 1, "chunk_size": 8}),
    "minimax_m2": ("minimax_m2", {**_GQA, **_MOE, "head_dim": 8, "rotary_dim": 4}),
    "ministral3": ("ministral3", {**_WIDE}),
    "mistral": ("mistral", {**_GQA, "sliding_window": WINDOW, "head_dim": 8}),
    "mixtral": ("mixtral", {**_GQA, **_MOE}),
    "modernbert": ("modernbert-decoder", {**_MHA, "local_attention": 16, "global_attn_every_n_layers": 2}),
    "mpt": ("mpt", {"vocab_size": VOCAB, "d_model": 32, "n_layers": LAYERS, "n_heads": 4, "max_seq_len": 128, "expansion_ratio": 2}),
    "nanochat": ("nanochat", _GQA),
    "nemotron": ("nemotron", _GQA),
    "nemotron_h": ("nemotron_h", {**_GQA, "layers_block_type": ["mamba", "attention"], "mamba_num_heads": 8, "mamba_head_dim": 8, "ssm_state_size": 8, "n_groups": 1, "head_dim": 8}),
    "olmo": ("olmo", _GQA),
    "olmo2": ("olmo2", _GQA),
    "olmo3": ("olmo3", {**_GQA, **_SLIDING}),
    "olmo_hybrid": ("olmo_hybrid", {**_GQA, **_LINEAR}),
    "olmoe": ("olmoe", {**_GQA, **_MOE}),
    "openai-gpt": ("openai-gpt", {**_GPT2, "n_ctx": 128}),
    "opt": ("opt", {**_BASE, **_ROOM, "ffn_dim": 48, "word_embed_proj_dim": 32}),
    "opt, norms behind (350m)": ("opt", {**_BASE, **_ROOM, "ffn_dim": 48, "word_embed_proj_dim": 16, "do_layer_norm_before": False}),
    "phi": ("phi", {**_GQA, "partial_rotary_factor": 0.5}),
    "phi3": ("phi3", {**_GQA, "sliding_window": None}),
    "phi3, long": ("phi3", {**_GQA, "sliding_window": None, "max_position_embeddings": 128, "original_max_position_embeddings": 64, "rope_parameters": {"rope_type": "longrope", "rope_theta": 1e4, "short_factor": [1.0] * 4, "long_factor": [2.0, 3.0, 4.0, 5.0], "original_max_position_embeddings": 64}}),
    "phimoe": ("phimoe", {**_GQA, **_MOE}),
    "qwen2": ("qwen2", _GQA),
    "qwen2_moe": ("qwen2_moe", {**_GQA, **_MOE, "shared_expert_intermediate_size": 24}),
    "qwen3": ("qwen3", _WIDE),
    "qwen3_moe": ("qwen3_moe", {**_WIDE, **_MOE}),
    "qwen3_next": ("qwen3_next", {**_WIDE, **_MOE, **_LINEAR, "shared_expert_intermediate_size": 24}),
    "qwen3_5": ("qwen3_5_text", {**_WIDE, **_LINEAR}),
    "qwen3_5_moe": ("qwen3_5_moe_text", {**_WIDE, **_LINEAR, **_MOE, "shared_expert_intermediate_size": 24}),
    "recurrent_gemma": ("recurrent_gemma", {**_GQA, "lru_width": 32, "attention_window_size": 64, "block_types": ["recurrent", "attention"]}),
    "rwkv": ("rwkv", {**_BASE, "attention_hidden_size": 32, "context_length": 128}),
    "seed_oss": ("seed_oss", {**_WIDE}),
    "smollm3": ("smollm3", _GQA),
    "stablelm": ("stablelm", {**_GQA, "partial_rotary_factor": 0.5}),
    "starcoder2": ("starcoder2", {**_GQA, "sliding_window": WINDOW}),
    "vaultgemma": ("vaultgemma", {**_WIDE, **_SLIDING, "query_pre_attn_scalar": 16}),
    "xglm": ("xglm", {"vocab_size": VOCAB, "d_model": 32, "num_layers": LAYERS, "attention_heads": 4, "ffn_dim": 48, **_ROOM}),
    "youtu": ("youtu", _MLA),
    "zamba2": ("zamba2", {**_GQA, "layers_block_type": ["mamba", "hybrid"], "mamba_d_state": 8, "n_mamba_heads": 8, "mamba_headdim": 8, "num_mem_blocks": 1, "attention_hidden_size": 64, "attention_head_dim": 16}),
}  # fmt: skip
"""Name: (model type, settings of its configuration)."""


def build(name: str) -> Any:
    """The model, the same in every process."""
    from transformers import AutoConfig, AutoModelForCausalLM

    model_type, settings = FAMILIES[name]
    config: Any = AutoConfig.for_model(model_type, bos_token_id=1, eos_token_id=2, pad_token_id=0, **settings)
    torch.manual_seed(sum(map(ord, name)))
    model = AutoModelForCausalLM.from_config(config, attn_implementation="eager").eval()
    model.config.architectures = [type(model).__name__]  # as in every saved one
    with torch.no_grad():  # biases and norms begin as zeros and ones: make them matter
        for parameter in model.parameters():
            parameter.add_((0.2 if parameter.ndim > 1 else 0.1) * torch.randn_like(parameter))
    return model


def texts() -> list[list[int]]:
    """Four token sequences that share their first tokens and then go on differently long."""
    numbers = torch.Generator().manual_seed(0)
    every = torch.randint(3, VOCAB, (4, max(N_TEXT)), generator=numbers)
    every[:, :N_SHARED] = every[0, :N_SHARED]
    return [row[:length].tolist() for row, length in zip(every, N_TEXT, strict=True)]


@torch.inference_mode()
def reference(model: Any) -> dict[str, torch.Tensor]:
    """Stream, pattern, norms of what keys write (where a family's values are known) and greedy tokens, text by text."""
    found: dict[str, torch.Tensor] = {}
    blocks = next(m for m in model.modules() if isinstance(m, torch.nn.ModuleList) and len(m) == LAYERS)
    stream: list[torch.Tensor] = []
    for block in blocks:
        block.register_forward_hook(
            lambda _module, _input, out: stream.append(out[0] if isinstance(out, tuple | list) else out)
        )
    for number, text in enumerate(texts()):
        stream.clear()
        ids = torch.tensor([text])
        patterns = [
            a for a in model(ids, output_attentions=True, use_cache=False).get("attentions") or () if a.ndim == 4
        ]
        found[f"{number}.resid_post"] = torch.cat(stream[:LAYERS])
        for layer, pattern in enumerate(
            patterns, start=LAYERS - len(patterns)
        ):  # attention comes last in a mixed model
            found[f"{number}.pattern.{layer}"] = pattern[0].contiguous()
            norms = written_norms(model, blocks[layer], ids, layer, pattern.shape[1])
            if norms is not None:
                found[f"{number}.norms.{layer}"] = norms
        prompt = text[: N_PROMPT[number]]
        for _ in range(N_NEW):
            prompt = [*prompt, int(model(torch.tensor([prompt]), use_cache=False).logits[0, -1].argmax())]
        found[f"{number}.greedy"] = torch.tensor(prompt[-N_NEW:])
    return found


def written_norms(model: Any, block: Any, ids: torch.Tensor, layer: int, heads: int) -> torch.Tensor | None:
    """‖v W_O‖ of every head and key, v out of Hugging Face's own cache; None where either is not to be had."""
    from transformers import DynamicCache

    output = next(
        (
            m
            for n, m in block.named_modules()
            if n.split(".")[-1] in OUTPUT and hasattr(m, "weight") and ".mlp" not in f".{n}" and "mamba" not in n
        ),
        None,
    )
    own = (
        None
        if "hybrid" in str(getattr(model.config, "layer_types", ""))
        else getattr(model.config, "layer_types", None)
    )
    recurrent = {*(own or ())} - {"full_attention", "sliding_attention", "chunked_attention"}
    # Without a configuration a cache keeps every key, also outside a window.
    cache = DynamicCache(config=model.config) if recurrent else DynamicCache()
    try:
        model(ids, use_cache=True, past_key_values=cache)
        values = cache.layers[layer].values[0]
    except (AttributeError, IndexError, TypeError, ValueError):  # of layers that keep something else
        return None
    if output is None or values.ndim != 3 or values.shape[1] != ids.shape[1]:
        return None
    weight = output.weight.T if isinstance(output, torch.nn.Linear) else output.weight  # a Conv1D is the other way
    if weight.shape[0] != heads * values.shape[-1]:
        return None
    per_head = weight.reshape(heads, values.shape[-1], -1)
    return (values.repeat_interleave(heads // len(values), dim=0) @ per_head).norm(dim=-1)


OUTPUT = {"o_proj", "out_proj", "dense", "c_proj", "wo", "Wo"}


if __name__ == "__main__":
    os.environ["HF_HUB_OFFLINE"] = "1"
    torch.set_num_threads(1)
    folder, *chosen = sys.argv[1:]
    for name in chosen or FAMILIES:
        save_file(reference(build(name)), Path(folder) / f"{name}.safetensors")
    assert "transformer_lens" not in sys.modules
