"""`grid.csv`: grids as tidy rows, one per layer, token and metric; undefined cells keep their reason."""

import csv
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import xarray as xr

from interp.probing.grid import check_grid

COLUMNS = (
    "layer",
    "token",
    "metric",
    "value",
    "low",
    "high",
    "p",
    "q",
    "p_corrected",
    "n",
    "n_correct",
    "reason",
)

Row = dict[str, Any]
_OPTIONAL = ("p", "q", "p_corrected")


def grid_rows(grid: xr.Dataset, metric: str) -> list[Row]:
    """Rows of one grid under the name `metric`, the control row `embed` first where the grid has one."""
    check_grid(grid)
    rows = _cell_rows(grid, metric, prefix="embed_", layer="embed") if "embed_auc" in grid else []
    for layer in grid["layer"].values:
        rows += _cell_rows(grid.sel(layer=layer), metric, layer=int(layer))
    return rows


def grid_table(
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
            for layer in differences["layer"].values:
                rows += _cell_rows(differences.sel(layer=layer), metric, layer=int(layer), value="delta")
    if matched is not None:
        rows += grid_rows(matched, "matched_width_auc")
    if attention is not None and "metric" in attention.dims:
        for metric in attention["metric"].values:
            for layer in attention["layer"].values:
                part = attention.sel(metric=metric, layer=layer)
                auc = _cell_rows(part, f"{metric}_auc", prefix="metric_", layer=int(layer))
                means = part["metric_mean"].values
                rows += [_mean_row(row, str(metric), float(mean)) for row, mean in zip(auc, means, strict=True)]
                rows += auc
    return rows


def _cell_rows(part: xr.Dataset, metric: str, *, layer: int | str, prefix: str = "", value: str = "auc") -> list[Row]:
    """Rows of one layer; `part` has the single dim `token`."""
    names = {"value": value, "low": "low", "high": "high", "n": "n", "n_correct": "n_correct", "reason": "reason"}
    names |= {name: name for name in _OPTIONAL if f"{prefix}{name}" in part}
    columns = {column: part[f"{prefix}{name}"].values.tolist() for column, name in names.items()}
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
            writer.writerow([_text(row.get(column)) for column in COLUMNS])


def _text(value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return repr(float(value)) if isinstance(value, float) else str(value)
