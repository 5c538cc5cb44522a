"""Keys and values before the measured tokens: the shared prefix runs once, each distinct prompt once per batch."""

from dataclasses import dataclass

import torch
from jaxtyping import Int
from torch import Tensor

from interp.capturing.segments import CapturePlan, Segments
from interp.models.batches import left_pad
from interp.models.loading import HookedModel, KeyValueCache, fill_cache, model_info, new_cache


@dataclass(frozen=True)
class Before:
    """What precedes the suffixes of a batch."""

    cache: KeyValueCache | None
    """One row for each distinct prompt until it is `spread`; None where nothing stands before."""
    own_of: Int[Tensor, " sample"]
    """For each sample its prompt."""
    own: int
    """Columns of the prompts."""
    mask: Int[Tensor, "sample before"]
    """1 where the prefix or a prompt has a token."""

    def spread(self) -> None:
        """A row for each sample from here on."""
        if self.cache is not None:
            self.cache.select(self.own_of)


class PromptCache:
    """Fills the cache of a plan's batches; the prefix that all samples share runs with the first of them only."""

    def __init__(self, model: HookedModel, plan: CapturePlan, *, last_layer: int | None = None):
        self.model, self.prefix, self.last_layer = model, plan.prefix, last_layer
        self.device = model_info(model).device
        self.shared: KeyValueCache | None = None
        """Keys and values of the prefix, one row; None before the first batch, or where there is no prefix."""

    def __call__(self, parts: Segments) -> Before:
        """What stands before the suffixes of these segments."""
        own, own_mask = left_pad(parts.own, self.device)
        own_of, own_mask = torch.tensor(parts.own_of), own_mask
        before = own_mask.new_ones(len(own), len(self.prefix))
        mask = torch.cat([before, own_mask], dim=1)
        return Before(self._filled(own, mask), own_of, own.shape[1], mask[own_of])

    def _filled(self, own: Int[Tensor, "own token"], mask: Int[Tensor, "own before"]) -> KeyValueCache | None:
        if not mask.shape[1]:
            return None
        if self.prefix and self.shared is None:
            shared = new_cache(self.model, 1)
            tokens = torch.tensor([self.prefix], device=self.device)
            fill_cache(self.model, tokens, torch.ones_like(tokens), shared, last_layer=self.last_layer)
            self.shared = shared
        cache = self.shared.repeat(len(own)) if self.shared is not None else new_cache(self.model, len(own))
        if own.shape[1]:
            fill_cache(self.model, own, mask, cache, last_layer=self.last_layer)
        return cache
