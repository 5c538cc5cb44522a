"""What `interp compare` found as files: a table of every cell, a figure for every pair, a page that shows them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import xarray as xr

from interp.experiments.written import check_page_folder, write_page
from interp.grids.grid_table import grid_table
from interp.reporting.difference_words import describe_differences
from interp.reporting.differences_plot import plot_differences
from interp.reporting.section import Picture, Section
from interp.support.version import __version__

NAME = "differences"


def differences_folder(out: Path | None, runs: Sequence[Path]) -> Path:
    """Where files go: `out`, by default a folder named after the runs. Raises RunError if it holds anything else."""
    folder = Path("_".join(["compare", *(run.name for run in runs)])) if out is None else out
    check_page_folder(folder, NAME)
    return folder


def write_differences(grids: Mapping[str, xr.Dataset], found: xr.Dataset, out: Path) -> tuple[list[str], list[Path]]:
    """`differences.csv`, `.nc`, `.json`, a figure for each pair and `report.html` in a folder: sentences and files.

    `found` is what `compare_runs` returned of `grids`.
    """
    sentences = describe_differences(found)
    figures, pictures = {}, []
    for number, name in enumerate(found["pair"].values.tolist(), start=1):
        pair = found.sel(pair=name)
        picture = f"{NAME}_{number}" if found.sizes["pair"] > 1 else NAME
        figures[picture] = plot_differences(grids[pair["first"].item()], grids[pair["second"].item()], pair)
        pictures.append(Picture(picture, f"{name}: AUC of both probe grids, and their difference.", wide=True))
    section = Section(
        NAME,
        "Where the probe grids of runs differ",
        tuple(sentence.strip() for sentence in sentences),
        pictures=tuple(pictures),
        settings={"runs": list(grids), "version": __version__},
    )
    return sentences, write_page(out, section, data=found, table=grid_table(found), figures=figures)
