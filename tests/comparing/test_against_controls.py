"""The best cell against what needs no probe: on the same samples, paired, against ΔAUC of the scores and loops."""

import dataclasses

import numpy as np
import pytest
import xarray as xr
from planted_answers import make_answers
from scipy import stats

from interp.comparing.against_controls import against_controls
from interp.comparing.best_cell import nested_choice
from interp.controls.controls import control_grid
from interp.controls.scored import Scored
from interp.errors import DataError
from interp.grids.grid import grid_arrays
from interp.grids.probes import probe_grid
from interp.reporting.control_words import control_sentences, gain_text
from interp.statistics.auc import delta_auc
from interp.statistics.samples import Samples

N = 300


@pytest.fixture(scope="module")
def grid() -> xr.Dataset:
    """One cell of four tells; the samples come in pairs."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, N)
    x = rng.standard_normal((N, 2, 2, 6))
    x[:, 1, 1, 0] += 2 * y
    return probe_grid(x, y, groups=[str(i // 2) for i in range(N)], n_jobs=1)


def baseline(grid: xr.Dataset, score: np.ndarray, **options: object) -> dict[str, Scored]:
    arrays = grid_arrays(grid)
    labels = Samples.named(arrays.y, arrays.fold, grid["group"].values.tolist(), grid["sample"].values.tolist())
    return {"all": Scored.of(score, labels, min_per_class=10, **options)}


def noisy(grid: xr.Dataset, strength: float) -> np.ndarray:
    return strength * grid["y"].values + np.random.default_rng(1).standard_normal(N)


def test_the_difference_is_that_of_the_nested_best_cells_own_scores(grid: xr.Dataset) -> None:
    arrays, score = grid_arrays(grid), noisy(grid, 1.0)
    nested, cells = nested_choice(arrays)
    layer, role = cells[nested.chosen[0]].tolist()
    assert set(nested.chosen.values()) == {nested.chosen[0]}
    expected = delta_auc(nested.score, score, arrays.samples, training=arrays.trained(layer, role))
    (row,) = against_controls(grid, {"answer_logprob": baseline(grid, score)})
    assert row["difference"] == pytest.approx({key: getattr(expected, key) for key in ("value", "low", "high", "p")})
    alone = delta_auc(nested.score, score, arrays.samples)  # what the folds share is in the interval
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
            "answer_length": baseline(grid, np.zeros(N), reason="nothing varies"),
            "embed_held_out": {"0": strong},
        },
    )
    assert [(row["name"], row["token"]) for row in rows] == [("position", "1"), ("answer_logprob", "all")]
    told, strongest = control_sentences(rows)
    assert told.startswith("The model's own mean") and strongest.startswith("The strongest control, position only")


def test_the_embedding_row_is_compared_with_the_grids_own_interval(grid: xr.Dataset) -> None:
    score = np.stack([noisy(grid, 0.2), noisy(grid, 0.3)], axis=1)
    with_row = grid.assign(embed_score=(("sample", "token"), score), embed_reason=("token", ["", ""]))
    (row,) = against_controls(with_row, {})
    alone = baseline(grid, score[:, 1])["all"]
    assert (row["token"], row["value"], row["low"], row["high"]) == ("1", alone.value, alone.low, alone.high)
    assert control_sentences([row]) == [] and gain_text(row).startswith("the probe's best cell exceeds it by 0.")


def test_a_grid_without_a_defined_cell_is_compared_with_nothing(grid: xr.Dataset) -> None:
    nowhere = grid.assign(auc=grid["auc"] * np.nan)
    assert against_controls(nowhere, {"answer_logprob": baseline(grid, noisy(grid, 1.0))}) == []


def pairs(score: np.ndarray, y: np.ndarray, fold: np.ndarray) -> dict[int, np.ndarray]:
    """For every fold, which (correct, wrong) pairs are in order: 1, 1/2 or 0."""
    return {
        int(f): np.array(
            [
                [1.0 if score[i] > score[j] else 0.5 if score[i] == score[j] else 0.0 for j in np.flatnonzero(wrong)]
                for i in np.flatnonzero((fold == f) & (y == 1))
            ]
        )
        for f in np.unique(fold)
        if (wrong := (fold == f) & (y == 0)).any()
    }


def partly_absent() -> tuple[xr.Dataset, np.ndarray, np.ndarray]:
    """The only role that tells is there in the hard half; the log-probability knows the easy half, nothing more."""
    rng = np.random.default_rng(3)
    n, y = 2 * N, np.tile([0, 1, 1, 0], N // 2)
    hard = np.arange(n) % 4 < 2
    x = rng.standard_normal((n, 1, 2, 4))
    x[:, 0, 1, 0] += 0.9 * y
    valid = np.stack([np.ones(n, bool), hard], axis=1)
    grid = probe_grid(x, y, valid=valid, n_jobs=1)
    logprob = rng.standard_normal(n) + np.where(hard, 0.0, 6.0) * y
    answers = make_answers(rng, n, logprobs=[[value] * 9 for value in logprob])
    controls = control_grid(x, dataclasses.replace(answers, id=[str(i) for i in range(n)]), grid, n_jobs=1)
    return grid, logprob, controls.baselines


def test_where_the_best_cells_role_is_absent_the_control_is_judged_without_these_samples() -> None:
    """AUCs over other samples, subtracted, said −0.02 where the same samples say +0.21."""
    grid, logprob, baselines = partly_absent()
    score, y, fold = (grid[name].values for name in ("score", "y", "fold"))
    best, there = score[:, 0, 1], np.isfinite(score[:, 0, 1])
    row = next(row for row in against_controls(grid, baselines) if row["name"] == "answer_logprob")
    one, two = (pairs(values[there], y[there], fold[there]) for values in (best, logprob))
    total = sum(part.size for part in one.values())
    auc_1, auc_2 = (sum(part.sum() for part in parts.values()) / total for parts in (one, two))
    overall = pairs(logprob, y, fold)
    naive = auc_1 - sum(part.sum() for part in overall.values()) / sum(part.size for part in overall.values())
    assert naive < -0.01 and auc_1 - auc_2 > 0.2
    assert row["best_value"] == pytest.approx(auc_1) and row["value"] == pytest.approx(auc_2)
    assert row["difference"]["value"] == pytest.approx(auc_1 - auc_2)
    assert row["difference"]["low"] > 0.1
    assert (row["n"], row["n_correct"]) == (there.sum(), y[there].sum())
    assert (row["own_n"], row["best_n"]) == (len(y), there.sum()) and row["own_value"] > 0.7
    (sentence, *_) = control_sentences([row])
    assert f"on the {there.sum()} samples that both can score, where the best cell has {auc_1:.2f}" in sentence
    # The interval: DeLong's components of both, by fold, every sample its own group; the log-probability trained nothing.
    untrained = grid.drop_vars("training")
    gain = next(row for row in against_controls(untrained, baselines) if row["name"] == "answer_logprob")["difference"]
    variance = 0.0
    for f, apart in one.items():
        apart = apart - two[f]
        share = apart.size / total
        for axis in (0, 1):
            component = apart.mean(axis)
            variance += share**2 * component.var(ddof=1) / len(component)
    assert (gain["high"] - gain["low"]) / 2 == pytest.approx(stats.norm.ppf(0.975) * np.sqrt(variance))


def test_the_token_that_leaves_the_best_cell_least_is_the_one_that_is_named() -> None:
    """A control that is high only where the best cell's role is absent is no rival there."""
    grid, _, _ = partly_absent()
    y, hard = grid["y"].values, np.isfinite(grid["score"].values[:, 0, 1])
    noise = np.random.default_rng(3).standard_normal(len(y))
    of = {
        "easy": baseline(grid, noise + np.where(hard, 0.0, 9.0) * y)["all"],
        "even": baseline(grid, noise + 0.5 * y)["all"],
        "absent": baseline(grid, np.where(hard, np.nan, 9.0 * y))["all"],
    }
    assert of["absent"].value > of["easy"].value > of["even"].value
    (row,) = against_controls(grid, {"position": of})
    assert row["token"] == "even"
    (row,) = against_controls(grid, {"position": {"absent": of["absent"]}})
    assert row["best_value"] is None and set(row["difference"].values()) == {None}
    assert (row["value"], row["n"]) == (1.0, (~hard).sum()) and gain_text(row) == (
        "the probe's best cell cannot be compared with it"
    )
    rows = against_controls(grid, {"position": {"absent": of["absent"]}, "answer_length": {"all": of["even"]}})
    assert [row["name"] for row in rows] == ["answer_length", "position"]


def test_the_interval_knows_what_the_folds_of_a_fitted_control_share(grid: xr.Dataset) -> None:
    """The embedding of the best cell is the best cell: nothing differs, and of that one is certain."""
    arrays = grid_arrays(grid)
    row = {"embed_score": (("sample", "token"), arrays.score[:, 1]), "embed_reason": ("token", ["", ""])}
    sketch = grid["training"].isel(layer=1, drop=True)
    with_row = grid.assign(row | {"embed_training": sketch})
    (found,) = against_controls(with_row, {})
    assert (found["token"], found["difference"]) == ("1", {"value": 0.0, "low": 0.0, "high": 0.0, "p": 1.0})
    (found,) = against_controls(grid.assign(row), {})
    assert found["difference"]["high"] > 0


def test_controls_of_other_samples_are_refused(grid: xr.Dataset) -> None:
    foreign = dataclasses.replace(baseline(grid, noisy(grid, 1.0))["all"], ids=tuple(f"t{i}" for i in range(N)))
    with pytest.raises(DataError, match="samples: 300 of 300 are not in the controls, first '0'"):
        against_controls(grid, {"answer_logprob": {"all": foreign}})
