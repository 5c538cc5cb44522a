"""The attention grid: each metric's own AUC, and a probe on all metrics of a cell, in the unit of the probe grid."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import xarray as xr
from jaxtyping import Bool, Float
from scipy import stats

from interp.capturing.activations import Capture
from interp.errors import DataError
from interp.fitting.estimators import ProbeSpec
from interp.grids.attention_columns import cell_metrics, check_transform, transformed_width, with_transform
from interp.grids.cells import choose_samples, fit_cells, probe_attrs
from interp.grids.features import read_features
from interp.grids.grid import estimate_variables, make_grid
from interp.grids.of_run import takes_run
from interp.grids.variables import ATTENTION_GRID, returns
from interp.statistics.auc import MIN_PER_CLASS, Estimate, benjamini_hochberg, estimate_auc, undefined
from interp.statistics.samples import Samples
from interp.support.accepted import CaptureOrRun, FoldNumbers, GroupSource, LabelSource, Mask, Probe
from interp.support.arguments import job_count, progress_function, whole_number
from interp.support.messages import shown
from interp.support.public import public


@returns(ATTENTION_GRID)
@takes_run("cap", "y", "groups", "fold", "seed", "C", "probe")
@public
def attention_grid(
    cap: CaptureOrRun,
    y: LabelSource,
    groups: GroupSource | None = None,
    valid: Mask | None = None,
    *,
    folds: int = 5,
    seed: int = 0,
    C: float | str | Sequence[float] = 1.0,
    probe: Probe = "logistic",
    transform: str = "with_log",
    population: str = "exact_answer",
    fold: FoldNumbers | None = None,
    min_per_class: int = MIN_PER_CLASS,
    n_jobs: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> xr.Dataset:
    """AUC of a probe on the per-head attention metrics of a cell, and each metric alone (definitions: the two grids).

    `auc` belongs to the attention probe: the estimator, folds and samples of the probe grid, on the (metric, head)
    columns that are finite for every sample of the cell, each as it is and, with `transform="with_log"`, as its
    logarithm too; `n_features` counts both, `dropped` names the others and the attribute `transform` says which.
    `metric_auc` (metric, layer, token) is the AUC of one metric averaged over heads, "higher when correct", without
    any fitting, `metric_p` its two-sided p against 0.5, `metric_q` by Benjamini-Hochberg over all metrics and cells;
    `metric_mean` its mean. Other arguments and errors as in `probe_grid`.

    >>> from interp.demo import planted
    >>> cap, answers = planted()
    >>> grid = interp.attention_grid(cap, answers.correct)
    >>> int(grid.auc.sel(token="exact_answer_last").argmax("layer"))
    1
    """
    check_transform(transform)
    if not isinstance(cap, Capture) or not cap.attention:
        what = "this one holds none" if isinstance(cap, Capture) else f"got {shown(cap)}"
        raise DataError(
            f"attention: expected a Capture that holds attention metrics, {what}; capture the model with attention "
            "(capture_from_cache: keep 'attn.hook_pattern' of every layer)"
        )
    n_jobs, progress = job_count(n_jobs), progress_function(progress)
    min_per_class = whole_number("min_per_class", min_per_class, 1)
    everything = read_features(cap, valid, site=next(iter(cap.sites)))
    chosen = choose_samples(
        len(cap.id),
        y,
        groups,
        fold=fold,
        has_exact_answer=everything.has_exact_answer,
        population=population,
        folds=folds,
        seed=seed,
        ids=cap.id,
    )
    has_role = everything.valid[chosen.index]
    valid_cells = np.repeat(has_role[:, None, :], len(cap.layers), axis=1)
    names = [(metric, head) for metric, values in cap.attention.items() for head in range(values.shape[2])]
    keep = np.empty((len(cap.layers), len(names), len(cap.roles)), bool)
    alone: dict[tuple[int, int], list[tuple[float, Estimate]]] = {}
    for layer, role in np.ndindex(len(cap.layers), len(cap.roles)):  # a cell at a time: all of them may not fit
        cell = cell_metrics(cap, chosen.index, layer, role)
        valid_here = has_role[:, role]
        keep[layer, :, role] = np.concatenate([np.isfinite(values[valid_here]).all(0) for values in cell])
        alone[layer, role] = [_metric_alone(values, valid_here, chosen.samples, min_per_class) for values in cell]
    spec = ProbeSpec(probe, C=C, seed=seed, inner_folds=chosen.n_folds)

    def columns(layer: int, role: int) -> Float[np.ndarray, "sample column"]:
        metrics = np.concatenate(cell_metrics(cap, chosen.index, layer, role), axis=1)
        return with_transform(metrics[:, keep[layer, :, role]], transform)

    fitted = fit_cells(
        columns,
        valid_cells,
        chosen.samples,
        lambda layer, role: spec,
        min_per_class=min_per_class,
        n_jobs=n_jobs,
        size=len(chosen.index) * transformed_width(keep.size, transform),
        progress=progress,
    )
    grid = make_grid(
        fitted,
        chosen,
        layers=cap.layers,
        roles=cap.roles,
        attrs={
            "kind": "attention",
            "site": "pattern",
            "transform": transform,
            **probe_attrs(spec, chosen, min_per_class),
        },
    )
    dropped = [[_describe(names, ~keep[layer, :, role]) for role in range(keep.shape[2])] for layer in range(len(keep))]
    grid["dropped"] = (("layer", "token"), np.array(dropped, dtype=object))
    grid["n_features"] = (("layer", "token"), transformed_width(keep.sum(1), transform))
    alone_grid = _metric_grid(list(cap.attention), alone, grid)
    return grid.assign_coords(metric=alone_grid["metric"]).assign(alone_grid.data_vars)


def _describe(names: Sequence[tuple[str, int]], dropped: Bool[np.ndarray, " column"]) -> str:
    """Dropped columns, compactly: `received (all heads); to_question (heads 0, 3)`."""
    heads: dict[str, list[int]] = {}
    for (metric, head), gone in zip(names, dropped, strict=True):
        if gone:
            heads.setdefault(metric, []).append(head)
    per_metric = {metric: sum(name == metric for name, _ in names) for metric in heads}
    return "; ".join(
        f"{metric} (all heads)"
        if len(which) == per_metric[metric]
        else f"{metric} (heads {', '.join(map(str, which))})"
        for metric, which in heads.items()
    )


def _why_no_metric(values: Float[np.ndarray, " sample"], missing: bool) -> str:
    if len(values) == 0:
        return "the metric has no finite value at this position" if missing else ""
    return "the metric is the same for all samples" if np.ptp(values) == 0 else ""


def _metric_alone(
    values: Float[np.ndarray, "sample head"], valid: Bool[np.ndarray, " sample"], samples: Samples, min_per_class: int
) -> tuple[float, Estimate]:
    """Mean and AUC of a metric averaged over heads, as a score of its own: no fitting, the same samples and folds."""
    score = np.where(valid, values.astype(np.float64).mean(1), np.nan)
    used = np.isfinite(score)
    score, y = np.where(used, score, np.nan), samples.y
    if reason := _why_no_metric(score[used], bool(valid.any())):
        estimate = undefined(0, int(used.sum()), int(y[used].sum()), reason)
    else:
        estimate = estimate_auc(score, samples, min_per_class=min_per_class)
    mean = score[used].mean() if used.any() else np.nan
    return mean, replace(estimate, influence=np.empty(0))  # as long as the samples, and nobody reads it


def p_against_half(estimate: Estimate) -> float:
    """Two-sided p of an AUC against 0.5: the level at which its interval would just reach 0.5; NaN if undefined."""
    auc, n_correct = estimate.value, estimate.n_correct
    if estimate.reason:
        return float("nan")
    if auc in (0.0, 1.0):
        return float(min(1.0, 2 * 0.5 ** min(n_correct, estimate.n - n_correct)))
    if estimate.se == 0:
        return 1.0
    return float(2 * stats.norm.sf(abs(np.log(auc / (1 - auc))) * auc * (1 - auc) / estimate.se))


def _metric_grid(
    metrics: Sequence[str], alone: Mapping[tuple[int, int], Sequence[tuple[float, Estimate]]], grid: xr.Dataset
) -> xr.Dataset:
    """`metric_mean`, `metric_auc` with interval, `metric_p` and, over all metrics and cells, `metric_q`."""
    dims, shape = ("metric", "layer", "token"), (len(metrics), grid.sizes["layer"], grid.sizes["token"])
    cells = [cell[i] for i in range(len(metrics)) for cell in alone.values()]
    variables = estimate_variables([estimate for _, estimate in cells], dims, shape, prefix="metric_")
    p = np.array([p_against_half(estimate) for _, estimate in cells]).reshape(shape)
    variables |= {"metric_p": (dims, p), "metric_q": (dims, benjamini_hochberg(p))}
    variables["metric_mean"] = (dims, np.array([mean for mean, _ in cells]).reshape(shape))
    coords = {"metric": np.array(metrics, dtype=object), "layer": grid["layer"], "token": grid["token"]}
    return xr.Dataset(variables, coords=coords)
