"""Control task, shuffled labels and the rest beside a grid: how much of its AUC needs no knowledge of what is right."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Bool

from interp.controls.baselines import (
    baseline_estimates,
    fit_estimate,
    labelled_cell,
    position_estimates,
    question_estimate,
)
from interp.controls.by_answer import answer_components, answer_strings, control_labels
from interp.controls.control_table import TITLES, Controls
from interp.controls.embed_held_out import embed_held_out, embedding_row
from interp.controls.permutations import permute_labels
from interp.controls.scored import Scored
from interp.errors import DataError
from interp.fitting.estimators import PROBES, ProbeSpec
from interp.fitting.training import Cell
from interp.fitting.workers import cross_fit_cells
from interp.grids.columns import cell_columns
from interp.grids.features import question_vectors
from interp.grids.grid import GridArrays, check_grid, estimate_variables, grid_arrays
from interp.grids.of_run import takes_run
from interp.grids.variables import CONTROL_CELLS, returns
from interp.labelling.answers import Answers
from interp.statistics.auc import MIN_PER_CLASS, Estimate, auc_influence, normal_estimate, undefined
from interp.statistics.folds import assign_folds
from interp.statistics.samples import Samples
from interp.support.accepted import FeatureSource, Ids, Probe
from interp.support.arguments import instance, job_count, progress_function, seed_number
from interp.support.axes import places
from interp.support.public import public

CELL_CONTROLS = ("control_task", "selectivity", "held_out", "shuffled")


@returns(CONTROL_CELLS, "`cells` of what it returns is an xarray Dataset:")
@takes_run("data", "answers", "grid", "seed")
@public
def control_grid(
    data: FeatureSource,
    answers: Answers,
    grid: xr.Dataset,
    *,
    probe: Probe | None = None,
    layers: Sequence[int] | None = None,
    roles: Sequence[str] | None = None,
    ids: Ids | None = None,
    seed: int = 0,
    n_jobs: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> Controls:
    """Every control of a probe grid, with its own samples, labels, folds, groups and estimator (definitions: controls).

    `data` is what the grid was made from (a bare array: with the `layers`, `roles` and `ids` given to `probe_grid`),
    `answers` the run's answers; layers, roles and samples of the grid are found in them by name. `control_grid(run)`
    takes all three from a run. `probe` is needed only if the grid was made with an estimator that has no name.
    *Control task* and *shuffled labels* are further label vectors on the grid's folds, each AUC counted on those
    labels; *answer-held-out* refits on folds over the connected components of answer string and group, which are also
    the groups of its interval, and does so for the row `embed` too (`embed_held_out`). `progress` is called with the
    number of cells just finished.

    Raises DataError if a layer, role or sample of the grid is not in `data` or `answers`, or an unnamed estimator is
    not given again.

    >>> from interp.demo import planted
    >>> cap, answers = planted()
    >>> controls = interp.control_grid(cap, answers, interp.probe_grid(cap, answers.correct))
    >>> controls.table()["metric"].nunique()
    12
    """
    instance("answers", answers, Answers, "they come from generate_answers")
    seed, n_jobs, progress = seed_number(seed), job_count(n_jobs), progress_function(progress)
    check_grid(grid)
    name = str(grid.attrs.get("probe", "logistic"))
    if probe is None and name not in PROBES:
        raise DataError(f"probe: the grid was made with {name}; give that estimator as probe=")
    spec = ProbeSpec(name if probe is None else probe, C=float(grid.attrs.get("C", 1.0)), seed=seed)
    least = int(grid.attrs.get("min_per_class", MIN_PER_CLASS))
    arrays = grid_arrays(grid)
    columns = cell_columns(grid, data, layers=layers, roles=roles, ids=ids)
    control = embedding_row(columns) if "embed_score" in grid else None
    ids_of, groups = grid["sample"].values.tolist(), grid["group"].values.tolist()
    index = places("answers", ids_of, answers.id, where="the answers", remedy="give those of the grid").tolist()
    strings = answer_strings(answers, index)
    component = answer_components(strings, groups)
    labels = Samples.named(arrays.y, arrays.fold, groups, ids_of)
    random = control_labels(strings, float(arrays.y.mean()), seed=seed)
    shuffled = permute_labels(arrays.y, arrays.group, permutations=1, seed=seed, ids=ids_of)[0][0]
    try:
        n_folds = len(np.unique(arrays.fold))
        other = assign_folds(arrays.y, component, folds=n_folds, seed=seed)
        apart, why_not = Samples.named(arrays.y, other, component, ids_of), ""
    except DataError as error:
        apart, why_not = None, str(error)
    kinds = [replace(labels, y=random), replace(labels, y=shuffled)]
    if apart is not None:
        kinds.append(apart)
    width = columns.width
    fitted = _fit_all(arrays, columns, kinds, spec, width=width, min_per_class=least, n_jobs=n_jobs, progress=progress)
    reasons = grid["reason"].transpose("layer", "token").values
    estimates: list[list[Estimate]] = []
    for (layer, role), found in zip(np.ndindex(arrays.auc.shape), fitted, strict=True):
        used = np.isfinite(arrays.score[:, layer, role])
        if not used.any():
            n, n_correct = (int(grid[k].transpose("layer", "token").values[layer, role]) for k in ("n", "n_correct"))
            missing = undefined(len(used), n, n_correct, str(reasons[layer, role]))
            estimates.append([missing] * len(CELL_CONTROLS))
            continue
        task, no_signal, *other_folds = found
        held_out = other_folds[0].alone if other_folds else _undefined(arrays, used, why_not)
        estimates.append([task.alone, _selectivity(arrays, layer, role, task), held_out, no_signal.alone])
    by_control = [found[i] for i in range(len(CELL_CONTROLS)) for found in estimates]
    lengths = np.array([len(answers.prompt_ids[i]) + len(answers.completion_ids[i]) for i in index])
    single = baseline_estimates(answers, index, labels, width=width, seed=seed, min_per_class=least)
    baselines = {name: {"all": estimate} for name, estimate in single.items()}
    if (questions := question_vectors(data, ids_of)) is not None:
        baselines["question_embedding"] = {"all": question_estimate(questions, labels, min_per_class=least)}
    if "position" in grid:
        at, first = (
            grid[name].transpose("sample", "token").values.astype(np.int64)
            for name in ("position", "position_first" if "position_first" in grid else "position")
        )
        tokens = [str(token) for token in grid["token"].values]
        baselines["position"] = position_estimates(at, lengths, tokens, labels, first=first, min_per_class=least)
    if control is not None and apart is not None:
        baselines["embed_held_out"] = embed_held_out(control, columns.index, grid, apart, spec, least, n_jobs)
    return Controls(
        cells=xr.Dataset(
            estimate_variables(by_control, ("control", "layer", "token"), (len(CELL_CONTROLS), *arrays.auc.shape)),
            coords={
                "control": np.array(CELL_CONTROLS, dtype=object),
                "layer": grid["layer"].values,
                "token": grid["token"].values,
            },
        ),
        baselines={name: baselines[name] for name in sorted(baselines, key=list(TITLES).index)},
        notes={
            "answer_strings": len(set(strings)),
            "answer_components": len(set(component)),
            "largest_component": max(Counter(component).values()),
            "held_out_reason": why_not,
        },
    )


def _fit_all(
    arrays: GridArrays,
    columns: Callable[..., np.ndarray],
    kinds: Sequence[Samples],
    spec: ProbeSpec,
    *,
    width: int,
    min_per_class: int,
    n_jobs: int | None,
    progress: Callable[[int], None] | None,
) -> Iterator[list[Scored]]:
    """Every kind of labels and folds, cross-fitted in every cell of the grid; a list per cell, layers outermost."""
    shape = arrays.auc.shape
    masks = [np.isfinite(arrays.score[:, layer, role]) for layer, role in np.ndindex(shape)]
    options: dict[str, Any] = {"min_per_class": min_per_class}

    def to_fit() -> Iterator[list[Cell]]:
        for (layer, role), used in zip(np.ndindex(shape), masks, strict=True):
            x = columns(used, layer, role)
            yield [labelled_cell(x, labels, used=used, spec=spec, **options) for labels in kinds]

    numbers = len(arrays.y) * width
    size = numbers * len(masks) * len(kinds)
    fits = cross_fit_cells(to_fit(), size, largest=numbers, n_jobs=n_jobs, progress=progress)
    for used, found in zip(masks, fits, strict=True):
        yield [fit_estimate(fit, labels, used=used, **options) for fit, labels in zip(found, kinds, strict=True)]


def _undefined(arrays: GridArrays, used: Bool[np.ndarray, " sample"], reason: str) -> Estimate:
    return undefined(len(used), int(used.sum()), int(arrays.y[used].sum()), reason)


def _selectivity(arrays: GridArrays, layer: int, role: int, task: Scored) -> Estimate:
    """The cell's AUC minus that of its control task; the same samples, paired."""
    score = arrays.score[:, layer, role]
    used = np.isfinite(score)
    if task.reason:
        return _undefined(arrays, used, f"control task: {task.reason}")
    value, influence = auc_influence(score, arrays.y, arrays.fold, arrays.group)
    counts = (int(used.sum()), int(arrays.y[used].sum()))
    training = arrays.trained(layer, role) - task.trained
    return normal_estimate(value - task.value, influence - task.influence, arrays.group, *counts, training=training)
