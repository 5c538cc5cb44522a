"""`interp choose`: choices among a run's answers as files and a section of its report."""

from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from interp.experiments.written import write_experiment
from interp.reporting.choice_plot import plot_choices
from interp.reporting.choice_section import NAME, choice_section
from interp.runs.opened_run import Run


def write_choices(run: Run, data: xr.Dataset) -> tuple[tuple[str, ...], list[Path]]:
    """`experiments/choices.*` of what `choose_answers` returned: the sentences and the files."""
    section, figures = choice_section(data), {NAME: plot_choices(data)}
    return section.sentences, write_experiment(run, section, data=data, table=tidy_choices(data), figures=figures)


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
