"""The best cell of a grid: as seen, chosen without the fold it is scored on, and which cells may be the peak."""

from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Bool, Float, Int

from interp.grids.grid import GridArrays, grid_arrays
from interp.statistics.auc import MIN_PER_CLASS, Estimate, estimate_auc
from interp.statistics.nested_choice import chosen_best
from interp.statistics.resampling import NestedBest, nested_best, peak_set
from interp.support.atomic import plain

ENOUGH = 0.5
"""Share of the samples of the fullest cell that a cell has to have to be the best: of columns that few samples have,
one is high by luck, and an AUC of these few says little of the others."""


def full_enough(
    score: Float[np.ndarray, "sample layer role"], defined: Bool[np.ndarray, "layer role"]
) -> Bool[np.ndarray, "layer role"]:
    """The defined cells that have enough of the samples to be the best."""
    n = np.where(defined, np.isfinite(score).sum(0), 0)
    full: Bool[np.ndarray, "layer role"] = defined & (n >= ENOUGH * n.max(initial=0))
    return full


def nested_choice(
    arrays: GridArrays, *, min_per_class: int = MIN_PER_CLASS
) -> tuple[NestedBest, Int[np.ndarray, "cell place"]]:
    """The best of the grid's cells, chosen for each fold without it, and where (layer, role) the cells stand.

    Defined cells that have half of the samples that the fullest has (definitions: best cell).

    By `choice_auc`, which `probe_grid` and `attention_grid` compute. Scores that no probe was fitted for have no such
    numbers and need none: there the other folds' AUCs choose.
    """
    cells = np.argwhere(full_enough(arrays.score, arrays.defined))
    score = arrays.score[:, cells[:, 0], cells[:, 1]]
    if arrays.choice is None:
        return nested_best(score, arrays.samples, min_per_class=min_per_class), cells
    choice = arrays.choice[:, cells[:, 0], cells[:, 1]]
    training = None if arrays.training is None else arrays.training[:, cells[:, 0], cells[:, 1]]
    return chosen_best(score, choice, arrays.samples, training=training, min_per_class=min_per_class), cells


def describe_best(grid: xr.Dataset, *, seed: int = 0, min_per_class: int = MIN_PER_CLASS) -> dict[str, Any]:
    """Best cell of one grid: as seen, nested (chosen without the fold), and the set of cells that may be the peak."""
    arrays = grid_arrays(grid)
    if not arrays.defined.any():
        return {"cell": None, "auc": None, "nested": None, "chosen": {}, "peak_set": []}
    nested, cells = nested_choice(arrays, min_per_class=min_per_class)
    columns = arrays.score[:, cells[:, 0], cells[:, 1]]
    estimates = [estimate_auc(column, arrays.samples, min_per_class=min_per_class) for column in columns.T]
    auc = np.array([e.value for e in estimates])
    share = peak_set(auc, np.stack([e.influence for e in estimates]), arrays.group, seed=seed)
    layers, tokens = grid["layer"].values, grid["token"].values

    def label(number: int) -> dict[str, Any]:
        layer, role = cells[number]
        return {"layer": int(layers[layer]), "token": str(tokens[role])}

    order = np.argsort(-share, kind="stable")[: int((share > 0).sum())]
    return {
        "cell": label(int(auc.argmax())),
        "auc": plain(float(auc.max())),
        "nested": _estimate_dict(nested.estimate),
        "chosen": {str(fold): label(cell) for fold, cell in nested.chosen.items()},
        "peak_set": [{**label(int(number)), "share": plain(float(share[number]))} for number in order],
    }


def _estimate_dict(estimate: Estimate) -> dict[str, Any]:
    numbers = {key: plain(getattr(estimate, key)) for key in ("value", "low", "high", "n", "n_correct")}
    return {**numbers, "reason": estimate.reason}
