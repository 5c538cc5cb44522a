"""Where the probe grids of runs differ, as a section: its sentences, and a figure for every pair."""

from collections.abc import Sequence

import xarray as xr

from interp.reporting.difference_words import describe_differences
from interp.reporting.section import Picture, Section
from interp.support.version import __version__

NAME = "differences"


def differences_section(found: xr.Dataset, runs: Sequence[str]) -> Section:
    """Of what `compare_runs` returned; its pictures stand in the order of the pairs."""
    pairs = found["pair"].values.tolist()
    names = [f"{NAME}_{number}" for number in range(1, len(pairs) + 1)] if len(pairs) > 1 else [NAME]
    return Section(
        NAME,
        "Where the probe grids of runs differ",
        tuple(sentence.strip() for sentence in describe_differences(found)),
        pictures=tuple(
            Picture(name, f"{pair}: AUC of both probe grids, and their difference.", wide=True)
            for name, pair in zip(names, pairs, strict=True)
        ),
        settings={"runs": list(runs), "version": __version__},
    )


def not_comparable(error: Exception) -> str:
    """Why the grids of a page of runs are not compared."""
    return f"Cell by cell they cannot be compared: {error}."
