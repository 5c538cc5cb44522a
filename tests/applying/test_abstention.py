"""What a grid's cell is good for: held out at every step, honest under the null, right where the truth is known."""

import json

import numpy as np
import pytest
import torch
import xarray as xr
from matplotlib import pyplot as plt
from scipy.special import expit

from interp.applying.abstention import selective
from interp.applying.for_use import for_use
from interp.applying.platt import Platt
from interp.comparing.compare import describe_best
from interp.errors import DataError
from interp.grids.probes import probe_grid
from interp.reporting.risk_plot import plot_risk_coverage
from interp.reporting.use_words import use_sentences


def known(n: int = 400, *, offset: float = 0.0, strength: float = 1.5, seed: int = 0, cells: int = 1) -> xr.Dataset:
    """A grid of scores: noise plus `strength` times the label in cell (0, "0"), and an offset of its own in every fold."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    grid = probe_grid(rng.standard_normal((n, cells, 2, 1)), y, n_jobs=1)
    score = rng.standard_normal((n, cells, 2))
    score[:, 0, 0] += strength * y
    score += offset * rng.standard_normal(5)[grid["fold"].values][:, None, None]
    auc = grid["auc"].values.copy()
    auc[0, 0] = 0.9
    return grid.assign(score=(("sample", "layer", "token"), score), auc=(("layer", "token"), auc))


def test_the_probability_of_a_fold_comes_from_the_other_folds_alone() -> None:
    grid = known()
    score, y, fold = (grid[name].values for name in ("score", "y", "fold"))
    score = score[:, 0, 0]
    found = selective(grid, 0, "0", resamples=10)
    for f in range(5):
        others = fold != f
        expected = Platt.fit(score[others], y[others]).probability(score[~others])
        np.testing.assert_array_equal(found.probability[~others], expected)
    assert found.platt == Platt.fit(score, y)


def test_where_the_truth_is_known_it_is_found() -> None:
    """Scores N(0, 1) and N(1.5, 1): P(correct | s) = sigmoid(1.5 s - 1.125), recall at 5 % = Φ(1.5 - 1.645) = 0.44."""
    grid = known(4000)
    found = selective(grid, 0, "0", resamples=100)
    score = grid["score"].values[:, 0, 0]
    np.testing.assert_allclose(found.probability, expit(1.5 * score - 1.125), atol=0.03)
    point = next(p for p in found.points if p.rate == 0.05)
    assert point.recall.low < 0.442 < point.recall.high and abs(point.recall.value - 0.442) < 0.03
    assert point.false_positives.low < 0.05 < point.false_positives.high
    assert point.threshold.low < 1.645 < point.threshold.high
    assert found.reliability.ece < 0.03 and found.reliability.brier < found.reliability.brier_base
    assert found.aurc_oracle < found.aurc.low < found.aurc.value < found.aurc.high < found.aurc_chance


def test_without_signal_nothing_is_promised() -> None:
    """Real probes on noise, best of six cells: recall is no more than false positives, the curve is chance."""
    gap, area = [], []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        y = rng.integers(0, 2, 150)
        grid = probe_grid(rng.standard_normal((150, 3, 2, 8)), y, n_jobs=1, probe="mass-mean")
        found = selective(grid, resamples=2, rates=(0.1,))
        gap.append(found.points[0].recall.value - found.points[0].false_positives.value)
        area.append(found.aurc.value - found.aurc_chance)
    assert abs(np.mean(gap)) < 0.03 and abs(np.mean(area)) < 0.03


def test_offsets_of_the_folds_cost_recall_and_are_not_hidden() -> None:
    """A threshold from other folds cannot know this fold's offset: what it costs shows, and the intervals are wider."""
    plain, shifted = (selective(known(2000, offset=o), 0, "0", resamples=20) for o in (0.0, 1.0))
    assert shifted.aurc.value > plain.aurc.value
    assert shifted.reliability.brier > plain.reliability.brier + 0.01


