"""One cell of a grid for the page: score distributions, ROC and calibration, each of all its samples."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Bool, Float, Int
from scipy.stats import rankdata

from interp.applying.platt import BINS, Platt, reliability
from interp.reporting.explore_grids import EMBED
from interp.statistics.auc import MIN_PER_CLASS, why_undefined
from interp.statistics.group_bootstrap import share_interval
from interp.statistics.roc import RATES, roc_curve
from interp.statistics.samples import group_codes

EDGES = np.linspace(-3, 3, 25)
"""Of the histogram, in standard deviations; the outermost bins hold what lies beyond."""
POINTS = 200
"""Scores that a sigmoid is fitted on: more are joined, equally many at a time."""


@dataclass(frozen=True)
class ScoredGrid:
    """A grid whose samples have scores: what the page says of one cell is computed when it is asked for."""

    grid: xr.Dataset

    @cached_property
    def layers(self) -> list[str]:
        """Labels of its rows; the control row `embed`, where its scores were kept, comes first."""
        own = [str(layer) for layer in self.grid["layer"].values]
        return [EMBED, *own] if "embed_score" in self.grid else own

    @cached_property
    def tokens(self) -> list[str]:
        """Labels of its columns."""
        return [str(token) for token in self.grid["token"].values]

    @cached_property
    def samples(self) -> list[str]:
        """Ids, in the order of `score`."""
        return [str(name) for name in self.grid["sample"].values]

    @cached_property
    def y(self) -> Int[np.ndarray, " sample"]:
        """Labels."""
        return self.grid["y"].values.astype(np.int64)

    @cached_property
    def fold(self) -> Int[np.ndarray, " sample"]:
        """Folds."""
        return self.grid["fold"].values.astype(np.int64)

    @cached_property
    def group(self) -> Int[np.ndarray, " sample"]:
        """Codes of the groups."""
        return group_codes(self.grid["group"].values.tolist())

    def score(self, layer: str, token: str) -> Float[np.ndarray, " sample"]:
        """Out-of-fold scores of a cell; NaN: the sample is not in it."""
        return self._scores[self.layers.index(layer), self.tokens.index(token)]

    @cached_property
    def _scores(self) -> Float[np.ndarray, "layer token sample"]:
        """All of them: a page asks for every cell twice."""
        own = self.grid["score"].transpose("layer", "token", "sample").values.astype(float)
        if "embed_score" not in self.grid:
            return own
        embed = self.grid["embed_score"].transpose("token", "sample").values.astype(float)
        return np.concatenate([embed[None], own])

    def percent(self, layer: str, token: str) -> Float[np.ndarray, " sample"]:
        """Rank within the fold, in per cent (100: most like a correct answer); scores of two folds do not compare."""
        score = self.score(layer, token)
        out = np.full(len(score), np.nan)
        for inside in _folds(np.isfinite(score), self.fold):
            out[inside] = 100 * (rankdata(score[inside]) - 0.5) / inside.sum()
        return out

    def cell(self, layer: str, token: str) -> dict[str, Any] | None:
        """Plain values, shares in thousandths; None where the cell is undefined.

        `right`, `wrong`: samples in each bin of `EDGES`, of scores standardised within their fold; `recall`, `low`,
        `high` at each rate of `RATES`; `calibration`: (predicted, observed, low, high, n) of each bin.
        """
        score = self.score(layer, token)
        used = np.isfinite(score)
        least = int(self.grid.attrs.get("min_per_class", MIN_PER_CLASS))
        y, fold, group = self.y[used], self.fold[used], self.group[used]
        if why_undefined(y, fold, least):
            return None
        score = score[used]
        curve = roc_curve(score, y, fold, group)
        spread = np.clip(_standardised(score, fold), EDGES[0], EDGES[-1])
        return {
            "right": np.histogram(spread[y == 1], EDGES)[0].tolist(),
            "wrong": np.histogram(spread[y == 0], EDGES)[0].tolist(),
            **{name: _thousandths(getattr(curve, name)) for name in ("recall", "low", "high")},
            "calibration": _calibration(score, y, fold, group),
        }


def shared_axes() -> dict[str, Any]:
    """What the numbers of every cell stand at."""
    return {"edges": EDGES.tolist(), "rates": RATES.tolist(), "bins": BINS}


def _calibration(
    score: Float[np.ndarray, " sample"],
    y: Int[np.ndarray, " sample"],
    fold: Int[np.ndarray, " sample"],
    group: Int[np.ndarray, " sample"],
) -> list[list[int]]:
    """Predicted against observed share of right answers, by a sigmoid that was fitted on the other folds' scores."""
    order = np.argsort(score, kind="stable")
    size = np.array([len(part) for part in np.array_split(order, min(POINTS, len(score)))])
    centre = np.add.reduceat(score[order], np.cumsum(size) - size) / size
    of = np.empty(len(score), dtype=np.int64)
    of[order] = np.repeat(np.arange(len(size)), size)
    probability = np.empty(len(score))
    for f in np.unique(fold):
        others = fold != f
        count = np.stack([np.bincount(of[others & (y == label)], minlength=len(size)) for label in (0, 1)])
        label, at = np.nonzero(count)
        sigmoid = Platt.fit(centre[at], label.astype(np.int64), count=count[label, at].astype(float))
        probability[~others] = sigmoid.probability(score[~others])
    found = reliability(probability, y)
    bins = np.array_split(np.argsort(probability, kind="stable"), len(found.count))
    shares = [share_interval(y[members] == 1, group[members]) for members in bins]
    low, high = (np.array([getattr(share, end) for share in shares]) for end in ("low", "high"))
    numbers = (found.predicted, found.observed, np.nan_to_num(low), np.nan_to_num(high, nan=1.0))
    return [[*line, int(n)] for *line, n in zip(*map(_thousandths, numbers), found.count.tolist(), strict=True)]


def _standardised(
    score: Float[np.ndarray, " sample"], fold: Int[np.ndarray, " sample"]
) -> Float[np.ndarray, " sample"]:
    """Mean 0 and standard deviation 1 in every fold, so that no fold's offset widens the distributions."""
    out = np.zeros(len(score))
    for inside in _folds(np.ones(len(score), dtype=bool), fold):
        out[inside] = (score[inside] - score[inside].mean()) / (score[inside].std() or 1.0)
    return out


def _folds(used: Bool[np.ndarray, " sample"], fold: Int[np.ndarray, " sample"]) -> list[Bool[np.ndarray, " sample"]]:
    return [used & (fold == f) for f in np.unique(fold[used])]


def _thousandths(values: np.ndarray) -> list[int]:
    return np.rint(1000 * np.asarray(values)).astype(int).tolist()
