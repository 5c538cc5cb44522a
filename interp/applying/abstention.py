"""When to believe an answer: thresholds, calibrated probabilities and the risk-coverage curve of a grid's cell."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from jaxtyping import Float, Int

from interp.applying.interval import Interval
from interp.applying.operating import (
    area,
    false_positive_threshold,
    group_weights,
    held_out_rates,
    oracle_risk,
    risk_coverage,
)
from interp.applying.platt import Platt, Reliability, reliability
from interp.applying.probe_html import selective_html
from interp.comparing.best_cell import nested_choice
from interp.errors import DataError
from interp.grids.grid import GridArrays, grid_arrays
from interp.grids.of_run import GridLike, grid_of
from interp.statistics.auc import MIN_PER_CLASS
from interp.support.arguments import MANY, numbers, one_of, seed_number, whole_number
from interp.support.atomic import plain
from interp.support.public import public
from interp.support.tabular import Tabular

RATES = (0.01, 0.05, 0.10)
"""False-positive rates at which recall is given."""
RESAMPLES = 1000


@dataclass(frozen=True)
class OperatingPoint:
    """Accepting answers with a threshold that was set on other folds so that at most `rate` of the wrong ones pass."""

    rate: float
    recall: Interval
    """Share of the correct answers accepted."""
    false_positives: Interval
    """Share of the wrong answers accepted: what the rate came to on held-out samples."""
    threshold: Interval
    """On the score of the deployed cell, from all folds: what to use on new samples."""


@public
@dataclass(frozen=True)
class Selective(Tabular):
    """What one cell's probe is good for, on held-out folds (`selective`).

    >>> from interp.demo import planted
    >>> cap, answers = planted()
    >>> use = interp.selective(interp.probe_grid(cap, answers.correct), layer=1, token="exact_answer_last")
    >>> round(use.points[-1].recall.value, 2)  # share of right answers kept where at most 10 % of the wrong ones pass
    0.84
    """

    layer: int
    """The deployed cell: the one asked for, else the grid's highest."""
    token: str
    """The token position of that cell."""
    nested: bool
    """Whether every fold was scored by the cell chosen without it; else by the deployed cell."""
    points: tuple[OperatingPoint, ...]
    """What comes of each false-positive rate."""
    probability: Float[np.ndarray, " sample"]
    """P(correct), calibrated on the other folds; NaN where the sample is not in the cell."""
    platt: Platt
    """From the deployed cell's score to a probability, fitted on all folds: what to use on new samples."""
    reliability: Reliability
    """How far the probabilities are what they say."""
    coverage: Float[np.ndarray, " used"]
    """Share of the questions answered, the surest first."""
    risk: Float[np.ndarray, " used"]
    """Share of wrong answers among them."""
    aurc: Interval
    """Area under the risk-coverage curve; 0 would be no mistake at any coverage."""
    aurc_chance: float
    """The same in random order: the share of wrong answers."""
    aurc_oracle: float
    """The same with all correct answers first."""
    n: int
    """Samples behind it."""
    n_correct: int
    """The right ones of them."""

    def __repr__(self) -> str:
        """In one line: which cell, and what its probe is worth."""
        chosen = "chosen without each fold, highest " if self.nested else ""
        area = f"{self.aurc.value:.3f} [{self.aurc.low:.3f}, {self.aurc.high:.3f}]"
        return (
            f"Selective({chosen}layer {self.layer}, {self.token}; {self.n} samples, {self.n_correct} correct; area "
            f"under risk and coverage {area}, at random {self.aurc_chance:.3f})"
        )

    def _repr_html_(self) -> str:
        """In a notebook: the operating points and the areas."""
        return selective_html(self)

    def table(self) -> pd.DataFrame:
        """The operating points: a row per `rate`, each number with its interval (`recall`, `recall_low`, …)."""
        rows = []
        for point in self.points:
            row = {"rate": point.rate}
            for name in ("recall", "false_positives", "threshold"):
                found: Interval = getattr(point, name)
                row |= {name: found.value, f"{name}_low": found.low, f"{name}_high": found.high}
            rows.append(row)
        return pd.DataFrame(rows)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; the curve at every hundredth of coverage."""
        at = np.unique(np.linspace(0, self.n - 1, min(101, self.n)).round().astype(int))
        curve = {"coverage": self.coverage[at], "risk": self.risk[at]}
        numbers = {key: getattr(self, key) for key in ("aurc_chance", "aurc_oracle", "n", "n_correct", "nested")}
        return dict(
            plain(
                {
                    "cell": {"layer": self.layer, "token": self.token},
                    **numbers,
                    "aurc": asdict(self.aurc),
                    "operating_points": [asdict(point) for point in self.points],
                    "platt": asdict(self.platt),
                    "reliability": asdict(self.reliability),
                    "risk_coverage": curve,
                }
            )
        )


@public
def selective(
    grid: GridLike,
    layer: int | None = None,
    token: str | None = None,
    *,
    rates: float | Sequence[float] = RATES,
    resamples: int = RESAMPLES,
    seed: int | None = None,
) -> Selective:
    """Recall at fixed false-positive rates, calibrated probabilities and risk against coverage, on held-out folds.

    `grid`: a grid, or an opened run or its folder, whose probe grid is taken. Of the cell (`layer`, `token`), or by
    default of the best cell, chosen anew for each fold on the other folds. A fold
    is judged by a threshold and a sigmoid that were fitted on the scores of the other folds, whose probes have offsets
    of their own, as the probe that will be used has; nothing is tuned on the samples it is counted on. Intervals: 95 %,
    from `resamples` bootstrap resamples of the groups (`default_rng([seed, 6])`, thresholds set anew in each), given
    these probes. `seed` defaults to the grid's.

    Raises DataError for a cell that does not exist or is undefined, a grid without a defined cell, or a rate outside
    0 … 1.

    >>> from interp.demo import planted
    >>> cap, answers = planted()
    >>> use = interp.selective(interp.probe_grid(cap, answers.correct), layer=1, token="exact_answer_last")
    >>> round(use.points[-1].recall.value, 2)  # share of right answers kept where at most 10 % of the wrong ones pass
    0.84
    """
    grid = grid_of(grid)
    arrays = grid_arrays(grid)
    rates, resamples = numbers("rates", rates, above=0, below=1), whole_number("resamples", resamples, 0, MANY)
    if (layer is None) != (token is None):
        raise DataError("cell: give both layer and token, or neither for the best cell")
    seed = seed_number(grid.attrs.get("seed", 0) if seed is None else seed)
    columns, (row, column) = _columns(grid, arrays, layer, token)
    y, fold = arrays.y, arrays.fold
    weight = group_weights(arrays.group, resamples=resamples, seed=seed)
    probability = _calibrated(columns, y, fold)
    used = np.flatnonzero(np.isfinite(probability))
    p, label, w = probability[used], y[used], weight[:, used]
    coverage, risk = risk_coverage(p, label, w)
    deployed = arrays.score[:, row, column]
    there = np.isfinite(deployed)
    wrong = there & (y == 0)

    def point(rate: float) -> OperatingPoint:
        recall, false_positives = held_out_rates(columns, y, fold, rate, weight)
        threshold = false_positive_threshold(deployed[wrong], rate, weight[:, wrong])
        return OperatingPoint(rate, *map(Interval.of, (recall, false_positives, threshold)))

    n_correct = int(label.sum())
    return Selective(
        layer=int(grid["layer"].values[row]),
        token=str(grid["token"].values[column]),
        nested=layer is None,
        points=tuple(map(point, rates)),
        probability=probability,
        platt=Platt.fit(deployed[there], y[there]),
        reliability=reliability(p, label),
        coverage=coverage[0],
        risk=risk[0],
        aurc=Interval.of(area(coverage, risk)),
        aurc_chance=1 - n_correct / len(used),
        aurc_oracle=float(oracle_risk(n_correct, len(used)).mean()),
        n=len(used),
        n_correct=n_correct,
    )


def _columns(
    grid: xr.Dataset, arrays: GridArrays, layer: int | None, token: str | None
) -> tuple[Float[np.ndarray, "fold sample"], tuple[int, int]]:
    """The scores used for each fold, and where the deployed cell stands."""
    folds = np.unique(arrays.fold)
    if layer is not None:
        layers, tokens = grid["layer"].values.tolist(), [str(t) for t in grid["token"].values]
        row, column = layers.index(one_of("layer", layer, layers)), tokens.index(one_of("token", token, tokens))
        if not arrays.defined[row, column]:
            reason = grid["reason"].transpose("layer", "token").values[row, column]
            raise DataError(f"cell: layer {layer}, {token} is undefined: {reason}")
        return np.tile(arrays.score[:, row, column], (len(folds), 1)), (row, column)
    if not arrays.defined.any():
        raise DataError("grid: no cell is defined, so there is no best cell")
    least = int(grid.attrs.get("min_per_class", MIN_PER_CLASS))
    best, cells = nested_choice(arrays, min_per_class=least)
    if best.estimate.reason:
        raise DataError(f"grid: the best cell cannot be chosen without each fold: {best.estimate.reason}")
    row, column = cells[int(arrays.auc[tuple(cells.T)].argmax())].tolist()
    score = arrays.score[:, cells[:, 0], cells[:, 1]]
    return np.stack([score[:, best.chosen[int(f)]] for f in folds]), (row, column)


def _calibrated(
    columns: Float[np.ndarray, "fold sample"], y: Int[np.ndarray, " sample"], fold: Int[np.ndarray, " sample"]
) -> Float[np.ndarray, " sample"]:
    """P(correct) of every sample, by a sigmoid fitted on the other folds' scores."""
    out = np.full(len(y), np.nan)
    for column, f in zip(columns, np.unique(fold), strict=True):
        used = np.isfinite(column)
        others, inside = used & (fold != f), used & (fold == f)
        out[inside] = Platt.fit(column[others], y[others]).probability(column[inside])
    return out
