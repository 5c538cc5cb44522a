"""The five observations of the heatmap's description as six numbers with intervals and verdicts."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from jaxtyping import Bool, Float, Int

from interp.comparing.contrast import contrast
from interp.grids.grid import GridArrays, check_grid, grid_arrays
from interp.grids.join import reordered
from interp.grids.of_run import GridLike, grid_of
from interp.statistics.auc import (
    MIN_PER_CLASS,
    Estimate,
    auc_influence,
    normal_estimate,
    undefined,
    why_undefined,
)
from interp.statistics.cross_fold import Sketch
from interp.statistics.resampling import peak_set
from interp.statistics.samples import DIRECTIONS
from interp.support.public import public

EXACT = ("exact_answer_first", "exact_answer_last")
LAST_EIGHT = tuple(str(-k) for k in range(8, 0, -1))
OTHERS = ("first_answer", "second_answer", *LAST_EIGHT)
MARGIN = 0.05
"""Differences in AUC up to this size count as none, where an observation says that there is none."""
MIDDLE = (0.25, 0.75)
"""Depths (0: first layer, 1: last) that count as the middle."""
RISEN = 0.9

HOLDS, DOES_NOT, UNDECIDED = "holds", "does not", "undecided"


@public
def observations(grid: GridLike) -> pd.DataFrame:
    """Whether the five published observations hold for this model and data, from a grid of `probe_grid`.

    `grid`: a grid, or an opened run or its folder, whose probe grid is taken. Six rows, columns `name`, `claim`,
    `value`, `low`, `high`, `verdict`, `note`: the third observation (positional columns are noise) is tested against
    0.5 and against the exact answer. Undefined numbers are NaN. An observation that says one thing is
    larger *holds* when the 95 % interval of the difference lies above 0, *does not* when it lies below, and is
    *undecided* otherwise. One that says two things are equal holds when the interval lies within ±0.05, does not when
    it excludes 0, and is undecided otherwise. Scores are not refitted; intervals come from the cells' influences.

    A grid with the variable `position` (sample, token), as a run's grids have, lets columns that name the same token of
    a sample be left out of contrasts. Roles that the grid lacks make an observation undecided, with the reason.

    >>> from interp.demo import planted
    >>> cap, answers = planted()
    >>> interp.observations(interp.probe_grid(cap, answers.correct))[["name", "verdict"]].head(2)
                                                name    verdict
    0                        Token specificity (ΔAUC)      holds
    1   Middle-layer focus (depth of the peak, 0 … 1)  undecided
    """
    return observation_table(observation_rows(grid_of(grid)))


def observation_table(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Rows of `observation_rows`, or of `comparison.json`, as the table that `observations` gives."""
    return pd.DataFrame(rows).astype(dict.fromkeys(("value", "low", "high"), "float64"))


def observation_rows(grid: xr.Dataset) -> list[dict[str, Any]]:
    """The rows of `observations`, for JSON: undefined numbers are None."""
    view = _View(grid)
    return [
        _specificity(view),
        _middle_layers(view),
        _noise(view),
        _noise_against_exact(view),
        _symmetry(view),
        _early_question(view),
    ]


