"""Keys and values of the tokens a model has passed: one cache over the two that the classes of TransformerLens take.

A model with layers that keep something else (a recurrence, a convolution) has a cache of tokens: `forward` runs them
again. Hugging Face's caches for such layers cannot take a text in pieces, nor padding between two pieces.
"""

from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from interp.errors import ModelError
from interp.models.architecture import HookedModel, backend, is_recurrent


@dataclass
class Tokens:
    """What a model without a usable cache has passed: the tokens themselves."""

    passed: Int[Tensor, "sample token"] | None = None


@dataclass
class KeyValueCache:
    """Keys and values of the tokens passed so far; `forward` extends it in place.

    Every layer keeps every key, also those outside its sliding window, so a pattern always has one column per token.
    """

    store: Any
    """What the model's own class takes: a TransformerLensKeyValueCache or a Hugging Face DynamicCache; or `Tokens`."""

    @torch.inference_mode()
    def repeat(self, n: int) -> "KeyValueCache":
        """An independent copy in which each sample stands `n` times in a row (a prefix shared by a batch)."""
        store = deepcopy(self.store)
        if isinstance(store, Tokens):
            if store.passed is not None:
                store.passed = store.passed.repeat_interleave(n, dim=0)
        elif hasattr(store, "entries"):
            for entry in store.entries:
                entry.past_keys = entry.past_keys.repeat_interleave(n, dim=0)
                entry.past_values = entry.past_values.repeat_interleave(n, dim=0)
            store.previous_attention_mask = store.previous_attention_mask.repeat_interleave(n, dim=0)
        elif n > 1:
            store.batch_repeat_interleave(n)
        return KeyValueCache(store)

    def copy(self) -> "KeyValueCache":
        """An independent copy."""
        return self.repeat(1)

    def select(self, rows: Int[Tensor, " kept"]) -> None:
        """Keep only these samples, in this order; a row may be asked for more than once."""
        rows = rows.cpu()  # the layers may lie on several devices; an index on the CPU fits all

        def pick(stored: Tensor) -> Tensor:
            # One row for all is not copied: both classes join new keys to old ones in a new tensor.
            return stored.expand(len(rows), *stored.shape[1:]) if len(stored) == 1 else stored[rows]

        if isinstance(self.store, Tokens):
            self.store.passed = None if self.store.passed is None else pick(self.store.passed)
        elif hasattr(self.store, "entries"):
            for entry in self.store.entries:
                entry.past_keys, entry.past_values = pick(entry.past_keys), pick(entry.past_values)
            self.store.previous_attention_mask = pick(self.store.previous_attention_mask)
        else:
            for layer in self.store.layers:
                layer.keys, layer.values = pick(layer.keys), pick(layer.values)

    def values(self, layer: int) -> Float[Tensor, "sample key kv_head d_head"]:
        """The values of all tokens so far, with their bias; up to date inside a hook on this layer's pattern."""
        if isinstance(self.store, Tokens):
            raise ModelError("a model with recurrent layers keeps no values: run its samples whole")
        if hasattr(self.store, "entries"):
            return self.store.entries[layer].past_values
        return self.store.layers[layer].values.transpose(1, 2)


def new_cache(model: HookedModel, batch: int) -> KeyValueCache:
    """An empty cache for `batch` samples."""
    if backend(model) == "HookedTransformer":
        from transformer_lens import TransformerLensKeyValueCache

        return KeyValueCache(TransformerLensKeyValueCache.init_cache(model.cfg, model.cfg.device, batch))
    if is_recurrent(model):
        return KeyValueCache(Tokens())
    from transformers import DynamicCache

    return KeyValueCache(DynamicCache())  # without a config: its sliding layers would forget keys
