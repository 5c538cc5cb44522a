"""Out-of-fold scores of one probe in one cell, and of many cells at once with one BLAS thread per worker.

No torch here: the worker processes import this file, NumPy and scikit-learn, and nothing slower.
"""

import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import scipy.linalg  # noqa: F401  (threadpoolctl only sees BLAS libraries that are already loaded)
from jaxtyping import Float, Int
from joblib import Parallel, cpu_count, delayed
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import ThreadpoolController

from interp.errors import DataError
from interp.estimators import ProbeSpec
from interp.inference import MIN_PER_CLASS, why_undefined

SERIAL_BELOW = 5_000_000
"""Numbers in all cells together under which starting workers costs more than it saves."""


@dataclass(frozen=True)
class Cell:
    """One probing problem: the samples that have the role, with finite features."""

    x: Float[np.ndarray, "sample width"]
    y: Int[np.ndarray, " sample"]
    fold: Int[np.ndarray, " sample"]
    spec: ProbeSpec
    min_per_class: int = MIN_PER_CLASS


@dataclass(frozen=True)
class CellFit:
    """Out-of-fold decision values of a cell, or why there are none."""

    score: Float[np.ndarray, " sample"]
    reason: str = ""
    unconverged: int = 0
    """Fits that stopped before their optimum."""


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
        mean, scale = x[:, kept].mean(0), x[:, kept].std(0)
        # A spread below the rounding of the mean squares to zero: divide by the largest deviation instead of 0.
        return cls(mean, np.where(scale > 0, scale, np.abs(x[:, kept] - mean).max(0)), kept)

    def apply(self, x: Float[np.ndarray, "sample width"]) -> Float[np.ndarray, "sample kept"]:
        """Standardised kept columns."""
        return (x[:, self.kept] - self.mean) / self.scale


def decision_values(estimator: Any, x: Float[np.ndarray, "sample width"]) -> Float[np.ndarray, " sample"]:
    """`decision_function`, else the predicted probability of class 1."""
    if hasattr(estimator, "decision_function"):
        return np.asarray(estimator.decision_function(x), dtype=np.float64).reshape(len(x))
    if hasattr(estimator, "predict_proba"):
        return np.asarray(estimator.predict_proba(x)[:, 1], dtype=np.float64)
    raise DataError(
        f"probe: {type(estimator).__name__} has neither decision_function nor predict_proba; give a classifier"
    )


def cross_fit(cell: Cell) -> CellFit:
    """Fit on all folds but one, score that one (SPEC: score); a reason instead where SPEC calls the cell undefined."""
    x, y, fold = np.asarray(cell.x, dtype=np.float64), cell.y, cell.fold
    nothing = np.full(len(y), np.nan)
    if reason := why_undefined(y, fold, cell.min_per_class):
        return CellFit(nothing, reason)
    if x.shape[1] == 0:
        return CellFit(nothing, "no feature is finite for every sample of the cell")
    score, unconverged = nothing.copy(), 0
    for f in np.unique(fold):
        train, test = fold != f, fold == f
        if len(np.unique(y[train])) < 2:
            return CellFit(nothing, f"the training part of fold {f} has one class only")
        x_train, x_test = x[train], x[test]
        if not (x_train.max(0) != x_train.min(0)).any():
            return CellFit(nothing, f"no column varies in the training part of fold {f}")
        if cell.spec.standardise:
            scaler = Standardiser.fit(x_train)
            x_train, x_test = scaler.apply(x_train), scaler.apply(x_test)
        with warnings.catch_warnings():
            warnings.simplefilter("error", ConvergenceWarning)
            try:
                fitted = cell.spec.build(*x_train.shape).fit(x_train, y[train])
            except ConvergenceWarning:
                warnings.simplefilter("ignore", ConvergenceWarning)
                fitted = cell.spec.build(*x_train.shape).fit(x_train, y[train])
                unconverged += 1
        score[test] = decision_values(fitted, x_test)
    return CellFit(score, unconverged=unconverged)


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
    n_jobs: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> list[CellFit]:
    """Fit every cell, to the same bytes for any number of workers; cells are drawn as workers come free.

    `n_jobs=None`: one worker per core, or none at all if the cells hold few numbers (`size`). `progress` is called
    with the number of cells just finished.
    """
    if n_jobs is None:
        n_jobs = 1 if size < SERIAL_BELOW else cpu_count()
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
