"""Several runs in one page: what each found, where they differ, and their grids side by side, linked."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import xarray as xr

from interp.reporting.explore_page import explore_view
from interp.reporting.explore_run import Explored
from interp.reporting.report_tables import accuracy
from interp.reporting.section_page import style, template
from interp.reporting.verdict import headline, verdict
from interp.support.units import with_interval


@dataclass(frozen=True)
class RunOnPage:
    """One of the runs: what is read from its folder."""

    explored: Explored
    record: dict[str, Any]
    probe: xr.Dataset
    comparison: Any
    """comparison.json, as a mapping."""


def runs_html(runs: Sequence[RunOnPage], differences: Sequence[str]) -> str:
    """The page: a table of the runs, the linked grids of all of them, and `differences`, in sentences.

    It forbids the network and every script but its own two, as a run's report does. All text from data is escaped.
    """
    numbers = [headline(run.probe, run.comparison) for run in runs]
    names = list(dict.fromkeys(_same(number.name) for row in numbers for number in row))
    return template("runs.html.j2").render(
        title=f"{len(runs)} runs side by side" if len(runs) > 1 else runs[0].explored.name,
        style=style(),
        token_style=next((css for run in runs if (css := run.explored.colours.style())), ""),
        columns=["Model", "Data", "Samples", "Right", *names],
        rows=[
            {
                "name": run.explored.name,
                "cells": [
                    str(run.record.get("model", {}).get("name", "–")),
                    str(run.record.get("data", {}).get("source", "–")).rstrip("/").rsplit("/", 1)[-1],
                    str(len(run.explored.lines)),
                    str(accuracy(run.explored.lines)["correct"]),
                    *(_shown(name, row) for name in names),
                ],
                "verdict": verdict(run.probe, run.comparison)[0],
            }
            for run, row in zip(runs, numbers, strict=True)
        ],
        differences=differences,
        explore=explore_view([run.explored for run in runs]),
    )


def _same(name: str) -> str:
    """What a number is of, without which control was the strongest: that stands in the cell."""
    return name.partition(":")[0]


def _shown(name: str, row: Sequence[Any]) -> str:
    number = next((one for one in row if _same(one.name) == name), None)
    if number is None:
        return "–"
    which = number.name.partition(": ")[2]
    return with_interval(number.value, number.low, number.high) + (f" ({which})" if which else "")
