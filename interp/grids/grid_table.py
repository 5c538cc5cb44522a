"""Grids as tidy tables, one row per layer, token and metric, for `grid.csv` and for pandas; reasons are kept."""

import csv
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr

from interp.errors import DataError
from interp.grids.grid import check_grid
from interp.grids.of_run import GridLike, RunLike, file_of_run
from interp.grids.tidy import COLUMNS, read_tidy, tidy
from interp.support.csv_text import cell
from interp.support.public import public

Row = dict[str, Any]
_DIMS = {"metric", "layer", "token", "pair"}


@public
def grid_table(data: GridLike) -> pd.DataFrame:
    """A grid, or all that a run computed, as a tidy DataFrame: one row per layer, token and metric.

    `data`: a grid; a difference of grids (`Comparison.delta_auc`, what `compare_runs` returned: with a first column
    `pair`); an opened run or its folder, which gives all of `grid.csv`. Columns as there: `layer` (an int, or `embed`
    for the control row, or `all` for a control that reads no layer), `token`, `metric` (`probe_auc`, `attention_auc`,
    `delta_auc`, of attention metrics the mean, `entropy`, and `entropy_auc` …), `value`, `low`, `high`, `p`, `q`,
    `p_corrected`, `n`, `n_correct`, and `reason` where the value is undefined (NaN).

    Raises DataError for anything else, RunError for a folder that holds no finished run.

    >>> from interp.demo import planted
    >>> cap, answers = planted()
    >>> table = interp.grid_table(interp.probe_grid(cap, answers.correct))
    >>> table.loc[table["value"].idxmax(), ["layer", "token"]].tolist()
    [1, 'exact_answer_last']
    """
    if isinstance(data, RunLike):
        return data.table()
    if isinstance(data, str | Path):
        return read_tidy(file_of_run(data, "grid.csv"))
    if not isinstance(data, xr.Dataset) or not {"auc", "delta"} & {*data.data_vars} or "layer" not in data.indexes:
        raise DataError(f"grid: expected a grid, a difference of grids, a run or its folder, got {type(data).__name__}")
    of = data["auc" if "auc" in data else "delta"]
    if more := [str(dim) for dim in of.dims if dim not in ("layer", "token", "pair")]:
        raise DataError(f"grid: expected values on (layer, token), got {of.dims}; select one: grid.sel({more[0]}=…)")
    cells = data.drop_dims([dim for dim in data.dims if dim not in _DIMS])  # samples have no row
    if "auc" in data:
        name = f"{data.attrs['kind']}_auc" if "kind" in data.attrs else "auc"
        return tidy([*_rows(cells, name), *_metric_rows(cells)])
    if "pair" not in data.dims:
        return tidy(_delta_rows(cells, "delta_auc"))
    pairs = {str(pair): _delta_rows(cells.sel(pair=pair), "delta_auc") for pair in data["pair"].values}
    return tidy([{"pair": pair, **row} for pair, rows in pairs.items() for row in rows], before=["pair"])


def grid_rows(grid: xr.Dataset, metric: str) -> list[Row]:
    """Rows of one grid under the name `metric`, the control row `embed` first where the grid has one."""
    check_grid(grid)
    return _rows(grid, metric)


def run_rows(
    probe: xr.Dataset,
    attention: xr.Dataset | None = None,
    delta: xr.Dataset | None = None,
    *,
    matched: xr.Dataset | None = None,
    gain: xr.Dataset | None = None,
) -> list[Row]:
    """All rows of a run: `probe_auc`, `attention_auc`, `delta_auc`, each attention metric's mean and its `…_auc`.

    `matched` is the grid of `matched_width_grid` (`matched_width_auc`), `gain` the `delta_grid` of residual with
    attention minus residual alone (`gain_auc`).
    """
    rows = grid_rows(probe, "probe_auc")
    if attention is not None:
        rows += grid_rows(attention, "attention_auc")
    for metric, differences in (("delta_auc", delta), ("gain_auc", gain)):
        if differences is not None:
            rows += _delta_rows(differences, metric)
    if matched is not None:
        rows += grid_rows(matched, "matched_width_auc")
    return rows if attention is None else rows + _metric_rows(attention)


def _rows(grid: xr.Dataset, metric: str) -> list[Row]:
    rows = _cell_rows(grid, metric, prefix="embed_", layer="embed") if "embed_auc" in grid else []
    for layer in grid["layer"].values:
        rows += _cell_rows(grid.sel(layer=layer), metric, layer=int(layer))
    return rows


def _delta_rows(differences: xr.Dataset, metric: str) -> list[Row]:
    rows: list[Row] = []
    for layer in differences["layer"].values:
        rows += _cell_rows(differences.sel(layer=layer), metric, layer=int(layer), value="delta")
    return rows


def _metric_rows(attention: xr.Dataset) -> list[Row]:
    """Each attention metric's mean, and its own AUC; none for a grid without metrics."""
    rows: list[Row] = []
    for metric in attention["metric"].values if "metric" in attention.dims else ():
        for layer in attention["layer"].values:
            part = attention.sel(metric=metric, layer=layer)
            auc = _cell_rows(part, f"{metric}_auc", prefix="metric_", layer=int(layer))
            means = part["metric_mean"].values
            rows += [_mean_row(row, str(metric), float(mean)) for row, mean in zip(auc, means, strict=True)]
            rows += auc
    return rows


def _cell_rows(part: xr.Dataset, metric: str, *, layer: int | str, prefix: str = "", value: str = "auc") -> list[Row]:
    """Rows of one layer; `part` has the single dim `token`."""
    names = {"value": value} | {name: name for name in COLUMNS[4:]}
    columns = {c: part[f"{prefix}{name}"].values.tolist() for c, name in names.items() if f"{prefix}{name}" in part}
    return [
        {"layer": layer, "token": str(token), "metric": metric, **{name: values[i] for name, values in columns.items()}}
        for i, token in enumerate(part["token"].values)
    ]


def _mean_row(auc: Row, metric: str, mean: float) -> Row:
    reason = "" if math.isfinite(mean) else "no sample has a finite value"
    keep = {key: auc[key] for key in ("layer", "token", "n", "n_correct")}
    return {**keep, "metric": metric, "value": mean, "reason": reason}


def write_table(rows: Iterable[Row], path: str | Path) -> None:
    """Write rows as CSV: shortest digits that give back the same float64, empty where undefined, lines end in "\\n"."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for row in rows:
            writer.writerow([cell(_text(row.get(column))) for column in COLUMNS])


def _text(value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return repr(float(value)) if isinstance(value, float) else str(value)