class _View:
    """Arrays of a grid, addressed by role; layers ascend, whatever their order in the grid."""

    def __init__(self, grid: xr.Dataset) -> None:
        check_grid(grid)
        grid = reordered(grid, {"layer": grid.indexes["layer"].sort_values()})
        self.arrays: GridArrays = grid_arrays(grid)
        self.roles = [str(token) for token in grid["token"].values]
        self.layers = [int(layer) for layer in grid["layer"].values]
        self.least = int(grid.attrs.get("min_per_class", MIN_PER_CLASS))
        self.seed = int(grid.attrs.get("seed", 0))
        self.token: Int[np.ndarray, "sample role"] | None = None
        if "position" in grid:
            self.token = grid["position"].transpose("sample", "token").values.astype(np.int64)
        self.embed = grid["embed_auc"].values if "embed_auc" in grid else None

    def at(self, roles: Sequence[str]) -> list[int]:
        return [self.roles.index(role) for role in roles if role in self.roles]

    def common(self, roles: Sequence[int]) -> Bool[np.ndarray, " sample"]:
        """Samples with a score in every defined cell of these roles."""
        cells = np.argwhere(self.arrays.defined)
        layer, role = cells[np.isin(cells[:, 1], roles)].T
        return np.isfinite(self.arrays.score[:, layer, role]).all(1)

    def cell(
        self, layer: int, role: int, within: Bool[np.ndarray, " sample"] | None = None
    ) -> tuple[float, Float[np.ndarray, " sample"], Sketch] | None:
        """AUC of one cell, `within` some samples, with influences and `training_sketch`; None where it is undefined."""
        score, y, fold = self.arrays.score[:, layer, role], self.arrays.y, self.arrays.fold
        score = score if within is None else np.where(within, score, np.nan)
        used = np.isfinite(score)
        if why_undefined(y[used], fold[used], self.least):
            return None
        training = np.where(used[:, None, None], self.arrays.trained(layer, role), 0.0)
        return *auc_influence(score, y, fold, self.arrays.group), training

    def mean(
        self, layers: Sequence[int], roles: Sequence[int], within: Bool[np.ndarray, " sample"] | None = None
    ) -> tuple[float, Float[np.ndarray, " sample"], Sketch, int]:
        """Mean AUC over the defined cells, its influences and `training_sketch`, and how many cells they are."""
        found = [cell for layer in layers for role in roles if (cell := self.cell(layer, role, within)) is not None]
        if not found:
            n = len(self.arrays.y)
            return float("nan"), np.zeros(n), np.zeros((n, 2, DIRECTIONS)), 0
        value, influence, training = (np.mean(part, axis=0) for part in zip(*found, strict=True))
        return float(value), influence, training, len(found)

    def difference(self, value: float, influence: Float[np.ndarray, " sample"], training: Sketch) -> Estimate:
        n, n_correct = len(self.arrays.y), int(self.arrays.y.sum())
        if np.isnan(value):
            return undefined(n, n, n_correct, "a side has no defined cell")
        return normal_estimate(value, influence, self.arrays.group, n, n_correct, training=training)


def _row(name: str, claim: str, e: Estimate, verdict: Callable[[Estimate], str], note: str) -> dict[str, Any]:
    known = not e.reason and np.isfinite(e.value)
    numbers = {key: float(getattr(e, key)) if known else None for key in ("value", "low", "high")}
    return {
        "name": name,
        "claim": claim,
        **numbers,
        "verdict": verdict(e) if known else UNDECIDED,
        "note": e.reason or note,
    }


def _larger(e: Estimate) -> str:
    return HOLDS if e.low > 0 else DOES_NOT if e.high < 0 else UNDECIDED


def _equal(e: Estimate) -> str:
    if e.low > -MARGIN and e.high < MARGIN:
        return HOLDS
    return DOES_NOT if e.low > 0 or e.high < 0 else UNDECIDED


def _contrast_row(
    view: _View, name: str, claim: str, a: Sequence[str], b: Sequence[str], verdict: Any
) -> dict[str, Any]:
    in_a, in_b = view.at(a), view.at(b)
    if not in_a or not in_b:
        n = len(view.arrays.y)
        return _row(name, claim, undefined(n, n, 0, "the grid lacks these roles"), verdict, "")
    arrays = view.arrays
    found = contrast(
        arrays.score, arrays.samples, in_a, in_b, token=view.token, training=arrays.training, min_per_class=view.least
    )
    note = f"mean AUC {found.auc_a:.3f} against {found.auc_b:.3f}, all layers, {found.difference.n} samples"
    if found.coincident:
        note += f"; {found.coincident} entries left out that name the same token"
    return _row(name, claim, found.difference, verdict, note)


