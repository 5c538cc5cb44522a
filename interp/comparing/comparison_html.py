"""A Comparison as a notebook shows it: how many cells differ, each grid's best cell, and whether the two look alike."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from interp.support.html_repr import Html, box, section, table
from interp.support.units import decimal, share, with_interval

if TYPE_CHECKING:
    from interp.comparing.compare import Comparison

LARGEST = 5
"""How many of the cells that differ most are shown."""


def comparison_html(comparison: "Comparison") -> str:
    """`Comparison._repr_html_`."""
    first, second = comparison.names
    sizes, found = comparison.delta_auc.sizes, comparison.differences
    mean = decimal(found["mean_delta"], sign=True)
    higher, lower = found[f"{first}_higher"], found[f"{second}_higher"]
    line = [
        f"{first} − {second}",
        f"{sizes['layer']} layers × {sizes['token']} tokens",
        f"mean ΔAUC {mean}",
        f"of {found['cells']} cells {higher} higher, {lower} lower (q < 0.05)",
    ]
    sections = [
        section("Cells that differ", _cells(comparison, higher, lower), note="q < 0.05", opened=True),
        section("Largest differences", _largest(comparison), note="with 95 % interval"),
        section("Best cells", _best(comparison), note="AUC when chosen on other folds", opened=True),
        section("Correlation over cells", _correlation(comparison), note=_alike(comparison.correlation)),
        _observations(comparison),
    ]
    return box("Comparison", line, sections)


def _cells(comparison: "Comparison", higher: int, lower: int) -> Html:
    first, second = comparison.names
    cells, of = comparison.differences["cells"], comparison.delta_auc["delta"].size
    counts = {
        f"{first} higher": higher,
        f"{second} higher": lower,
        "no difference shown": cells - higher - lower,
        "undefined": of - cells,
    }
    return table(
        ("", "cells", "share"), [(name, count, share(count, of)) for name, count in counts.items()], right=["share"]
    )


def _largest(comparison: "Comparison") -> Html:
    cells = comparison.delta_auc.transpose("layer", "token")
    delta = cells["delta"].values
    order = np.argsort(-np.abs(delta), axis=None, kind="stable")[: min(LARGEST, int(np.isfinite(delta).sum()))]
    rows = []
    for layer, token in zip(*np.unravel_index(order, delta.shape), strict=True):
        value, low, high, q = (float(cells[name].values[layer, token]) for name in ("delta", "low", "high", "q"))
        place = (int(cells["layer"].values[layer]), str(cells["token"].values[token]))
        n, right = (int(cells[name].values[layer, token]) for name in ("n", "n_correct"))
        rows.append((*place, with_interval(value, low, high, sign=True), q, n, right))
    return table(("layer", "token", "ΔAUC", "q", "samples", "correct"), rows, right=["ΔAUC"])


def _best(comparison: "Comparison") -> Html:
    rows = [(name, *best_cell(comparison.best[name])) for name in comparison.names]
    return table(("grid", *BEST), rows)


BEST = ("best cell", "AUC", "AUC chosen on other folds", "samples", "correct", "cells that may be the peak")


def best_cell(best: Mapping[str, Any]) -> tuple[object, ...]:
    """A grid's best cell as cells of a table, under `BEST`."""
    cell, nested = best["cell"], best["nested"] or {}
    if cell is None:
        return "undefined", None, None, None, None, 0
    auc = with_interval(*(nested.get(key) for key in ("value", "low", "high")))
    counts = (nested.get("n"), nested.get("n_correct"))
    return f"layer {cell['layer']}, {cell['token']}", best["auc"], auc, *counts, len(best["peak_set"])


def _correlation(comparison: "Comparison") -> Html:
    first, second = comparison.names
    titles = {"raw": "as they are", "centred": "row and column means removed"}
    keys = ("between", "within_1", "within_2", "n_cells")
    rows = [(titles.get(name, name), *(half.get(key) for key in keys)) for name, half in comparison.correlation.items()]
    return table(("", "the two grids", f"ceiling of {first}", f"ceiling of {second}", "cells"), rows)


def _alike(correlation: Mapping[str, Any]) -> str:
    return decimal(correlation.get("raw", {}).get("between"), digits=2)


def _observations(comparison: "Comparison") -> Html:
    rows = [
        (row["name"], with_interval(row["value"], row["low"], row["high"], sign=True), row["verdict"], row["claim"])
        for row in comparison.observations.to_dict("records")
    ]
    held = sum(row[2] == "holds" for row in rows)
    found = table(("", "value", "verdict", "claim"), rows, right=["value"])
    return section("Observations", found, note=f"{held} of {len(rows)} hold")
