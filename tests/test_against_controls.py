"""The best cell against what needs no probe: paired differences against ΔAUC of the scores, planted either way."""

import numpy as np
import pytest
import xarray as xr

from interp.comparing.against_controls import against_controls, control_sentences, gain_text
from interp.comparing.best_cell import nested_choice
from interp.probing.grid import grid_arrays
from interp.probing.probes import probe_grid
from interp.statistics.inference import Estimate, delta_auc, estimate_auc, undefined

N = 300


@pytest.fixture(scope="module")
def grid() -> xr.Dataset:
    """One cell of four tells; the samples come in pairs."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, N)
    x = rng.standard_normal((N, 2, 2, 6))
    x[:, 1, 1, 0] += 2 * y
    return probe_grid(x, y, groups=[str(i // 2) for i in range(N)], n_jobs=1)


def baseline(grid: xr.Dataset, score: np.ndarray) -> dict[str, Estimate]:
    arrays = grid_arrays(grid)
    return {"all": estimate_auc(score, arrays.y, arrays.fold, arrays.group)}


def noisy(grid: xr.Dataset, strength: float) -> np.ndarray:
    return strength * grid["y"].values + np.random.default_rng(1).standard_normal(N)


def test_the_difference_is_that_of_the_nested_best_cells_own_scores(grid: xr.Dataset) -> None:
    arrays, score = grid_arrays(grid), noisy(grid, 1.0)
    nested, cells = nested_choice(arrays)
    layer, role = cells[nested.chosen[0]].tolist()
    assert set(nested.chosen.values()) == {nested.chosen[0]}
    samples = (arrays.y, arrays.fold, arrays.group)
    expected = delta_auc(nested.score, score, *samples, training=arrays.trained(layer, role))
    (row,) = against_controls(grid, {"answer_logprob": baseline(grid, score)})
    assert row["difference"] == pytest.approx({key: getattr(expected, key) for key in ("value", "low", "high", "p")})
    alone = delta_auc(nested.score, score, *samples)  # what the folds share is in the interval
    assert alone.high - alone.low < row["difference"]["high"] - row["difference"]["low"]


def test_pairs_make_a_small_difference_sure(grid: xr.Dataset) -> None:
    """A baseline that is the best cell's score and a little noise: far nearer than two independent AUCs would be."""
    unshared = grid.drop_vars("training")
    nested, _ = nested_choice(grid_arrays(unshared))
    near = nested.score + 0.05 * np.random.default_rng(2).standard_normal(N)
    (row,) = against_controls(unshared, {"answer_logprob": baseline(grid, near)})
    gain = row["difference"]
    assert gain["low"] < 0 < gain["high"]
    assert gain["high"] - gain["low"] < (nested.estimate.high - nested.estimate.low) / 4


@pytest.mark.parametrize(
    ("strength", "words"), [(0.3, "exceeds it by 0."), (2.0, "does not clearly exceed it"), (6.0, "does not reach it")]
)
def test_the_sentence_follows_the_interval(grid: xr.Dataset, strength: float, words: str) -> None:
    rows = against_controls(grid, {"answer_logprob": baseline(grid, noisy(grid, strength))})
    (sentence,) = control_sentences(rows)
    assert sentence.startswith("The model's own mean log-probability of the answer reaches AUC ") and words in sentence


def test_the_highest_comes_first_and_what_is_undefined_or_on_other_folds_is_left_out(grid: xr.Dataset) -> None:
    weak, strong = baseline(grid, noisy(grid, 0.3))["all"], baseline(grid, noisy(grid, 4.0))["all"]
    rows = against_controls(
        grid,
        {
            "answer_logprob": {"all": weak},
            "position": {"0": weak, "1": strong},
            "answer_length": {"all": undefined(N, N, 0, "nothing varies")},
            "embed_held_out": {"0": strong},
        },
    )
    assert [(row["name"], row["token"]) for row in rows] == [("position", "1"), ("answer_logprob", "all")]
    told, strongest = control_sentences(rows)
    assert told.startswith("The model's own mean") and strongest.startswith("The strongest control, position only")


def test_the_embedding_row_is_compared_with_the_grids_own_interval(grid: xr.Dataset) -> None:
    names = {"auc": 0.6, "low": 0.5, "high": 0.7, "n": N, "n_correct": 150}
    with_row = grid.assign({f"embed_{key}": ("token", [0.4 if key == "auc" else v, v]) for key, v in names.items()})
    score = np.stack([noisy(grid, 0.2), noisy(grid, 0.3)], axis=1)
    with_row["embed_score"] = (("sample", "token"), score)
    (row,) = against_controls(with_row, {})
    assert (row["token"], row["low"], row["high"]) == ("1", 0.5, 0.7)
    assert control_sentences([row]) == [] and gain_text(row).startswith("the probe's best cell exceeds it by 0.")


def test_a_grid_without_a_defined_cell_is_compared_with_nothing(grid: xr.Dataset) -> None:
    nowhere = grid.assign(auc=grid["auc"] * np.nan)
    assert against_controls(nowhere, {"answer_logprob": baseline(grid, noisy(grid, 1.0))}) == []
