"""Does the best cell tell more than what needs no probe: the model's own log-probability, the answer, its token?"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Bool, Float

from interp.comparing.best_cell import nested_choice
from interp.controls.control_table import ON_EMBED
from interp.controls.scored import Scored
from interp.grids.fold_values import unpacked
from interp.grids.grid import GridArrays, grid_arrays
from interp.statistics.auc import MIN_PER_CLASS, delta_auc
from interp.statistics.cross_fold import Sketch
from interp.statistics.resampling import NestedBest
from interp.statistics.samples import Samples
from interp.support.atomic import plain
from interp.support.axes import places

EMBED = "embed"
LOGPROBS = ("answer_logprob", "exact_answer_logprob")


def against_controls(grid: xr.Dataset, baselines: Mapping[str, Mapping[str, Scored]]) -> list[dict[str, Any]]:
    """The nested best cell's AUC minus that of every baseline and of the row `embed`, over the samples that have both.

    Rows {name, token, value, low, high, best_value, n, n_correct, own_value, own_n, best_n, difference: {value, low,
    high, p}}: `value` is the baseline's AUC and `best_value` the best cell's over the `n` samples of both, so that
    `difference` is theirs (paired: influences subtracted, with what the folds of both share); `own_value` is over all
    `own_n` samples of the baseline. First comes the baseline that the best cell exceeds least, since AUCs over other
    samples do not compare; of a baseline with a value per token, that token alone. Where too few samples have both,
    `value` is `own_value`, `n` is `own_n`, and `best_value` and the numbers of `difference` are None.

    `baselines` are those of `Controls`, found by sample; those on folds of their own are left out.
    """
    arrays = grid_arrays(grid)
    if not arrays.defined.any():
        return []
    least = int(grid.attrs.get("min_per_class", MIN_PER_CLASS))
    nested, cells = nested_choice(arrays, min_per_class=least)
    if nested.estimate.reason:
        return []
    ids = grid["sample"].values.tolist()
    labels = Samples.named(arrays.y, arrays.fold, grid["group"].values.tolist(), ids)
    training = _training(arrays, nested, cells)
    best = Scored.of(nested.score, labels, training=training, min_per_class=least)
    found = {name: of for name, of in baselines.items() if name not in ON_EMBED}
    if "embed_score" in grid:
        found[EMBED] = embedding_row(grid, labels, least)
    rows = []
    for name, of in found.items():
        known = [_row(name, token, best, one, labels, least) for token, one in of.items() if np.isfinite(one.value)]
        if known:
            rows.append(min(known, key=_left))
    return sorted(rows, key=_left)


def _left(row: Mapping[str, Any]) -> tuple[float, float]:
    """How much the best cell has over a baseline; last those that cannot be compared, the highest first."""
    best = row["best_value"]
    return (np.inf, -row["own_value"]) if best is None else (best - row["value"], -row["value"])


def _row(name: str, token: str, best: Scored, baseline: Scored, labels: Samples, least: int) -> dict[str, Any]:
    baseline = in_order_of(baseline, labels)
    both = np.isfinite(best.score) & np.isfinite(baseline.score)
    here, there = (_within(one, both, labels, least) for one in (best, baseline))
    training = here.trained - there.trained
    gain = delta_auc(here.score, there.score, labels, training=training, min_per_class=least)
    shown, compared = (baseline, None) if here.reason else (there, here.value)
    return {
        "name": name,
        "token": token,
        **{key: plain(getattr(shown, key)) for key in ("value", "low", "high", "n", "n_correct")},
        "best_value": plain(compared),
        "own_value": plain(baseline.value),
        "own_n": baseline.n,
        "best_n": best.n,
        "difference": {key: plain(getattr(gain, key)) for key in ("value", "low", "high", "p")},
    }


def in_order_of(baseline: Scored, labels: Samples) -> Scored:
    """The baseline's scores in the order of the grid's samples. DataError for a sample that it lacks."""
    if baseline.ids == labels.ids:
        return baseline
    remedy = "give the controls of this grid"
    at = places("samples", labels.ids, baseline.ids, where="the controls", remedy=remedy)
    training = None if baseline.training is None else baseline.training[at]
    return replace(baseline, score=baseline.score[at], training=training, ids=labels.ids)


def _within(one: Scored, samples: Bool[np.ndarray, " sample"], labels: Samples, least: int) -> Scored:
    """The AUC anew, over some of its samples."""
    training = None if one.training is None else np.where(samples[:, None, None], one.training, 0.0)
    return Scored.of(np.where(samples, one.score, np.nan), labels, training=training, min_per_class=least)


def _training(
    arrays: GridArrays, nested: NestedBest, cells: np.ndarray
) -> Float[np.ndarray, "sample side direction"] | None:
    """The `training_sketch` of the nested best cell, as its own interval uses it."""
    if arrays.training is None:
        return None
    layer, role = cells[[nested.chosen[f] for f in arrays.fold.tolist()]].T
    return arrays.training[np.arange(len(arrays.y)), layer, role].astype(np.float64)


def embedding_row(grid: xr.Dataset, labels: Samples, least: int) -> dict[str, Scored]:
    """The control row as the grid has it, with its scores."""
    score = grid["embed_score"].transpose("sample", "token").values.astype(np.float64)
    reasons = grid["embed_reason"].values.tolist() if "embed_reason" in grid else [""] * score.shape[1]
    training: list[Sketch | None] = [None] * score.shape[1]
    if "embed_training" in grid:
        sketches = unpacked(grid["embed_training"].transpose("sample", "token").values).astype(np.float64)
        training = list(sketches.swapaxes(0, 1))
    return {
        str(token): Scored.of(score[:, role], labels, training=training[role], reason=reason, min_per_class=least)
        for role, (token, reason) in enumerate(zip(grid["token"].values, reasons, strict=True))
    }
