"""Controls beside the grid: how much of a cell's AUC needs no knowledge of whether this answer is right."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Float, Int
from joblib import Parallel, delayed
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from threadpoolctl import threadpool_limits

from interp.answering.answers import Answers
from interp.errors import DataError
from interp.probing.baselines import answer_strings, baseline_estimates, position_estimates
from interp.probing.control_table import Controls
from interp.probing.crossfit import Cell, cross_fit
from interp.probing.estimators import PROBES, ProbeSpec
from interp.probing.grid import GridArrays, estimate_variables, grid_arrays
from interp.probing.permutations import cell_columns, permute_labels
from interp.probing.workers import worker_count
from interp.statistics.folds import assign_folds
from interp.statistics.inference import (
    MIN_PER_CLASS,
    Estimate,
    auc_influence,
    estimate_auc,
    group_codes,
    normal_estimate,
    undefined,
)

CELL_CONTROLS = ("control_task", "selectivity", "held_out", "shuffled")


def control_labels(strings: Sequence[str], share: float, *, seed: int = 0) -> Int[np.ndarray, " sample"]:
    """One random label per distinct string, so that about `share` of the samples get 1 (Hewitt & Liang 2019).

    Strings in random order (`default_rng([seed, 4])`) get label 1 while that brings the share of samples nearer.
    """
    codes = group_codes(strings)
    sizes = np.bincount(codes)
    label = np.zeros(len(sizes), dtype=np.int64)
    wanted, taken = share * len(codes), 0
    for code in np.random.default_rng([seed, 4]).permutation(len(sizes)):
        if abs(taken + sizes[code] - wanted) < abs(taken - wanted):
            label[code] = 1
            taken += sizes[code]
    return label[codes]


def answer_components(strings: Sequence[str], group: Int[np.ndarray, " sample"]) -> Int[np.ndarray, " sample"]:
    """Connected components of samples that share an answer string or a group; "" joins nothing."""
    n = len(strings)
    named = [string or f"\0{i}" for i, string in enumerate(strings)]
    codes = np.concatenate([n + group, n + group.max() + 1 + group_codes(named)])
    samples = np.tile(np.arange(n), 2)
    size = int(codes.max()) + 1
    links = coo_array((np.ones(2 * n), (samples, codes)), shape=(size, size))
    return group_codes(connected_components(links, directed=False)[1][:n].tolist())


def control_grid(
    data: Any,
    answers: Answers,
    grid: xr.Dataset,
    *,
    probe: Any = None,
    seed: int = 0,
    n_jobs: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> Controls:
    """Every control of a probe grid, with the grid's own samples, labels, folds, groups and estimator (SPEC: controls).

    `data` is what the grid was made from, `answers` the run's answers (samples are found by id). `probe` is needed
    only if the grid was made with an estimator that has no name. *Control task* and *shuffled labels* are further
    label vectors on the grid's folds, each AUC counted on those labels; *answer-held-out* refits on folds over the
    connected components of answer string and group, which are also the groups of its interval. `progress` is called
    with the number of cells just finished.

    Raises DataError if samples are not in `answers`, or an unnamed estimator is not given again.
    """
    name = str(grid.attrs.get("probe", "logistic"))
    if probe is None and name not in PROBES:
        raise DataError(f"probe: the grid was made with {name}; give that estimator as probe=")
    spec = ProbeSpec(name if probe is None else probe, C=float(grid.attrs.get("C", 1.0)), seed=seed)
    least = int(grid.attrs.get("min_per_class", MIN_PER_CLASS))
    arrays = grid_arrays(grid)
    index = _places(answers, grid["sample"].values.tolist())
    strings = answer_strings(answers, index)
    component = answer_components(strings, arrays.group)
    vectors = np.stack(
        [
            control_labels(strings, float(arrays.y.mean()), seed=seed),
            permute_labels(arrays.y, arrays.group, permutations=1, seed=seed)[0][0],
        ]
    )
    try:
        n_folds = len(np.unique(arrays.fold))
        held_out = assign_folds(arrays.y, list(map(str, component)), folds=n_folds, seed=seed)
        why_not = ""
    except DataError as error:
        held_out, why_not = None, str(error)
    columns = cell_columns(grid, data)

    def work(layer: int, role: int) -> list[Estimate]:
        used = np.isfinite(arrays.score[:, layer, role])
        if not used.any():
            reason = str(grid["reason"].transpose("layer", "token").values[layer, role])
            n, n_correct = (int(grid[k].transpose("layer", "token").values[layer, role]) for k in ("n", "n_correct"))
            return [undefined(len(used), n, n_correct, reason)] * len(CELL_CONTROLS)
        x = columns(used, layer, role)
        return _cell(x, used, arrays, layer, role, vectors, held_out, why_not, component, spec, least)

    cells = [(layer, role) for layer in range(arrays.auc.shape[0]) for role in range(arrays.auc.shape[1])]
    estimates: list[list[Estimate]] = []
    width = int(columns(np.arange(1), 0, 0).shape[1])
    n_jobs = worker_count(len(arrays.y) * width) if n_jobs is None else n_jobs
    with threadpool_limits(1):
        workers = Parallel(n_jobs=n_jobs, backend="threading", return_as="generator")
        for found in workers(delayed(work)(*cell) for cell in cells):
            estimates.append(found)
            if progress is not None:
                progress(1)
    by_control = [found[i] for i in range(len(CELL_CONTROLS)) for found in estimates]
    labels = (arrays.y, arrays.fold, arrays.group)
    lengths = np.array([len(answers.prompt_ids[i]) + len(answers.completion_ids[i]) for i in index])
    single = baseline_estimates(answers, index, labels, width=width, seed=seed, min_per_class=least)
    baselines = {name: {"all": estimate} for name, estimate in single.items()}
    if "position" in grid:
        at = grid["position"].transpose("sample", "token").values.astype(np.int64)
        roles = [str(token) for token in grid["token"].values]
        baselines["position"] = position_estimates(at, lengths, roles, labels, min_per_class=least)
    return Controls(
        cells=xr.Dataset(
            estimate_variables(by_control, ("control", "layer", "token"), (len(CELL_CONTROLS), *arrays.auc.shape)),
            coords={
                "control": np.array(CELL_CONTROLS, dtype=object),
                "layer": grid["layer"].values,
                "token": grid["token"].values,
            },
        ),
        baselines=baselines,
        notes={
            "answer_strings": len(set(strings)),
            "answer_components": int(component.max()) + 1,
            "largest_component": int(np.bincount(component).max()),
            "held_out_reason": why_not,
        },
    )


def _cell(
    x: Float[np.ndarray, "used width"],
    used: np.ndarray,
    arrays: GridArrays,
    layer: int,
    role: int,
    vectors: Int[np.ndarray, "vector sample"],
    held_out: Int[np.ndarray, " sample"] | None,
    why_not: str,
    component: Int[np.ndarray, " sample"],
    spec: ProbeSpec,
    least: int,
) -> list[Estimate]:
    """Control task, selectivity, answer-held-out and shuffled labels of one cell."""
    y, fold, group, n = arrays.y, arrays.fold, arrays.group, len(arrays.y)
    n_used = int(used.sum())

    def estimate(labels: np.ndarray, folds: np.ndarray, groups: np.ndarray, score: np.ndarray) -> Estimate:
        whole = np.full(n, np.nan)
        whole[used] = score
        if np.isnan(score).any():
            return undefined(n, n_used, int(labels[used].sum()), "a training part has one class or no varying column")
        return estimate_auc(whole, labels, folds, groups, min_per_class=least)

    scores = _scores(x, vectors[:, used], fold[used], spec)
    task, shuffled = (estimate(v, fold, group, s) for v, s in zip(vectors, scores, strict=True))
    if task.reason:
        selectivity = undefined(n, task.n, int(y[used].sum()), f"control task: {task.reason}")
    else:
        value, influence = auc_influence(arrays.score[:, layer, role], y, fold)
        selectivity = normal_estimate(value - task.value, influence - task.influence, group, n_used, int(y[used].sum()))
    if held_out is None:
        other = undefined(n, n_used, int(y[used].sum()), why_not)
    else:
        other = estimate(y, held_out, component, _scores(x, y[None, used], held_out[used], spec)[0])
    return [task, selectivity, other, shuffled]


def _scores(
    x: Float[np.ndarray, "used width"],
    labels: Int[np.ndarray, "vector used"],
    fold: Int[np.ndarray, " used"],
    spec: ProbeSpec,
) -> Float[np.ndarray, "vector used"]:
    """Out-of-fold scores of the grid's own probe for every label vector."""
    return np.stack([cross_fit(Cell(x, vector, fold, spec, 1)).score for vector in labels])


def _places(answers: Answers, ids: Sequence[str]) -> list[int]:
    place = {name: i for i, name in enumerate(answers.id)}
    if absent := [name for name in ids if name not in place]:
        raise DataError(f"answers: {len(absent)} samples of the grid are not in them, first {absent[0]}")
    return [place[name] for name in ids]
