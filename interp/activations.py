"""Capture: residual vectors and attention metrics at the resolved positions, from one forward pass."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from interp.answers import Answers
from interp.attention import output_gram, reduce_pattern, value_norms
from interp.batches import common_prefix, left_pad, plan_batches
from interp.errors import DataError
from interp.layout import Layout, PaddingSide, PatternMasks
from interp.models import HookedModel, KeyValueCache, forward, hook_name, model_info, new_cache, output_weight
from interp.positions import Positions, gather

SITES = ("resid_post", "resid_pre", "resid_mid", "attn_out", "mlp_out", "mlp_post", "z")
MIN_PREFIX = 16
"""A shorter common prefix costs more to copy into every batch than to compute again."""


@dataclass(frozen=True)
class Capture:
    """What one forward pass left behind; entries of absent roles are NaN, masked by `valid`."""

    sites: Mapping[str, Any]
    """{site: Float[Tensor, "sample layer role width"]} in the model's dtype (`z` has its heads side by side).

    In the Capture of a run folder these arrays, `embed` and `attention` are `interp.stored.Stored`: they are indexed
    alike, and read from the disk what is asked for."""
    embed: Any
    """Float[Tensor, "sample role d_model"]: the residual stream before the first block (the embedding), the control
    row of the grid."""
    attention: Mapping[str, Any]
    """{metric: Float[Tensor, "sample layer head role"]}, float32."""
    valid: Bool[Tensor, "sample role"]
    index: Int[Tensor, "sample role"]
    layers: tuple[int, ...]
    roles: tuple[str, ...]
    id: tuple[str, ...]
    settings: dict[str, object] = field(default_factory=dict)

    @property
    def resid(self) -> Float[Tensor, "sample layer role d_model"]:
        """The residual stream after each block (site `resid_post`)."""
        return self.sites["resid_post"]


def capture(
    model: HookedModel,
    answers: Answers,
    positions: Positions,
    *,
    sites: Sequence[str] = ("resid_post",),
    batch_tokens: int = 8192,
    progress: Callable[[int], None] | None = None,
) -> Capture:
    """Vectors of `sites` at every layer and every attention metric, at the positions only, from one forward pass.

    Nothing else is kept: hooks gather the vectors and reduce the attention pattern as they appear, no logits are
    computed. A prefix common to all samples (few-shot examples, a system prompt) runs once. Samples run in batches of
    similar length, at most `batch_tokens` padded tokens each; samples past the model's context stay NaN.

    Returns a `Capture` in the order of `answers`, on the CPU; `capture_batches` is for data that does not fit.

    Raises DataError for an unknown site, ModelError where the architecture lacks one.
    """
    info = model_info(model)
    n, roles, layers = len(answers), len(positions.roles), info.n_layers
    whole: Capture | None = None
    for samples, part in capture_batches(model, answers, positions, sites=sites, batch_tokens=batch_tokens):
        if whole is None:
            whole = Capture(
                sites={s: t.new_full((n, layers, roles, t.shape[-1]), torch.nan) for s, t in part.sites.items()},
                embed=part.embed.new_full((n, *part.embed.shape[1:]), torch.nan),
                attention={m: t.new_full((n, *t.shape[1:]), torch.nan) for m, t in part.attention.items()},
                valid=torch.zeros_like(positions.valid),
                index=positions.index,
                layers=part.layers,
                roles=positions.roles,
                id=tuple(answers.id),
                settings=part.settings,
            )
        for site, tensor in part.sites.items():
            whole.sites[site][samples] = tensor
        for metric, tensor in part.attention.items():
            whole.attention[metric][samples] = tensor
        whole.embed[samples] = part.embed
        whole.valid[samples] = part.valid
        if progress is not None:
            progress(len(samples))
    if whole is None:
        raise DataError("there is no sample to capture: every prompt is empty or longer than the model's context")
    return whole


def capture_batches(
    model: HookedModel,
    answers: Answers,
    positions: Positions,
    *,
    sites: Sequence[str] = ("resid_post",),
    batch_tokens: int = 8192,
    skip: int = 0,
) -> Iterator[tuple[list[int], Capture]]:
    """`capture`, one batch at a time: pairs of (sample indices, their Capture); `skip` leaves out the first batches."""
    unknown = [site for site in sites if site not in SITES]
    if unknown:
        raise DataError(f"unknown site {unknown[0]!r}; known sites are {', '.join(SITES)}")
    info = model_info(model)
    ids = [
        [*prompt, *completion] for prompt, completion in zip(answers.prompt_ids, answers.completion_ids, strict=True)
    ]
    usable = [i for i, sample in enumerate(ids) if 0 < len(sample) <= info.n_ctx and answers.status[i] != "too_long"]
    prefix = _common_prefix([ids[i] for i in usable], positions[usable])
    shared = None
    batches = plan_batches([len(ids[i]) for i in usable], batch_tokens)
    grams = [output_gram(output_weight(model, layer)) for layer in range(info.n_layers)]
    for batch in batches[skip:]:
        samples = [usable[i] for i in batch]
        if prefix and shared is None:
            shared = new_cache(model, 1)
            tokens = torch.tensor([prefix], device=info.device)
            forward(model, tokens, torch.ones_like(tokens), cache=shared)
        suffixes = [ids[i][len(prefix) :] for i in samples]
        cache = shared.repeat(len(samples)) if shared is not None else None
        part = _capture_batch(model, suffixes, positions[samples].to(info.device), sites, grams, len(prefix), cache)
        yield (
            samples,
            Capture(
                **part,
                index=positions.index[samples],
                layers=tuple(range(info.n_layers)),
                roles=positions.roles,
                id=tuple(answers.id[i] for i in samples),
                settings={"sites": list(sites), "batch_tokens": batch_tokens, "common_prefix": len(prefix)},
            ),
        )


def _common_prefix(ids: list[list[int]], positions: Positions) -> list[int]:
    """The tokens all samples begin with, up to the earliest role (its row of the pattern is needed)."""
    if len(ids) < 2:
        return []
    earliest = torch.where(positions.valid, positions.index, positions.n[:, None] - 1).min()
    prefix = common_prefix(ids)[: int(earliest)]
    return prefix if len(prefix) >= MIN_PREFIX else []


def _capture_batch(
    model: HookedModel,
    suffixes: list[list[int]],
    positions: Positions,
    sites: Sequence[str],
    grams: list[Tensor],
    n_prefix: int,
    cache: KeyValueCache | None,
) -> dict[str, Any]:
    """One forward pass with hooks that keep the role positions and reduce the pattern on the spot."""
    info = model_info(model)
    tokens, mask = left_pad(suffixes, info.device)
    mask = torch.cat([mask.new_ones(len(mask), n_prefix), mask], dim=1)
    layout = Layout.prefixed(positions.n, n_prefix, tokens.shape[1])
    masks = {window: PatternMasks.of(positions, layout, window) for window in set(info.windows)}
    row = layout.rows(positions.index, positions.valid)
    vectors: dict[str, list[Tensor]] = {site: [] for site in (*sites, "embed")}
    metrics: list[dict[str, Tensor]] = []
    values: dict[int, Tensor] = {}

    def keep(site: str) -> Callable[[Tensor], None]:
        return lambda hidden: vectors[site].append(gather(hidden, row, positions.valid).flatten(2).cpu())

    def keep_values(layer: int) -> Callable[[Tensor], None]:
        return lambda value: values.update({layer: value})

    def reduce(layer: int) -> Callable[[Tensor], None]:
        def hook(pattern: Tensor) -> None:
            value = cache.values(layer) if cache is not None else values.pop(layer)
            norms = value_norms(value, grams[layer])
            reduced = reduce_pattern(pattern, masks[info.windows[layer]], norms)
            metrics.append({name: metric.cpu() for name, metric in reduced.items()})

        return hook

    hooks: dict[str, list[Callable[[Tensor], None]]] = {}

    def add(name: str, function: Callable[[Tensor], None]) -> None:
        hooks.setdefault(name, []).append(function)

    add(hook_name("resid_pre", 0), keep("embed"))
    for layer in range(info.n_layers):
        for site in sites:
            add(hook_name(site, layer), keep(site))
        if cache is None:
            add(hook_name("v", layer), keep_values(layer))
        add(hook_name("pattern", layer), reduce(layer))
    forward(model, tokens, mask, hooks={name: _chain(functions) for name, functions in hooks.items()}, cache=cache)
    return {
        "sites": {site: torch.stack(vectors[site], dim=1) for site in sites},
        "embed": vectors["embed"][0],
        "attention": {name: torch.stack([m[name] for m in metrics], dim=1) for name in metrics[0]},
        "valid": positions.valid.cpu(),
    }


def _chain(functions: list[Callable[[Tensor], None]]) -> Callable[[Tensor], None]:
    def call(tensor: Tensor) -> None:
        for function in functions:
            function(tensor)

    return call


def capture_from_cache(
    cache: Mapping[str, Tensor] | Any,
    positions: Positions,
    *,
    sites: Sequence[str] = ("resid_post",),
    padding_side: PaddingSide = "right",
    model: HookedModel | None = None,
) -> Capture:
    """The same from a cache that `model.run_with_cache` returned for the samples of `positions`, in their order.

    The cache (an ActivationCache, or a dict by hook name) needs `hook_resid_pre` of block 0, the sites and
    `attn.hook_pattern` of every layer. `padding_side` says where the batch was padded. Pass the `model` (taken from
    the cache where it has one) for `value_norm` (needs `attn.hook_v` too) and for sliding windows.

    Raises DataError if a hook is missing from the cache, or its tensors do not fit the positions.
    """
    model = model if model is not None else getattr(cache, "model", None)
    info = model_info(model) if model is not None else None
    names = set(cache.keys())

    def read(site: str, layer: int) -> Tensor:
        name = hook_name(site, layer)
        if name not in names:
            raise DataError(f"the cache has no {name!r}; run_with_cache must keep it (see names_filter)")
        return cache[name]

    n_layers = 0
    while hook_name("pattern", n_layers) in names:
        n_layers += 1
    first = read("pattern", 0)
    if len(first) != len(positions):
        raise DataError(f"the cache holds {len(first)} samples, the positions {len(positions)}: give the same samples")
    positions = positions.to(first.device)
    layout = Layout.padded(positions.n, first.shape[-2], first.shape[-1], padding_side)
    row = layout.rows(positions.index, positions.valid)
    windows = info.windows if info is not None else (None,) * n_layers
    masks = {window: PatternMasks.of(positions, layout, window) for window in set(windows)}
    metrics = []
    for layer in range(n_layers):
        norms = None
        if model is not None and hook_name("v", layer) in names:
            norms = value_norms(read("v", layer), output_gram(output_weight(model, layer)))
        metrics.append(reduce_pattern(read("pattern", layer), masks[windows[layer]], norms))
    vectors = {
        site: torch.stack(
            [gather(read(site, layer), row, positions.valid).flatten(2) for layer in range(n_layers)], dim=1
        )
        for site in sites
    }
    return Capture(
        sites={site: tensor.cpu() for site, tensor in vectors.items()},
        embed=gather(read("resid_pre", 0), row, positions.valid).cpu(),
        attention={name: torch.stack([m[name] for m in metrics], dim=1).cpu() for name in metrics[0]},
        valid=positions.valid.cpu(),
        index=positions.index.cpu(),
        layers=tuple(range(n_layers)),
        roles=positions.roles,
        id=tuple(str(i) for i in range(len(positions))),
        settings={"sites": list(sites), "source": "run_with_cache"},
    )
