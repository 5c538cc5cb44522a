"""The forward pass of a capture: batches of samples run through the model, joined into one Capture."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import torch

from interp.capturing.activations import Capture, read_sites
from interp.capturing.capture_unit import CaptureUnit
from interp.capturing.positions import Positions
from interp.capturing.same_samples import positions_of
from interp.capturing.segments import CapturePlan
from interp.engines.units import Worker
from interp.errors import DataError
from interp.labelling.answers import Answers
from interp.models.loading import HookedModel, is_recurrent, model_info, pads_between, undefined_metrics
from interp.models.memory import Splits
from interp.models.sites import check_sites
from interp.support.arguments import progress_function, whole_number
from interp.support.public import public


@public
def capture(
    model: HookedModel,
    answers: Answers,
    positions: Positions,
    *,
    sites: str | Sequence[str] = ("resid_post",),
    batch_tokens: int = 8192,
    progress: Callable[[int], None] | None = None,
) -> Capture:
    """Vectors of `sites` at every layer and every attention metric, at the positions only, from one forward pass.

    Nothing else is kept: hooks gather the vectors and reduce the attention pattern as they appear, no logits are
    computed. A prefix common to all samples (few-shot examples, a system prompt) runs once, a prompt that several
    samples share runs once per batch, and the pattern of a long prompt is never built. Samples run in batches of
    similar length, at most `batch_tokens` padded tokens each; samples past the model's context stay NaN.

    Returns a `Capture` in the order of `answers`, on the CPU; `capture_batches` is for data that does not fit. Samples
    are found in `positions` by id (positions made by hand have none: by order).

    Raises DataError for an unknown site or positions of other samples, ModelError where the architecture lacks one.

    >>> from interp.demo import answered
    >>> model, answers = answered(4)
    >>> cap = interp.capture(model, answers, interp.resolve_positions(answers))
    >>> cap.resid.shape, cap.attention["entropy"].shape  # sample layer role d_model, sample layer head role
    (torch.Size([4, 9, 15, 64]), torch.Size([4, 9, 4, 15]))
    """
    info, progress = model_info(model), progress_function(progress)
    positions = positions_of(answers, positions)
    n, roles, layers = len(answers), len(positions.roles), info.n_layers
    whole: Any = None
    part: Any  # a Capture, whose arrays are tensors here; so are those of the whole
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
                question_embed=part.question_embed.new_full((n, part.question_embed.shape[-1]), torch.nan),
            )
        for site, tensor in part.sites.items():
            whole.sites[site][samples] = tensor
        for metric, tensor in part.attention.items():
            whole.attention[metric][samples] = tensor
        whole.embed[samples] = part.embed
        whole.question_embed[samples] = part.question_embed
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
    sites: str | Sequence[str] = ("resid_post",),
    batch_tokens: int = 8192,
    skip: int = 0,
    sizes: dict[str, list[int]] | None = None,
    on_split: Callable[[], None] | None = None,
) -> Iterator[tuple[list[int], Capture]]:
    """`capture`, one batch at a time: pairs of (sample indices, their Capture); `skip` leaves out the first batches.

    A batch that does not fit into memory runs in halves. `sizes` says how many samples ran at once in the batches
    that were split ({number of the batch: sizes}); it is obeyed, and extended before `on_split` is called.
    """
    sites, positions = read_sites(sites), positions_of(answers, positions)
    check_sites(model, sites)
    missing = undefined_metrics(model)
    undefined: dict[str, object] = {"undefined_attention": missing} if missing else {}
    plan = capture_plan(model, answers, positions, batch_tokens=batch_tokens)
    settings = {"sites": list(sites), "batch_tokens": batch_tokens, **plan.settings, **undefined}
    worker = Worker(model, Splits({} if sizes is None else sizes, *([] if on_split is None else [on_split])))
    for number, samples in enumerate(plan.batches[skip:], start=skip):
        (part,) = CaptureUnit.of(answers, positions, plan, sites, number, number + 1)(worker)
        yield samples, replace(part, settings=settings)


def capture_plan(model: HookedModel, answers: Answers, positions: Positions, *, batch_tokens: int) -> CapturePlan:
    """Which samples run together and where each is cut; fixed by the token ids, the roles and `batch_tokens`."""
    batch_tokens = whole_number("batch_tokens", batch_tokens, 1)
    n_ctx, prompts, completions = model_info(model).n_ctx, answers.prompt_ids, answers.completion_ids
    lengths = (len(prompt) + len(completion) for prompt, completion in zip(prompts, completions, strict=True))
    usable = [i for i, n in enumerate(lengths) if 0 < n <= n_ctx and answers.status[i] != "too_long"]
    gaps, cut = pads_between(model), not is_recurrent(model)
    return CapturePlan.of(prompts, completions, positions, usable, batch_tokens=batch_tokens, gaps=gaps, cut=cut)
