"""The tokens that all prompts begin with, passed once and held in a cache."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import torch

from interp.models.architecture import HookedModel, model_info, new_cache, pads_between
from interp.models.backends.caches import KeyValueCache
from interp.models.batches import common_prefix
from interp.models.hooked import fill_cache


@dataclass
class SharedPrefix:
    """A prefix that runs when a batch first asks for it; empty where the model takes no padding behind a cache."""

    model: HookedModel
    ids: list[int]
    _filled: KeyValueCache | None = field(default=None, repr=False)

    @classmethod
    def of(cls, model: HookedModel, prompts: Iterable[Sequence[int]]) -> "SharedPrefix":
        """At least one token of each prompt stays outside: its output predicts what follows."""
        return cls(model, common_prefix(prompt[:-1] for prompt in prompts) if pads_between(model) else [])

    def __len__(self) -> int:
        return len(self.ids)

    def cache(self, rows: int) -> KeyValueCache:
        """A cache of its own for a batch of so many rows, the prefix in it."""
        if not self.ids:
            return new_cache(self.model, rows)
        if self._filled is None:
            filled, tokens = new_cache(self.model, 1), torch.tensor([self.ids], device=model_info(self.model).device)
            fill_cache(self.model, tokens, torch.ones_like(tokens), filled)
            self._filled = filled
        return self._filled.repeat(rows)
