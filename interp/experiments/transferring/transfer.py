"""`transfer`: probes trained on one run, tested on another, for every pair of runs (Orgad et al. 2025, section 4)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import xarray as xr

from interp.errors import DataError
from interp.experiments.transferring.alike import check_alike, own_option, shared_axes
from interp.experiments.transferring.matrix import matrix_of
from interp.experiments.transferring.parts_of_run import parts_of
from interp.experiments.transferring.pool import FittedRun, Place, Pool
from interp.experiments.transferring.run_samples import RunSamples, open_runs, read_samples, with_common_folds
from interp.experiments.transferring.variables import TRANSFER
from interp.fitting.estimators import ProbeSpec
from interp.grids.cells import fit_cells
from interp.grids.variables import returns
from interp.statistics.auc import MIN_PER_CLASS
from interp.support.accepted import Probe, TransferCell, TransferParts, TransferRuns
from interp.support.arguments import (
    cell_label,
    flag,
    job_count,
    one_text,
    progress_function,
    seed_number,
    several_texts,
    whole_number,
    whole_numbers,
)
from interp.support.axes import places
from interp.support.public import public
from interp.support.threads import one_thread

OTHERS, EVERY = "all others", "all"
"""Rows of the matrix besides the runs: trained on every run but the target, and on every run."""


@one_thread()
@returns(TRANSFER)
@public
def transfer(
    runs: TransferRuns,
    *,
    by: TransferParts | None = None,
    cell: TransferCell | None = None,
    across_models: bool = False,
    probe: Probe | None = None,
    C: float | str | Sequence[float] | None = None,
    site: str | None = None,
    population: str | None = None,
    layers: Sequence[int] | None = None,
    roles: Sequence[str] | None = None,
    folds: int = 5,
    seed: int = 0,
    min_per_class: int = MIN_PER_CLASS,
    n_jobs: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> xr.Dataset:
    """AUC of probes trained on each run and tested on each run, on (train, test) (Orgad et al. 2025, section 4).

    `runs`: a list of runs or their folders, which are then named by their folders, or {name: run, folder, or a
    (Capture, Answers) pair}; at least two, of one model, with the same site, width and roles; layers are those that all
    have. With `by`, one run (or folder, or pair) instead, which is taken apart: `"template"` by its questions'
    templates, {sample id: label} by labels.

    Folds are drawn once over all runs, so that a group that several runs hold is in the same fold of each. Every sample
    of a target is scored by the probe that the source's grid fitted without the sample's fold; on the diagonal these
    are the out-of-fold scores. AUC within the target's folds (definitions: transfer). By default the cell is the
    source's best, chosen for each fold without it on the source's samples alone; `cell=(layer, role)` fixes it. Two
    more rows are trained on several runs together: "all others" (the target left out) and "all".

    `probe`, `C` and `population` are those of the runs, else logistic, 1 and `exact_answer`. Raises DataError for one
    run, the same run twice, runs that differ in model, site, width, roles, or in settings that are not given, for runs
    without a common layer, and where a run has one class or fewer groups than folds.

    >>> from interp.demo import planted
    >>> cap, answers = planted()
    >>> found = interp.transfer({"first": (cap[:50], answers[:50]), "second": (cap[50:], answers[50:])})
    >>> found.auc.sel(train="first", test="second").round(1).item()
    0.9
    """
    folds, seed = whole_number("folds", folds, 2), seed_number(seed)
    min_per_class, n_jobs = whole_number("min_per_class", min_per_class, 1), job_count(n_jobs)
    across_models, progress = flag("across_models", across_models), progress_function(progress)
    site = None if site is None else one_text("site", site)
    layers = None if layers is None else whole_numbers("layers", layers, 0)
    roles = None if roles is None else several_texts("roles", roles)
    opened = open_runs(runs if by is None else one_run(runs), site)
    if by is None and len(opened) < 2:
        raise DataError(f"runs: expected at least two, got {len(opened)}; one run is taken apart with by='template'")
    check_alike(opened, across_models=across_models)
    layers, roles = shared_axes(opened, layers, roles)
    probe, C = own_option(opened, "probe", probe, "logistic"), own_option(opened, "C", C, 1.0)
    population = own_option(opened, "population", population, "exact_answer")
    spec = ProbeSpec(probe, C=C, seed=seed, inner_folds=folds)
    read = partial(read_samples, layers=layers, roles=roles, population=population, folds=folds, seed=seed)
    samples = [read(one) for one in opened]
    left_out: dict[str, str] = {}
    if by is not None:
        samples, left_out = parts_of(samples[0], by, min_per_class=min_per_class)
    if taken := [one.name for one in samples if one.name in (OTHERS, EVERY)]:
        raise DataError(f"runs: {taken[0]!r} is the name of a row of its own; give the run another name")
    first = samples[0].features
    fixed = None if cell is None else read_cell(cell, first.layers, first.roles)
    fits = [
        fitted_run(one, spec, min_per_class=min_per_class, n_jobs=n_jobs, progress=progress)
        for one in with_common_folds(samples, folds=folds, seed=seed)
    ]
    pools = [
        *([Pool(one.run.name, [one], spec, folds)] * len(fits) for one in fits),
        [Pool(OTHERS, [other for other in fits if other is not one], spec, folds) for one in fits],
        [Pool(EVERY, fits, spec, folds)] * len(fits),
    ]
    found = matrix_of(pools, fits, fixed, min_per_class=min_per_class)
    return found.assign_attrs(
        kind="transfer",
        site=opened[0].site,
        probe=spec.name,
        C=", ".join(map(str, spec.strengths)),
        folds=folds,
        seed=seed,
        min_per_class=min_per_class,
        population=population,
        cell="nested" if fixed is None else f"layer {cell[0]}, {cell[1]}",  # type: ignore[index]
        by="run" if by is None else by if isinstance(by, str) else "labels",
        left_out="; ".join(f"{name}: {why}" for name, why in left_out.items()),
    )


def one_run(runs: Any) -> Any:
    """One run, as the runs that it is taken apart from. Raises DataError for several."""
    if isinstance(runs, Mapping | list) and len(runs) != 1:
        raise DataError(f"runs: by= takes one run apart, got {len(runs)}; give one, or leave out by=")
    if isinstance(runs, Mapping | list):
        return runs
    return {"run": runs} if isinstance(runs, tuple) else [runs]


def read_cell(cell: Any, layers: Sequence[int], roles: Sequence[str]) -> Place:
    """Where a cell (layer, role) stands. Raises DataError for anything else, or a cell that the runs do not have."""
    (layer, role), where = cell_label(cell), "the runs"
    return int(places("cell", [layer], layers, where=where)[0]), int(places("cell", [role], roles, where=where)[0])


def fitted_run(
    run: RunSamples,
    spec: ProbeSpec,
    *,
    min_per_class: int,
    n_jobs: int | None,
    progress: Callable[[int], None] | None,
) -> FittedRun:
    """The run's probe grid on the common folds, with its probes kept."""
    used = run.used()
    fitted = fit_cells(
        partial(run.features.column, run.index),
        used,
        replace(run.samples, signs=None),  # the interval of few cells is asked for: `said_of` has what it needs
        lambda layer, role: spec,
        min_per_class=min_per_class,
        n_jobs=n_jobs,
        size=int(used.sum()) * run.features.values.shape[-1],
        keep=True,
        progress=progress,
    )
    return FittedRun(run, used, fitted, spec)
