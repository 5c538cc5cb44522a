"""The forward passes of one batch: fill a key-value cache, then run the suffixes with hooks that reduce on the spot."""

from collections.abc import Callable, Sequence
from copy import copy
from functools import partial
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from interp.capturing.attention import METRICS, output_gram, reduce_roles, value_norms
from interp.capturing.gather import gather_roles
from interp.capturing.layout import Layout, PatternMasks
from interp.capturing.points import Points
from interp.capturing.positions import Positions
from interp.capturing.prompt_cache import Before, PromptCache
from interp.capturing.segments import CapturePlan
from interp.models.batches import left_pad
from interp.models.loading import (
    HookedModel,
    KeyValueCache,
    forward,
    has_pattern,
    hook_name,
    known_values,
    model_info,
    output_weight,
)

Hook = Callable[[Tensor], None]


class OnePass:
    """Captures any samples of a plan; what all batches share (the prefix, W_O W_Oᵀ) is computed once."""

    def __init__(self, model: HookedModel, plan: CapturePlan, positions: Positions, sites: Sequence[str]):
        self.model, self.plan, self.positions, self.sites = model, plan, positions, tuple(sites)
        self.info = model_info(model)
        self.shown, weights = has_pattern(model), [output_weight(model, layer) for layer in range(self.info.n_layers)]
        self.grams = [
            output_gram(weight) if weight is not None and known else None
            for weight, known in zip(weights, known_values(model), strict=True)
        ]
        """Per layer; None where the norms of what keys write are not known."""
        self.prompts = PromptCache(model, plan)
        self.shared_norms: list[Float[Tensor, "one head key"] | None] = []
        """Value norms of the prefix, per layer."""

    def of(self, plan: CapturePlan, positions: Positions) -> "OnePass":
        """The same model, sites and prefix, with other samples; what is computed once is shared."""
        other = copy(self)
        other.plan, other.positions = plan, positions
        return other

    def __call__(self, samples: Sequence[int]) -> dict[str, Any]:
        """`sites`, `embed`, `attention` and `valid` of these samples, on the CPU."""
        points = Points.of(self.positions[samples].to(self.info.device))
        positions = points.positions
        parts = self.plan.segments(samples)
        tokens, mask = left_pad(parts.suffixes, self.info.device)
        n_prefix, n_new = len(self.plan.prefix), tokens.shape[1]
        before = self.prompts(parts)
        norms = self._norms_before(before)
        before.spread()

        widths = (n_prefix, before.own, n_new)
        layout = Layout.of_segments(parts.starts, positions.n, widths, self.plan.measured(samples))
        seen = _Seen(self, layout, points, n_new, norms)
        forward(self.model, tokens, torch.cat([before.mask, mask], dim=1), hooks=seen.hooks(), cache=before.cache)
        return {**seen.collected(), "valid": self.positions.valid[samples]}

    def _norms_before(self, before: Before) -> list[Float[Tensor, "sample head key"] | None]:
        """Per layer the value norms of every sample's tokens before its suffix; none where there are none."""
        shared, cache = self.prompts.shared, before.cache
        if cache is None:
            return []
        if shared is not None and not self.shared_norms:
            self.shared_norms.extend(self._norms(shared, slice(None)))
        norms = [None if one is None else one.expand(len(before.own_of), -1, -1) for one in self.shared_norms]
        if before.own:
            keys = slice(len(self.plan.prefix), None)
            new = [None if one is None else one[before.own_of] for one in self._norms(cache, keys)]
            norms = [_joined(pair) for pair in zip(norms, new, strict=True)] if norms else new
        return norms

    def _norms(self, cache: KeyValueCache, keys: slice) -> list[Float[Tensor, "sample head key"] | None]:
        """The value norms of some of a cache's keys, per layer."""
        return [
            None if gram is None else value_norms(cache.values(layer)[:, keys], gram)
            for layer, gram in enumerate(self.grams)
        ]


def _joined(
    parts: Sequence[Float[Tensor, "sample head _"] | None],
) -> Float[Tensor, "sample head key"] | None:
    """Keys behind keys; None where some are not known."""
    known = [part for part in parts if part is not None]
    return torch.cat(known, dim=2) if len(known) == len(parts) else None


class _Seen:
    """The hooks of one pass, and what they keep."""

    def __init__(
        self,
        batch: OnePass,
        layout: Layout,
        points: Points,
        n_new: int,
        norms: list[Float[Tensor, "sample head key"] | None],
    ):
        self.batch, self.points, self.norms, positions = batch, points, norms, points.positions
        self.queries = layout.query.shape[1]
        windows = set(batch.info.windows)
        self.masks = {window: PatternMasks.of(positions, layout, window) for window in windows}
        self.row = layout.rows(positions.index, positions.valid) + n_new - self.queries
        self.vectors: dict[str, list[Tensor]] = {site: [] for site in (*batch.sites, "embed")}
        absent = torch.full((len(positions), batch.info.n_heads, points.n_roles), torch.nan)
        self.metrics = [dict.fromkeys(METRICS, absent) for _ in range(batch.info.n_layers)]
        """Per layer; NaN until its pattern comes by, and what has no value for ever."""
        self.new_values: dict[int, Tensor] = {}

    def hooks(self) -> dict[str, Hook]:
        """By hook name."""
        named: dict[str, list[Hook]] = {hook_name("resid_pre", 0): [partial(self._keep, "embed")]}
        for layer in range(self.batch.info.n_layers):
            for site in self.batch.sites:
                named.setdefault(hook_name(site, layer), []).append(partial(self._keep, site))
            if self.batch.grams[layer] is not None:
                named.setdefault(hook_name("v", layer), []).append(partial(self._keep_values, layer))
            if self.batch.shown[layer]:
                named[hook_name("pattern", layer)] = [partial(self._reduce, layer)]
        return {name: partial(_call_each, functions) for name, functions in named.items()}

    def collected(self) -> dict[str, Any]:
        """What the hooks kept, on the CPU."""

        def stacked(layers: list[Tensor]) -> Tensor:
            return torch.stack([layer.cpu() for layer in layers], dim=1)

        return {
            "sites": {site: stacked(self.vectors[site]) for site in self.batch.sites},
            "embed": self.vectors["embed"][0].cpu(),
            "attention": {name: stacked([layer[name] for layer in self.metrics]) for name in METRICS},
        }

    def _keep(self, site: str, hidden: Tensor) -> None:
        self.vectors[site].append(gather_roles(hidden, self.row, self.points).flatten(2))

    def _keep_values(self, layer: int, value: Tensor) -> None:
        self.new_values[layer] = value

    def _reduce(self, layer: int, pattern: Tensor) -> None:
        """A model may lie on several devices: masks follow the pattern, the grams lie where the layer's weights do."""
        gram, norms = self.batch.grams[layer], None
        if gram is not None:
            new = value_norms(self.new_values.pop(layer), gram)
            norms = _joined([self.norms[layer], new]) if self.norms else new
        masks = self.masks[self.batch.info.windows[layer]].to(pattern.device)
        found = reduce_roles(pattern[:, :, -self.queries :], masks, self.points, norms)
        self.metrics[layer] = {**self.metrics[layer], **found}


def _call_each(functions: list[Hook], tensor: Tensor) -> None:
    for function in functions:
        function(tensor)
