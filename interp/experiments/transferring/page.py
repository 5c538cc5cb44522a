"""What `transfer` found as files: table, dataset, figure, and a page that shows them."""

from pathlib import Path

import pandas as pd
import xarray as xr

from interp.experiments.written import check_page_folder, write_page
from interp.reporting.section import Picture, Section
from interp.reporting.transfer_plot import plot_transfer
from interp.reporting.transfer_words import cells, transfer_sentences, transfer_table
from interp.support.version import __version__

NAME = "transfer"


def check_transfer_folder(out: Path) -> None:
    """Raise RunError, before anything is computed, if the folder holds something else."""
    check_page_folder(out, NAME)


def write_transfer(found: xr.Dataset, out: Path) -> tuple[list[str], list[Path]]:
    """`transfer.csv`, `.nc`, `.json`, `.svg`, `.png` and `report.html` in a folder; its sentences and the files."""
    sentences = transfer_sentences(found)
    section = Section(
        NAME,
        "Generalisation: trained on one, tested on another",
        tuple(sentences),
        (transfer_table(found),),
        (Picture(NAME, "AUC of every pair, and its difference from the exact answer's log-probability", wide=True),),
        {**found.attrs, "version": __version__},
    )
    figures = {NAME: plot_transfer(found)}
    return sentences, write_page(out, section, data=found, table=tidy_matrix(found), figures=figures)


def tidy_matrix(found: xr.Dataset) -> pd.DataFrame:
    """The matrix as a table, a row per pair."""
    names = [name for name, values in found.data_vars.items() if values.dims == ("train", "test")]
    table = found[names].to_dataframe(dim_order=["train", "test"]).reset_index()
    of = [cells(found.sel(train=a, test=b)) for a, b in zip(table["train"], table["test"], strict=True)]
    table.insert(2, "cells", of)
    return table
