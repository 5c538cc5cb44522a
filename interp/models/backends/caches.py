"""Keys and values of the tokens a model has passed: one class for each thing that a library keeps them in.

Every layer keeps every key, also those outside its sliding window, so a pattern always has one column per token. A
model with recurrent layers has no such cache: Hugging Face's for such layers cannot take a text in pieces, nor padding
between two pieces, so what passed before runs again with what comes.
"""

from abc import ABC, abstractmethod
from copy import copy, deepcopy
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from interp.errors import ModelError


class KeyValueCache(ABC):
    """What a pass extends in place; `interp.models.hooked.forward` takes it."""

    @abstractmethod
    def repeat(self, n: int) -> "KeyValueCache":
        """An independent copy in which each sample stands `n` times in a row (a prefix shared by a batch)."""

    @abstractmethod
    def copy(self) -> "KeyValueCache":
        """An independent copy."""

    @abstractmethod
    def select(self, rows: Int[Tensor, " kept"]) -> None:
        """Keep only these samples, in this order; a row may be asked for more than once."""

    @abstractmethod
    def rows(self, rows: Int[Tensor, " kept"], first_layer: int) -> "KeyValueCache":
        """An independent cache of these samples for passes that begin at a layer; before it, only its length is right.

        Of tensors that a pass with gradients may hold, whatever mode the first passes ran in.
        """

    @abstractmethod
    def values(self, layer: int) -> Float[Tensor, "sample key kv_head d_head"]:
        """The values of all tokens so far, with their bias; up to date inside a hook on this layer's pattern."""

    @abstractmethod
    def tensors(self) -> list[Tensor]:
        """All that is kept, layer by layer: to be compared."""


def picked(held: Tensor, rows: Int[Tensor, " kept"]) -> Tensor:
    """Some samples of what is held; one row for all is not copied: libraries join new keys to old in a new tensor.

    `index_select` copies a row at a time, six times as fast as `held[rows]`.
    """
    if len(held) == 1:
        return held.expand(len(rows), *held.shape[1:])
    return held.index_select(0, rows.to(held.device))


@dataclass
class _Wrapped(KeyValueCache):
    """What the library itself takes as its cache."""

    own: Any
    """The library's own."""

    def copy(self) -> Any:
        return type(self)(deepcopy(self.own))


def _for_layer(held: Tensor, rows: Int[Tensor, " kept"], needed: bool) -> Tensor:
    found = picked(held if needed else held[:1], rows)
    return found.clone() if needed and found.is_inference() and not torch.is_inference_mode_enabled() else found


class TransformerLensCache(_Wrapped):
    """A TransformerLensKeyValueCache."""

    @torch.inference_mode()
    def repeat(self, n: int) -> "TransformerLensCache":
        """Each sample `n` times."""
        copied = self.copy()
        for entry in copied.own.entries:
            entry.past_keys = entry.past_keys.repeat_interleave(n, dim=0)
            entry.past_values = entry.past_values.repeat_interleave(n, dim=0)
        copied.own.previous_attention_mask = copied.own.previous_attention_mask.repeat_interleave(n, dim=0)
        return copied  # type: ignore[no-any-return]

    def select(self, rows: Int[Tensor, " kept"]) -> None:
        """Some samples."""
        rows = rows.cpu()  # the layers may lie on several devices; an index on the CPU fits all
        for entry in self.own.entries:
            entry.past_keys, entry.past_values = picked(entry.past_keys, rows), picked(entry.past_values, rows)
        self.own.previous_attention_mask = picked(self.own.previous_attention_mask, rows)

    def rows(self, rows: Int[Tensor, " kept"], first_layer: int) -> "TransformerLensCache":
        """Some samples."""
        rows, own = rows.cpu(), copy(self.own)
        own.entries = [copy(entry) for entry in own.entries]
        for layer, entry in enumerate(own.entries):
            entry.past_keys, entry.past_values = (
                _for_layer(held, rows, layer >= first_layer) for held in (entry.past_keys, entry.past_values)
            )
        own.previous_attention_mask = picked(own.previous_attention_mask, rows)
        return TransformerLensCache(own)

    def values(self, layer: int) -> Float[Tensor, "sample key kv_head d_head"]:
        """Of a layer."""
        found: Tensor = self.own.entries[layer].past_values
        return found

    def tensors(self) -> list[Tensor]:
        """Keys and values."""
        return [one for entry in self.own.entries for one in (entry.past_keys, entry.past_values)]


class HuggingFaceCache(_Wrapped):
    """A Hugging Face DynamicCache, made without a configuration: its sliding layers would forget keys."""

    @torch.inference_mode()
    def repeat(self, n: int) -> "HuggingFaceCache":
        """Each sample `n` times."""
        copied = self.copy()
        if n > 1:
            copied.own.batch_repeat_interleave(n)
        return copied  # type: ignore[no-any-return]

    def select(self, rows: Int[Tensor, " kept"]) -> None:
        """Some samples."""
        rows = rows.cpu()
        for layer in self.own.layers:
            layer.keys, layer.values = picked(layer.keys, rows), picked(layer.values, rows)

    def rows(self, rows: Int[Tensor, " kept"], first_layer: int) -> "HuggingFaceCache":
        """Some samples."""
        rows, own = rows.cpu(), copy(self.own)
        own.layers = [copy(layer) for layer in own.layers]
        for number, layer in enumerate(own.layers):
            layer.keys, layer.values = (
                _for_layer(held, rows, number >= first_layer) for held in (layer.keys, layer.values)
            )
        return HuggingFaceCache(own)

    def values(self, layer: int) -> Float[Tensor, "sample key kv_head d_head"]:
        """Of a layer."""
        found: Tensor = self.own.layers[layer].values.transpose(1, 2)
        return found

    def tensors(self) -> list[Tensor]:
        """Keys and values."""
        return [one for layer in self.own.layers for one in (layer.keys, layer.values)]


@dataclass
class PassedTokens(KeyValueCache):
    """The tokens that a model without a usable cache has passed; they run again with what comes."""

    passed: Int[Tensor, "sample token"] | None = None

    def repeat(self, n: int) -> "PassedTokens":
        """Each sample `n` times."""
        return PassedTokens(None if self.passed is None else self.passed.repeat_interleave(n, dim=0))

    def copy(self) -> "PassedTokens":
        """Another that may grow by itself."""
        return self.repeat(1)

    def select(self, rows: Int[Tensor, " kept"]) -> None:
        """Some samples."""
        self.passed = None if self.passed is None else picked(self.passed, rows.cpu())

    def rows(self, rows: Int[Tensor, " kept"], first_layer: int) -> "PassedTokens":
        """Some samples."""
        return PassedTokens(None if self.passed is None else picked(self.passed, rows.cpu()))

    def values(self, layer: int) -> Float[Tensor, "sample key kv_head d_head"]:
        """There are none: ModelError."""
        raise ModelError("a model with recurrent layers keeps no values: run its samples whole")

    def tensors(self) -> list[Tensor]:
        """The tokens."""
        return [] if self.passed is None else [self.passed]

    def grown(self, tokens: Int[Tensor, "sample new"]) -> Int[Tensor, "sample all"]:
        """The new tokens behind those that passed before, all of which are kept."""
        self.passed = tokens if self.passed is None else torch.cat([self.passed, tokens.to(self.passed.device)], dim=1)
        return self.passed
