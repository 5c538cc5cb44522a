"""What the probe adds: the best baseline and the probe together, every choice and weight made without the fold."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from interp.errors import DataError
from interp.experiments.detecting.given import Given
from interp.experiments.detecting.probe import chosen_cells
from interp.fitting.crossfit import cross_fit, train
from interp.fitting.estimators import PROBES, ProbeSpec
from interp.fitting.training import Cell
from interp.grids.features import as_array
from interp.statistics.auc import why_undefined
from interp.statistics.resampling import nested_best

COMPLETE = 0.95
"""Share of the samples of the most complete baseline that a candidate for the best one has to score."""


@dataclass(frozen=True)
class BestBaseline:
    """For each fold the baseline with the highest AUC on the other folds."""

    score: Float[np.ndarray, " sample"]
    """Of each sample by the baseline of its fold."""
    chosen: dict[int, str]
    """By fold."""


def best_baseline(given: Given, scores: dict[str, Float[np.ndarray, " sample"]]) -> BestBaseline:
    """Chosen fold by fold on the others: of many, the best as seen would be favoured by its luck.

    `scores` were fitted to no label, so that those of the other folds know nothing of the fold. One that lacks more
    than a twentieth of the samples that the most complete one scores is no candidate. Raises DataError for no baseline.
    """
    counts = {name: int(np.isfinite(score).sum()) for name, score in scores.items()}
    y, fold = given.samples.y, given.samples.fold
    names = [
        name
        for name, score in scores.items()
        if counts[name] >= COMPLETE * max(counts.values())
        and not why_undefined(y[np.isfinite(score)], fold[np.isfinite(score)], given.min_per_class)
    ]
    if not names:
        raise DataError("best baseline: no detector that needs no training has an AUC")
    table = np.stack([np.where(np.isfinite(scores[name]), scores[name], np.nan) for name in names], axis=1)
    found = nested_best(table, given.samples, min_per_class=given.min_per_class)
    return BestBaseline(found.score, {fold: names[at] for fold, at in found.chosen.items()})


def combined(
    given: Given, baselines: dict[str, Float[np.ndarray, " sample"]], chosen: dict[int, str]
) -> Float[np.ndarray, " sample"]:
    """Logistic regression (C = 1) on the chosen baseline and the chosen cell's probe, both standardised.

    For each fold it is fitted on the others, where the probe's score of a sample is that of a probe that saw neither
    its fold nor the one left out: a score that was fitted to the sample would be trusted too much. The scores of each
    inner fold are centred, since every probe has an offset of its own. Applied to the fold's own out-of-fold scores.
    NaN where either is missing.

    Raises DataError for a grid of an estimator that has no name, or a training part that gives no probe.
    """
    if given.grid.attrs.get("probe") not in PROBES:
        raise DataError(
            f"combined: the probe is fitted again without two folds, and {given.grid.attrs.get('probe')} is none of "
            f"{', '.join(PROBES)}"
        )
    spec = ProbeSpec(given.grid.attrs["probe"], C=given.C, seed=given.seed)
    out = np.full(len(given), np.nan)
    for fold, (layer, role) in chosen_cells(given).items():
        test = given.samples.fold == fold
        baseline, probe = baselines[chosen[fold]], given.arrays.score[:, layer, role]
        used = np.isfinite(baseline) & np.isfinite(probe)
        features = np.stack([baseline, np.where(test, probe, np.nan)], axis=1)
        features[~test, 1] = without_two_folds(given, ~test & used, (layer, role), spec)[~test]
        used &= np.isfinite(features[:, 1])
        cell = Cell(features[used], given.samples.at(used), ProbeSpec(seed=given.seed))
        if len(np.unique(cell.y[cell.fold != fold])) < 2:
            raise DataError(f"combined: the training part of fold {fold} has one class only")
        out[used & test] = train(cell, cell.fold != fold).decision(features[used & test])
    return out


def without_two_folds(
    given: Given, part: np.ndarray, place: tuple[int, int], spec: ProbeSpec
) -> Float[np.ndarray, " sample"]:
    """Scores of the samples of a training part, each by a probe of its other folds, less the mean of its fold."""
    layer, role = int(given.grid["layer"].values[place[0]]), str(given.grid["token"].values[place[1]])
    vectors = given.capture.sites[given.site]
    at = np.flatnonzero(part)
    x = as_array(vectors[at, given.capture.layers.index(layer), given.capture.roles.index(role)])
    fit = cross_fit(Cell(x, replace(given.samples.at(at), signs=None), spec, min_per_class=1))
    if fit.reason:
        raise DataError(f"combined: layer {layer}, {role}: {fit.reason}")
    out, fold = np.full(len(given), np.nan), given.samples.fold[at]
    for inner in np.unique(fold):
        out[at[fold == inner]] = fit.score[fold == inner] - fit.score[fold == inner].mean()
    return out
