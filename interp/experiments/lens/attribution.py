"""`logit_attribution`: what heads, MLPs and embedding add to the logit of the exact answer's first token."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import xarray as xr
from jaxtyping import Float
from torch import Tensor

from interp.capturing.forward_pass import capture_batches
from interp.capturing.resolve_positions import resolve_positions
from interp.errors import DataError, ModelError
from interp.experiments.lens.components import Parts, components, contributions
from interp.experiments.lens.source import Source
from interp.experiments.lens.variables import LOGIT_ATTRIBUTION
from interp.grids.of_run import RunLike
from interp.grids.variables import returns
from interp.labelling.answers import Answers
from interp.models.architecture import model_info, model_tokenizer
from interp.models.readout import Readout
from interp.statistics.auc import benjamini_hochberg
from interp.statistics.label_means import LABELS, means_by_label
from interp.statistics.samples import group_codes
from interp.support.accepted import ModelSource, RowSource
from interp.support.arguments import progress_function, seed_number, whole_number
from interp.support.public import public
from interp.support.version import __version__

ROLE = "exact_answer_before_first"
"""The state there predicts the exact answer's first token."""
CONTRASTS = ("given − mean", "given − right")
TRIED = 8
"""Vectors of the last stream on which the readout is compared with the model's own logits."""


@returns(LOGIT_ATTRIBUTION)
@public
def logit_attribution(
    answers: Answers | RunLike,
    model: ModelSource | None = None,
    *,
    rows: RowSource | None = None,
    seed: int = 0,
    batch_tokens: int = 8192,
    progress: Callable[[int], None] | None = None,
) -> xr.Dataset:
    """Direct logit attribution at the token before the exact answer (definitions: the lens).

    The last residual stream there is a sum; with the final norm's scale held at its value, every component adds its own
    share to a difference of logits before the softcap: the given answer's first token less the mean of the vocabulary
    (`given − mean`), and, in wrong samples, less the right answer's first token (`given − right`). Components: the
    embedding, every head through W_O, every MLP, all attention biases together, and the biases of final norm and
    unembedding; they sum to `total`. Where heads, or attention and MLPs, cannot be told apart (a norm behind W_O, sites
    that the model lacks), attention or blocks are one component each, and the attribute `parts_reason` says why.

    Labelled samples with an exact answer take part; of a run, those of its grids. `answers`, `model` and `rows` as
    `cap`, `model` and `rows` in `lens_grid`. One forward pass reads the sites at this token. `progress` is called with
    the number of samples just finished.

    Source: Elhage et al. 2021 (A Mathematical Framework for Transformer Circuits). Raises ModelError for a model whose
    logits are no norm and unembedding of the stream, DataError where no sample has an exact answer.

    >>> from interp.demo import answered, questions_path
    >>> model, answers = answered(8)
    >>> parts = interp.logit_attribution(answers, model, rows=interp.load_rows(questions_path()))
    >>> bool(abs(parts.attribution.sum("component") - parts.total).max() < 1e-4)
    True
    """
    seed, batch_tokens = seed_number(seed), whole_number("batch_tokens", batch_tokens, 1)
    progress = progress_function(progress)
    fold = None
    if isinstance(answers, RunLike):
        answers.probe  # noqa: B018 - an unfinished run is refused in a sentence
        fold = answers.argument("fold")
    source = Source.of(answers, model, rows)
    members = _members(source, fold)
    source = source.at(members)
    own = source.answers
    y = np.array([int(bool(label)) for label in own.correct])
    group = group_codes(own.group)
    parts = Parts.of(source.model)
    found, total, deviation = _attributed(source, parts, batch_tokens, progress)
    names = components(parts, model_info(source.model).n_layers, model_info(source.model).n_heads)
    dims = ("contrast", "label", "component")
    means = means_by_label(np.moveaxis(found, 0, -1).reshape(-1, len(own)), y, group, seed=seed)
    shape = (len(CONTRASTS), len(names))

    def placed(values: np.ndarray) -> np.ndarray:
        return np.moveaxis(values.reshape(len(LABELS), *shape), 0, 1)

    apart = means.difference.reshape(4, *shape)[:, 0]
    whole = means_by_label(total.T, y, group, seed=seed)
    return xr.Dataset(
        {
            "attribution": (("sample", "contrast", "component"), found),
            "total": (("sample", "contrast"), total),
            "attribution_mean": (dims, placed(means.value)),
            "attribution_mean_low": (dims, placed(means.low)),
            "attribution_mean_high": (dims, placed(means.high)),
            "n_attributed": (("contrast", "label"), placed(means.n)[:, :, 0]),
            "total_mean": (("contrast", "label"), whole.value.T),
            "total_low": (("contrast", "label"), whole.low.T),
            "total_high": (("contrast", "label"), whole.high.T),
            **{
                f"attribution_difference{end}": ("component", values)
                for end, values in zip(("", "_low", "_high", "_p"), apart, strict=True)
            },
            "attribution_difference_q": ("component", benjamini_hochberg(apart[3])),
            **source.tokens.variables(),
        },
        coords={
            "sample": np.array(own.id, dtype=object),
            "y": ("sample", y),
            "group": ("sample", np.array(own.group, dtype=object)),
            "contrast": np.array(CONTRASTS, dtype=object),
            "label": np.array(LABELS, dtype=object),
            "component": np.array([one.name for one in names], dtype=object),
            "component_kind": ("component", np.array([one.kind for one in names], dtype=object)),
            "component_layer": ("component", np.array([one.layer for one in names])),
            "component_head": ("component", np.array([one.head for one in names])),
        },
        attrs={
            "kind": "logit attribution",
            "role": ROLE,
            "parts": ", ".join(parts.sites),
            "parts_reason": parts.reason,
            "deviation": deviation,
            "seed": seed,
            "model_dtype": str(model_info(source.model).dtype).removeprefix("torch."),
            **source.tokens.right_counts(y, source.why_none),
            "interp_version": __version__,
        },
    )


