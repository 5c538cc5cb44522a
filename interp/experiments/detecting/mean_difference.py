"""Difference of the class means as a detector of wrong answers, with and without the covariance (Marks & Tegmark 2023)."""

import numpy as np
from jaxtyping import Float
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.pipeline import make_pipeline

from interp.applying.fitted_probe import cell_vectors
from interp.comparing.best_cell import nested_choice
from interp.errors import DataError
from interp.experiments.detecting.given import Given
from interp.fitting.crossfit import cross_fit
from interp.fitting.estimators import ProbeSpec
from interp.fitting.linear import MassMean
from interp.fitting.training import Cell
from interp.grids.grid import grid_arrays
from interp.support.axes import places


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
    score, fold = np.full(len(given.samples), np.nan), given.samples.fold
    for (layer, role), folds in _cells(given, cell).items():
        found = _out_of_fold(given, spec, layer, role)
        inside = np.isin(fold, folds)
        score[inside] = found[inside]
    return score


def _cells(given: Given, cell: tuple[int, str] | None) -> dict[tuple[int, str], list[int]]:
    """{cell: the folds that it scores}."""
    folds = np.unique(given.samples.fold).tolist()
    if cell is not None:
        return {cell: folds}
    arrays = grid_arrays(given.grid)
    if not arrays.defined.any():
        raise DataError("grid: no cell is defined, so there is no best cell")
    best, cells = nested_choice(arrays)
    if best.estimate.reason:
        raise DataError(f"grid: the best cell cannot be chosen without each fold: {best.estimate.reason}")
    layers, tokens = given.grid["layer"].values, given.grid["token"].values
    found: dict[tuple[int, str], list[int]] = {}
    for fold, number in best.chosen.items():
        row, column = cells[number]
        found.setdefault((int(layers[row]), str(tokens[column])), []).append(fold)
    return found


def _out_of_fold(given: Given, spec: ProbeSpec, layer: int, role: str) -> Float[np.ndarray, " sample"]:
    at = places("samples", given.samples.ids, given.capture.id, where="the capture")
    vectors = cell_vectors(given.capture, layer=layer, role=role, site=given.site)
    x = vectors[at.tolist()].double().numpy()
    valid = given.capture.valid[at.tolist(), given.capture.roles.index(role)].numpy()
    used, score = np.isfinite(x).all(1) & valid, np.full(len(x), np.nan)
    fit = cross_fit(Cell(x[used], given.samples.at(used), spec))
    if fit.reason:
        raise DataError(f"mean_difference: layer {layer}, {role} is undefined: {fit.reason}")
    score[used] = fit.score
    return score
