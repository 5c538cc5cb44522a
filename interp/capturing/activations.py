"""Capture: residual vectors and attention metrics at the resolved positions, from one forward pass."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from interp.answering.answers import Answers
from interp.capturing.attention import output_gram, reduce_pattern, value_norms
from interp.capturing.layout import Layout, PaddingSide, PatternMasks
from interp.capturing.one_pass import OnePass
from interp.capturing.positions import Positions, gather
from interp.capturing.segments import CapturePlan
from interp.errors import DataError
from interp.models.loading import HookedModel, hook_name, model_info, output_weight, pads_between
from interp.models.memory import Splits

SITES = ("resid_post", "resid_pre", "resid_mid", "attn_out", "mlp_out", "mlp_post", "z")


@dataclass(frozen=True)
class Capture:
    """What one forward pass left behind; entries of absent roles are NaN, masked by `valid`."""

    sites: Mapping[str, Any]
    """{site: Float[Tensor, "sample layer role width"]} in the model's dtype (`z` has its heads side by side).

    In the Capture of a run folder these arrays, `embed` and `attention` are `interp.runs.stored.Stored`: they are
    indexed alike, and read from the disk what is asked for."""
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
    def resid(self) -> Any:
        """Float[Tensor, "sample layer role d_model"]: the residual stream after each block (site `resid_post`)."""
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
    computed. A prefix common to all samples (few-shot examples, a system prompt) runs once, a prompt that several
    samples share runs once per batch, and the pattern of a long prompt is never built. Samples run in batches of
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
    sizes: dict[str, list[int]] | None = None,
    on_split: Callable[[], None] | None = None,
) -> Iterator[tuple[list[int], Capture]]:
    """`capture`, one batch at a time: pairs of (sample indices, their Capture); `skip` leaves out the first batches.

    A batch that does not fit into memory runs in halves. `sizes` says how many samples ran at once in the batches
    that were split ({number of the batch: sizes}); it is obeyed, and extended before `on_split` is called.
    """
    unknown = [site for site in sites if site not in SITES]
    if unknown:
        raise DataError(f"unknown site {unknown[0]!r}; known sites are {', '.join(SITES)}")
    info = model_info(model)
    plan = capture_plan(model, answers, positions, batch_tokens=batch_tokens)
    splits = Splits({} if sizes is None else sizes, *([] if on_split is None else [on_split]))
    one_pass = OnePass(model, plan, positions, sites)
    for number, samples in enumerate(plan.batches[skip:], start=skip):
        parts = splits.run(str(number), samples, one_pass, too_large=partial(_too_large, answers))
        yield (
            samples,
            Capture(
                **_joined(parts),
                index=positions.index[samples],
                layers=tuple(range(info.n_layers)),
                roles=positions.roles,
                id=tuple(answers.id[i] for i in samples),
                settings={"sites": list(sites), "batch_tokens": batch_tokens, **plan.settings},
            ),
        )


def capture_plan(model: HookedModel, answers: Answers, positions: Positions, *, batch_tokens: int) -> CapturePlan:
    """Which samples run together and where each is cut; fixed by the token ids, the roles and `batch_tokens`."""
    n_ctx, prompts, completions = model_info(model).n_ctx, answers.prompt_ids, answers.completion_ids
    lengths = (len(prompt) + len(completion) for prompt, completion in zip(prompts, completions, strict=True))
    usable = [i for i, n in enumerate(lengths) if 0 < n <= n_ctx and answers.status[i] != "too_long"]
    return CapturePlan.of(prompts, completions, positions, usable, batch_tokens=batch_tokens, gaps=pads_between(model))


def _too_large(answers: Answers, sample: int) -> str:
    prompt, completion = len(answers.prompt_ids[sample]), len(answers.completion_ids[sample])
    return (
        f"out of memory on sample {answers.id[sample]!r} alone ({prompt} prompt and {completion} completion tokens): "
        "use a smaller dtype, a larger device, or leave it out"
    )


def _joined(parts: list[dict[str, Any]]) -> dict[str, Any]:
    """The parts of a batch one after the other."""
    if len(parts) == 1:
        return parts[0]
    return {
        key: {name: torch.cat([part[key][name] for part in parts]) for name in value}
        if isinstance(value, dict)
        else torch.cat([part[key] for part in parts])
        for key, value in parts[0].items()
    }


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
            value = read("v", layer)
            norms = value_norms(value, output_gram(output_weight(model, layer)).to(value.device))
        pattern = read("pattern", layer)
        metrics.append(reduce_pattern(pattern, masks[windows[layer]].to(pattern.device), norms))

    def gathered(site: str, layer: int) -> Tensor:
        hidden = read(site, layer)  # a model may lie on several devices, and its cache with it
        return gather(hidden, row.to(hidden.device), positions.valid.to(hidden.device)).flatten(2).cpu()

    return Capture(
        sites={site: torch.stack([gathered(site, layer) for layer in range(n_layers)], dim=1) for site in sites},
        embed=gathered("resid_pre", 0),
        attention={name: torch.stack([m[name].cpu() for m in metrics], dim=1) for name in metrics[0]},
        valid=positions.valid.cpu(),
        index=positions.index.cpu(),
        layers=tuple(range(n_layers)),
        roles=positions.roles,
        id=tuple(str(i) for i in range(len(positions))),
        settings={"sites": list(sites), "source": "run_with_cache"},
    )
