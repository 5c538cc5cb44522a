"""What Hugging Face's configuration says of a model's layers: their windows, what they keep, how far they reach."""

from collections.abc import Sequence
from typing import Any

from interp.errors import ModelError

CAUSAL = {"full_attention": False, "global": False, "hybrid": False, "sliding_attention": True, "local": True}
"""Kinds of layer whose attention has a pattern that the metrics are defined for, and whether a window bounds it.

In a `hybrid` layer attention runs beside a recurrence, or after it."""

CHUNKED = "chunked_attention"


def layer_windows(config: Any, shown: Sequence[bool], architecture: str) -> tuple[int | None, ...]:
    """Per layer, how many keys a query sees at most; `shown` says which layers have a pattern.

    Raises ModelError for a pattern that the metrics are not defined for.
    """
    types = getattr(config, "layer_types", None) or getattr(config, "attention_layers", None)
    window = getattr(config, "sliding_window", None) or getattr(config, "window_size", None)
    if types is None:
        types = ["sliding_attention" if window else "full_attention"] * len(shown)
    seen = {kind for kind, there in zip(types, shown, strict=True) if there}
    if unknown := seen - {*CAUSAL, CHUNKED}:
        raise ModelError(
            f"layers with {sorted(unknown)[0]!r} in {architecture}: only full and sliding causal attention have a "
            "pattern that the metrics are defined for"
        )
    return tuple(window if CAUSAL.get(kind) else None for kind in types)


def keeps_more_than_keys(config: Any) -> bool:
    """Whether a layer keeps something else than keys and values: a recurrence, a convolution, or it is not known."""
    types = {*(getattr(config, "layer_types", None) or ())}
    return bool(types - {*CAUSAL, CHUNKED} | types & {"hybrid"})


def is_alibi(config: Any) -> bool:
    """Whether distances are added to the attention's scores (ALiBi): MPT's count padding between two tokens."""
    return config.model_type == "mpt" or bool(getattr(config, "alibi", False))


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
    if CHUNKED in (getattr(config, "layer_types", None) or ()):
        bounds.append(config.attention_chunk_size // 2)
    return min(bounds)


def rotary_parameters(config: Any) -> list[dict[str, Any]]:
    """The rotary settings of a configuration: one, or one per kind of layer; none where it has none."""
    parameters = getattr(config, "rope_parameters", None) or {}
    kinds = [each for each in parameters.values() if isinstance(each, dict) and "rope_type" in each]
    return kinds or ([parameters] if parameters else [])
