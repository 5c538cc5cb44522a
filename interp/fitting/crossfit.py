"""Out-of-fold scores of one probe in one cell."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np
from jaxtyping import Bool, Float
from scipy.special import expit

from interp.errors import DataError
from interp.fitting.standardiser import Standardiser
from interp.fitting.training import Cell, Problem, Trained, train_parts
from interp.statistics.auc import why_undefined, within_fold_auc
from interp.statistics.cross_fold import Learned, Sketch, training_sketch
from interp.statistics.folds import assign_folds
from interp.statistics.nested_choice import choice_auc, pairs_left_out_auc
from interp.support.threads import one_thread


class InnerFoldsError(DataError):
    """A training part is too small for the inner folds that choose C."""


def _logistic_loss(score: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    p = expit(score)
    return y - p, p * (1 - p)


def _squared_loss(score: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return 2.0 * y - 1 - score, np.ones(len(y))


SMOOTH_LOSS = {"logistic": _logistic_loss, "ridge": _squared_loss}
"""Residual and curvature of the probes whose training influences are known; targets of ridge are -1 and 1."""


@dataclass(frozen=True)
class CellFit:
    """Out-of-fold decision values of a cell, or why there are none."""

    score: Float[np.ndarray, " sample"]
    reason: str = ""
    unconverged: int = 0
    """Fits that stopped before their optimum."""
    C: tuple[float, ...] = ()
    """The C of each fold's probe, where it was chosen among several."""
    choice: Float[np.ndarray, " fold"] | None = None
    """The cell's AUC without each fold, by which the best cell is chosen (`choice_auc`); None if not asked for."""
    training: Sketch | None = None
    """How the folds' errors depend on each other (`training_sketch`); None if not asked for, or not known."""
    probes: tuple[Trained, ...] = ()
    """The probes without each fold, in the order of the folds, if they were to be kept."""


@one_thread()
def train(cell: Cell, part: Bool[np.ndarray, " sample"]) -> Trained:
    """Fit the cell's probe on one part of its samples, standardised by that part (definitions: score).

    With several C, one is chosen first, by inner folds of this part alone.
    """
    return train_parts([cell.x], cell.spec, [problem(cell, part)])[0][0]


def problem(cell: Cell, part: Bool[np.ndarray, " sample"]) -> Problem:
    """The cell's labels on one part, with its C."""
    return Problem(cell.y, part, strength(cell, part))


def strength(cell: Cell, part: Bool[np.ndarray, " sample"]) -> float:
    """The C of a training part: the cell's, or the one chosen within the part."""
    if not cell.spec.tuned:
        return float(cell.spec.C)
    return choose_C(replace(cell, x=cell.x[part], samples=replace(cell.samples.at(part), signs=None)))


def choose_C(cell: Cell) -> float:
    """The C whose probes have the highest within-fold AUC on inner folds of these samples; of equals the smallest.

    The inner folds follow the rule of the outer ones (`StratifiedGroupKFold`, as many, same seed). Raises
    InnerFoldsError where they cannot be made.
    """
    # With leading zeros codes sort as the groups' names do, and the folds are those of the names.
    groups = [f"{code:09d}" for code in cell.samples.group.tolist()]
    try:
        fold = assign_folds(cell.y, groups, folds=cell.spec.inner_folds, seed=cell.spec.seed)
    except DataError as error:
        raise InnerFoldsError(str(error)) from error
    auc, samples = [], replace(cell.samples, fold=fold, signs=None)
    for C in cell.spec.strengths:
        spec = replace(cell.spec, C=C)
        fit = cross_fit(replace(cell, samples=samples, nested=False, spec=spec, min_per_class=1))
        if fit.reason:
            raise InnerFoldsError(fit.reason)
        auc.append(float(within_fold_auc(fit.score, cell.y, fold)))
    return cell.spec.strengths[int(np.argmax(auc))]


def cross_fit(cell: Cell) -> CellFit:
    """Fit on all folds but one, score that one (definitions: score); a reason instead where the cell is undefined."""
    return cross_fit_together([[cell]])[0][0]


@one_thread()
def cross_fit_together(items: Sequence[Sequence[Cell]]) -> list[list[CellFit]]:
    """`cross_fit` of all: an item's cells have one matrix and one estimator, other labels or folds.

    Items that ask for the same on matrices of one shape are solved together.
    """
    plans = [[_plan(cell) for cell in cells] for cells in items]
    problems = [[one for plan in item if not isinstance(plan, CellFit) for one in plan] for item in plans]
    fits: dict[int, list[Trained]] = {}
    for alike in _alike(items, problems):
        found = train_parts([items[k][0].x for k in alike], items[alike[0]][0].spec, problems[alike[0]])
        fits |= zip(alike, found, strict=True)
    out = []
    for number, (cells, item) in enumerate(zip(items, plans, strict=True)):
        own = iter(fits[number])
        out.append(
            [
                plan if isinstance(plan, CellFit) else _scored(cell, plan, list(islice(own, len(plan))))
                for cell, plan in zip(cells, item, strict=True)
            ]
        )
    return out


def _alike(items: Sequence[Sequence[Cell]], problems: Sequence[Sequence[Problem]]) -> list[list[int]]:
    """Places of the items, those that ask for the same side by side."""
    groups: list[list[int]] = []
    for place, (cells, asked) in enumerate(zip(items, problems, strict=True)):
        for group in groups:
            first, wanted = items[group[0]][0], problems[group[0]]
            kinds = {(cell.x.shape, cell.x.dtype) for cell in (first, cells[0])}
            same = len(kinds) == 1 and first.spec == cells[0].spec and len(wanted) == len(asked)
            if same and all(map(Problem.same, wanted, asked)):
                group.append(place)
                break
        else:
            groups.append([place])
    return groups


