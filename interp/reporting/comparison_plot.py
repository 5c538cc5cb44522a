"""The figure of two grids and their difference."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import xarray as xr
from jaxtyping import Bool

from interp.comparing.compare import Comparison, grid_names
from interp.errors import DataError
from interp.grids.grid import load_grid
from interp.grids.join import aligned
from interp.grids.of_run import GridLike, RunLike, file_of_run, grid_of
from interp.reporting.by_label import cells_of
from interp.reporting.canvas import check_drawing, figure_width
from interp.reporting.column_axis import column_counts
from interp.reporting.heatmap import Heatmap, difference_scale
from interp.reporting.plotting import gold_note, grid_heatmap
from interp.reporting.three_heatmaps import FALSE_DISCOVERY_RATE, difference_key, draw_three
from interp.support.arguments import instance
from interp.support.public import public

TITLES = {"probe": "Probe", "attention": "Attention probe"}
"""Panels of the two grids of a run; others go by their own name."""


@public
def plot_comparison(
    first: GridLike,
    second: GridLike | None = None,
    *,
    comparison: Comparison | None = None,
    title: str | None = None,
    width: float | int | str | None = None,
) -> np.ndarray:
    """Draw two grids and their difference in one row on shared axes; returns the three Axes.

    A run alone stands for its two grids and their comparison, a run as one of two for its probe grid. With a
    `comparison` its ΔAUC is drawn under its names, and cells with q < 0.05 carry the sign of the difference (which a
    grey print loses); without one, the plain difference of the two AUCs. `width` as in `plot_grid`.
    Raises DataError if layers, tokens or samples
    differ, or the comparison is of other grids or the other way round.

    >>> from interp.demo import planted
    >>> cap, answers = planted()
    >>> probe, attention = interp.probe_grid(cap, answers.correct), interp.attention_grid(cap, answers.correct)
    >>> len(interp.plot_comparison(probe, attention))
    3
    """
    check_drawing(None, title)
    wide = figure_width(width)
    if comparison is not None:
        instance("comparison", comparison, Comparison, "it comes from compare_grids, or Comparison.from_dict")
    if second is None:
        first, second, comparison = _of_run(first, comparison)
    first = grid_of(first)
    second = aligned(first, grid_of(second))
    names = _names(first, second, comparison)
    left, middle = (grid_heatmap(grid) for grid in (first, second))
    right, significant = difference_heatmap(first, second, comparison)
    one, two = (TITLES.get(name, name) for name in names)
    return draw_three(
        (left, middle, right),
        None if comparison is None else significant,
        names=(one, two),
        key=[] if comparison is None else difference_key(names),
        width=wide,
        title=title,
        notes=[gold_note(first)],
    )


def difference_heatmap(
    first: xr.Dataset, second: xr.Dataset, comparison: Comparison | None
) -> tuple[Heatmap, Bool[np.ndarray, "layer token"]]:
    """First grid minus second, prepared, and the cells in which q < 0.05 (none without a comparison)."""
    base = grid_heatmap(first, embed=False)
    if comparison is None:
        delta = (first["auc"] - second["auc"]).transpose("layer", "token").values
        counts, significant = None, np.zeros(delta.shape, bool)
    else:
        cells = cells_of(comparison, first)
        delta, counts = cells["delta"].values, column_counts(cells["n"].values)
        significant = cells["q"].values < FALSE_DISCOVERY_RATE
    return replace(base, values=delta, scale=difference_scale(delta, "ΔAUC"), counts=counts), significant


def _of_run(run: GridLike, comparison: Comparison | None) -> tuple[xr.Dataset, xr.Dataset, Comparison]:
    """Both grids of a run and their comparison. Raises DataError for a grid, which lacks another to compare it with."""
    if isinstance(run, str | Path):
        grids = file_of_run(run, "grid.nc")
        probe, attention = (load_grid(grids, group=name) for name in ("probe", "attention"))
        return (
            probe,
            attention,
            Comparison.read(file_of_run(run, "comparison.json")) if comparison is None else comparison,
        )
    if not isinstance(run, RunLike):
        raise DataError("plot_comparison: expected two grids, or a run, which holds both; got one grid")
    return run.probe, run.attention, comparison or Comparison.from_dict(run.comparison)


def _names(first: xr.Dataset, second: xr.Dataset, comparison: Comparison | None) -> tuple[str, str]:
    """The two grids' names; DataError if the comparison is not of these two, in this order."""
    if comparison is None:
        return grid_names(first, second)
    for name, grid in zip(comparison.names, (first, second), strict=True):
        best, own = comparison.best[name], float("nan")
        if best["cell"] is None:
            continue
        if all(best["cell"][axis] in grid[axis].values for axis in ("layer", "token")):
            own = grid["auc"].sel(best["cell"]).item()
        if not np.isclose(best["auc"], own, rtol=0, atol=1e-9):
            raise DataError(
                f"comparison: its grid {name!r} has AUC {best['auc']:.4f} in its best cell, the grid given {own:.4f}; "
                f"give the two grids that it compares, in its order: {comparison.names[0]}, {comparison.names[1]}"
            )
    return comparison.names