def _members(source: Source, fold: Any) -> np.ndarray:
    """Labelled samples with an exact answer that fits the context. Raises DataError if there is none."""
    own = source.answers
    there = [
        label is not None and token >= 0 and status != "too_long"
        for label, token, status in zip(own.correct, source.tokens.given, own.status, strict=True)
    ]
    found = np.flatnonzero(np.array(there, dtype=bool) & (True if fold is None else np.asarray(fold) >= 0))
    if not len(found):
        raise DataError("answers: no labelled sample has an exact answer; choose another exact-answer method")
    return found


def _attributed(
    source: Source, parts: Parts, batch_tokens: int, progress: Callable[[int], None] | None
) -> tuple[Float[np.ndarray, "sample contrast component"], Float[np.ndarray, "sample contrast"], float]:
    """Contributions, whole logit differences, and by how much the sum misses them at most."""
    own, model = source.answers, source.model
    positions = resolve_positions(own, roles=(ROLE,), tokenizer=model_tokenizer(model))
    given, right = (torch.from_numpy(tokens) for tokens in (source.tokens.given, source.tokens.right))
    info = model_info(model)
    n_components = len(components(parts, info.n_layers, info.n_heads))
    found = np.full((len(own), len(CONTRASTS), n_components), np.nan)
    total = np.full((len(own), len(CONTRASTS)), np.nan)
    readout: Readout | None = None
    part: Any
    for samples, part in capture_batches(model, own, positions, sites=parts.sites, batch_tokens=batch_tokens):
        valid = part.valid[:, 0]
        at = torch.tensor(samples)[valid]
        if progress is not None:
            progress(len(samples))
        if not len(at):
            continue
        sites = {site: values[valid][:, :, 0] for site, values in part.sites.items()}
        last = sites["resid_post"][:, -1]
        readout = Readout.of(model, last[:TRIED]) if readout is None else readout
        row, constant = _contrasts(readout, given[at], right[at])
        scale = readout.scale(last)
        row = row / scale[:, None, None]
        values = contributions(model, parts, sites, part.embed[valid][:, 0], row)
        found[at.numpy()] = torch.cat([values, constant[..., None]], dim=-1).numpy()
        total[at.numpy()] = ((row * last.double()[:, None]).sum(-1) + constant).numpy()
    missed = np.abs(found.sum(-1) - total)
    size = np.abs(found).sum(-1)
    deviation = float(np.nanmax(missed, initial=0.0))
    assert readout is None or np.isfinite(total[:, 0]).any()
    if readout is not None and (missed > 10 * readout.tolerance * size)[np.isfinite(missed)].any():
        raise ModelError(f"the components miss the logit difference by up to {deviation:.2g}; they are not its parts")
    return found, total, deviation


def _contrasts(
    readout: Readout, given: Tensor, right: Tensor
) -> tuple[Float[Tensor, "sample contrast d_model"], Float[Tensor, "sample contrast"]]:
    """Rows and constants of the differences of logits; NaN where there is no right token, or it is the given one."""
    own, constant = readout.rows(given), readout.constant(given)
    other, other_constant = readout.rows(right.clamp_min(0)), readout.constant(right.clamp_min(0))
    none = (right < 0) | (right == given)
    other, other_constant = other.masked_fill(none[:, None], torch.nan), other_constant.masked_fill(none, torch.nan)
    rows = torch.stack([own - readout.mean_row, own - other], dim=1)
    return rows, torch.stack([constant - readout.mean_constant, constant - other_constant], dim=1)
