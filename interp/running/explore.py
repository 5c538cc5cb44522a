"""`interp.explore`: the page's linked grids in a notebook, of opened runs or of a grid."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import xarray as xr

from interp.errors import DataError
from interp.grids.grid import check_grid
from interp.grids.grid_table import grid_table
from interp.grids.of_run import GridLike
from interp.reporting.explore_run import Explored
from interp.running.exploring import explored_run
from interp.runs.opened_run import Run
from interp.runs.run_folder import RunFolder
from interp.support.messages import shown
from interp.support.public import public
from interp.support.stored import as_written

if TYPE_CHECKING:
    from interp.reporting.explore_widget import Explorer


@public
def explore(data: GridLike | Sequence[GridLike]) -> "Explorer":
    """The report's linked grids as a widget (Jupyter, VS Code, Colab, marimo): `pip install 'interp[notebook]'`.

    `data`: an opened run or its folder, which brings all its grids and the samples behind a cell; a grid of
    `probe_grid` and its kin, whose samples are ids, labels and scores; or a list of them. Click a cell or use the
    arrow keys: its distributions, ROC, calibration, controls, profiles and samples are read when it is chosen, not
    before. `.cell` is the chosen cell, `.choose(layer, token)` chooses one, `.observe(function, "chosen")` is told of
    every choice, `.samples()` are those behind it, most wrongly scored first.

    Raises DataError for what has no grid, or where the extra is missing.

    >>> from interp.demo import planted
    >>> cap, answers = planted()
    >>> widget = interp.explore(interp.probe_grid(cap, answers.correct))
    >>> widget.cell  # the highest, until another is chosen
    (1, 'exact_answer_last')
    """
    several = list(data) if isinstance(data, list | tuple) else [data]
    if not several:
        raise DataError("explore: expected a run, its folder or a grid, or a list of them, got an empty one")
    given = [_explored(one, number) for number, one in enumerate(several, 1)]
    try:
        from interp.reporting.explore_widget import Explorer
    except ImportError as error:
        raise DataError(f"explore needs a package: {error}; pip install 'interp[notebook]'") from error
    names = Counter(one.name for one in given)
    if twice := [name for name, count in names.items() if count > 1]:
        raise DataError(f"explore: two runs are called {twice[0]!r}; give folders with different names")
    return Explorer(given)


def _explored(data: GridLike | Sequence[GridLike], number: int) -> Explored:
    if isinstance(data, str | Path):
        from interp.running.pipeline import open_run

        data = open_run(data)
    if isinstance(data, Run):
        folder = RunFolder(Path(data.folder.path))
        with as_written(folder.path):
            return explored_run(folder, data.probe, data.attention, data.record, name=folder.path.resolve().name)
    if not isinstance(data, xr.Dataset):
        raise DataError(f"explore: expected a run, its folder or a grid, got {shown(data)}")
    check_grid(data)
    kind = str(data.attrs.get("kind", "grid"))
    lines = [
        {"id": str(name), "correct": bool(y), "status": "ok", "question": "", "completion": ""}
        for name, y in zip(data["sample"].values, data["y"].values.tolist(), strict=True)
    ]
    return Explored.of(kind if number == 1 else f"{kind} {number}", grid_table(data), {"probe": data}, lines)
