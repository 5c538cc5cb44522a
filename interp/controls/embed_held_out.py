"""The row `embed` on answer-held-out folds: how much of the held-out AUC the token itself explains."""

from dataclasses import replace

import numpy as np
import xarray as xr
from jaxtyping import Int

from interp.controls.baselines import fit_estimate, labelled_cell
from interp.controls.scored import Scored
from interp.errors import DataError
from interp.fitting.estimators import ProbeSpec
from interp.fitting.workers import cross_fit_cells
from interp.grids.columns import CellColumns
from interp.grids.features import Features
from interp.statistics.samples import Samples


def embedding_row(columns: CellColumns) -> Features:
    """The row `embed` of what the grid was made from. Raises DataError for data that have none."""
    control = columns.features.control()
    if control is None:
        raise DataError(
            "data: the grid has a row `embed`, of which a bare array knows nothing; give the Capture that it was made "
            "from, or drop the row: grid.drop_vars(['embed_score'])"
        )
    return control


def embed_held_out(
    control: Features,
    index: Int[np.ndarray, " sample"],
    grid: xr.Dataset,
    apart: Samples,
    spec: ProbeSpec,
    least: int,
    n_jobs: int | None,
) -> dict[str, Scored]:
    """The embedding row on answer-held-out folds: how much of the held-out AUC the token itself explains."""
    used = np.isfinite(grid["embed_score"].transpose("sample", "token").values)
    there = {role: has for role, has in enumerate(used.T) if has.any()}
    cells = (
        [labelled_cell(control.finite_column(index[has], 0, role), apart, used=has, spec=spec, min_per_class=least)]
        for role, has in there.items()
    )
    numbers = len(used) * int(control.values.shape[-1])
    fits = cross_fit_cells(cells, numbers * len(there), largest=numbers, n_jobs=n_jobs)
    out: dict[str, Scored] = {}
    for role, (token, has) in enumerate(zip(grid["token"].values, used.T, strict=True)):
        if role in there:
            out[str(token)] = fit_estimate(next(fits)[0], apart, used=has, min_per_class=least)
        else:  # nothing to hold out: the row itself is undefined there
            n, n_correct, reason = (grid[f"embed_{name}"].values[role] for name in ("n", "n_correct", "reason"))
            nothing = Scored.of(np.full(len(has), np.nan), apart, reason=str(reason), min_per_class=least)
            out[str(token)] = replace(nothing, n=int(n), n_correct=int(n_correct))
    return out