def _plan(cell: Cell) -> list[Problem] | CellFit:
    """What to fit without each fold, or why the cell is undefined."""
    x, y, fold = cell.x, cell.y, cell.fold
    nothing = np.full(len(y), np.nan)
    if reason := why_undefined(y, fold, cell.min_per_class):
        return CellFit(nothing, reason)
    if x.shape[1] == 0:
        return CellFit(nothing, "no feature is finite for every sample of the cell")
    problems = []
    for f in np.unique(fold):
        part = fold != f
        if len(np.unique(y[part])) < 2:
            return CellFit(nothing, f"the training part of fold {f} has one class only")
        if not _varies(x, part):
            return CellFit(nothing, f"no column varies in the training part of fold {f}")
        try:
            problems.append(problem(cell, part))
        except InnerFoldsError as error:
            return CellFit(nothing, f"C cannot be chosen without fold {f}: {error}")
    return problems


def _scored(cell: Cell, problems: Sequence[Problem], fits: list[Trained]) -> CellFit:
    """Every fold scored by the probe that was fitted without it, and what else is asked of the cell."""
    score = np.full(len(cell.y), np.nan)
    for one, fit in zip(problems, fits, strict=True):
        score[~one.part] = fit.decision(np.asarray(cell.x[~one.part], dtype=np.float64))  # float64 by parts
    chosen = tuple(fit.C for fit in fits) if cell.spec.tuned else ()
    choice = _choice(cell) if cell.nested else None
    training = _sketch(cell, fits, score) if cell.samples.signs is not None and cell.spec.name in SMOOTH_LOSS else None
    unconverged = sum(not fit.converged for fit in fits)
    kept = tuple(fits) if cell.keep else ()
    return CellFit(score, unconverged=unconverged, C=chosen, choice=choice, training=training, probes=kept)


@one_thread()
def sketch_at(
    cell: Cell, score: Float[np.ndarray, " sample"], scored: Bool[np.ndarray, " sample"] | None = None
) -> Sketch | None:
    """`training_sketch` of an AUC of `score`, to which the cell's probes give their decision values as one summand.

    `scored`: whole folds, where only those are scored by these probes. None for probes whose training influences are
    not known, or a training part that gives no probe.
    """
    parts = [cell.fold != f for f in np.unique(cell.fold)]
    if cell.spec.name not in SMOOTH_LOSS or any(len(np.unique(cell.y[part])) < 2 for part in parts):
        return None
    return _sketch(cell, train_parts([cell.x], cell.spec, [problem(cell, part) for part in parts])[0], score, scored)


def _choice(cell: Cell) -> Float[np.ndarray, " fold"]:
    """By ridge for linear probes; any other is fitted ten times more: ridge cannot know what it would choose."""
    x = np.asarray(cell.x, dtype=np.float64)
    if cell.spec.linear:
        return choice_auc(x, cell.y, cell.fold)

    def scores(out: Bool[np.ndarray, " sample"]) -> Float[np.ndarray, " out"]:
        try:
            return train(cell, ~out).decision(x[out])
        except InnerFoldsError:
            return np.full(int(out.sum()), np.nan)

    return pairs_left_out_auc(scores, cell.y, cell.fold)


def _sketch(
    cell: Cell,
    fits: list[Trained],
    score: Float[np.ndarray, " sample"],
    scored: Bool[np.ndarray, " sample"] | None = None,
) -> Sketch:
    """`training_sketch` of the cell's probes."""
    x = np.asarray(cell.x, dtype=np.float64)
    return training_sketch(Standardiser.fit(x).apply(x), cell.samples, score, **_losses(cell, x, fits), scored=scored)


def learned(cell: Cell, fits: Sequence[Trained]) -> tuple[Learned, Standardiser] | None:
    """How the cell's samples move the scores of others, and the scale it is told in; None where that is not known.

    `fits`: the probes without each fold of the cell, in the order of the folds.
    """
    if cell.spec.name not in SMOOTH_LOSS:
        return None
    x = np.asarray(cell.x, dtype=np.float64)
    scaler = Standardiser.fit(x)
    return Learned.of(scaler.apply(x), cell.samples, **_losses(cell, x, fits)), scaler


def _losses(cell: Cell, x: Float[np.ndarray, "sample width"], fits: Sequence[Trained]) -> dict[str, Any]:
    """Residuals and curvatures, means over the probes a sample trained; and the penalty."""
    folds = np.unique(cell.fold)
    residual, curvature = np.zeros((2, len(x)))
    for f, fit in zip(folds, fits, strict=True):
        part = cell.fold != f
        slopes = SMOOTH_LOSS[cell.spec.name](fit.decision(x)[part], cell.y[part])  # no copy of the part
        residual[part] += slopes[0] / (len(folds) - 1)
        curvature[part] += slopes[1] / (len(folds) - 1)
    return {"residual": residual, "curvature": curvature, "penalty": float(np.mean([1 / fit.C for fit in fits]))}


def _varies(x: Float[np.ndarray, "sample width"], part: Bool[np.ndarray, " sample"]) -> bool:
    first, second, *_ = places = np.flatnonzero(part)  # a part of two classes has two samples
    return bool((x[first] != x[second]).any() or (x[places] != x[first]).any())
