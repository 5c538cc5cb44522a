"""What the probe adds: the best baseline and the probe together, every choice and weight made without the fold."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from interp.errors import DataError
from interp.experiments.detecting.given import Given
from interp.experiments.detecting.probe import chosen_cells
from interp.fitting.crossfit import cross_fit, sketch_at, train
from interp.fitting.estimators import PROBES, ProbeSpec
from interp.fitting.training import Cell
from interp.grids.features import as_array
from interp.statistics.auc import why_undefined
from interp.statistics.cross_fold import Sketch
from interp.statistics.resampling import aucs_without_folds, nested_best
from interp.statistics.samples import DIRECTIONS
from interp.statistics.shared_choice import Choice, Chosen, Vote, multipliers

COMPLETE = 0.95
"""Share of the samples of the most complete baseline that a candidate for the best one has to score."""


@dataclass(frozen=True)
class BestBaseline:
    """For each fold the baseline with the highest AUC on the other folds."""

    score: Float[np.ndarray, " sample"]
    """Of each sample by the baseline of its fold."""
    chosen: dict[int, str]
    """By fold."""
    of_each: Chosen
    """The scores of those that competed: each fold takes part in the choice of the others."""
    names: tuple[str, ...]
    """Theirs."""


def best_baseline(given: Given, scores: Mapping[str, Float[np.ndarray, " sample"]]) -> BestBaseline:
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
    luck = multipliers(int(given.samples.group.max()) + 1, seed=given.seed)
    votes = [Vote(table, given.samples)]
    choice = Choice.of(aucs_without_folds(table, given.samples), votes, np.unique(fold), luck)
    return BestBaseline(
        found.score,
        {fold: names[at] for fold, at in found.chosen.items()},
        Chosen(choice, table[:, choice.candidates]),
        tuple(names[at] for at in choice.candidates),
    )


@dataclass(frozen=True)
class Combined:
    """A baseline and the probe together."""

    score: Float[np.ndarray, " sample"]
    training: Sketch | None
    """Its `training_sketch`: of the weights and, as far as they let it through, of the probe."""
    of_each: Chosen
    """The scores with each baseline that competed."""


def combined(given: Given, baselines: Mapping[str, Float[np.ndarray, " sample"]], best: BestBaseline) -> Combined:
    """Logistic regression (C = 1) on the best baseline and the chosen cell's probe, both standardised.

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
    score = np.full(len(given), np.nan)
    of_each = np.full((len(given), len(best.names)), np.nan)
    cells, weights = chosen_cells(given), []
    for fold, (layer, role) in cells.items():
        inside = given.samples.fold == fold
        inner: dict[bytes, np.ndarray] = {}  # baselines mostly score the same samples
        for at, name in enumerate(best.names):
            features = np.stack([baselines[name], given.arrays.score[:, layer, role]], axis=1)
            used = np.isfinite(features).all(1)
            if (key := used.tobytes()) not in inner:
                inner[key] = without_two_folds(given, ~inside & used, (layer, role), spec)
            features[~inside & used, 1] = inner[key]
            cell = Cell(features[used], given.samples.at(used), ProbeSpec(seed=given.seed))
            if len(np.unique(cell.y[cell.fold != fold])) < 2:
                raise DataError(f"combined: the training part of fold {fold} has one class only")
            fit, test = train(cell, cell.fold != fold), inside & used
            of_each[test, at] = fit.decision(features[test])
            if name == best.chosen[fold]:
                score[test] = of_each[test, at]
                weights.append(float(np.diff(fit.decision(np.array([[0.0, 0.0], [0.0, 1.0]])))[0]))
    of_fold = {fold: (baselines[best.chosen[fold]], place) for fold, place in cells.items()}
    training = _training(given, score, of_fold, float(np.mean(weights)), spec)
    return Combined(score, training, Chosen(best.of_each.choice, of_each))


def without_two_folds(
    given: Given, part: np.ndarray, place: tuple[int, int], spec: ProbeSpec
) -> Float[np.ndarray, " part"]:
    """Scores of the samples of a training part, each by a probe of its other folds, less the mean of its fold."""
    x, fold = _vectors(given, part, place), given.samples.fold[part]
    fit = cross_fit(Cell(x, replace(given.samples.at(part), signs=None), spec, min_per_class=1))
    if fit.reason:
        raise DataError(f"combined: {fit.reason} of a training part")
    return fit.score - _fold_means(fit.score, fold)


def _fold_means(score: Float[np.ndarray, " sample"], fold: np.ndarray) -> Float[np.ndarray, " sample"]:
    return np.array([score[fold == f].mean() for f in fold.tolist()])


def _vectors(given: Given, part: np.ndarray, place: tuple[int, int]) -> Float[np.ndarray, "part width"]:
    """Of a cell of the grid, found by its labels."""
    layer, role = int(given.grid["layer"].values[place[0]]), str(given.grid["token"].values[place[1]])
    cap = given.capture
    return as_array(cap.sites[given.site][np.flatnonzero(part), cap.layers.index(layer), cap.roles.index(role)])


def _training(
    given: Given,
    score: Float[np.ndarray, " sample"],
    of_fold: Mapping[int, tuple[Float[np.ndarray, " sample"], tuple[int, int]]],
    weight: float,
    spec: ProbeSpec,
) -> Sketch | None:
    """Of the weights of the two, and of every fold's probe times its mean weight: errors that the folds share.

    `of_fold`: each fold's baseline and cell. What a sample gave to a fold it gave in that fold's.
    """
    used, out = np.isfinite(score), np.zeros((len(given), 2, DIRECTIONS))
    for baseline, (layer, role) in {(id(b), place): (b, place) for b, place in of_fold.values()}.values():
        folds = [f for f, (b, place) in of_fold.items() if b is baseline and place == (layer, role)]
        both = np.stack([baseline, given.arrays.score[:, layer, role]], axis=1)
        has = used & np.isfinite(both).all(1)
        scored, samples = np.isin(given.samples.fold[has], folds), given.samples.at(has)
        x = both[has] - np.stack([_fold_means(column, samples.fold) for column in both[has].T], axis=1)
        weights = sketch_at(Cell(x, samples, ProbeSpec(seed=given.seed)), score[has], scored)
        probe = sketch_at(Cell(_vectors(given, has, (layer, role)), samples, spec), score[has], scored)
        if weights is None or probe is None:
            return None
        out[has] += weights + weight * probe
    return out
