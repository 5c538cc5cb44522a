"""What `interp detectors` writes: table, figure, and a section of the run's report."""

from pathlib import Path

import numpy as np
import xarray as xr

from interp.experiments.written import write_experiment
from interp.reporting.detector_words import CAPTIONS, detector_sentences
from interp.reporting.detectors_plot import plot_detectors
from interp.reporting.section import Picture, Section, Table
from interp.runs.opened_run import Run

NAME = "detectors"
COLUMNS = (
    "family",
    "auc",
    "low",
    "high",
    "n",
    "missing",
    *(f"delta{part}" for part in ("", "_low", "_high", "_q", "_n")),
)


def write_detectors(run: Run, found: xr.Dataset) -> tuple[list[str], list[Path]]:
    """Write what `detectors` found into the run's `experiments/`; returns its sentences and the files."""
    table = found.drop_dims("sample").to_dataframe().reset_index()[["detector", *COLUMNS, "reason"]]
    sentences = detector_sentences(found)
    section = Section(
        NAME,
        CAPTIONS["title"],
        tuple(sentences),
        tables=(Table(CAPTIONS["table"], tuple(table.columns), tuple(map(_entries, table.values.tolist()))),),
        pictures=(Picture(NAME, CAPTIONS["figure"]),),
        settings=dict(found.attrs),
    )
    figure = plot_detectors(found).figure.get_figure(root=True)
    return sentences, write_experiment(run, section, data=found, table=table, figures={NAME: figure})


def _entries(row: list) -> tuple:
    return tuple(None if isinstance(value, float) and not np.isfinite(value) else value for value in row)
