"""`interp errors`: the error types of a run as files and a section of its report."""

from pathlib import Path

import pandas as pd
import xarray as xr

from interp.experiments.written import write_experiment
from interp.reporting.error_type_plot import plot_shares, plot_type_grids
from interp.reporting.error_type_section import GRIDS, QUESTIONS, SHARES, error_type_section
from interp.runs.opened_run import Run


def write_error_types(run: Run, data: xr.Dataset) -> tuple[tuple[str, ...], list[Path]]:
    """`experiments/error_types.*` of what `error_types` returned: the sentences and the files."""
    section = error_type_section(data)
    figures = {SHARES: plot_shares(data), GRIDS: plot_type_grids(data)}
    return section.sentences, write_experiment(run, section, data=data, table=tidy_types(data), figures=figures)


def tidy_types(data: xr.Dataset) -> pd.DataFrame:
    """One number a row: shares, cells, best cells and controls of the types, and the counts of the questions."""
    parts = [
        _tidy(data, "share", ("share", "share_low", "share_high"), reason=None),
        _tidy(data, "best_auc", ("best_auc", "best_low", "best_high"), reason="best_reason"),
        _tidy(data, "auc", ("auc", "low", "high"), reason="reason"),
        _tidy(data, "control_auc", ("control_auc", "control_low", "control_high"), reason=None),
        _tidy(data, "control_delta", ("control_delta", "control_delta_low", "control_delta_high"), reason=None),
    ]
    for name in QUESTIONS:
        values = data[f"question_{name}"]
        column = "text" if values.dtype == object else "value"
        parts.append(pd.DataFrame({"metric": f"question_{name}", "question": data["question"].values, column: values}))
    table = pd.concat(parts, ignore_index=True)
    order = ["metric", "type", "layer", "token", "control", "question", "value", "low", "high", "text", "reason"]
    return table.reindex(columns=order).astype({"layer": "Int64"})


def _tidy(data: xr.Dataset, metric: str, names: tuple[str, str, str], *, reason: str | None) -> pd.DataFrame:
    kept = data[[*names, *([reason] if reason else [])]].drop_vars("title")
    table = kept.to_dataframe().reset_index().rename(columns=dict(zip(names, ("value", "low", "high"), strict=True)))
    table = table.rename(columns={reason: "reason"} if reason else {})
    return table.assign(metric=metric)
