"""The attention grid: each metric's own AUC, and a probe on all metrics of a cell, in the unit of the probe grid."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Bool, Float, Int

from interp.activations import Capture
from interp.cells import Samples, cell_estimates, choose_samples, fit_cells
from interp.errors import DataError
from interp.estimators import ProbeSpec
from interp.features import as_array, read_features
from interp.grid import estimate_variables, make_grid
from interp.inference import MIN_PER_CLASS, group_codes


def attention_grid(
    cap: Capture,
    y: Any,
    groups: Sequence[str] | None = None,
    valid: Any = None,
    *,
    folds: int = 5,
    seed: int = 0,
    C: float = 1.0,
    probe: Any = "logistic",
    population: str = "exact_answer",
    fold: Int[np.ndarray, " sample"] | None = None,
    min_per_class: int = MIN_PER_CLASS,
    n_jobs: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> xr.Dataset:
    """AUC of a probe on the per-head attention metrics of every cell, and of each metric alone (SPEC: attention grid).

    `auc` belongs to the attention probe: the estimator, folds and samples of the probe grid, on the (metric, head)
    columns that are finite for every sample of the cell; `n_features` counts them and `dropped` names the others.
    `metric_auc` (metric, layer, token) is the AUC of one metric averaged over heads, "higher when correct", without
    any fitting; `metric_mean` its mean. Arguments and errors as in `probe_grid`.
    """
    if not isinstance(cap, Capture) or not cap.attention:
        raise DataError("attention: expected a Capture that holds attention metrics; capture the model with attention")
    everything = read_features(cap, valid, site=next(iter(cap.sites)))
    samples = choose_samples(
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
    valid_cells = np.repeat(everything.valid[samples.index, None, :], len(cap.layers), axis=1)
    metrics = {name: as_array(values)[samples.index] for name, values in cap.attention.items()}
    columns = np.concatenate(list(metrics.values()), axis=2)
    keep = (np.isfinite(columns) | ~valid_cells[:, :, None, :]).all(0)
    spec = ProbeSpec(probe, C=C, seed=seed)
    fitted = fit_cells(
        lambda layer, role: columns[:, layer, keep[layer, :, role], role],
        valid_cells,
        samples,
        lambda layer, role: spec,
        min_per_class=min_per_class,
        n_jobs=n_jobs,
        size=columns.size,
        progress=progress,
    )
    settings = {"C": C, "folds": len(np.unique(samples.fold)), "seed": seed, "min_per_class": min_per_class}
    grid = make_grid(
        fitted,
        samples,
        layers=cap.layers,
        roles=cap.roles,
        attrs={"kind": "attention", "site": "pattern", "probe": spec.name, **settings},
    )
    names = [(metric, head) for metric, values in metrics.items() for head in range(values.shape[2])]
    dropped = [[_describe(names, ~keep[layer, :, role]) for role in range(keep.shape[2])] for layer in range(len(keep))]
    grid["dropped"] = (("layer", "token"), np.array(dropped, dtype=object))
    grid["n_features"] = (("layer", "token"), keep.sum(1))
    return xr.merge([grid, _metric_grid(metrics, valid_cells, samples, grid, min_per_class)], combine_attrs="override")


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


def _metric_grid(
    metrics: Mapping[str, Float[np.ndarray, "sample layer head role"]],
    valid: Bool[np.ndarray, "sample layer role"],
    samples: Samples,
    grid: xr.Dataset,
    min_per_class: int,
) -> xr.Dataset:
    """Each metric averaged over heads, as a score of its own: no fitting, the same samples and folds."""
    estimates, means = [], []
    for values in metrics.values():
        score = np.where(valid, values.astype(np.float64).mean(2), np.nan)
        used = np.isfinite(score)
        score = np.where(used, score, np.nan)
        missing = [bool(some) for some in np.ravel(valid.any(0))]
        flat, mask = score.reshape(len(score), -1).T, used.reshape(len(score), -1).T
        reasons = [_why_no_metric(column[m], lacking) for column, m, lacking in zip(flat, mask, missing, strict=True)]
        estimates += cell_estimates(
            score, used, samples.y, samples.fold, group_codes(samples.group), reasons, min_per_class=min_per_class
        )
        means.append([[column[m].mean() if m.any() else np.nan] for column, m in zip(flat, mask, strict=True)])
    dims, shape = ("metric", "layer", "token"), (len(metrics), *valid.shape[1:])
    variables = estimate_variables(estimates, dims, shape, prefix="metric_")
    variables["metric_mean"] = (dims, np.array(means).reshape(shape))
    coords = {"metric": np.array(list(metrics), dtype=object), "layer": grid["layer"], "token": grid["token"]}
    return xr.Dataset(variables, coords=coords)
