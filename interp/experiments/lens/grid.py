"""`lens_grid`: rank and log-probability of the given and of the right answer's first token, in every cell."""

from collections.abc import Callable

import numpy as np
import xarray as xr

from interp.capturing.activations import Capture
from interp.errors import DataError
from interp.experiments.lens.by_cell import ANSWERS, cell_variables
from interp.experiments.lens.cells_read import (
    SITE,
    check_captured,
    check_fits,
    last_layer_deviation,
    place_of,
    precision,
    read_capture,
)
from interp.experiments.lens.source import Source
from interp.experiments.lens.variables import LENS_GRID
from interp.grids.cells import Fitted, cell_estimates, choose_samples
from interp.grids.features import as_array
from interp.grids.fold_values import AXES
from interp.grids.grid import make_grid
from interp.grids.of_run import RunLike
from interp.grids.variables import returns
from interp.labelling.answers import Answers
from interp.models.architecture import model_info
from interp.statistics.auc import MIN_PER_CLASS
from interp.statistics.label_means import LABELS
from interp.support.accepted import CaptureOrRun, FoldNumbers, ModelSource, RowSource
from interp.support.arguments import instance, progress_function, seed_number, whole_number
from interp.support.axes import places
from interp.support.public import public


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
    if isinstance(cap, RunLike):
        if answers is not None:
            raise DataError("answers: a run brings its own; leave them out")
        cap.probe  # noqa: B018 - an unfinished run is refused in a sentence
        fold = cap.argument("fold") if fold is None else fold
        given: Answers | RunLike | None = cap
        cap = cap.capture
    else:
        given = answers
    instance("cap", cap, Capture, "or give a finished Run")
    assert isinstance(cap, Capture)
    check_captured(cap)
    source = Source.of(given, model, rows)
    check_fits(cap, source.model)
    remedy = "give the answers that were captured"
    source = source.at(places("cap", cap.id, source.answers.id, where="the answers", remedy=remedy))
    chosen = choose_samples(
        len(cap.id),
        source.answers,
        fold=fold,
        groups=None,
        has_exact_answer=source.tokens.given >= 0,
        population=population,
        folds=folds,
        seed=seed,
        ids=cap.id,
    )
    source, samples = source.at(chosen.index), chosen.samples
    said = read_capture(cap, chosen.index, source.model, source.tokens, progress=progress)
    score = said.logprob[0]
    reasons = [""] * (score.shape[1] * score.shape[2])
    estimates = cell_estimates(score, np.isfinite(score), samples, reasons, min_per_class=min_per_class)
    attrs = {
        "kind": "lens",
        "site": SITE,
        "score": "log-probability of the given exact answer's first token",
        "folds": chosen.n_folds,
        "seed": seed,
        "min_per_class": min_per_class,
        **precision(cap, source.model),
        "methods": ", ".join(sorted({str(method) for method in source.answers.exact_answer_method if method})),
        "answer_tokens": float(np.mean([b - a + 1 for a, b in filter(None, source.answers.exact_answer_tokens)])),
        **source.tokens.right_counts(samples.y, source.why_none),
    }
    grid = make_grid(Fitted(score, estimates, 0), chosen, layers=cap.layers, roles=cap.roles, attrs=attrs)
    position = np.where(as_array(cap.valid), as_array(cap.index), -1)[chosen.index]
    first = np.array([-1 if span is None else span[0] for span in source.answers.exact_answer_tokens])
    offset = np.where((position >= 0) & (first >= 0)[:, None], position - first[:, None], np.nan)
    grid = grid.assign(
        {
            "logprob": (("answer", *AXES), said.logprob),
            "rank": (("answer", *AXES), said.rank),
            "top_token": (AXES, said.top),
            "top_logprob": (AXES, said.top_logprob),
            **cell_variables(said.logprob, said.rank, samples.y, samples.group, seed=seed),
            "position": (("sample", "token"), position),
            "offset": (("sample", "token"), offset),
            "place": ("token", np.array([place_of(column) for column in offset.T], dtype=object)),
            **source.tokens.variables(),
        }
    )
    grid = grid.assign_coords(answer=np.array(ANSWERS, dtype=object), label=np.array(LABELS, dtype=object))
    last = [place for place, layer in enumerate(cap.layers) if layer == model_info(source.model).n_layers - 1]
    apart = last_layer_deviation(score[:, last[0]], offset, source.answers) if last else float("nan")
    return grid.assign_attrs(last_layer_deviation=apart)
