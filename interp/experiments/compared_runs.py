"""What `interp compare` found as files: a table of every cell, a figure for every pair, a page that shows them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import xarray as xr

from interp.experiments.written import check_page_folder, write_page
from interp.grids.grid_table import grid_table
from interp.reporting.difference_words import describe_differences
from interp.reporting.differences_plot import plot_differences
from interp.reporting.differences_section import NAME, differences_section


def differences_folder(out: Path | None, runs: Sequence[Path]) -> Path:
    """Where files go: `out`, by default a folder named after the runs. Raises RunError if it holds anything else."""
    folder = Path("_".join(["compare", *(run.name for run in runs)])) if out is None else out
    check_page_folder(folder, NAME)
    return folder


def write_differences(grids: Mapping[str, xr.Dataset], found: xr.Dataset, out: Path) -> tuple[list[str], list[Path]]:
    """`differences.csv`, `.nc`, `.json`, a figure for each pair and `report.html` in a folder: sentences and files.

    `found` is what `compare_runs` returned of `grids`.
    """
    section = differences_section(found, list(grids))
    figures = {}
    for picture, name in zip(section.pictures, found["pair"].values.tolist(), strict=True):
        pair = found.sel(pair=name)
        figures[picture.name] = plot_differences(grids[pair["first"].item()], grids[pair["second"].item()], pair)
    files = write_page(out, section, data=found, table=grid_table(found), figures=figures)
    return describe_differences(found), files
