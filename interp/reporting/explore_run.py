"""A run as the page explores it: grids, what is said of a cell, samples; a cell at a time, or all packed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from interp.reporting.explore_cells import ScoredGrid
from interp.reporting.explore_grids import baselines, section_grids, table_grids
from interp.reporting.explore_samples import Listed, RoleTexts, all_ranks, choose, exact_span, packed, sample_view
from interp.reporting.token_colours import TokenColours


@dataclass(frozen=True)
class Explored:
    """What a page, or a widget that asks for one cell after the other, takes of a run.

    Everything is found by label: cells by layer and token, samples by id.
    """

    name: str
    """What the run is called."""
    table: pd.DataFrame
    """`grid.csv`, or as much of it as there is."""
    scored: Mapping[str, ScoredGrid]
    """Grids with scores, by the names that a grid's `of` gives."""
    lines: Sequence[Mapping[str, Any]]
    """Of samples.jsonl."""
    sections: Sequence[tuple[str, str, xr.Dataset]] = ()
    """Name, title and dataset of the experiments."""
    texts: RoleTexts = field(default_factory=RoleTexts)
    colours: TokenColours = field(default_factory=TokenColours)

    @classmethod
    def of(
        cls,
        name: str,
        table: pd.DataFrame,
        grids: Mapping[str, xr.Dataset],
        lines: Sequence[Mapping[str, Any]],
        **more: Any,
    ) -> "Explored":
        """Of grids as `probe_grid` and `attention_grid` return them."""
        return cls(name, table, {key: ScoredGrid(grid) for key, grid in grids.items()}, lines, **more)

    @cached_property
    def grids(self) -> list[dict[str, Any]]:
        """Every heat map that can be chosen."""
        return [
            *table_grids(self.table),
            *(grid for section in self.sections for grid in section_grids(*section)),
        ]

    @cached_property
    def roles(self) -> list[str]:
        """Columns of the grids, in their order."""
        return next(iter(self.scored.values())).tokens

    def start(self) -> tuple[str, str] | None:
        """Layer and token of the highest defined cell of the first grid; None where none is defined."""
        grid = self.grids[0]
        values = np.array(
            [
                [np.nan if value is None or layer == "embed" else value for value in row]
                for layer, row in zip(grid["layers"], grid["value"], strict=True)
            ],
            dtype=float,
        )
        if np.isnan(values).all():
            return None
        row, column = np.unravel_index(int(np.nanargmax(values)), values.shape)
        return grid["layers"][row], grid["tokens"][column]

    def cell(self, of: str, layer: str, token: str) -> dict[str, Any] | None:
        """Distributions, ROC and calibration of one cell (`ScoredGrid.cell`); None where it is undefined."""
        grid = self.scored[of]
        return grid.cell(layer, token) if layer in grid.layers and token in grid.tokens else None

    @cached_property
    def _ranks(self) -> dict[str, np.ndarray]:
        return {name: all_ranks(grid) for name, grid in self.scored.items()}

    def listed(self, *, pages: int = 1) -> Listed:
        """Which samples are listed where not all fit."""
        return choose(self.lines, self.scored, self._ranks, pages=pages)

    def packed(self, *, pages: int = 1) -> dict[str, Any]:
        """All of it as plain values, for a page that `pages` runs share."""
        listed = self.listed(pages=pages)
        lines = [self.lines[i] for i in listed.chosen]
        ids = [str(line["id"]) for line in lines]
        return {
            "name": self.name,
            "grids": self.grids,
            "baselines": baselines(self.table),
            "roles": self.roles,
            "start": self.start(),
            "cells": {
                name: {layer: {token: grid.cell(layer, token) for token in grid.tokens} for layer in grid.layers}
                for name, grid in self.scored.items()
            },
            "ranks": {name: packed(grid, self._ranks[name], ids, listed) for name, grid in self.scored.items()},
            "samples": [
                sample_view(line, self.roles, self.texts, self.colours.shades.get(str(line["id"]), ()))
                for line in lines
            ],
            "listed": listed.sentence(),
            "coloured": self.colours.sentences(),
            "unmarked": sum(bool(line.get("exact_answer")) and not _marked(line) for line in self.lines),
        }


def _marked(line: Mapping[str, Any]) -> bool:
    return exact_span(line) is not None