def _specificity(view: _View) -> dict[str, Any]:
    claim = "The exact answer's tokens carry more than the other answer tokens."
    return _contrast_row(view, "Token specificity (ΔAUC)", claim, EXACT, OTHERS, _larger)


def _noise(view: _View) -> dict[str, Any]:
    value, influence, training, cells = view.mean(range(len(view.layers)), view.at(LAST_EIGHT))
    estimate = view.difference(value - 0.5, influence, training)
    note = f"mean AUC {value:.3f} over {cells} cells; 0 would be chance"
    return _row("Positional columns (AUC − 0.5)", "The columns -8 … -1 are noise.", estimate, _equal, note)


def _noise_against_exact(view: _View) -> dict[str, Any]:
    claim = "The exact answer's tokens carry more than the columns -8 … -1."
    return _contrast_row(view, "Exact answer against positional columns (ΔAUC)", claim, EXACT, LAST_EIGHT, _larger)


def _symmetry(view: _View) -> dict[str, Any]:
    before, after = ["exact_answer_before_first"], ["exact_answer_after_last"]
    claim = "The token before the exact answer and the one after it carry the same."
    return _contrast_row(view, "Symmetry around the answer (before − after)", claim, before, after, _equal)


def _early_question(view: _View) -> dict[str, Any]:
    claim = "At the last question token, the first fifth of the layers carries more than the later ones."
    first = max(1, round((view.layers[-1] + 1) / 5))
    role = view.at(["last_q"])
    sides = [[place for place, layer in enumerate(view.layers) if (layer < first) is early] for early in (True, False)]
    both = view.common(role)  # a difference is of the same samples
    (early, early_influence, early_training, _), (late, late_influence, late_training, _) = (
        view.mean(side, role, both) for side in sides
    )
    estimate = view.difference(early - late, early_influence - late_influence, early_training - late_training)
    note = f"mean AUC {early:.3f} in layers 0 … {first - 1}, {late:.3f} after"
    return _row("Early last_q (early − later layers)", claim, estimate, _larger, note)


def _middle_layers(view: _View) -> dict[str, Any]:
    """Depth of the exact-answer columns' peak; the interval spans the layers that hold 95 % of the resampled peaks."""
    name, claim = (
        "Middle-layer focus (depth of the peak, 0 … 1)",
        "The exact answer's columns peak in the middle layers.",
    )
    roles, n = view.at(EXACT), len(view.arrays.y)
    profile = [view.mean([layer], roles) for layer in range(len(view.layers))]
    auc = np.array([value for value, *_ in profile])
    if len(auc) < 4 or not np.isfinite(auc).any():
        return _row(name, claim, undefined(n, n, 0, "too few layers, or no exact-answer cell is defined"), _larger, "")
    share = peak_set(auc, np.stack([influence for _, influence, *_ in profile]), view.arrays.group, seed=view.seed)
    depth = np.array(view.layers) / view.layers[-1]
    inside, peak = depth[share > 0], int(np.nanargmax(auc))
    middle = (inside >= MIDDLE[0]) & (inside <= MIDDLE[1])
    verdict = HOLDS if middle.all() else UNDECIDED if middle.any() else DOES_NOT
    note = f"peak {auc[peak]:.3f} at layer {view.layers[peak]}; 95 % of the peaks in layers "
    note += ", ".join(str(view.layers[i]) for i in np.flatnonzero(share > 0))
    if view.embed is not None and (known := [role for role in roles if np.isfinite(view.embed[role])]):
        base = float(view.embed[known].mean())  # and the layers on the same columns
        own = auc if known == roles else np.array([view.mean([layer], known)[0] for layer in range(len(auc))])
        risen = own - base >= RISEN * (own[peak] - base)
        note += (
            f"; from layer {view.layers[int(risen.argmax())]} on above 90 % of the gain over the embedding ({base:.3f})"
        )
    values = {"value": float(depth[peak]), "low": float(inside.min()), "high": float(inside.max())}
    return {"name": name, "claim": claim, **values, "verdict": verdict, "note": note}
