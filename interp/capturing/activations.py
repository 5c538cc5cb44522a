"""Capture: residual vectors and attention metrics at the resolved positions, from one forward pass."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from interp.accepted import AttentionArrays, EmbedArray, QuestionArray, SiteArrays
from interp.answering.answers import Answers
from interp.arguments import instance, one_of, progress_function, several_texts, shown, whole_number, whole_numbers
from interp.capturing.axes import check_axes
from interp.capturing.on_disk import OnDisk
from interp.capturing.one_pass import OnePass
from interp.capturing.positions import Positions
from interp.capturing.question_embedding import question_embeddings
from interp.capturing.same_samples import positions_of
from interp.capturing.segments import CapturePlan
from interp.errors import DataError
from interp.models.loading import HookedModel, model_info, pads_between
from interp.models.memory import Splits
from interp.statistics.sample_key import chosen_samples

SITES = ("resid_post", "resid_pre", "resid_mid", "attn_out", "mlp_out", "mlp_post", "z")


@dataclass(frozen=True)
class Capture:
    """What one forward pass left behind; entries of absent roles are NaN, masked by `valid`.

    >>> from interp.demo import planted
    >>> cap, answers = planted()
    >>> cap
    Capture(100 samples, 3 layers, 6 roles; sites: resid_post; attention metrics: entropy, to_self)
    """

    sites: SiteArrays
    """{site: Float[Tensor, "sample layer role width"]} in the model's dtype (`z` has its heads side by side).

    In the Capture of a run folder these arrays, `embed` and `attention` are `interp.runs.stored.Stored`: they are
    indexed alike, and read from the disk what is asked for."""
    embed: EmbedArray | None
    """Float[Tensor, "sample role d_model"]: the residual stream before the first block (the embedding), the control
    row of the grid; None if a cache did not hold it."""
    attention: AttentionArrays
    """{metric: Float[Tensor, "sample layer head role"]}, float32; empty if a cache held no patterns."""
    valid: Bool[Tensor, "sample role"]
    index: Int[Tensor, "sample role"]
    layers: tuple[int, ...]
    roles: tuple[str, ...]
    id: tuple[str, ...]
    settings: dict[str, object] = field(default_factory=dict)
    question_embed: QuestionArray | None = None
    """Float[Tensor, "sample d_model"], float32: the mean input embedding of the question's own tokens, a control (NaN
    where the question was not located); None if it was not taken, as from a cache."""

    def __post_init__(self) -> None:
        """Raise DataError for arrays whose axes are not those that the labels name."""
        object.__setattr__(self, "layers", whole_numbers("layers", self.layers))
        for name in ("roles", "id"):
            object.__setattr__(self, name, several_texts(name, getattr(self, name), one=False))
        sizes = (len(self.id), len(self.layers), len(self.roles))
        check_axes(self.sites, self.embed, self.attention, self.valid, self.index, sizes)

    def _by_name(self) -> list[Any]:
        """Every array of sites and metrics, whatever the order they were captured in."""
        return [of[name] for of in (self.sites, self.attention) for name in sorted(of)]

    @property
    def resid(self) -> Float[Tensor | OnDisk, "sample layer role d_model"]:
        """The residual stream after each block (site `resid_post`)."""
        return self.sites[captured_site(self, "resid_post")]

    def __len__(self) -> int:
        return len(self.id)

    def __getitem__(self, samples: Any) -> "Capture":
        """The Capture of some samples, in that order: a slice, indices, a mask; a number gives that one sample's.

        The arrays of a run folder stay on the disk. Raises DataError for a key that names no samples.
        """
        places = chosen_samples(samples, len(self))

        def part(values: Any) -> Any:
            return values.of_samples(places) if hasattr(values, "of_samples") else values[places]

        return replace(
            self,
            sites={site: part(values) for site, values in self.sites.items()},
            embed=None if self.embed is None else part(self.embed),
            attention={metric: part(values) for metric, values in self.attention.items()},
            valid=self.valid[places],
            index=self.index[places],
            id=tuple(self.id[i] for i in places),
            question_embed=None if self.question_embed is None else part(self.question_embed),
        )

    @classmethod
    def concat(cls, parts: Sequence["Capture"]) -> "Capture":
        """The samples of several captures (batches of one data set) one after the other, in memory.

        Raises DataError for no part, parts with other sites, metrics, layers or roles, or an id that stands in two.

        >>> from interp.demo import planted
        >>> cap, answers = planted()
        >>> len(interp.Capture.concat([cap[:40], cap[40:]]).id)
        100
        """
        if isinstance(parts, Capture) or not isinstance(parts, Sequence):
            raise DataError(f"captures: expected a list of Captures, got {shown(parts)}")
        for part in parts:
            instance("captures", part, Capture, "they come from interp.capture or capture_from_cache")
        if not parts:
            raise DataError("captures: expected at least one to concatenate, got none")
        axes = [
            ({*p.sites}, {*p.attention}, p.layers, p.roles, p.embed is None, [v.shape[1:] for v in p._by_name()])
            for p in parts
        ]
        if other := [number for number, axis in enumerate(axes) if axis != axes[0]]:
            raise DataError(
                f"captures: number {other[0]} has other sites, attention metrics, layers or roles than number 0: "
                f"{parts[other[0]]} against {parts[0]}; capture all batches alike"
            )
        ids = tuple(name for part in parts for name in part.id)
        if twice := [name for name, count in Counter(ids).items() if count > 1]:
            raise DataError(
                f"captures: {len(twice)} ids stand in more than one, first {twice[0]!r}; ids must be unique "
                "(capture_from_cache takes ids=)"
            )

        def joined(values: Sequence[Any]) -> Tensor:
            return torch.cat([value[:] for value in values])

        def questions() -> Tensor | None:
            """Unknown (NaN) for the samples of a part that has none."""
            width = next((part.question_embed.shape[-1] for part in parts if part.question_embed is not None), None)
            if width is None:
                return None
            unknown = [torch.full((len(part.id), width), torch.nan) for part in parts]
            has = zip(parts, unknown, strict=True)
            return joined([nothing if part.question_embed is None else part.question_embed for part, nothing in has])

        first = parts[0]
        return replace(
            first,
            sites={site: joined([part.sites[site] for part in parts]) for site in first.sites},
            embed=None if first.embed is None else joined([part.embed for part in parts]),
            attention={metric: joined([part.attention[metric] for part in parts]) for metric in first.attention},
            valid=joined([part.valid for part in parts]),
            index=joined([part.index for part in parts]),
            id=ids,
            question_embed=questions(),
        )

    def __repr__(self) -> str:
        """In one line: how much of what there is."""
        return (
            f"Capture({len(self.id)} samples, {len(self.layers)} layers, {len(self.roles)} roles; "
            f"sites: {', '.join(self.sites)}; attention metrics: {', '.join(self.attention) or 'none'})"
        )


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
    (torch.Size([4, 8, 15, 128]), torch.Size([4, 8, 4, 15]))
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
                question_embed=question_embeddings(model, answers, samples),
            ),
        )


def captured_site(cap: Capture, site: Any) -> str:
    """A site of a Capture. Raises DataError, with those that there are, for one that was not captured."""
    if isinstance(site, str) and site in SITES and site not in cap.sites:
        raise DataError(f"site: {site!r} was not captured (there are {', '.join(cap.sites)}); capture it first")
    return one_of("site", site, cap.sites)


def read_sites(sites: str | Sequence[str]) -> tuple[str, ...]:
    """The names of the sites, of which one may be given bare. Raises DataError for an unknown one, or none at all."""
    found = several_texts("sites", sites)
    if not found:
        raise DataError("sites: expected at least one")
    for site in found:
        meant = site.rpartition("hook_")[2]
        if meant != site and meant in SITES:
            raise DataError(f"sites: {site!r} is a hook point of one layer, a site is captured at all: write {meant!r}")
        one_of("sites", site, SITES)
    return found


def capture_plan(model: HookedModel, answers: Answers, positions: Positions, *, batch_tokens: int) -> CapturePlan:
    """Which samples run together and where each is cut; fixed by the token ids, the roles and `batch_tokens`."""
    batch_tokens = whole_number("batch_tokens", batch_tokens, 1)
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
