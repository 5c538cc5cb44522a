"""What a hooked model is: its sizes, its sliding windows, its tokenizer, and which class carries it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from interp.errors import ModelError
from interp.models.backends.caches import KeyValueCache
from interp.models.backends.kinds import backend_of
from interp.models.layer_types import context
from interp.models.turn_end import turn_end_ids
from interp.support.accepted import HookedModel as HookedModel

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

NOTE = "interp_note"
"""Attribute of a model that says why it was loaded the way it was."""

NAME = "interp_name"
"""Attribute of a model: what it was loaded from. TransformerLens takes a folder named like one of its models for it."""


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
    backend = backend_of(model)
    backend.check()
    cfg, weight = backend.cfg, backend.first_weight
    n_ctx, note = context(cfg.n_ctx, backend.text_config), getattr(model, NOTE, "")
    if n_ctx < cfg.n_ctx:
        bounded = f"longer texts than {n_ctx} tokens are computed in another way, so they are left out"
        note = f"{note}; {bounded}" if note else bounded
    return ModelInfo(
        name=str(getattr(model, NAME, cfg.model_name)),
        backend=backend.name,
        architecture=backend.architecture or "unknown",
        n_layers=cfg.n_layers,
        n_heads=cfg.n_heads,
        n_key_value_heads=cfg.n_key_value_heads or cfg.n_heads,
        d_model=cfg.d_model,
        d_head=cfg.d_head,
        n_ctx=n_ctx,
        d_vocab=cfg.d_vocab,
        windows=backend.windows,
        device=weight.device,
        dtype=weight.dtype,
        processed_weights=backend.processed,
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


def has_pattern(model: HookedModel) -> tuple[bool, ...]:
    """Per layer, whether the model shows an attention pattern there."""
    return backend_of(model).shown


def is_recurrent(model: HookedModel) -> bool:
    """Whether some layer keeps something else than keys and values: a recurrence, a convolution, or it is not known."""
    return backend_of(model).is_recurrent


def pads_between(model: HookedModel) -> bool:
    """Whether padding may follow cached tokens: windows and distances are then still measured in tokens."""
    return backend_of(model).pads_between


def new_cache(model: HookedModel, batch: int) -> KeyValueCache:
    """An empty cache for `batch` samples."""
    return backend_of(model).new_cache(batch)
