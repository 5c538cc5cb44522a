"""Difference of the class means as a detector, with the covariance and without it (Marks & Tegmark 2023)."""

import numpy as np
from jaxtyping import Float
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.pipeline import make_pipeline

from interp.applying.cell_vectors import cell_vectors
from interp.errors import DataError
from interp.experiments.detecting.given import Detector, Given
from interp.experiments.detecting.probe import chosen_cells, fixed_cell
from interp.fitting.crossfit import cross_fit
from interp.fitting.estimators import ProbeSpec
from interp.fitting.linear import MassMean
from interp.fitting.training import Cell


def mean_difference(
    given: Given, *, covariance: bool = False, cell: tuple[int, str] | None = None
) -> Float[np.ndarray, " sample"]:
    """How far each sample lies along the difference of the means of right and wrong answers, out of fold.

    Marks & Tegmark 2023 (mass-mean probing): the direction is mean(right) − mean(wrong) of the training folds, on the
    vectors as the model computes them, not standardised; the score is the distance from the midpoint along it. With
    `covariance` the direction is multiplied by the inverse of the covariance within the classes (their form for
    samples of one distribution), which is shrunk as Ledoit and Wolf (2004) say, as there may be fewer samples than
    columns. `cell`: (layer, role); by default the grid's best cell, chosen for each fold without it.

    NaN where a sample lacks the cell. Raises DataError for a grid without a cell to choose, or a cell that is
    undefined.
    """
    probe = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto") if covariance else MassMean()
    spec = ProbeSpec(make_pipeline(probe), seed=given.seed)  # a Pipeline is given the vectors as they are
    score, fold = np.full(len(given), np.nan), given.samples.fold
    folds: dict[tuple[int, int], list[int]] = {}
    for number, place in _cells(given, cell).items():
        folds.setdefault(place, []).append(number)
    for place, numbers in folds.items():
        found, inside = _out_of_fold(given, spec, place), np.isin(fold, numbers)
        score[inside] = found[inside]
    return score


def _cells(given: Given, cell: tuple[int, str] | None) -> dict[int, tuple[int, int]]:
    """For each fold the place of its cell in the grid."""
    if cell is None:
        return chosen_cells(given)
    return dict.fromkeys(np.unique(given.samples.fold).tolist(), fixed_cell(given, cell))


def _out_of_fold(given: Given, spec: ProbeSpec, place: tuple[int, int]) -> Float[np.ndarray, " sample"]:
    layer, role = int(given.grid["layer"].values[place[0]]), str(given.grid["token"].values[place[1]])
    x = cell_vectors(given.capture, layer=layer, role=role, site=given.site).double().numpy()
    valid = given.capture.valid[:, given.capture.roles.index(role)].numpy()
    used, score = np.isfinite(x).all(1) & valid, np.full(len(x), np.nan)
    fit = cross_fit(Cell(x[used], given.samples.at(used), spec, given.min_per_class))
    if fit.reason:
        raise DataError(f"mean_difference: layer {layer}, {role} is undefined: {fit.reason}")
    score[used] = fit.score
    return score


MEAN_DIFFERENCES = (
    Detector("mean_difference", "direction", mean_difference, trained=True),
    Detector(
        "mean_difference_covariance", "direction", lambda given: mean_difference(given, covariance=True), trained=True
    ),
)
