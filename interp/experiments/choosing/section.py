"""`interp choose`: choices among a run's answers as files and a section of its report."""

from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from interp.experiments.written import write_experiment
from interp.reporting.choice_plot import plot_choices
from interp.reporting.choice_words import choice_sentences, choice_title
from interp.reporting.section import Picture, Section, Table
from interp.runs.opened_run import Run

NAME = "choices"


def write_choices(run: Run, data: xr.Dataset) -> tuple[list[str], list[Path]]:
    """`experiments/choices.*` of what `choose_answers` returned: the sentences and the files."""
    sentences = choice_sentences(data)
    section = Section(
        name=NAME,
        title="Choosing among answers",
        sentences=tuple(sentences),
        tables=(accuracy_table(data), *([difference_table(data)] if "probe" in data["by"].values else [])),
        pictures=(Picture(NAME, "How often the chosen answer is right, by error type.", wide=True),),
        settings={name: data.attrs[name] for name in sorted(data.attrs)},
    )
    table, figures = tidy_choices(data), {NAME: plot_choices(data)}
    return sentences, write_experiment(run, section, data=data, table=table, figures=figures)


def accuracy_table(data: xr.Dataset) -> Table:
    """A row for each type and method."""
    rows = []
    for name in data["type"].values:
        for method in data["by"].values:
            one = data.sel(type=name, by=method)
            numbers = [float(one[key]) for key in ("accuracy", "low", "high")]
            reason = one["reason"].item() or None
            rows.append((str(name), choice_title(str(method)), int(one["n"]), *numbers, reason))
    columns = ("type", "chosen by", "questions", "accuracy", "low", "high", "undefined")
    return Table("How often the chosen answer is right", columns, tuple(rows))


def difference_table(data: xr.Dataset) -> Table:
    """What the probe has over each reference, a row for each type."""
    rows = []
    for name in data["type"].values:
        for reference in data["reference"].values:
            one = data.sel(type=name, by="probe", reference=reference)
            numbers = [float(one[key]) for key in ("delta", "delta_low", "delta_high", "p", "q")]
            rows.append((str(name), choice_title(str(reference)), *numbers, one["delta_reason"].item() or None))
    columns = ("type", "the probe minus", "difference", "low", "high", "p", "q", "undefined")
    return Table("Choosing by the probe against the other choices", columns, tuple(rows))


def tidy_choices(data: xr.Dataset) -> pd.DataFrame:
    """One number a row: accuracies and differences by type, and what each question's chosen answers are worth."""
    names = ["accuracy", "low", "high", "reason"]
    accuracy = data[names].to_dataframe().reset_index().rename(columns={"accuracy": "value"})
    differences = {"delta": "value", "delta_low": "low", "delta_high": "high", "delta_reason": "reason"}
    delta = data[[*differences, "p", "q"]].to_dataframe().reset_index().rename(columns=differences)
    right = data["right"].to_dataframe().reset_index().rename(columns={"right": "value"})
    parts = [accuracy.assign(metric="accuracy"), delta.assign(metric="difference"), right.assign(metric="right")]
    order = ["metric", "type", "by", "reference", "question", "value", "low", "high", "p", "q", "reason"]
    return pd.concat(parts, ignore_index=True).reindex(columns=order).replace({"reason": {"": np.nan}})
