"""What the controls came to: as rows of grid.csv, as lines under the best cell, as tables, as JSON."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from interp.controls.scored import Scored
from interp.grids.tidy import tidy
from interp.support.axes import places
from interp.support.tabular import Tabular


@dataclass(frozen=True)
class Controls(Tabular):
    """The controls of a probe grid (definitions: controls)."""

    cells: xr.Dataset
    """`auc`, `low`, `high`, `n`, `n_correct`, `reason` on (control, layer, token)."""
    baselines: dict[str, dict[str, Scored]]
    """{name: {token: estimate}}, each with its scores; the token is "all" where the baseline is the same for every
    position."""
    notes: dict[str, Any]
    """`answer_strings` and `answer_components`: how many there are; `largest_component`: its samples."""

    def __repr__(self) -> str:
        """In one line: which controls of how large a grid."""
        sizes = self.cells.sizes
        names = ", ".join([*map(str, self.cells["control"].values), *self.baselines])
        return f"Controls({sizes['layer']} layers, {sizes['token']} tokens: {names})"

    def table(self) -> pd.DataFrame:
        """Every control as a row per layer, token and metric, with the columns of `grid.csv` (`interp.grid_table`).

        The layer of a baseline is "all", that of a control on the row `embed` is "embed".
        """
        return tidy(self.rows())

    def summary(self, grid: xr.Dataset) -> pd.DataFrame:
        """What stands under the grid's best cell in the report: `name`, `value`, `low`, `high`, `note` and `unit`."""
        lines = [{"unit": "AUC", **line} for line in self.lines(grid)]
        table = pd.DataFrame(lines, columns=["name", "value", "low", "high", "note", "unit"])
        return table.astype(dict.fromkeys(("value", "low", "high"), "float64"))

    def rows(self) -> list[dict[str, Any]]:
        """What `table` holds, for `grid.csv`."""
        rows = []
        names = ("low", "high", "n", "n_correct", "reason")
        for control in self.cells["control"].values:
            metric = control if control == "selectivity" else f"{control}_auc"
            part = self.cells.sel(control=control)
            for layer in part["layer"].values:
                for token in part["token"].values:
                    cell = part.sel(layer=layer, token=token)
                    values = {name: cell[name].item() for name in names}
                    rows.append(
                        {
                            "layer": int(layer),
                            "token": str(token),
                            "metric": metric,
                            "value": cell["auc"].item(),
                            **values,
                        }
                    )
        for name, estimates in self.baselines.items():
            layer = "embed" if name in ON_EMBED else "all"
            for token, e in estimates.items():
                values = {key: getattr(e, key) for key in names}
                rows.append({"layer": layer, "token": token, "metric": f"{name}_auc", "value": e.value, **values})
        return rows

    def lines(self, grid: xr.Dataset) -> list[dict[str, Any]]:
        """What `summary` holds, for JSON: undefined numbers are None, and only what is no AUC names its unit."""
        auc = grid["auc"].transpose("layer", "token")
        if bool(auc.isnull().all()):
            return []
        row, column = np.unravel_index(int(np.nanargmax(auc.values)), auc.shape)
        best = {"layer": auc["layer"].values[row].item(), "token": str(auc["token"].values[column])}
        place = f"layer {best['layer']}, {best['token']}"
        for axis, label in best.items():
            places(axis, [label], self.cells.indexes[axis].tolist(), where="the controls", remedy="give their grid")
        out = []
        for control in self.cells["control"].values:
            cell = self.cells.sel(control=control, **best)
            numbers = [cell[name].item() for name in ("auc", "low", "high")]
            out.append(_line(TITLES[control], numbers, cell["reason"].item() or place))
        for name, estimates in self.baselines.items():
            known = {token: e for token, e in estimates.items() if np.isfinite(e.value)}
            token = max(known, key=lambda t: known[t].value) if known else next(iter(estimates))
            e = estimates[token]
            note = e.reason or ("" if token == "all" else f"highest: {token}")
            out.append(_line(TITLES[name], [e.value, e.low, e.high], note))
        return out

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON: the baselines, and each cell control's mean over the grid."""
        means = {str(c): _plain(float(self.cells["auc"].sel(control=c).mean())) for c in self.cells["control"].values}
        keys = ("value", "low", "high", "n", "n_correct", "reason")
        baselines = {
            name: {token: {key: _plain(getattr(e, key)) for key in keys} for token, e in estimates.items()}
            for name, estimates in self.baselines.items()
        }
        return {"mean_over_cells": means, "baselines": baselines, **self.notes}


# In the order of the tables: what is fitted on the states, what reads no layer, the model's own confidence.
TITLES = {
    "control_task": "Control task (random label per answer string)",
    "selectivity": "Selectivity (AUC minus control task)",
    "held_out": "Answer-held-out folds",
    "shuffled": "Shuffled labels",
    "embed_held_out": "Embedding row, answer-held-out folds",
    "random_vectors": "Random vectors of the same width",
    "position": "Position only (index, length)",
    "question_words": "Words of the question",
    "question_embedding": "Mean embedding of the question's tokens",
    "answer_words": "Words of the answer",
    "answer_identity": "Identity of the exact answer",
    "answer_length": "Length of the answer",
    "answer_logprob": "Mean log-probability of the answer",
    "exact_answer_logprob": "Mean log-probability of the exact answer",
}


ON_EMBED = ("embed_held_out",)
"""Baselines that are a control of the embedding row: the token itself, on folds of their own."""


def _line(name: str, numbers: Sequence[float], note: str) -> dict[str, Any]:
    value, low, high = map(_plain, numbers)
    line = {"name": name, "value": value, "low": low, "high": high, "note": note}
    return line | {"unit": "AUC difference"} if name == TITLES["selectivity"] else line


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not np.isfinite(value) else value
