"""What a hooked model is: its sizes, its sliding windows, its tokenizer, and which class carries it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from interp.accepted import HookedModel as HookedModel
from interp.errors import ModelError
from interp.models.turn_end import turn_end_ids

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

BACKENDS = ("HookedTransformer", "TransformerBridge")

NOTE = "interp_note"
"""Attribute of a model that says why it was loaded the way it was."""


def backend(model: object) -> str:
    """`HookedTransformer`, `TransformerBridge`, or the empty string; TransformerLens is not imported for it."""
    for cls in type(model).__mro__:
        if cls.__module__.startswith("transformer_lens.") and cls.__name__ in BACKENDS:
            return cls.__name__
    return ""


@dataclass(frozen=True)
class ModelInfo:
    """Sizes and settings of a hooked model, read off the model itself."""

    name: str
    backend: str
    """`HookedTransformer` or `TransformerBridge`."""
    architecture: str
    """Hugging Face's name of the class, such as `LlamaForCausalLM`."""
    n_layers: int
    n_heads: int
    n_key_value_heads: int
    d_model: int
    d_head: int
    n_ctx: int
    d_vocab: int
    windows: tuple[int | None, ...]
    """Per layer, how many keys a query sees at most, itself included; None: all before it."""
    device: torch.device
    dtype: torch.dtype
    processed_weights: bool
    """Whether norms were folded and weights centred: the residual stream is then not Hugging Face's."""
    note: str = ""


def model_info(model: HookedModel) -> ModelInfo:
    """Describe a hooked model. Raises ModelError for anything else, and for attention `interp` cannot describe."""
    kind = backend(model)
    if not kind:
        raise ModelError(
            f"expected a HookedTransformer or TransformerBridge, got {type(model).__name__}: "
            "pass it to interp.load_model"
        )
    cfg = model.cfg
    weight = model.blocks[0].attn.W_O
    architecture = cfg.original_architecture if kind == "HookedTransformer" else cfg.architecture
    return ModelInfo(
        name=str(cfg.model_name),
        backend=kind,
        architecture=str(architecture or "unknown"),
        n_layers=cfg.n_layers,
        n_heads=cfg.n_heads,
        n_key_value_heads=cfg.n_key_value_heads or cfg.n_heads,
        d_model=cfg.d_model,
        d_head=cfg.d_head,
        n_ctx=cfg.n_ctx,
        d_vocab=cfg.d_vocab,
        windows=windows(model),
        device=weight.device,
        dtype=weight.dtype,
        processed_weights=_processed(model),
        note=getattr(model, NOTE, ""),
    )


def model_tokenizer(model: HookedModel) -> "PreTrainedTokenizerBase":
    """The tokenizer that belongs to the model. Raises ModelError if it has none."""
    tokenizer = getattr(model, "tokenizer", None)
    if tokenizer is None:
        raise ModelError("the model has no tokenizer: load it with interp.load_model(model, tokenizer=…)")
    return tokenizer


def eos_token_ids(model: HookedModel) -> frozenset[int]:
    """Ids that end generation: the tokenizer's EOS, the end of turn of its chat template, and those of the model's own
    generation settings."""
    settings = getattr(model, "generation_config", None)
    own = getattr(settings, "eos_token_id", None)
    tokenizer = model_tokenizer(model)
    ids = [tokenizer.eos_token_id, *turn_end_ids(tokenizer), *(own if isinstance(own, list) else [own])]
    return frozenset(int(token) for token in ids if token is not None)


def _processed(model: HookedModel) -> bool:
    if backend(model) == "HookedTransformer":
        return str(model.cfg.normalization_type).endswith("Pre")
    return bool(getattr(model, "_weights_processed", False))


def windows(model: HookedModel) -> tuple[int | None, ...]:
    """Per layer, how many keys a query sees at most, itself included; None: all before it."""
    n_layers = model.cfg.n_layers
    if backend(model) == "HookedTransformer":
        types = model.cfg.attn_types or ["global"] * n_layers
        local = model.cfg.use_local_attn
        return tuple(model.cfg.window_size if local and kind == "local" else None for kind in types)
    config = model.original_model.config.get_text_config()
    types = getattr(config, "layer_types", None) or getattr(config, "attention_layers", None)
    window = getattr(config, "sliding_window", None) or getattr(config, "window_size", None)
    if types is None:
        types = ["sliding_attention" if window else "full_attention"] * n_layers
    unknown = set(types) - {"full_attention", "sliding_attention", "global", "local"}
    if unknown:
        raise ModelError(
            f"layers with {sorted(unknown)[0]!r} in {type(model.original_model).__name__}: only full and sliding "
            "causal attention have a pattern that the metrics are defined for"
        )
    return tuple(window if kind in {"sliding_attention", "local"} else None for kind in types)
