"""What an experiment leaves behind: dataset, table, figures and its section, in a run's folder or one of its own."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

from interp.errors import RunError
from interp.grids.grid import save_grid
from interp.reporting.canvas import save_figure
from interp.reporting.section import Section
from interp.reporting.section_page import page_html
from interp.running.analysis import redraw
from interp.runs.identity import run_identity
from interp.runs.lock import locked
from interp.runs.opened_run import Run
from interp.support.atomic import make_folder, remove, write_json, write_text, writing
from interp.support.csv_text import csv_text
from interp.support.stored import check_inside


def write_experiment(
    run: Run, section: Section, *, data: xr.Dataset, table: pd.DataFrame, figures: Mapping[str, Figure]
) -> list[Path]:
    """`experiments/NAME.nc`, `.csv`, `.json` and the figures of a finished run, and its report drawn again.

    `figures`: {name of a picture of the section: figure}; they are closed. Returns the files, the report last. Raises
    RunError for a run that is not finished, or that another process works on; then nothing is written.
    """
    run.probe  # noqa: B018 - an unfinished run is refused before anything is written
    folder = run.folder.experiments
    with locked(run.folder.path):
        files = _write(folder, replace(section, run=run_identity(run.record)), data, table, figures)
    redraw(run)
    return [*files, run.folder.report]


def write_page(
    out: Path, section: Section, *, data: xr.Dataset, table: pd.DataFrame, figures: Mapping[str, Figure]
) -> list[Path]:
    """The same of several runs, in a folder of its own, with a page that shows the section. Returns the files.

    Raises RunError if the folder holds anything but an earlier result of the same experiment.
    """
    check_page_folder(out, section.name)
    files = _write(out, section, data, table, figures)
    write_text(out / "report.html", page_html(section.title, [section], out))
    return [*files, out / "report.html"]


def check_page_folder(out: Path, name: str) -> None:
    """Raise RunError if the folder holds anything but an earlier result of the experiment of this name."""
    if out.exists() and (not out.is_dir() or (not (out / f"{name}.json").exists() and any(out.iterdir()))):
        raise RunError(f"{out} holds other files; nothing was overwritten: choose another folder with --out")


def _write(
    folder: Path, section: Section, data: xr.Dataset, table: pd.DataFrame, figures: Mapping[str, Figure]
) -> list[Path]:
    """The files, the section last: without it, nothing of the experiment is there."""
    from matplotlib import pyplot as plt

    make_folder(folder)
    check_inside(folder)
    csv, dataset, json = (folder / f"{section.name}.{suffix}" for suffix in ("csv", "nc", "json"))
    files = [csv, dataset]
    remove(json)  # an earlier one would stand beside new figures, were this stopped half-way
    with writing(folder):
        write_text(csv, csv_text(table))
        save_grid(data, dataset)
        for picture in section.pictures:
            files += save_figure(figures[picture.name], folder / picture.name)
            plt.close(figures[picture.name])
        write_json(json, section.to_dict())
    return [*files, json]
