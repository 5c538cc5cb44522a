"""Out-of-fold scores of one probe in one cell, and of many cells at once with one BLAS thread per worker.

No torch here: the worker processes import this file, NumPy and scikit-learn, and nothing slower.
"""

import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import scipy.linalg  # noqa: F401  (threadpoolctl only sees BLAS libraries that are already loaded)
from jaxtyping import Bool, Float, Int
from joblib import Parallel, delayed
from scipy.special import expit
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import ThreadpoolController

from interp.errors import DataError
from interp.probing.choice import choice_auc
from interp.probing.estimators import ProbeSpec
from interp.probing.logistic import LinearProbe
from interp.probing.workers import worker_count
from interp.statistics.cross_fold import Sketch, training_sketch
from interp.statistics.folds import assign_folds
from interp.statistics.inference import MIN_PER_CLASS, why_undefined, within_fold_auc


class InnerFoldsError(DataError):
    """A training part is too small for the inner folds that choose C."""


def _logistic_loss(score: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    p = expit(score)
    return y - p, p * (1 - p)


def _squared_loss(score: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return 2.0 * y - 1 - score, np.ones(len(y))


SMOOTH_LOSS = {"logistic": _logistic_loss, "ridge": _squared_loss}
"""Residual and curvature of the probes whose training influences are known; targets of ridge are -1 and 1."""

SERIAL_BELOW = 3_000_000
"""Numbers in all cells together under which starting workers costs more than it saves."""


@dataclass(frozen=True)
class Cell:
    """One probing problem: the samples that have the role, with finite features."""

    x: Float[np.ndarray, "sample width"]
    y: Int[np.ndarray, " sample"]
    fold: Int[np.ndarray, " sample"]
    spec: ProbeSpec
    min_per_class: int = MIN_PER_CLASS
    group: Int[np.ndarray, " sample"] | None = None
    """What inner folds keep together where C is chosen; None: every sample its own."""
    nested: bool = False
    """Whether to judge the cell without each fold too."""
    sketched: bool = False
    """Whether to say how the folds' errors depend on each other; needs `group`."""


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


@dataclass(frozen=True)
class Standardiser:
    """Mean and standard deviation (ddof 0) of a training part; columns whose values are all equal are dropped."""

    mean: Float[np.ndarray, " kept"]
    scale: Float[np.ndarray, " kept"]
    kept: Int[np.ndarray, " kept"]

    @classmethod
    def fit(cls, x: Float[np.ndarray, "sample width"]) -> "Standardiser":
        """Learn from the training part alone."""
        kept = np.flatnonzero(x.max(0) != x.min(0))
        varying = x if len(kept) == x.shape[1] else x.take(kept, axis=1)
        mean, scale = varying.mean(0), varying.std(0)
        if not scale.all():
            # A spread below the rounding of the mean squares to zero: divide by the largest deviation instead of 0.
            scale = np.where(scale > 0, scale, np.abs(varying - mean).max(0))
        return cls(mean, scale, kept)

    def apply(self, x: Float[np.ndarray, "sample width"]) -> Float[np.ndarray, "sample kept"]:
        """Standardised kept columns."""
        # A copy, changed in place: at scale a second one is the largest thing in memory.
        z = (
            x.copy() if len(self.kept) == x.shape[1] else x.take(self.kept, axis=1)
        )  # in the same memory order: same bits
        z -= self.mean
        z /= self.scale
        return z


@dataclass(frozen=True)
class Trained:
    """A probe fitted on one training part, with the scaling it was fitted in."""

    estimator: Any
    scaler: Standardiser | None
    C: float
    converged: bool

    def decision(self, x: Float[np.ndarray, "sample width"]) -> Float[np.ndarray, " sample"]:
        """Decision values of samples in the units of the features as they were given."""
        return decision_values(self.estimator, x if self.scaler is None else self.scaler.apply(x))


def decision_values(estimator: Any, x: Float[np.ndarray, "sample width"]) -> Float[np.ndarray, " sample"]:
    """`decision_function`, else the predicted probability of class 1, else what `predict` says (a regressor's value).

    Raises DataError for an estimator that has none of them, or whose values are not one finite number per sample.
    """
    if isinstance(estimator, LinearProbe):  # without scikit-learn's checks of x, which take longer than the product
        values = x @ estimator.coef_[0] + estimator.intercept_[0]
    elif hasattr(estimator, "decision_function"):
        values = np.asarray(estimator.decision_function(x), dtype=np.float64)
    elif hasattr(estimator, "predict_proba"):
        values = np.asarray(estimator.predict_proba(x), dtype=np.float64)[:, 1]
    elif hasattr(estimator, "predict"):
        values = np.asarray(estimator.predict(x), dtype=np.float64)
    else:
        raise DataError(
            f"probe: {type(estimator).__name__} has neither decision_function nor predict_proba nor predict; "
            "give a classifier or a regressor"
        )
    if values.size != len(x) or not np.isfinite(values).all():
        raise DataError(
            f"probe: {type(estimator).__name__} gave values of shape {values.shape} for {len(x)} samples, "
            f"{int((~np.isfinite(values)).sum())} of them not finite; one finite score per sample is needed"
        )
    return values.reshape(len(x))


def train(cell: Cell, part: Bool[np.ndarray, " sample"]) -> Trained:
    """Fit the cell's probe on one part of its samples, standardised by that part (SPEC: score).

    With several C, one is chosen first, by inner folds of this part alone.
    """
    x, y = np.asarray(cell.x[part], dtype=np.float64), cell.y[part]
    spec = cell.spec
    if spec.tuned:
        group = None if cell.group is None else cell.group[part]
        spec = replace(spec, C=choose_C(replace(cell, x=x, y=y, fold=cell.fold[part], group=group)))
    scaler = Standardiser.fit(x) if spec.standardise else None
    z = x if scaler is None else scaler.apply(x)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        try:
            return Trained(spec.build(*z.shape).fit(z, y), scaler, float(spec.C), True)
        except ConvergenceWarning:
            warnings.simplefilter("ignore", ConvergenceWarning)
            return Trained(spec.build(*z.shape).fit(z, y), scaler, float(spec.C), False)


def choose_C(cell: Cell) -> float:
    """The C whose probes have the highest within-fold AUC on inner folds of these samples; of equals the smallest.

    The inner folds follow the rule of the outer ones (`StratifiedGroupKFold`, as many, same seed). Raises
    InnerFoldsError where they cannot be made.
    """
    groups = None if cell.group is None else list(map(str, cell.group.tolist()))
    try:
        fold = assign_folds(cell.y, groups, folds=cell.spec.inner_folds, seed=cell.spec.seed)
    except DataError as error:
        raise InnerFoldsError(str(error)) from error
    auc = []
    for C in cell.spec.strengths:
        fit = cross_fit(
            replace(cell, fold=fold, nested=False, sketched=False, spec=replace(cell.spec, C=C), min_per_class=1)
        )
        if fit.reason:
            raise InnerFoldsError(fit.reason)
        auc.append(float(within_fold_auc(fit.score, cell.y, fold)))
    return cell.spec.strengths[int(np.argmax(auc))]


def cross_fit(cell: Cell) -> CellFit:
    """Fit on all folds but one, score that one (SPEC: score); a reason instead where SPEC calls the cell undefined."""
    x, y, fold = cell.x, cell.y, cell.fold  # x as it was given: each part becomes float64 by itself
    nothing = np.full(len(y), np.nan)
    if reason := why_undefined(y, fold, cell.min_per_class):
        return CellFit(nothing, reason)
    if x.shape[1] == 0:
        return CellFit(nothing, "no feature is finite for every sample of the cell")
    score, fits = nothing.copy(), []
    for f in np.unique(fold):
        part = fold != f
        if len(np.unique(y[part])) < 2:
            return CellFit(nothing, f"the training part of fold {f} has one class only")
        if not _varies(x[part]):
            return CellFit(nothing, f"no column varies in the training part of fold {f}")
        try:
            fits.append(train(cell, part))
        except InnerFoldsError as error:
            return CellFit(nothing, f"C cannot be chosen without fold {f}: {error}")
        score[~part] = fits[-1].decision(np.asarray(x[~part], dtype=np.float64))
    chosen = tuple(fit.C for fit in fits) if cell.spec.tuned else ()
    choice = choice_auc(np.asarray(x, dtype=np.float64), y, fold) if cell.nested else None
    training = _sketch(cell, fits, score) if cell.sketched and cell.spec.name in SMOOTH_LOSS else None
    unconverged = sum(not fit.converged for fit in fits)
    return CellFit(score, unconverged=unconverged, C=chosen, choice=choice, training=training)


def _sketch(cell: Cell, fits: list[Trained], score: Float[np.ndarray, " sample"]) -> Sketch:
    """`training_sketch` of the cell's probes: residuals and curvatures are means over the probes a sample trained."""
    assert cell.group is not None
    x, folds = np.asarray(cell.x, dtype=np.float64), np.unique(cell.fold)
    z = Standardiser.fit(x).apply(x)
    residual, curvature = np.zeros((2, len(x)))
    for f, fit in zip(folds, fits, strict=True):
        part = cell.fold != f
        slopes = SMOOTH_LOSS[cell.spec.name](fit.decision(x[part]), cell.y[part])
        residual[part] += slopes[0] / (len(folds) - 1)
        curvature[part] += slopes[1] / (len(folds) - 1)
    penalty = float(np.mean([1 / fit.C for fit in fits]))
    return training_sketch(
        z, cell.y, cell.fold, cell.group, score, residual=residual, curvature=curvature, penalty=penalty
    )


def _varies(x: Float[np.ndarray, "sample width"]) -> bool:
    return bool((x.max(0) != x.min(0)).any())


@cache
def _blas() -> ThreadpoolController:
    return ThreadpoolController()


def _cross_fit_pinned(cell: Cell) -> CellFit:
    """Two BLAS threads collapse as soon as another process runs; one per worker, one worker per core."""
    with _blas().limit(limits=1):
        return cross_fit(cell)


def cross_fit_cells(
    cells: Iterable[Cell],
    size: int,
    *,
    largest: int = 0,
    n_jobs: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> list[CellFit]:
    """Fit every cell, to the same bytes for any number of workers; cells are drawn as workers come free.

    `n_jobs=None`: one worker per core, fewer if cells are so large (`largest`: numbers of one) that they would not fit
    in memory, or none at all if the cells together hold few numbers (`size`). `progress` is called
    with the number of cells just finished.
    """
    if n_jobs is None:
        n_jobs = 1 if size < SERIAL_BELOW else worker_count(largest)
    if n_jobs == 1:
        done: Iterable[CellFit] = map(_cross_fit_pinned, cells)
    else:
        workers = Parallel(n_jobs=n_jobs, return_as="generator", max_nbytes=None, batch_size=1)
        done = workers(delayed(_cross_fit_pinned)(cell) for cell in cells)
    fits = []
    for fit in done:
        fits.append(fit)
        if progress is not None:
            progress(1)
    return fits
