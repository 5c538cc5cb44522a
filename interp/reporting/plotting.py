"""The figure of a grid: the paper's heatmap."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from interp.comparing.best_cell import ENOUGH
from interp.errors import DataError
from interp.grids.of_run import GridLike, grid_of
from interp.reporting.by_label import control_strip
from interp.reporting.canvas import (
    check_drawing,
    draw_colorbar,
    draw_head,
    figure_width,
    new_figure,
    save_figure,
)
from interp.reporting.column_axis import column_counts
from interp.reporting.heatmap import AUC, Heatmap, Scale, centred_scale, difference_scale
from interp.support.accepted import ControlRows
from interp.support.arguments import flag, mapping, one_of
from interp.support.messages import shown
from interp.support.public import public

__all__ = ["plot_grid", "save_figure"]

GOLD_NOTE = "The exact answer was located with the sample's own accepted answers: its columns may leak the label."


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
    `token`, found by name. `width` of a new figure: inches, or `column` or `page` of print (3.25 and 6.75 inches, for
    the fonts of `plt.style.use("interp.publication")`).
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


def gold_note(grid: xr.Dataset) -> str:
    """A warning for the figure where the label could leak (definitions: the finder is blind to the label)."""
    return GOLD_NOTE if grid.attrs.get("span_uses_gold") else ""


def _scale(value: str, cells: np.ndarray) -> Scale:
    if value in ("auc", "low", "high"):
        return AUC
    return centred_scale(cells) if value.startswith("metric_") else difference_scale(cells, value)
