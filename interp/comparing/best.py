"""The best cell of a grid as an object: where it is, what it is worth as seen, and when chosen on other folds."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
import xarray as xr

from interp.comparing.best_cell import describe_best
from interp.grids.grid import check_grid
from interp.support.html_repr import box, section, table
from interp.support.public import public
from interp.support.units import share, with_interval

_NUMBERS = ("auc", "low", "high", "n", "n_correct")
_NESTED = {"nested_auc": "value", "nested_low": "low", "nested_high": "high"}


@public
@dataclass(frozen=True, eq=False)
class BestCell:
    """The best cell of a grid (`grid.cells.best()`, `run.best()`): as seen, and as it does when chosen on other folds.

    As seen it is the highest of many, so its own AUC is too high; `nested_auc` is not (definitions: best cell).

    >>> from interp.demo import planted
    >>> cap, answers = planted()
    >>> grid = interp.probe_grid(cap, answers.correct)
    >>> best = grid.cells.best()
    >>> best
    BestCell(layer 1, exact_answer_last: AUC 0.940 [0.856, 0.976], n 100; chosen on other folds 0.940 [0.856, 0.976])
    >>> grid.sel(best.cell).n.item()
    100
    """

    layer: int | None
    """The number of the block, from 0; None: no cell is defined."""
    token: str | None
    """The token position."""
    auc: float
    """As seen, with its 95 % interval; NaN: no cell is defined."""
    low: float
    """Where the interval begins."""
    high: float
    """Where it ends."""
    n: int
    """Samples of the cell."""
    n_correct: int
    """The right ones of them."""
    nested_auc: float
    """AUC of the samples of every fold at the cell that is best on the others; NaN: undefined."""
    nested_low: float
    """Where its 95 % interval begins."""
    nested_high: float
    """Where it ends."""
    peak_set: pd.DataFrame
    """The cells that may be the peak: `layer`, `token`, and the `share` of the resamples in which each is."""

    @property
    def cell(self) -> dict[str, Any]:
        """`layer` and `token`, as `grid.sel` takes them; empty where no cell is defined."""
        return {} if self.layer is None else {"layer": self.layer, "token": self.token}

    def __repr__(self) -> str:
        """In one line: which cell, and both AUCs."""
        if self.layer is None:
            return "BestCell(no cell of the grid is defined)"
        seen = with_interval(self.auc, self.low, self.high)
        nested = with_interval(self.nested_auc, self.nested_low, self.nested_high)
        return f"BestCell(layer {self.layer}, {self.token}: AUC {seen}, n {self.n}; chosen on other folds {nested})"

    def _repr_html_(self) -> str:
        """In a notebook: the same, and the cells that may be the peak."""
        if self.layer is None:
            return box("BestCell", ["no cell of the grid is defined"], [])
        line = [f"layer {self.layer}", self.token, f"AUC {with_interval(self.auc, self.low, self.high)}"]
        numbers = [
            ("as seen, the highest of all cells", with_interval(self.auc, self.low, self.high)),
            ("chosen on other folds", with_interval(self.nested_auc, self.nested_low, self.nested_high)),
            ("samples", str(self.n)),
            ("of them correct", str(self.n_correct)),
        ]
        peaks = [(f"layer {layer}, {token}", share(part, 1)) for layer, token, part in self.peak_set.to_numpy()]
        sections = [
            section("AUC", table(("", ""), numbers, right=[""]), note="with 95 % interval", opened=True),
            section("Cells that may be the peak", table(("", "share"), peaks, right=["share"]), note=len(peaks)),
        ]
        return box("BestCell", line, sections)


def best_cell(grid: xr.Dataset) -> BestCell:
    """`grid.cells.best()`: by the grid's own seed and fewest samples of a class. Raises DataError for no grid."""
    check_grid(grid)
    options = {name: int(grid.attrs[name]) for name in ("seed", "min_per_class") if name in grid.attrs}
    found = describe_best(grid, **options)
    cell: dict[str, Any] = found["cell"] or {"layer": None, "token": None}
    numbers: dict[str, Any] = dict.fromkeys(_NUMBERS, float("nan")) | dict.fromkeys(("n", "n_correct"), 0)
    if found["cell"] is not None:
        numbers = {name: grid[name].sel(cell).item() for name in _NUMBERS}
    nested: Mapping[str, Any] = found["nested"] or {}
    numbers |= {name: _number(nested.get(key)) for name, key in _NESTED.items()}
    return BestCell(**cell, **numbers, peak_set=pd.DataFrame(found["peak_set"], columns=["layer", "token", "share"]))


def _number(value: float | None) -> float:
    return float("nan") if value is None else value
