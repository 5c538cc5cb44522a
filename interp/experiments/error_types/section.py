"""`interp errors`: the error types of a run as files and a section of its report."""

from pathlib import Path

import pandas as pd
import xarray as xr

from interp.experiments.written import write_experiment
from interp.reporting.error_type_plot import plot_shares, plot_type_grids
from interp.reporting.error_type_words import error_type_sentences
from interp.reporting.section import Picture, Section, Table
from interp.runs.opened_run import Run

NAME = "error_types"
SHOWN = 20
QUESTIONS = ("subtypes", "n", "n_right", "n_distinct", "n_largest_wrong", "n_no_answer", "n_unlabelled", "answers")


def write_error_types(run: Run, data: xr.Dataset) -> tuple[list[str], list[Path]]:
    """`experiments/error_types.*` of what `error_types` returned: the sentences and the files."""
    sentences = error_type_sentences(data)
    section = Section(
        name=NAME,
        title="Error types",
        sentences=tuple(sentences),
        tables=(type_table(data), question_rows(data)),
        pictures=(
            Picture(f"{NAME}_shares", "Share of the questions that are of each type (a question may be of several)."),
            Picture(f"{NAME}_grids", "Each type against the rest; hatched: undefined. Above: best cell.", wide=True),
        ),
        settings={name: data.attrs[name] for name in sorted(data.attrs)},
    )
    figures = {f"{NAME}_shares": plot_shares(data), f"{NAME}_grids": plot_type_grids(data)}
    return sentences, write_experiment(run, section, data=data, table=tidy_types(data), figures=figures)


def type_table(data: xr.Dataset) -> Table:
    """A row for each type."""
    columns = ("type", "what", "questions", "share", "low", "high", "AUC", "low", "high", "layer", "token", "undefined")
    names = ("title", "n_of_type", "share", "share_low", "share_high", "best_auc", "best_low", "best_high")
    rows = []
    for name in data["type"].values:
        one = data.sel(type=name)
        layer = int(one["best_layer"])
        place = (layer if layer >= 0 else None, one["best_token"].item() or None, one["best_reason"].item() or None)
        rows.append((str(name), *(one[key].item() for key in names), *place))
    return Table("Types, and the best cell that tells each from the rest (chosen on other folds)", columns, tuple(rows))


def question_rows(data: xr.Dataset) -> Table:
    """The first questions, with their counts."""
    values = [data[f"question_{name}"].values.tolist() for name in QUESTIONS]
    rows = list(zip(data["question"].values.tolist(), *values, strict=True))
    more = f" (the first {SHOWN} of {len(rows)}; all in {NAME}.csv)" if len(rows) > SHOWN else ""
    names = ("question", "types", "draws", "right", "distinct", "largest wrong", "no answer", "unlabelled", "answers")
    return Table(f"Questions{more}", names, tuple(rows[:SHOWN]))


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
