"""`grid.cells`: what can be asked of a grid, on xarray's own Dataset; what answers is imported when it is asked.

`Dataset.interp` is xarray's interpolation, hence the name.
"""

from typing import TYPE_CHECKING, Any

import pandas as pd
import xarray as xr

from interp.support.accepted import ControlRows
from interp.support.later import later
from interp.support.public import public

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from interp.comparing.best import BestCell
    from interp.reporting.explore_widget import Explorer


@public
class Cells:
    """`grid.cells` of every grid, computed or read back from a file: its best cell, its picture, its table.

    xarray's own way to add to a Dataset. It is there as soon as anything of `interp` that makes or reads grids has been
    used.

    >>> from interp.demo import planted
    >>> cap, answers = planted()
    >>> grid = interp.probe_grid(cap, answers.correct)
    >>> best = grid.cells.best()
    >>> best.layer, best.token
    (1, 'exact_answer_last')
    >>> bool(grid.auc.sel(layer=best.layer, token=best.token) == best.auc)
    True
    """

    def __init__(self, grid: xr.Dataset) -> None:
        self._grid = grid

    def best(self) -> "BestCell":
        """The cell with the highest AUC, as seen, and when it is chosen on other folds (definitions: best cell).

        Raises DataError for a Dataset that is no grid.
        """
        found: BestCell = later("comparing.best.best_cell")(self._grid)
        return found

    def plot(
        self,
        value: str = "auc",
        *,
        ax: "Axes | None" = None,
        title: str | None = None,
        embed: bool = True,
        controls: ControlRows | None = None,
        colorbar: bool = True,
        width: float | int | str | None = None,
    ) -> "Axes":
        """`interp.plot_grid` of the grid: layers down, tokens across; `width` as there.

        Raises DataError if `value` is not on (layer, token), or a control has not one value per token.
        """
        options: dict[str, Any] = {"ax": ax, "title": title, "embed": embed, "controls": controls, "colorbar": colorbar}
        drawn: Axes = later("reporting.plotting.plot_grid")(self._grid, value=value, width=width, **options)
        return drawn

    def explore(self) -> "Explorer":
        """`interp.explore` of the grid: its linked charts in a notebook.

        Raises DataError for a Dataset that is no grid, or where the extra `notebook` is missing.
        """
        widget: Explorer = later("running.explore.explore")(self._grid)
        return widget

    def to_dataframe(self) -> pd.DataFrame:
        """`interp.grid_table` of the grid: a row per layer, token and metric; samples have none.

        xarray's own `grid.to_dataframe()` has a row for every sample and cell.
        """
        table: pd.DataFrame = later("grids.grid_table.grid_table")(self._grid)
        return table
