"""Does the best cell tell more than what needs no probe: the model's own log-probability, the answer, its token?"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Float

from interp.atomic import plain
from interp.comparing.best_cell import nested_choice
from interp.probing.control_table import ON_EMBED, TITLES
from interp.probing.grid import GridArrays, grid_arrays
from interp.statistics.inference import MIN_PER_CLASS, Estimate, auc_influence, normal_estimate
from interp.statistics.resampling import NestedBest

EMBED = "embed"
LOGPROBS = ("answer_logprob", "exact_answer_logprob")


def against_controls(grid: xr.Dataset, baselines: Mapping[str, Mapping[str, Estimate]]) -> list[dict[str, Any]]:
    """The nested best cell's AUC minus that of every baseline and of the row `embed`; the highest baseline first.

    Rows {name, token, value, low, high, difference: {value, low, high, p}}; of a baseline with a value per token only
    its highest. `baselines` are those of `Controls`; those on folds of their own are left out. The difference is
    paired: influences of the same samples are subtracted. The errors that a fitted baseline's folds share are not in
    its interval; a log-probability has none.
    """
    arrays = grid_arrays(grid)
    if not arrays.defined.any():
        return []
    nested, cells = nested_choice(arrays, min_per_class=int(grid.attrs.get("min_per_class", MIN_PER_CLASS)))
    if nested.estimate.reason:
        return []
    training = _training(arrays, nested, cells)
    found = {name: of for name, of in baselines.items() if name not in ON_EMBED}
    if "embed_score" in grid:
        found[EMBED] = _embed_estimates(grid, arrays)
    rows = []
    for name, estimates in found.items():
        known = {token: e for token, e in estimates.items() if np.isfinite(e.value)}
        if known:
            token = max(known, key=lambda t: known[t].value)
            rows.append(_row(name, token, known[token], nested.estimate, arrays, training))
    return sorted(rows, key=lambda row: -row["value"])


def control_sentences(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """What `against_controls` says: of the model's own log-probability, and of the strongest baseline if another."""
    told = next((row for row in rows if row["name"] in LOGPROBS), None)
    strongest = next((row for row in rows if row["name"] != EMBED), None)  # what it says of the embedding: `gain_text`
    subjects = {"The model's own": told, "The strongest control,": None if strongest is told else strongest}
    return [
        f"{subject} {title(row)[0].lower()}{title(row)[1:]} reaches AUC {_interval(row)}: {gain_text(row)}."
        for subject, row in subjects.items()
        if row is not None
    ]


def gain_text(row: Mapping[str, Any]) -> str:
    """Whether the best cell exceeds a baseline, with the paired difference, in words."""
    gain = row["difference"]
    if gain["value"] is None:
        return "the probe's best cell cannot be compared with it"
    if gain["low"] > 0:
        return f"the probe's best cell exceeds it by {_interval(gain)}"
    verb = "does not reach" if gain["high"] < 0 else "does not clearly exceed"
    return f"the probe's best cell {verb} it (difference {_interval(gain)})"


def title(row: Mapping[str, Any]) -> str:
    """The baseline in words, with its token where it has one."""
    name = "Embedding row" if row["name"] == EMBED else TITLES[row["name"]]
    return name if row["token"] == "all" else f"{name}, {row['token']}"


def _interval(numbers: Mapping[str, Any]) -> str:
    value, low, high = (f"{numbers[key]:.2f}".replace("-", "−") for key in ("value", "low", "high"))
    return f"{value} [{low}, {high}]"


def _row(
    name: str,
    token: str,
    baseline: Estimate,
    best: Estimate,
    arrays: GridArrays,
    training: Float[np.ndarray, "sample side direction"] | None,
) -> dict[str, Any]:
    counts = min(best.n, baseline.n), min(best.n_correct, baseline.n_correct)
    influence = best.influence - baseline.influence
    gain = normal_estimate(best.value - baseline.value, influence, arrays.group, *counts, training=training)
    numbers = {key: plain(getattr(baseline, key)) for key in ("value", "low", "high")}
    difference = {key: plain(getattr(gain, key)) for key in ("value", "low", "high", "p")}
    return {"name": name, "token": token, **numbers, "difference": difference}


def _training(
    arrays: GridArrays, nested: NestedBest, cells: np.ndarray
) -> Float[np.ndarray, "sample side direction"] | None:
    """The `training_sketch` of the nested best cell, as its own interval uses it."""
    if arrays.training is None:
        return None
    layer, role = cells[[nested.chosen[f] for f in arrays.fold.tolist()]].T
    return arrays.training[np.arange(len(arrays.y)), layer, role].astype(np.float64)


def _embed_estimates(grid: xr.Dataset, arrays: GridArrays) -> dict[str, Estimate]:
    """The control row as the grid has it, with its influences."""
    out = {}
    for token in grid["token"].values:
        cell = grid.sel(token=token)
        value, low, high = (float(cell[f"embed_{name}"]) for name in ("auc", "low", "high"))
        counts = int(cell["embed_n"]), int(cell["embed_n_correct"])
        influence = auc_influence(cell["embed_score"].values.astype(np.float64), arrays.y, arrays.fold)[1]
        out[str(token)] = Estimate(value, low, high, influence, *counts)
    return out
