"""The nested choice against a scikit-learn loop, blind to the fold's labels, and at 0.5 on noise where the other is not."""

import numpy as np
import pytest
from sklearn.linear_model import RidgeClassifier
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from interp.comparing.best_cell import describe_best
from interp.grids.probes import probe_grid
from interp.statistics.auc import within_fold_auc
from interp.statistics.nested_choice import choice_auc, chosen_best, pairs_left_out_auc
from interp.statistics.resampling import nested_best
from interp.statistics.samples import Samples


def problem(n: int = 90, width: int = 12, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    x = rng.standard_normal((n, width)) * 5 + 7
    x[:, 0] += 4 * y
    x[:, -1] = 3.0
    return x, y, np.arange(n) % 5


@pytest.mark.parametrize("width", [12, 150])
def test_it_is_the_loop_over_pairs_of_folds(width: int) -> None:
    """Each fold's number counts pairs of the other folds alone, by probes that saw neither fold."""
    x, y, fold = problem(width=width)
    z = (x - x.mean(0)) / np.where(x.std(0) > 0, x.std(0), 1)
    found = choice_auc(x, y, fold)
    for f in range(5):
        concordant = pairs = 0.0
        for g in set(range(5)) - {f}:
            train, test = (fold != f) & (fold != g), fold == g
            score = RidgeClassifier(alpha=1.0).fit(z[train], y[train]).decision_function(z[test])
            weight = y[test].sum() * (1 - y[test]).sum()
            concordant += weight * roc_auc_score(y[test], score)
            pairs += weight
        assert found[f] == pytest.approx(concordant / pairs, abs=1e-12)


@pytest.mark.parametrize("width", [12, 150])
def test_the_labels_of_a_fold_do_not_move_its_choice(width: int) -> None:
    x, y, fold = problem(width=width)
    other = np.where(fold == 2, 1 - y, y)
    before, after = choice_auc(x, y, fold), choice_auc(x, other, fold)
    assert after[2] == before[2] and (after != before).sum() == 4


def test_huge_dimensions_and_units_do_not_matter() -> None:
    x, y, fold = problem()
    scaled = (x + 1e4) * np.array([8e4, *[1.0] * 10, 1e-3])
    np.testing.assert_allclose(choice_auc(scaled, y, fold), choice_auc(x, y, fold), atol=1e-9)


def test_one_class_without_two_folds_is_undefined() -> None:
    x, _, fold = problem()
    y = np.isin(fold, (0, 1)).astype(int)  # without both folds, no correct sample is left
    assert np.isnan(choice_auc(x, y, fold)[[0, 1]]).all()
    nothing = chosen_best(np.zeros((90, 1)), np.full((5, 1), np.nan), Samples(y, fold, np.arange(90)))
    assert np.isnan(nothing.estimate.value) and "no cell can be judged" in nothing.estimate.reason


def test_the_choice_passes_over_cells_unknown_without_a_fold() -> None:
    _, y, fold = problem()
    score, samples = np.random.default_rng(1).standard_normal((90, 3)), Samples.alone(y, fold)
    choice = np.tile([np.nan, 0.4, 0.3], (5, 1))
    choice[2] = [0.2, np.nan, 0.1]
    assert chosen_best(score, choice, samples).chosen == {0: 1, 1: 1, 2: 0, 3: 1, 4: 1}
    choice[2] = np.nan
    nothing = chosen_best(score, choice, samples)
    assert np.isnan(nothing.score).all() and nothing.chosen == {}
    assert (nothing.estimate.n, nothing.estimate.n_correct, len(nothing.score)) == (0, 0, 90)


def test_one_pair_is_an_auc_and_no_pair_is_none() -> None:
    """Folds 0 and 3 hold a pair each, folds 1 and 2 none: without 3, fold 0 alone counts."""
    y, fold = np.array([1, 0, 1, 1, 0, 0, 0, 1]), np.arange(8) // 2
    for sign, expected in ((1, 1.0), (-1, 0.0)):
        found = pairs_left_out_auc(lambda out, sign=sign: sign * y[out].astype(float), y, fold)
        assert found.tolist() == [expected] * 4
    assert np.isnan(pairs_left_out_auc(lambda out: y[:6][out].astype(float), y[:6], fold[:6])[0])


def test_two_folds_leave_none_to_train_on() -> None:
    x, y, fold = problem()
    assert np.isnan(choice_auc(x, y, fold % 2)).all()


def test_a_planted_cell_is_chosen_and_its_score_composed() -> None:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 200)
    x = rng.standard_normal((200, 2, 3, 8))
    x[:, 1, 2, 0] += 2 * y
    grid = probe_grid(x, y)
    assert grid["choice_auc"].dims == ("sample", "layer", "token")
    best = describe_best(grid)
    assert all(cell == {"layer": 1, "token": "2"} for cell in best["chosen"].values())
    score = grid["score"].values[:, 1, 2]
    assert best["nested"]["value"] == pytest.approx(float(within_fold_auc(score, y, grid["fold"].values)))
    # Chosen by every fold, its interval is the cell's own, with what the folds share.
    assert [best["nested"][k] for k in ("low", "high")] == pytest.approx(
        [float(grid[k][1, 2]) for k in ("low", "high")]
    )


def test_on_noise_the_nested_best_is_at_a_half_and_choosing_by_the_other_folds_scores_is_not() -> None:
    """The probes of the other folds were fitted on this one: their scores choose cells that suit it."""
    strict, loose = [], []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        y = rng.integers(0, 2, 120)
        grid = probe_grid(rng.standard_normal((120, 3, 2, 10)), y, probe="mass-mean", n_jobs=1)
        strict.append(describe_best(grid)["nested"]["value"])
        columns = grid["score"].values.reshape(120, -1)
        loose.append(nested_best(columns, Samples(y, grid["fold"].values, np.arange(120))).estimate.value)
    assert abs(np.mean(strict) - 0.5) < 0.03
    assert np.mean(loose) > 0.54


def test_a_probe_that_is_not_linear_chooses_by_its_own_fits() -> None:
    """Exclusive or: no linear probe, the choosing ridge among them, can tell the cell that holds it."""
    rng = np.random.default_rng(3)
    y = rng.integers(0, 2, 120)
    x = rng.standard_normal((120, 1, 3, 4))
    x[:, 0, 1, 0] = np.where(y == 1, 1, -1) * np.sign(x[:, 0, 1, 1]) + 0.3 * x[:, 0, 1, 0]
    grid = probe_grid(x, y, probe=SVC())
    fold = grid["fold"].values
    for f in range(5):
        concordant = pairs = 0.0
        for g in set(range(5)) - {f}:
            train, test = (fold != f) & (fold != g), fold == g
            oracle = make_pipeline(StandardScaler(), SVC()).fit(x[train, 0, 1], y[train])
            weight = y[test].sum() * (1 - y[test]).sum()
            concordant += weight * roc_auc_score(y[test], oracle.decision_function(x[test, 0, 1]))
            pairs += weight
        assert grid["choice_auc"].values[fold == f, 0, 1] == pytest.approx(concordant / pairs, abs=1e-12)
    best = describe_best(grid)["nested"]
    assert best["value"] > 0.9
