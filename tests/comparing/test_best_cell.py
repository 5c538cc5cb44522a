"""The best cell: never one of a column that few samples have."""

import numpy as np
import torch

import interp
from interp.comparing.best_cell import describe_best, full_enough
from interp.demo.planted_signal import planted


def _thin() -> tuple[interp.Capture, interp.Answers]:
    """The planted signal, and a column that every fifth sample has, where it is without an error."""
    cap, answers = planted()
    y = torch.tensor([bool(label) for label in answers.correct])
    has = torch.arange(len(cap)) % 5 < 1
    column = cap.roles.index("last_q")
    values = cap.resid.clone()
    values[:, :, column] = torch.where(has, 10.0 * (2.0 * y - 1), torch.nan)[:, None, None]
    valid = cap.valid.clone()
    valid[:, column] = has
    thin = interp.Capture({"resid_post": values}, None, {}, valid, cap.index, cap.layers, cap.roles, cap.id)
    return thin, answers


def test_a_column_that_few_samples_have_is_never_the_best() -> None:
    cap, answers = _thin()
    grid = interp.probe_grid(cap, answers, min_per_class=5)
    assert (grid["auc"].sel(token="last_q") == 1).all()  # higher than any other
    best = describe_best(grid, min_per_class=5)
    assert best["cell"] == {"layer": 1, "token": "exact_answer_last"}
    assert {cell["token"] for cell in [*best["chosen"].values(), *best["peak_set"]]} == {"exact_answer_last"}
    assert best["nested"]["n"] == len(cap)
    assert interp.selective(grid, resamples=5).token == "exact_answer_last"


def test_enough_is_half_of_what_the_fullest_cell_has() -> None:
    score = np.zeros((10, 1, 4))
    score[4:, 0, 1], score[5:, 0, 2], score[:, 0, 3] = np.nan, np.nan, np.nan
    defined = np.array([[True, True, True, False]])
    assert full_enough(score, defined).tolist() == [[True, False, True, False]]


def test_a_grid_with_a_thin_column_is_drawn_with_its_comparison() -> None:
    cap, answers = _thin()
    probe = interp.probe_grid(cap, answers, min_per_class=5)
    other = interp.probe_grid(cap, answers, min_per_class=5, probe="mass-mean")
    comparison = interp.compare_grids(probe, other)
    figure = interp.plot_comparison(probe, other, comparison=comparison)
    assert figure is not None
