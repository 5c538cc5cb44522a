"""What the page says of a cell: counts of a histogram, a calibration that is exact for few samples, ranks by a loop."""

import numpy as np
import pytest
from synthetic_grids import make_scores

from interp.applying.platt import Platt, reliability
from interp.reporting.explore_cells import EDGES, ScoredGrid, shared_axes
from interp.statistics.roc import RATES, roc_curve

GRID = make_scores(signal=2.5)
BEST = ("3", "exact_answer_first")


def test_distributions_hold_every_sample_once_standardised_in_its_fold() -> None:
    grid = ScoredGrid(GRID)
    cell = grid.cell(*BEST)
    assert sum(cell["right"]) == sum(cell["wrong"]) == 40
    shifted = GRID.assign(score=GRID["score"] * 7 + 100.0 * GRID["fold"])  # a fold's own offset and scale say nothing
    assert ScoredGrid(shifted).cell(*BEST)["right"] == cell["right"]
    middle = [np.dot(cell[label], (EDGES[1:] + EDGES[:-1]) / 2) / 40 for label in ("right", "wrong")]
    assert middle[0] > middle[1] + 1


def test_the_curve_is_that_of_the_statistic() -> None:
    grid = ScoredGrid(GRID)
    curve = roc_curve(grid.score(*BEST), grid.y, grid.fold, grid.group)
    cell = grid.cell(*BEST)
    for name in ("recall", "low", "high"):
        np.testing.assert_allclose(np.array(cell[name]) / 1000, getattr(curve, name), atol=5.1e-4)
    assert len(cell["recall"]) == len(RATES) == len(shared_axes()["rates"])


def test_calibration_is_by_sigmoids_of_the_other_folds() -> None:
    """With fewer samples than points nothing is joined: the sigmoids are those of all scores."""
    grid = ScoredGrid(GRID)
    score = grid.score(*BEST)
    probability = np.empty(80)
    for f in range(5):
        others = grid.fold != f
        probability[~others] = Platt.fit(score[others], grid.y[others]).probability(score[~others])
    expected = reliability(probability, grid.y)
    found = np.array(grid.cell(*BEST)["calibration"])
    np.testing.assert_allclose(found[:, 0] / 1000, expected.predicted, atol=1e-3)
    np.testing.assert_allclose(found[:, 1] / 1000, expected.observed, atol=1e-3)
    assert found[:, 4].tolist() == expected.count.tolist() and (found[:, 2] <= found[:, 1]).all()


def test_joined_scores_hardly_move_a_calibration() -> None:
    grid = ScoredGrid(make_scores(n=2000, signal=2.0))
    score, probability = grid.score(*BEST), np.empty(2000)
    for f in range(5):
        others = grid.fold != f
        probability[~others] = Platt.fit(score[others], grid.y[others]).probability(score[~others])
    found = np.array(grid.cell(*BEST)["calibration"])
    np.testing.assert_allclose(found[:, 0] / 1000, reliability(probability, grid.y).predicted, atol=5e-3)


def test_the_embedding_row_is_a_row_and_undefined_cells_are_none() -> None:
    row = GRID["score"].sel(layer=3, drop=True)
    grid = ScoredGrid(GRID.assign(embed_score=row))
    assert grid.layers[0] == "embed" and grid.cell("embed", BEST[1]) == grid.cell(*BEST)
    assert grid.cell("3", "-1") is None and np.isnan(grid.percent("3", "-1")).all()
    assert ScoredGrid(GRID).layers == [str(layer) for layer in range(6)]


def test_ranks_within_the_fold() -> None:
    grid = ScoredGrid(GRID)
    score = grid.score(*BEST)
    expected = [
        100 * ((score[grid.fold == grid.fold[i]] < score[i]).sum() + 0.5) / (grid.fold == grid.fold[i]).sum()
        for i in range(80)
    ]
    assert grid.percent(*BEST) == pytest.approx(expected)
