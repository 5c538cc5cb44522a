"""The best cell as an object: of a grid without a defined cell, and as a notebook shows it."""

import numpy as np
import pytest
from read_html import read

import interp
from interp.comparing.best import BestCell, best_cell
from interp.demo import planted


@pytest.fixture(scope="module")
def grid():
    cap, answers = planted(60)
    return interp.probe_grid(cap, answers.correct, probe="mass-mean")


def test_it_says_both_numbers(grid) -> None:
    best = best_cell(grid)
    assert repr(best).startswith(f"BestCell(layer {best.layer}, {best.token}: AUC {best.auc:.3f} [")
    assert f"chosen on other folds {best.nested_auc:.3f} [" in repr(best)
    page = read(best)
    assert page.line[:3] == ["BestCell", f"layer {best.layer}", best.token]
    rows = page.sections["AUC"].rows[1:]
    assert rows[0][1].startswith(f"{best.auc:.3f} [") and rows[1][1].startswith(f"{best.nested_auc:.3f} [")
    assert rows[2][1] == str(best.n) and rows[3][1] == str(best.n_correct)
    peaks = page.sections["Cells that may be the peak"].rows[1:]
    assert [row[0] for row in peaks] == [f"layer {p.layer}, {p.token}" for p in best.peak_set.itertuples()]


def test_a_grid_without_a_defined_cell_has_none() -> None:
    cap, answers = planted(60)
    grid = interp.probe_grid(cap, answers.correct, probe="mass-mean", min_per_class=50)
    best = grid.cells.best()
    assert best.cell == {} and best.layer is None and best.token is None and best.n == 0
    assert np.isnan([best.auc, best.low, best.high, best.nested_auc, best.nested_low]).all() and not len(best.peak_set)
    assert repr(best) == "BestCell(no cell of the grid is defined)"
    assert read(best).line == ["BestCell", "no cell of the grid is defined"]
    assert isinstance(best, BestCell)
