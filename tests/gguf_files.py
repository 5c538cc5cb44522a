"""Tiny GGUF files of many architectures, laid out by gguf's own names, with numbers drawn at random."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from families import build

ARCHITECTURES = {
    "bloom": "bloom", "falcon": "falcon", "gemma2": "gemma2", "gemma3_text": "gemma3", "gpt2": "gpt2", "llama": "llama",
    "mamba": "mamba", "nemotron": "nemotron", "phi3": "phi3", "qwen2": "qwen2", "qwen2_moe": "qwen2moe",
    "qwen3": "qwen3", "qwen3_moe": "qwen3moe", "stablelm": "stablelm", "starcoder2": "starcoder2",
}  # fmt: skip
"""Hugging Face's model type: the architecture's name in GGUF."""

OTHER_KEYS = {"qwen2moe": "qwen2_moe", "qwen3moe": "qwen3_moe"}


def write_gguf(path: Path, name: str, *, seed: int = 0, **split: Any) -> None:
    """A tiny model of the family as a GGUF file without a tokenizer; `split` cuts it into shards."""
    from gguf import MODEL_ARCH_NAMES, GGUFWriter, get_tensor_name_map
    from transformers.integrations.ggml import GGUF_CONFIG_MAPPING

    architecture = ARCHITECTURES[name]
    model = build(name)
    config, draw = model.config, np.random.default_rng(seed)
    writer = GGUFWriter(path, architecture, **split)
    writer.add_name("tiny")
    written = {"vocab_size"}
    writer.add_vocab_size(config.vocab_size)
    for key, attribute in GGUF_CONFIG_MAPPING[OTHER_KEYS.get(architecture, architecture)].items():
        number = getattr(config, attribute, None) if attribute not in (None, -1) else None
        if attribute == "rope_theta" and number is None:
            number = 10_000.0
        if key in written or not isinstance(number, int | float):
            continue
        add = writer.add_float32 if isinstance(number, float) else writer.add_uint32
        add(f"{architecture}.{key}", number)
        written.add(key)
    by_name = {text: number for number, text in MODEL_ARCH_NAMES.items()}
    names = get_tensor_name_map(by_name[architecture], config.num_hidden_layers)
    seen: set[str] = set()
    for key, weight in model.state_dict().items():
        stem, dot, ending = key.rpartition(".") if key.endswith((".weight", ".bias")) else (key, "", "")
        shape = tuple(weight.shape)
        for of, part in _tensors(names, stem, shape, architecture):
            full = f"{of}{dot}{ending}" if ending else f"{of}.weight" if "exps" in of else of
            if of is None or full in seen or (key == "lm_head.weight" and config.tie_word_embeddings):
                continue
            seen.add(full)
            numbers = draw.normal(size=part).astype(np.float32)
            writer.add_tensor(full, -np.exp(numbers) if "ssm_a" in full else numbers)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _tensors(names: Any, stem: str, shape: tuple[int, ...], architecture: str) -> list[tuple[Any, tuple[int, ...]]]:
    """Names and shapes of the tensors of a file that make one weight."""
    if stem.endswith("experts.gate_up_proj"):
        block, part = stem.split(".")[2], (shape[0], shape[1] // 2, shape[2])
        return [(f"blk.{block}.ffn_gate_exps", part), (f"blk.{block}.ffn_up_exps", part)]
    of = names.get_name(stem)
    if architecture == "gpt2" and len(shape) == 2 and ".h." in stem:
        shape = shape[::-1]  # its projections lie the other way round
    if architecture == "mamba" and len(shape) == 3:
        shape = (shape[0], shape[2])
    if stem.endswith("shared_expert_gate"):
        shape = shape[1:]
    return [(of, shape)]


def transformers_own(path: Path) -> dict[str, torch.Tensor]:
    """The weights as transformers reads them from the file."""
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(path.parent, gguf_file=path.name, dtype=torch.float32).state_dict()
