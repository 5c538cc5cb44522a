"""`lens_grid`: rank and log-probability of the given and of the right answer's first token, in every cell."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import xarray as xr

from interp.capturing.activations import Capture
from interp.errors import DataError
from interp.experiments.lens.by_cell import ANSWERS, cell_variables
from interp.experiments.lens.first_tokens import FirstTokens
from interp.experiments.lens.reading import Said, first_of_equal, read_vectors
from interp.experiments.lens.source import Source
from interp.experiments.lens.variables import LENS_GRID
from interp.grids.cells import Fitted, cell_estimates, choose_samples
from interp.grids.features import as_array
from interp.grids.grid import make_grid
from interp.grids.of_run import RunLike
from interp.grids.variables import returns
from interp.labelling.answers import Answers
from interp.models.architecture import model_info
from interp.statistics.auc import MIN_PER_CLASS
from interp.statistics.by_label import LABELS
from interp.support.accepted import CaptureOrRun, FoldNumbers, HookedModel, ModelSource, RowSource
from interp.support.arguments import instance, progress_function, seed_number, whole_number
from interp.support.axes import places
from interp.support.public import public

SITE = "resid_post"
PREDICTS, BEFORE, SEES, SOME = "predicts it", "before it", "sees it", "some see it"
"""What a column's tokens are to the exact answer's first token: the one before it, earlier ones, it or later ones."""


@returns(LENS_GRID)
@public
def lens_grid(
    cap: CaptureOrRun,
    answers: Answers | None = None,
    model: ModelSource | None = None,
    *,
    rows: RowSource | None = None,
    fold: FoldNumbers | None = None,
    population: str = "exact_answer",
    folds: int = 5,
    seed: int = 0,
    min_per_class: int = MIN_PER_CLASS,
    progress: Callable[[int], None] | None = None,
) -> xr.Dataset:
    """The logit lens: what every cell's vector says of the answer's first token (definitions: the lens).

    `cap`: a finished Run, whose model is loaded and whose rows are read again unless they are given; or a Capture with
    site `resid_post`, its `answers` and the `model` that gave them. Every vector goes through the model's own final
    norm, unembedding, scale and softcap. The score of a sample is the log-probability of its given exact answer's first
    token; `auc` is that of right against wrong samples, without fitting. `rows` bring the right answers of wrong
    samples; without them those numbers are NaN, with the reason in `right_reason`.

    A cell at or behind the answer's first token sees it, and says the next token: there the number is no prediction
    of the answer (`place`, `offset`). `progress` is called with the number of layers just finished.

    Source: nostalgebraist 2020 (logit lens). Raises DataError without `resid_post`, or for answers of other samples;
    RunError for an unfinished run or a model that changed since.

    >>> from interp.demo import answered, questions_path
    >>> model, answers = answered(40)
    >>> cap = interp.capture(model, answers, interp.resolve_positions(answers))
    >>> lens = interp.lens_grid(cap, answers, model, rows=interp.load_rows(questions_path()), min_per_class=5)
    >>> lens.auc.dims, lens.place.sel(token="exact_answer_before_first").item()
    (('layer', 'token'), 'predicts it')
    >>> lens.median_rank.sel(answer="given", label="right", layer=7, token="exact_answer_before_first").item()
    0.0
    """
    seed, min_per_class = seed_number(seed), whole_number("min_per_class", min_per_class, 1)
    folds, progress = whole_number("folds", folds, 2), progress_function(progress)
    run = cap if isinstance(cap, RunLike) else None
    if run is not None:
        if answers is not None:
            raise DataError("answers: a run brings its own; leave them out")
        run.probe  # noqa: B018 - an unfinished run is refused in a sentence
        cap, fold = run.capture, run.argument("fold") if fold is None else fold
    instance("cap", cap, Capture, "or give a finished Run")
    if SITE not in cap.sites:
        raise DataError(
            f"cap: the lens reads the residual stream after each block, and {SITE!r} was not captured (there are "
            f"{', '.join(cap.sites)}): capture it, sites=('{SITE}', …), or in a new run --site {SITE}"
        )
    source = Source.of(answers if run is None else run, model, rows)  # type: ignore[arg-type]
    check_fits(cap, source.model)
    remedy = "give the answers that were captured"
    order = places("cap", cap.id, source.answers.id, where="the answers", remedy=remedy)
    source = source.at(cap.id, order)
    located = source.tokens.given >= 0
    y = [None if s == "too_long" else c for s, c in zip(source.answers.status, source.answers.correct, strict=True)]
    chosen = choose_samples(
        len(cap.id),
        y,
        source.answers.group,
        fold=fold,
        has_exact_answer=located,
        population=population,
        folds=folds,
        seed=seed,
        ids=cap.id,
    )
    members = chosen.index
    source = source.at(chosen.samples.ids, members)
    said = read_capture(cap, members, source.model, source.tokens, progress=progress)
    score = said.logprob[0]
    used = np.isfinite(score)
    estimates = cell_estimates(
        score, used, chosen.samples, [""] * (score.shape[1] * score.shape[2]), min_per_class=min_per_class
    )
    grid = make_grid(
        Fitted(score, estimates, 0),
        chosen,
        layers=cap.layers,
        roles=cap.roles,
        attrs={
            "kind": "lens",
            "site": SITE,
            "score": "log-probability of the given exact answer's first token",
            "folds": chosen.n_folds,
            "seed": seed,
            "min_per_class": min_per_class,
            **_precision(cap, source.model),
            **right_counts(source.tokens, chosen.samples.y, source.why_none),
        },
    )
    position = np.where(as_array(cap.valid), as_array(cap.index), -1)[members]
    first = np.array([-1 if span is None else span[0] for span in source.answers.exact_answer_tokens])
    offset = np.where((position >= 0) & (first >= 0)[:, None], position - first[:, None], np.nan)
    own, y = ("sample", "layer", "token"), chosen.samples.y
    grid = grid.assign(
        {
            "logprob": (("answer", *own), said.logprob),
            "rank": (("answer", *own), said.rank),
            "top_token": (own, said.top),
            "top_logprob": (own, said.top_logprob),
            **cell_variables(said.logprob, said.rank, y, chosen.samples.group, seed=seed),
            "position": (("sample", "token"), position),
            "offset": (("sample", "token"), offset),
            "place": ("token", np.array([_place(column) for column in offset.T], dtype=object)),
            **token_variables(source.tokens),
        }
    )
    grid = grid.assign_coords(answer=np.array(ANSWERS, dtype=object), label=np.array(LABELS, dtype=object))
    return grid.assign_attrs(last_layer_deviation=_deviation(grid, source))


def read_capture(
    cap: Capture,
    members: np.ndarray,
    model: HookedModel,
    tokens: FirstTokens,
    *,
    progress: Callable[[int], None] | None = None,
) -> Said:
    """Every cell of the samples at `members`, a layer at a time; axes (answer, sample, layer, role) as far as there."""
    n, layers, roles = len(members), len(cap.layers), len(cap.roles)
    asked = np.stack([tokens.given, tokens.right])
    valid, index = cap.valid[members], cap.index[members]
    said = Said(*np.full((2, 2, n, layers, roles), np.nan), np.full((n, layers, roles), -1), np.full((n, layers, roles), np.nan))  # fmt: skip
    for layer in range(layers):
        vectors = torch.as_tensor(cap.sites[SITE][members, layer])
        vectors = vectors.masked_fill(~valid[..., None], torch.nan)
        first = first_of_equal(vectors, index)
        sample, role = np.nonzero(first == np.arange(roles))
        found = read_vectors(model, vectors[sample, role], asked[:, sample])
        where = np.full((n, roles), -1)
        where[sample, role] = np.arange(len(sample))
        at = where[np.arange(n)[:, None], first]
        for name in ("logprob", "rank", "top", "top_logprob"):
            getattr(said, name)[..., layer, :] = getattr(found, name)[..., at]
        if progress is not None:
            progress(1)
    return said


def check_fits(cap: Capture, model: HookedModel) -> None:
    """Raise DataError for a Capture of a model of another width, or with layers that this one lacks."""
    info, width = model_info(model), cap.sites[SITE].shape[-1]
    if width != info.d_model or max(cap.layers) >= info.n_layers:
        raise DataError(
            f"cap: its vectors have {width} numbers and its last layer is {max(cap.layers)}, the model has width "
            f"{info.d_model} and layers 0 to {info.n_layers - 1}; give the model that was captured"
        )


def token_variables(tokens: FirstTokens) -> dict[str, Any]:
    """Which tokens were asked for, and why some were not."""
    texts = {name: getattr(tokens, name) for name in ("right_answer", "right_reason")}
    return {
        "given_token": ("sample", tokens.given),
        "right_token": ("sample", tokens.right),
        **{name: ("sample", np.array(values, dtype=object)) for name, values in texts.items()},
    }


def right_counts(tokens: FirstTokens, y: np.ndarray, why_none: str) -> dict[str, Any]:
    """How many wrong samples have a right answer to read, and why the others have none."""
    lacking = [reason for reason, label in zip(tokens.right_reason, y, strict=True) if not label and reason]
    reasons = sorted({reason: lacking.count(reason) for reason in lacking}.items(), key=lambda one: (-one[1], one[0]))
    return {
        "n_wrong": int((y == 0).sum()),
        "n_wrong_with_right": int((y == 0).sum()) - len(lacking),
        "right_undefined": "; ".join(f"{reason} ({count})" for reason, count in reasons),
        "rows": why_none or "read",
    }


def _place(offset: np.ndarray) -> str:
    """Of a column, by where its tokens stand."""
    known = offset[np.isfinite(offset)]
    if not len(known):
        return ""
    if (known >= 0).any():
        return SEES if (known >= 0).all() else SOME
    return PREDICTS if (known == -1).all() else BEFORE


def _precision(cap: Capture, model: HookedModel) -> dict[str, str]:
    stored, own = (str(dtype).removeprefix("torch.") for dtype in (cap.sites[SITE].dtype, model_info(model).dtype))
    return {"stored_dtype": stored, "model_dtype": own}


def _deviation(grid: xr.Dataset, source: Source) -> float:
    """The largest difference from the log-probability that the answers keep, at the last layer, where it is predicted.

    NaN where none is kept, or no column predicts it.
    """
    last = model_info(source.model).n_layers - 1
    if last not in grid["layer"].values:
        return float("nan")
    logprob, offset = grid["score"].sel(layer=last).values, grid["offset"].values
    kept = np.full(len(offset), np.nan)
    for i, (span, own) in enumerate(zip(source.answers.exact_answer_tokens, source.answers.logprobs, strict=True)):
        if span is not None and own is not None:
            kept[i] = own[span[0] - len(source.answers.prompt_ids[i])]
    apart = np.abs(logprob - kept[:, None])[offset == -1]
    return float(np.max(apart[np.isfinite(apart)], initial=0.0)) if np.isfinite(apart).any() else float("nan")
