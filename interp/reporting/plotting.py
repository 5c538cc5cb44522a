"""The figures of grids: one as the paper's heatmap, and two with their difference."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Bool
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from interp.comparing.best_cell import ENOUGH
from interp.comparing.compare import Comparison, grid_names
from interp.errors import DataError
from interp.grids.grid import load_grid
from interp.grids.join import aligned
from interp.grids.of_run import GridLike, RunLike, file_of_run, grid_of
from interp.reporting.by_label import cells_of, control_strip
from interp.reporting.canvas import (
    Key,
    check_drawing,
    draw_colorbar,
    draw_frame,
    draw_head,
    figure_width,
    new_figure,
    save_figure,
    three_panels,
)
from interp.reporting.column_axis import column_counts
from interp.reporting.heatmap import AUC, TWO_SIDED, Heatmap, Scale, difference_scale
from interp.support.accepted import ControlRows
from interp.support.arguments import flag, instance, mapping, one_of
from interp.support.messages import shown
from interp.support.public import public

__all__ = ["plot_comparison", "plot_grid", "save_figure"]

GOLD_NOTE = "The exact answer was located with the sample's own accepted answers: its columns may leak the label."
TITLES = {"probe": "Probe", "attention": "Attention probe"}
"""Panels of the two grids of a run; others go by their own name."""
FALSE_DISCOVERY_RATE = 0.05


@public
def plot_grid(
    grid: GridLike,
    *,
    value: str = "auc",
    ax: Axes | None = None,
    title: str | None = None,
    embed: bool = True,
    controls: ControlRows | None = None,
    colorbar: bool = True,
    width: float | int | str | None = None,
) -> Axes:
    """Draw one grid as the heatmap of Orgad et al. (2025, Fig. 2): layers down, tokens across, AUC from 0.5 to 1.0.

    `grid` has dims `layer` and `token`; of a run, or its folder, the probe grid is drawn. Values under 0.5 get a
    triangle, undefined cells are hatched, the highest cell is outlined, n stands under the columns, a dagger marks
    columns that mostly repeat another one. The control row `embed`, where the grid has one, is drawn above layer 0, and
    above it each of `controls`: {name: AUC per token}, a list in the grid's order, or {token: AUC} or a DataArray on
    `token`, found by name. `width` of a new figure: inches, or `column` or `page` of print (3.25 and 6.75 inches, for the
    fonts of `plt.style.use("interp.publication")`).
    Raises DataError if `value` is not on (layer, token), or a control has not one value per token.

    >>> from interp.demo import planted
    >>> cap, answers = planted()
    >>> ax = interp.plot_grid(interp.probe_grid(cap, answers.correct))
    >>> ax.get_ylabel()
    'Layer'
    """
    check_drawing(ax, title)
    wide = figure_width(width)
    grid, embed, colorbar = grid_of(grid), flag("embed", embed), flag("colorbar", colorbar)
    heatmap = grid_heatmap(grid, value=value, embed=embed, controls=controls)
    if ax is None:
        ax = new_figure(heatmap, width=wide).subplots()
    mesh = heatmap.draw(ax)
    if colorbar:
        draw_colorbar(ax, mesh, heatmap.scale)
    key = heatmap.best_key() + heatmap.mark_key()
    draw_head(ax, title=title, key=key, notes=[heatmap.axis.count_note, heatmap.repeat_note(), gold_note(grid)])
    return ax


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
    # What the first panel says of the samples behind its columns is not said again where it is the same.
    middle, right = (replace(one, counts=None) if one.counts == left.counts else one for one in (middle, right))
    figure = new_figure(left, panels=3, width=wide)
    axes, bars = three_panels(figure)
    meshes = [
        left.draw(axes[0]),
        middle.draw(axes[1]),
        right.draw(axes[2], outline_best=False, mark_low=comparison is None),
    ]
    axes[0].set_ylim(len(left.layers) - 0.5, max(left.top, middle.top, key=abs))
    right.mark(axes[2], significant & (right.values > 0), "+")
    right.mark(axes[2], significant & (right.values < 0), "_")
    draw_colorbar(axes[1], meshes[0], left.scale, cax=bars[0])
    draw_colorbar(axes[2], meshes[2], right.scale, cax=bars[1])
    one, two = (TITLES.get(name, name) for name in names)
    heads = (left.best_key(), middle.best_key(), [] if comparison is None else difference_key(names))
    for ax, name, key in zip(axes, (one, two, f"{one} − {two}"), heads, strict=True):
        draw_head(ax, title=name, key=key)
    for ax in axes[1:]:
        ax.tick_params(axis="y", which="both", labelleft=False)
        ax.set_ylabel("")
    for ax in (axes[0], axes[2]):
        ax.set_xlabel("")
    keys = [*left.mark_key(), *middle.mark_key(), *right.mark_key(low=comparison is None)]
    key = [(handle, text) for text, handle in {text: handle for handle, text in keys}.items()]
    counts = [one.axis.count_note for one in (left, middle, right) if one.counts is not None]
    draw_frame(figure, title=title, key=key, notes=[*dict.fromkeys(counts), left.repeat_note(), gold_note(first)])
    return axes


def grid_heatmap(
    grid: xr.Dataset, *, value: str = "auc", embed: bool = True, controls: Mapping[str, Any] | None = None
) -> Heatmap:
    """What `plot_grid` draws, prepared: values, labels, counts, the control rows and the marks."""
    if not isinstance(grid, xr.Dataset):
        raise DataError(f"grid: expected the whole grid, an xarray Dataset, got {shown(grid)}")
    one_of("value", value, sorted(map(str, grid.data_vars)))
    cells = grid[value]
    if set(cells.dims) != {"layer", "token"}:
        extra = [str(dim) for dim in cells.dims if dim not in ("layer", "token")]
        hint = f"; select one first: grid.sel({extra[0]}=…)" if extra else ""
        raise DataError(f"expected {value!r} on (layer, token), got {cells.dims}{hint}")
    if cells.dtype.kind not in "biuf" or not cells.size:
        raise DataError(f"expected numbers in {value!r}, got {shown(cells.values)}")
    values = cells.transpose("layer", "token").values.astype(float)
    columns = [str(name) for name in cells["token"].values]
    given = {} if controls is None else mapping("controls", controls, "{name: one AUC per token}")
    strips = {name: control_strip(name, row, columns) for name, row in given.items()}
    if embed and f"embed_{value}" in grid:
        strips["embed"] = grid[f"embed_{value}"].values.astype(float)
    n = grid["n"].transpose("layer", "token").values if "n" in grid else None
    return Heatmap(
        values=values,
        layers=cells["layer"].values.tolist(),
        columns=columns,
        scale=_scale(value, values),
        counts=None if n is None else column_counts(n),
        thin=None if n is None else n < ENOUGH * n.max(),
        repeats=[str(other) for other in grid["coincides"].values] if "coincides" in grid else None,
        strips=strips,
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


def difference_key(names: tuple[str, str]) -> Key:
    """Legend entries of the signs in the difference."""
    return [
        (
            Line2D([], [], color="black", marker=marker, linestyle="", markersize=5),
            f"{name} higher, q < {FALSE_DISCOVERY_RATE:g}",
        )
        for marker, name in zip("+_", names, strict=True)
    ]


def gold_note(grid: xr.Dataset) -> str:
    """A warning for the figure where the label could leak (definitions: the finder is blind to the label)."""
    return GOLD_NOTE if grid.attrs.get("span_uses_gold") else ""


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


def _scale(value: str, cells: np.ndarray) -> Scale:
    if value in ("auc", "low", "high"):
        return AUC
    return TWO_SIDED if value.startswith("metric_") else difference_scale(cells, value)
