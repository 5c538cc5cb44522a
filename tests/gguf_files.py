"""GGUF files to test with: a given Llama, and tiny models of many architectures by gguf's own names."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from families import build

ARCHITECTURES = {
    "bloom": "bloom", "falcon": "falcon", "gemma2": "gemma2", "gemma3": "gemma3", "gpt2": "gpt2", "lfm2": "lfm2",
    "llama": "llama",
    "mamba": "mamba", "minimax_m2": "minimax-m2", "nemotron": "nemotron", "phi3": "phi3", "qwen2": "qwen2", "qwen2_moe": "qwen2moe",
    "qwen3": "qwen3", "qwen3_moe": "qwen3moe", "stablelm": "stablelm", "starcoder2": "starcoder2",
}  # fmt: skip
"""{a family of families.py: the architecture's name in GGUF}: those that transformers takes from such files."""

OTHER_KEYS = {"minimax-m2": "minimax_m2", "qwen2moe": "qwen2_moe", "qwen3moe": "qwen3_moe"}
"""Where transformers' table of metadata has another name."""


def write_gguf(path: Path, name: str, *, seed: int = 0, **split: Any) -> None:
    """A tiny model of the family as a GGUF file without merges; `split` cuts it into shards.

    Sizes that the file does not hold are those that transformers takes then.
    """
    from gguf import MODEL_ARCH_NAMES, get_tensor_name_map
    from transformers import AutoConfig, AutoModelForCausalLM

    described = path.with_name("described.gguf")
    _finish(_writer(described, name))
    config = AutoConfig.from_pretrained(path.parent, gguf_file=described.name)
    described.unlink()
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    architecture, draw = ARCHITECTURES[name], np.random.default_rng(seed)
    by_name = {text: number for number, text in MODEL_ARCH_NAMES.items()}
    names = get_tensor_name_map(by_name[architecture], config.num_hidden_layers)
    writer, seen = _writer(path, name, **split), set()
    for key, weight in model.state_dict(keep_vars=True).items():
        if id(weight) in seen:  # tied
            continue
        seen.add(id(weight))
        stem, dot, ending = key.rpartition(".") if key.endswith((".weight", ".bias")) else (key, "", "")
        for of, shape in _tensors(names, stem, tuple(weight.shape), architecture):
            numbers = draw.normal(size=shape).astype(np.float32)
            full = f"{of}.weight" if of.endswith("_exps") else f"{of}{dot}{ending}"
            writer.add_tensor(full, -np.exp(numbers) if of.endswith("ssm_a") else numbers)
    _finish(writer)


def _writer(path: Path, name: str, **split: Any) -> Any:
    """A file with the metadata of a family."""
    from gguf import GGUFWriter
    from transformers.integrations.ggml import GGUF_CONFIG_MAPPING

    architecture, config = ARCHITECTURES[name], build(name).config
    writer = GGUFWriter(path, architecture, **split)
    writer.add_name("tiny")
    writer.add_vocab_size(config.vocab_size)
    writer.add_token_list([f"<{i}>" for i in range(config.vocab_size)])
    for add in (writer.add_bos_token_id, writer.add_eos_token_id, writer.add_pad_token_id):
        add(0)
    for key, attribute in GGUF_CONFIG_MAPPING[OTHER_KEYS.get(architecture, architecture)].items():
        number = getattr(config, attribute, None) if isinstance(attribute, str) else None
        if key != "vocab_size" and isinstance(number, int | float):
            add = writer.add_float32 if isinstance(number, float) else writer.add_uint32
            add(f"{architecture}.{key}", number)
    if name == "lfm2":
        writer.add_head_count_kv([config.num_key_value_heads * (kind != "conv") for kind in config.layer_types])
        writer.add_uint32("lfm2.shortconv.l_cache", config.conv_L_cache)
        writer.add_layer_norm_rms_eps(config.norm_eps)
        writer.add_rope_freq_base(10_000.0)
    return writer


def _finish(writer: Any) -> None:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _tensors(names: Any, stem: str, shape: tuple[int, ...], architecture: str) -> list[tuple[Any, tuple[int, ...]]]:
    """Names and shapes of the tensors of a file that make one weight."""
    if stem.endswith("experts.gate_up_proj"):
        block, part = stem.split(".")[2], (shape[0], shape[1] // 2, shape[2])
        return [(f"blk.{block}.ffn_gate_exps", part), (f"blk.{block}.ffn_up_exps", part)]
    if stem.endswith("e_score_correction_bias"):
        return [(f"blk.{stem.split('.')[2]}.exp_probs_b.bias", shape)]
    of = names.get_name(stem) or names.get_name(stem.split(".", 1)[-1])
    if architecture == "gpt2" and len(shape) == 2 and ".h." in stem:
        shape = shape[::-1]  # its projections lie the other way round
    if architecture in ("lfm2", "mamba") and len(shape) == 3:  # convolutions
        shape = (shape[0], shape[2])
    if stem.endswith("shared_expert_gate"):
        shape = shape[1:]
    return [(of, shape)]


def transformers_own(path: Path) -> dict[str, torch.Tensor]:
    """The weights as transformers reads them from the file."""
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(path.parent, gguf_file=path.name, dtype=torch.float32).state_dict()


PART = {
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
WHOLE = {"model.embed_tokens.weight": "token_embd", "model.norm.weight": "output_norm", "lm_head.weight": "output"}


def write_llama(folder: Path, path: Path, more=lambda writer: None, **split) -> None:
    """The model of `folder` as an unquantised GGUF file, as llama.cpp's converter lays it out; `more` adds to it."""
    from gguf import GGUFWriter
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(folder)
    config = model.config
    writer = GGUFWriter(path, "llama", **split)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_rope_dimension_count(config.head_dim)
    writer.add_vocab_size(config.vocab_size)
    spec = json.loads((folder / "tokenizer.json").read_text())["model"]
    vocabulary = sorted(spec["vocab"], key=spec["vocab"].get)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(vocabulary)
    writer.add_token_merges([" ".join(merge) for merge in spec["merges"]])
    writer.add_token_types([3] * 3 + [1] * (len(vocabulary) - 3))
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_pad_token_id(0)
    writer.add_add_bos_token(True)
    more(writer)
    for key, tensor in model.state_dict().items():
        weight, name = tensor.float().numpy(), WHOLE.get(key)
        if name is None:
            _, _, layer, part = key.removesuffix(".weight").split(".", 3)
            name = f"blk.{layer}.{PART[part]}"
            if part in {"self_attn.q_proj", "self_attn.k_proj"}:  # rotary pairs side by side
                heads = config.num_attention_heads if "q_proj" in part else config.num_key_value_heads
                halves = weight.reshape(heads, 2, weight.shape[0] // heads // 2, -1)
                weight = halves.swapaxes(1, 2).reshape(weight.shape)
        writer.add_tensor(f"{name}.weight", np.ascontiguousarray(weight))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def write_shards(llama_folder: Path, folder: Path, **split) -> list[Path]:
    """The model in shards, by gguf's own writer."""
    folder.mkdir(exist_ok=True)
    write_llama(llama_folder, folder / "tiny.gguf", **(split or {"split_max_tensors": 5}))
    return sorted(folder.iterdir())
