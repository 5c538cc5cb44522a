"""The difference of the means, against a loop in NumPy; a planted signal; nothing where there is none."""

import numpy as np
import pytest

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


@pytest.mark.parametrize("covariance", [False, True])
def test_of_a_cell_it_is_a_few_lines_of_numpy(given: Given, covariance: bool) -> None:
    x, y, fold = states(given, *CELL), given.samples.y, given.samples.fold
    expected = np.empty(len(y))
    for f in np.unique(fold):
        part, own = fold != f, fold == f
        means = [x[part & (y == label)].mean(0) for label in (0, 1)]
        direction = means[1] - means[0]
        if covariance:
            from sklearn.covariance import shrunk_covariance

            centred = x[part] - np.stack(means)[y[part]]
            inside = [np.cov(centred[y[part] == label].T, bias=True) for label in (0, 1)]
            weight = [np.mean(y[part] == label) for label in (0, 1)]
            plain = np.linalg.solve(weight[0] * inside[0] + weight[1] * inside[1], direction)
            assert (
                shrunk_covariance is not None
                and np.corrcoef(x[own] @ plain, _score(given, covariance)[own])[0, 1] > 0.99
            )
            continue
        expected[own] = (x[own] - (means[0] + means[1]) / 2) @ direction
    if not covariance:
        np.testing.assert_allclose(_score(given, covariance), expected, atol=1e-9)


def _score(given: Given, covariance: bool) -> np.ndarray:
    return mean_difference(given, covariance=covariance, cell=CELL)


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
        cap.sites["resid_post"][:] = np.nan_to_num(np.random.default_rng(seed).standard_normal(cap.resid.shape))
        noise = Given.of(answers, cap, interp.probe_grid(cap, answers.correct, n_jobs=1, probe="mass-mean"))
        estimate = estimate_auc(detector(noise), noise.samples)
        inside += estimate.low <= 0.5 <= estimate.high
    assert inside >= 8


def test_a_cell_that_is_not_there_is_refused(given: Given) -> None:
    with pytest.raises(DataError, match="the grid"):
        mean_difference(given, cell=(9, "exact_answer_last"))
