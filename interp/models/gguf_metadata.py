"""What transformers leaves out of a GGUF file: scaled rotary embeddings and ends of a turn."""

from pathlib import Path
from typing import Any

import numpy as np

from interp.errors import ModelError

ENDS = ("eos", "eot", "eom")
"""End of text, of a turn, of a message."""


def correct_rotary(config: Any, reader: Any, path: Path) -> None:
    """Give a configuration the scaled rotary embedding of its file, in place; transformers drops it.

    Raises ModelError for a scaling that cannot be said in a configuration.
    """
    each = config.rope_parameters.get("full_attention", config.rope_parameters)  # Gemma 3 scales these layers only
    if each.get("rope_type", "default") != "default":
        return  # read by transformers after all
    architecture = value(reader, "general.architecture")
    kind = value(reader, f"{architecture}.rope.scaling.type") or "none"
    factor = value(reader, f"{architecture}.rope.scaling.factor")
    if kind == "none" and (old := value(reader, f"{architecture}.rope.scale_linear")):
        kind, factor = "linear", old
    tensors = {tensor.name: tensor.data for tensor in reader.tensors if tensor.name.startswith("rope_")}
    if kind == "linear" and factor is not None and not tensors:
        if factor != 1:
            each |= {"rope_type": "linear", "factor": float(factor)}
    elif kind == "none" and tensors.keys() <= {"rope_freqs.weight"}:
        if tensors:
            original = value(reader, f"{architecture}.rope.scaling.original_context_length")
            each |= _llama3(config, each, np.asarray(tensors["rope_freqs.weight"], np.float32).ravel(), original, path)
    else:
        held = ", ".join([*([kind] if kind != "none" else []), *tensors])
        raise ModelError(
            f"{path} scales its rotary embedding in a way that is not read from GGUF ({held}): {OTHERWISE}"
        )


OTHERWISE = "load the model from Hugging Face's folder instead"


def _llama3(config: Any, each: dict[str, Any], factors: Any, original: Any, path: Path) -> dict[str, Any]:
    """The settings of Llama 3.1 that give these divisors of the frequencies; none where all are 1."""
    from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

    if np.allclose(factors, 1):
        return {}
    settings = {
        "rope_type": "llama3",
        "factor": float(factors.max()),
        "low_freq_factor": 1.0,
        "high_freq_factor": 4.0,
        "original_max_position_embeddings": int(original or 8192),
    }
    trial = config.__class__.from_dict(config.to_dict() | {"rope_parameters": each | settings})
    scaled = ROPE_INIT_FUNCTIONS["llama3"](trial, "cpu")[0].double().numpy()
    plain = float(each["rope_theta"]) ** -(np.arange(len(scaled)) / len(scaled))
    if scaled.shape != factors.shape or not np.allclose(plain / scaled, factors, rtol=1e-3):
        raise ModelError(f"{path} scales its rotary embedding (rope_freqs.weight), and not as Llama 3.1: {OTHERWISE}")
    return settings


def ending_tokens(reader: Any) -> list[int]:
    """Ids of the tokens that the file says end an answer."""
    ids = (value(reader, f"tokenizer.ggml.{end}_token_id") for end in ENDS)
    return sorted({int(token) for token in ids if token is not None})


def value(reader: Any, key: str) -> Any:
    """A text or number of the metadata; None where there is none."""
    field = reader.fields.get(key)
    if field is None or not len(field.data):
        return None
    part = field.parts[field.data[0]]
    return bytes(part).decode("utf-8") if part.dtype == np.uint8 and field.types[0].name == "STRING" else part[0].item()
