"""What a hooked model is: its sizes, its sliding windows, its tokenizer, and which class carries it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from interp.errors import ModelError
from interp.models.turn_end import turn_end_ids
from interp.support.accepted import HookedModel as HookedModel

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

BACKENDS = ("HookedTransformer", "TransformerBridge")

NOTE = "interp_note"
"""Attribute of a model that says why it was loaded the way it was."""

NAME = "interp_name"
"""Attribute of a model: what it was loaded from. TransformerLens takes a folder named like one of its models for it."""

SHOWN = "interp_has_pattern"
"""Attribute of a model: the layers with an attention pattern."""

CAUSAL = {"full_attention": False, "global": False, "hybrid": False, "sliding_attention": True, "local": True}
"""Kinds of layer whose attention has a pattern that the metrics are defined for, and whether a window bounds it.

In a `hybrid` layer attention runs beside a recurrence, or after it."""


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
    check_decoder(model)
    cfg, weight = model.cfg, _first_weight(model)
    architecture = cfg.original_architecture if kind == "HookedTransformer" else cfg.architecture
    n_ctx, note = context(cfg.n_ctx, text_config(model)), getattr(model, NOTE, "")
    if n_ctx < cfg.n_ctx:
        bounded = f"longer texts than {n_ctx} tokens are computed in another way, so they are left out"
        note = f"{note}; {bounded}" if note else bounded
    return ModelInfo(
        name=str(getattr(model, NAME, cfg.model_name)),
        backend=kind,
        architecture=str(architecture or "unknown"),
        n_layers=cfg.n_layers,
        n_heads=cfg.n_heads,
        n_key_value_heads=cfg.n_key_value_heads or cfg.n_heads,
        d_model=cfg.d_model,
        d_head=cfg.d_head,
        n_ctx=n_ctx,
        d_vocab=cfg.d_vocab,
        windows=windows(model),
        device=weight.device,
        dtype=weight.dtype,
        processed_weights=_processed(model),
        note=note,
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


def text_config(model: HookedModel) -> Any:
    """Hugging Face's configuration of the language model; None where a HookedTransformer has none."""
    if backend(model) == "HookedTransformer":
        return None
    return model.original_model.config.get_text_config()


def context(n_ctx: int, config: Any) -> int:
    """Tokens that a sample may have: `n_ctx`, or fewer where a longer pass would compute its tokens in another way.

    Rotary factors that change with the length of a pass would depend on what else is in the batch (rotary.py), and
    attention in chunks is causal within the first one only; half of it, because a pass may hold padding.
    """
    bounds = [n_ctx]
    for parameters in rotary_parameters(config):
        if parameters.get("rope_type") == "longrope":
            of_model = getattr(config, "original_max_position_embeddings", None)
            bounds.append(parameters.get("original_max_position_embeddings") or of_model or n_ctx)
    if "chunked_attention" in (getattr(config, "layer_types", None) or ()):
        bounds.append(config.attention_chunk_size // 2)
    return min(bounds)


def rotary_parameters(config: Any) -> list[dict[str, Any]]:
    """The rotary settings of a configuration: one, or one per kind of layer; none where it has none."""
    parameters = getattr(config, "rope_parameters", None) or {}
    kinds = [each for each in parameters.values() if isinstance(each, dict) and "rope_type" in each]
    return kinds or ([parameters] if parameters else [])


def check_decoder(model: HookedModel) -> None:
    """Raise ModelError for a hooked model that does not read from left to right, or whose weights are elsewhere."""
    if backend(model) == "TransformerBridge":
        check_causal(model.original_model)
    else:
        check_in_memory(model)


def check_in_memory(model: Any) -> None:
    """Raise ModelError for a model whose weights are elsewhere."""
    if any(weight.is_meta for weight in model.parameters()):
        raise ModelError(
            "some weights are not in memory (they are offloaded, or were never loaded): load the model whole, with "
            "device='cpu' or device='spread'"
        )


def check_causal(hf_model: Any) -> None:
    """Raise ModelError for a Hugging Face model that is no causal language model, or is not in memory."""
    check_in_memory(hf_model)
    kind = type(hf_model).__name__
    if getattr(hf_model.config, "is_encoder_decoder", False):
        raise ModelError(f"{kind} has an encoder: interp reads models that have a decoder only, such as GPT or Llama")
    if hasattr(hf_model, "can_generate") and not hf_model.can_generate():
        raise ModelError(f"{kind} is no causal language model: load it as AutoModelForCausalLM")


def _first_weight(model: HookedModel) -> torch.Tensor:
    """A weight that lies where tokens go and has the type of the residual stream: the embedding is never quantised."""
    if backend(model) == "HookedTransformer":
        return model.embed.W_E
    embedding = next(model.original_model.get_input_embeddings().parameters(), None)
    return next(model.parameters()) if embedding is None else embedding


def has_pattern(model: HookedModel) -> tuple[bool, ...]:
    """Per layer, whether the model shows an attention pattern there; looked up once per model, a step is short."""
    if not hasattr(model, SHOWN):
        points = model.hook_dict
        setattr(model, SHOWN, tuple(f"blocks.{i}.attn.hook_pattern" in points for i in range(model.cfg.n_layers)))
    shown: tuple[bool, ...] = getattr(model, SHOWN)
    return shown


def windows(model: HookedModel) -> tuple[int | None, ...]:
    """Per layer, how many keys a query sees at most, itself included; None: all before it, or no pattern at all."""
    n_layers = model.cfg.n_layers
    if backend(model) == "HookedTransformer":
        types = model.cfg.attn_types or ["global"] * n_layers
        local = model.cfg.use_local_attn
        return tuple(model.cfg.window_size if local and kind == "local" else None for kind in types)
    config = text_config(model)
    types = getattr(config, "layer_types", None) or getattr(config, "attention_layers", None)
    window = getattr(config, "sliding_window", None) or getattr(config, "window_size", None)
    if types is None:
        types = ["sliding_attention" if window else "full_attention"] * n_layers
    seen = {kind for kind, shown in zip(types, has_pattern(model), strict=True) if shown}
    if unknown := seen - {*CAUSAL, "chunked_attention"}:
        raise ModelError(
            f"layers with {sorted(unknown)[0]!r} in {type(model.original_model).__name__}: only full and sliding "
            "causal attention have a pattern that the metrics are defined for"
        )
    return tuple(window if CAUSAL.get(kind) else None for kind in types)


def is_recurrent(model: HookedModel) -> bool:
    """Whether some layer keeps something else than keys and values: a recurrence, a convolution, or it is not known."""
    types = getattr(text_config(model), "layer_types", None) or ()
    return not all(has_pattern(model)) or bool({*types} - {*CAUSAL, "chunked_attention"} | {*types} & {"hybrid"})