def test_the_best_cell_is_chosen_without_the_fold_it_is_used_on() -> None:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 300)
    x = rng.standard_normal((300, 3, 2, 6))
    x[:, 2, 1, :2] += y[:, None]
    grid = probe_grid(x, y)
    found, best = selective(grid, resamples=20), describe_best(grid)
    assert found.nested and (found.layer, found.token) == (2, "1") == tuple(best["cell"].values())
    named = selective(grid, 2, "1", resamples=20)
    assert not named.nested
    if all(cell == best["cell"] for cell in best["chosen"].values()):
        np.testing.assert_array_equal(found.probability, named.probability)
    # The fold's own labels do not move its probabilities by way of threshold or sigmoid: flip them, look at that fold.
    other = grid.copy(deep=True)
    inside = grid["fold"].values == 3
    other["y"].values[inside] = 1 - other["y"].values[inside]
    np.testing.assert_array_equal(selective(other, resamples=5).probability[inside], found.probability[inside])


def test_samples_without_the_role_are_left_out_and_counted() -> None:
    grid = known()
    grid["score"].values[:40, 0, 0] = np.nan
    found = selective(grid, 0, "0", resamples=10)
    assert found.n == 360 and np.isnan(found.probability[:40]).all() and len(found.risk) == 360


def test_it_is_plain_json_and_the_same_again() -> None:
    grid = known(120)
    whole = selective(grid, resamples=50).to_dict()
    assert json.loads(json.dumps(whole, allow_nan=False)) == whole == selective(grid, resamples=50).to_dict()
    assert whole["operating_points"][0]["threshold"]["value"] is None  # 1 % of sixty wrong answers: no threshold
    assert whole["operating_points"][0]["recall"]["value"] == 0
    assert selective(grid, resamples=50, seed=1).to_dict() != whole


def test_what_does_not_fit_is_refused() -> None:
    grid = known(100)
    with pytest.raises(DataError, match="layer: expected one of 0, got 9"):
        selective(grid, 9, "0")
    with pytest.raises(DataError, match="give both layer and token"):
        selective(grid, 0)
    with pytest.raises(DataError, match="rates: expected a number above 0, below 1, got 5.0"):
        selective(grid, rates=(5.0,))
    y = np.array([1] * 40 + [0] * 8)
    empty = probe_grid(np.random.default_rng(0).standard_normal((48, 1, 1, 3)), y)
    with pytest.raises(DataError, match="no cell is defined"):
        selective(empty)
    with pytest.raises(DataError, match="layer 0, 0 is undefined: 40 correct and 8 wrong"):
        selective(empty, 0, "0")


def test_the_curve_is_drawn_between_chance_and_oracle() -> None:
    grid = known(120)
    found = selective(grid, 0, "0", resamples=20)
    ax = plot_risk_coverage(found)
    curve, chance, oracle = ax.lines
    np.testing.assert_array_equal(curve.get_ydata(), found.risk)
    np.testing.assert_array_equal(curve.get_xdata(), found.coverage)
    assert set(chance.get_ydata()) == {found.aurc_chance}
    assert np.mean(oracle.get_ydata()) == pytest.approx(found.aurc_oracle) and (found.risk >= oracle.get_ydata()).all()
    text = [entry.get_text() for entry in ax.get_legend().get_texts()]
    assert text[0].startswith(f"probe, area {found.aurc.value:.3f} [") and "layer 0, 0" in ax.get_title()
    assert plot_risk_coverage(found, ax=ax) is ax
    plt.close(ax.figure)


def test_the_reports_sentences_say_what_was_found_or_why_not() -> None:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 120)
    x = rng.standard_normal((120, 1, 1, 4)) + y[:, None, None, None]
    grid = probe_grid(x, y)
    vectors = torch.from_numpy(x[:, 0, 0])
    whole = for_use(vectors, y, grid, site="resid_post")
    assert whole.probe is not None and whole.probe.auc == grid["auc"].item()
    text = use_sentences({"for_use": whole.to_dict()})
    assert len(text) == 2 and "with half of the questions answered" in text[0] and "Brier score" in text[1]
    bent = for_use(vectors, y, grid, site="resid_post", probe="mlp")
    assert bent.probe is None and bent.selective is not None
    assert use_sentences({"for_use": bent.to_dict()})[-1].startswith("no probe was saved: probe: MLPClassifier has no")
    empty = probe_grid(x[:30], np.arange(30) % 2, min_per_class=20)
    none = for_use(vectors, y, empty, site="resid_post")
    assert use_sentences({"for_use": none.to_dict()}) == ["grid: no cell is defined, so there is no best cell"]
    assert use_sentences({}) == []
