"""The difference of the means, against a loop in NumPy; a planted signal; nothing where there is none."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.covariance import ledoit_wolf

import interp
from interp.demo.planted_signal import planted
from interp.errors import DataError
from interp.experiments.detecting.given import Given
from interp.experiments.detecting.mean_difference import MEAN_DIFFERENCES, mean_difference
from interp.experiments.detecting.probe import chosen_cells
from interp.statistics.auc import estimate_auc

CELL = (1, "exact_answer_last")


@pytest.fixture(scope="module")
def given() -> Given:
    cap, answers = planted(160)
    return Given.of(answers, cap, interp.probe_grid(cap, answers.correct, n_jobs=1))


def states(given: Given, layer: int, role: str) -> np.ndarray:
    return given.capture.resid[:, layer, given.capture.roles.index(role)].double().numpy()


def test_of_a_cell_it_is_a_few_lines_of_numpy(given: Given) -> None:
    x, y, fold = states(given, *CELL), given.samples.y, given.samples.fold
    plain, shrunk = np.empty((2, len(y)))
    for f in np.unique(fold):
        part, own = fold != f, fold == f
        wrong, right = (x[part & (y == label)] for label in (0, 1))
        direction = right.mean(0) - wrong.mean(0)
        plain[own] = (x[own] - (right.mean(0) + wrong.mean(0)) / 2) @ direction
        within = np.zeros((x.shape[1], x.shape[1]))
        for of in (wrong, right):
            scale = of.std(0)
            within += len(of) / part.sum() * ledoit_wolf((of - of.mean(0)) / scale)[0] * np.outer(scale, scale)
        shrunk[own] = x[own] @ np.linalg.solve(within, direction)
    np.testing.assert_allclose(mean_difference(given, cell=CELL), plain, atol=1e-9)
    found = mean_difference(given, covariance=True, cell=CELL)
    for f in np.unique(fold):  # up to an offset, which is of no use within a fold
        own = fold == f
        np.testing.assert_allclose(found[own] - found[own].mean(), shrunk[own] - shrunk[own].mean(), atol=1e-8)


def test_the_best_cell_is_chosen_without_each_fold(given: Given) -> None:
    found = mean_difference(given)
    layers, tokens = given.grid["layer"].values, given.grid["token"].values
    for fold, (row, column) in chosen_cells(given).items():
        own = given.samples.fold == fold
        alone = mean_difference(given, cell=(int(layers[row]), str(tokens[column])))
        np.testing.assert_array_equal(found[own], alone[own])


@pytest.mark.parametrize("detector", MEAN_DIFFERENCES, ids=lambda one: one.name)
def test_it_finds_what_was_planted_and_nothing_in_noise(given: Given, detector) -> None:
    assert estimate_auc(detector(given), given.samples).low > 0.8
    inside = 0
    for seed in range(10):
        cap, answers = planted(100, seed=seed)
        noise = torch.from_numpy(np.random.default_rng(seed).standard_normal(cap.resid.shape)).float()
        cap = replace(cap, sites={"resid_post": noise})
        other = Given.of(answers, cap, interp.probe_grid(cap, answers.correct, n_jobs=1, probe="mass-mean"))
        estimate = estimate_auc(detector(other), other.samples)
        inside += estimate.low <= 0.5 <= estimate.high
    assert inside >= 8


def test_a_cell_that_is_not_there_is_refused(given: Given) -> None:
    with pytest.raises(DataError, match="the grid"):
        mean_difference(given, cell=(9, "exact_answer_last"))
