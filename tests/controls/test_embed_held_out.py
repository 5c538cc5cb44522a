"""The embedding row on answer-held-out folds, against the same control of a layer that holds the same vectors."""

import numpy as np
import pytest
import torch
from planted_controls import ROLE, WIDTH, N, captured, planted

from interp.controls.controls import control_grid
from interp.controls.embed_held_out import embedding_row
from interp.errors import DataError
from interp.grids.columns import cell_columns
from interp.grids.probes import probe_grid


def test_the_embedding_row_is_held_out_too() -> None:
    """With the first layer as embedding, it is that layer's own control; selectivity knows what the folds share."""
    x, answers, _ = planted()
    cap = captured(x, answers, embed=torch.from_numpy(x[:, 0]))
    y = planted()[2]["y"].values
    grid = probe_grid(cap, y, n_jobs=1)
    controls = control_grid(cap, answers, grid, n_jobs=1)
    found = controls.baselines["embed_held_out"]["exact_answer_first"]
    own = controls.cells.sel(control="held_out").isel(layer=0, token=0)
    # The layer's is solved together with other labels, and so to other last digits.
    assert [found.value, found.low, found.high] == pytest.approx([float(own[k]) for k in ("auc", "low", "high")])
    assert any(line["name"] == "Embedding row, answer-held-out folds" for line in controls.lines(grid))
    assert {row["layer"] for row in controls.rows() if row["metric"] == "embed_held_out_auc"} == {"embed"}
    without = control_grid(cap, answers, grid.drop_vars("training"), n_jobs=1).cells
    widths = [
        c.sel(control="selectivity", layer=2)["high"] - c.sel(control="selectivity", layer=2)["low"]
        for c in (controls.cells, without)
    ]
    assert float(widths[0][0]) != float(widths[1][0])


def test_an_embedding_that_never_varies_keeps_its_own_reason_and_counts_when_held_out() -> None:
    x, answers, _ = planted()
    cap = captured(x, answers, embed=torch.ones((N, 1, WIDTH)))
    grid = probe_grid(cap, planted()[2]["y"].values, n_jobs=1)
    found = control_grid(cap, answers, grid, n_jobs=1).baselines["embed_held_out"]["exact_answer_first"]
    assert found.reason == grid["embed_reason"].item() and "no column varies" in found.reason
    assert (found.n, found.n_correct) == (N, int(grid["y"].sum()))


def test_a_bare_array_has_no_embedding_row() -> None:
    """Nor can a grid be controlled by it that has one."""
    x, answers, grid = planted()
    with pytest.raises(DataError, match="the grid has a row `embed`, of which a bare array knows nothing"):
        embedding_row(cell_columns(grid, x, layers=None, roles=ROLE, ids=None))
    cap = captured(x, answers, embed=torch.from_numpy(x[:, 0]))
    assert np.array_equal(
        embedding_row(cell_columns(grid, cap, layers=None, roles=None, ids=None)).values[:, 0, 0], x[:, 0, 0]
    )
    with pytest.raises(DataError, match="give the Capture that it was made from"):
        control_grid(x, answers, probe_grid(cap, grid["y"].values, n_jobs=1), roles=ROLE, n_jobs=1)
