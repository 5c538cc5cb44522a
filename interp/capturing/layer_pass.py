"""The vectors of one site at one layer, reduced inside the hook: the pass ends there, and shared prompts run once."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Generic, TypeVar

import torch
from jaxtyping import Float
from torch import Tensor

from interp.capturing.positions import Positions
from interp.capturing.prompt_cache import PromptCache
from interp.capturing.segments import CapturePlan
from interp.errors import ModelError
from interp.models.batches import left_pad
from interp.models.hooked import PassEndedError
from interp.models.loading import HookedModel, forward, hook_name, is_recurrent, model_info, pads_between
from interp.models.memory import Splits

Reduced = TypeVar("Reduced")
Ids = Sequence[Sequence[int]]
Reduce = Callable[[int, Float[Tensor, "token width"]], Reduced]
"""Of a sample's number and the vectors of its tokens from the first one that is asked for."""


class LayerPass(Generic[Reduced]):
    """Passes over samples given by their ids; the heads of `z` stand side by side, as captured."""

    def __init__(
        self,
        model: HookedModel,
        prompt_ids: Ids,
        completion_ids: Ids,
        *,
        site: str,
        layer: int,
        first: Sequence[int],
        usable: Sequence[int],
        batch_tokens: int = 8192,
    ):
        """`first`: each sample's first token whose vector is asked for; `usable`: the samples that run."""
        lengths = [len(prompt) + len(own) for prompt, own in zip(prompt_ids, completion_ids, strict=True)]
        runs = {*usable}
        positions = Positions.at(
            first, lengths, valid=[[i in runs] for i in range(len(first))], n_prompt=[len(ids) for ids in prompt_ids]
        )
        self.model, self.first, self.layer, self.point = model, first, layer, hook_name(site, layer)
        self.plan = CapturePlan.of(
            prompt_ids,
            completion_ids,
            positions,
            usable,
            batch_tokens=batch_tokens,
            gaps=pads_between(model),
            cut=not is_recurrent(model),
        )

    def __call__(self, reduce: Reduce[Reduced]) -> dict[int, Reduced]:
        """{sample: what `reduce` made of its vectors}. Raises ModelError for a sample that has no room in memory."""
        prompts = PromptCache(self.model, self.plan, last_layer=self.layer)
        found: dict[int, Reduced] = {}
        for batch in self.plan.batches:
            for part in Splits().run("", batch, lambda some: self._of(some, prompts, reduce), too_large=_too_large):
                found |= part
        return found

    def _of(self, samples: Sequence[int], prompts: PromptCache, reduce: Reduce[Reduced]) -> dict[int, Reduced]:
        parts = self.plan.segments(samples)
        tokens, mask = left_pad(parts.suffixes, model_info(self.model).device)
        before = prompts(parts)
        before.spread()
        found: dict[int, Reduced] = {}

        def see(hidden: Tensor) -> None:
            for row, i in enumerate(samples):
                own = hidden[row, self.first[i] - len(self.plan.ids(i)) :]
                found[i] = reduce(i, own.flatten(1))
            raise PassEndedError

        with suppress(PassEndedError):
            mask = torch.cat([before.mask, mask], dim=1)
            forward(self.model, tokens, mask, hooks={self.point: see}, cache=before.cache)
        if not found:
            raise ModelError(f"the hook point {self.point!r} never fired: nothing can be read there")
        return found


def _too_large(sample: int) -> str:
    return f"out of memory on sample number {sample} alone: use a smaller dtype, a larger device, or leave it out"
