"""What folds share: against the matrix of pairs, against simulated truth, and against scores trained elsewhere."""

import numpy as np
import pytest
from scipy import stats
from scipy.special import expit

from interp.fitting.crossfit import cross_fit
from interp.fitting.estimators import ProbeSpec
from interp.fitting.training import Cell
from interp.grids.grid import grid_arrays
from interp.grids.probes import probe_grid
from interp.statistics import auc_slope, cross_fold, samples
from interp.statistics.auc import auc_influence, estimate_auc, group_sums, standard_error
from interp.statistics.cross_fold import Learned, shared_variance, training_sketch
from interp.statistics.samples import DIRECTIONS, Samples, group_signs


def sample(seed: int, n: int, width: int, distance: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.arange(n) % 2)
    x = rng.standard_normal((n, width))
    x[:, 0] += distance * (y - 0.5)
    fold = np.empty(n, dtype=np.int64)
    for label in (0, 1):
        fold[y == label] = np.arange((y == label).sum()) % 5
    return x, y, fold


def signs_of(group: np.ndarray) -> np.ndarray:
    return group_signs([f"q{g}" for g in group])


def ridge(x: np.ndarray, y: np.ndarray, fold: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    fit = cross_fit(Cell(x, Samples(y, fold, np.arange(len(y)), signs_of(np.arange(len(y)))), ProbeSpec("ridge")))
    assert fit.training is not None
    return fit.score, fit.training


def pair_matrix(x, y, fold, group, score, *, residual, curvature, penalty) -> np.ndarray:
    """The d_ij one by one: a Hessian without the fold for each fold, residuals without the group, loops over samples."""
    z = x - curvature @ x / curvature.sum()
    n, d = len(y), np.zeros((len(y), len(y)))

    def inverse_without(f: int) -> np.ndarray:
        keep = fold != f
        return np.linalg.inv((z[keep].T * curvature[keep]) @ z[keep] + penalty * np.eye(z.shape[1]))

    inverse = {f: inverse_without(f) for f in range(5)}
    removed = residual.copy()
    for j in range(n):
        for k in np.flatnonzero((group == group[j]) & (fold == fold[j])):
            removed[j] += curvature[j] * z[j] @ inverse[fold[j]] @ z[k] * residual[k]
    pairs = sum((y[fold == f] == 1).sum() * (y[fold == f] == 0).sum() for f in range(5))
    for f in range(5):
        train = np.flatnonzero(fold != f)
        moved = (z @ inverse[f] @ z.T) * removed
        moved -= moved[:, train].mean(1, keepdims=True)
        classes = [np.flatnonzero((fold == f) & (y == label)) for label in (0, 1)]
        width = auc_slope.BANDWIDTH * np.sqrt(np.mean([score[c].var() for c in classes]))
        for label, sign in ((0, -1), (1, 1)):
            for i in classes[label]:
                for k in classes[1 - label]:
                    density = stats.norm.pdf((score[i] - score[k]) / width) / width
                    d[i, train] += sign * density * (moved[i, train] - moved[k, train]) / pairs
            own = d[classes[label]].copy()
            for i, row in zip(classes[label], own, strict=True):
                others = group[classes[label]] != group[i]
                d[i, train] = row[train] - own[others][:, train].mean(0) if others.any() else 0.0
    return d


@pytest.mark.parametrize(("n", "width"), [(60, 6), (50, 80)])
def test_the_sketch_is_the_pair_matrix_times_signs(n: int, width: int) -> None:
    x, y, fold = sample(0, n, width, 1.0)
    score = x[:, 0] + 0.3 * x[:, 1]
    p = expit(0.5 * score)
    loss = {"residual": y - p, "curvature": p * (1 - p), "penalty": 0.7}
    group = np.arange(n) // 2
    signs = signs_of(group)
    found = training_sketch(x, Samples(y, fold, group, signs), score, **loss)
    d = pair_matrix(x, y, fold, group, score, **loss)
    np.testing.assert_allclose(found[:, 0], d @ signs, atol=1e-5 * np.abs(d @ signs).max())
    np.testing.assert_allclose(found[:, 1], d.T @ signs, atol=1e-5 * np.abs(d.T @ signs).max())


@pytest.mark.parametrize(("n", "width"), [(60, 6), (50, 80)])
def test_the_sketch_of_other_samples_is_the_pair_matrix_times_signs(n: int, width: int) -> None:
    x, y, fold = sample(0, n, width, 1.0)
    other, y_other, fold_other = sample(9, n, width, 1.0)
    p = expit(0.5 * x[:, 0])
    loss = {"residual": y - p, "curvature": p * (1 - p), "penalty": 0.7}
    group, group_other = np.arange(n) // 2, np.arange(n) // 2 + n // 4
    score, signs, signs_other = other[:, 0], signs_of(group), signs_of(group_other)
    learned = Learned.of(x, Samples(y, fold, group, signs), **loss)
    test = Samples(y_other, fold_other, group_other, signs_other)
    received, given = learned.sketch(learned.columns(other), test, score, signs)
    d = rectangular_pair_matrix(x, y, fold, group, other, test, score, **loss)
    np.testing.assert_allclose(received, d @ signs, atol=1e-5 * np.abs(d @ signs).max())
    np.testing.assert_allclose(given, d.T @ signs_other, atol=1e-5 * np.abs(d.T @ signs_other).max())


def rectangular_pair_matrix(x, y, fold, group, other, test, score, *, residual, curvature, penalty) -> np.ndarray:
    """`pair_matrix` where other samples than those that train are scored."""
    n, d = len(y), np.zeros((len(test), len(y)))
    mean = curvature @ x / curvature.sum()
    z, z_other = x - mean, other - mean
    pairs = sum((test.y[test.fold == f] == 1).sum() * (test.y[test.fold == f] == 0).sum() for f in range(5))
    for f in range(5):
        train = np.flatnonzero(fold != f)
        inverse = np.linalg.inv((z[train].T * curvature[train]) @ z[train] + penalty * np.eye(z.shape[1]))
        removed = residual.copy()
        for j in range(n):
            part = fold != fold[j]
            h = np.linalg.inv((z[part].T * curvature[part]) @ z[part] + penalty * np.eye(z.shape[1]))
            removed[j] += sum(
                curvature[j] * z[j] @ h @ z[k] * residual[k]
                for k in np.flatnonzero((group == group[j]) & (fold == fold[j]))
            )
        moved = (z_other @ inverse @ z.T) * removed
        moved -= moved[:, train].mean(1, keepdims=True)
        classes = [np.flatnonzero((test.fold == f) & (test.y == label)) for label in (0, 1)]
        width = auc_slope.BANDWIDTH * np.sqrt(np.mean([score[c].var() for c in classes]))
        for label, sign in ((0, -1), (1, 1)):
            raw = np.zeros((len(classes[label]), len(train)))
            for row, i in enumerate(classes[label]):
                for k in classes[1 - label]:
                    density = stats.norm.pdf((score[i] - score[k]) / width) / width
                    raw[row] += sign * density * (moved[i, train] - moved[k, train]) / pairs
            for row, i in enumerate(classes[label]):
                others = test.group[classes[label]] != test.group[i]
                d[i, train] = raw[row] - raw[others].mean(0) if others.any() else 0.0
    return d


def test_the_trace_is_estimated_without_bias(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples, "DIRECTIONS", 4000)
    x, y, fold = sample(1, 80, 8, 0.5)
    p = expit(x[:, 0] / 2)
    loss = {"residual": y - p, "curvature": p * (1 - p), "penalty": 1.0}
    group = np.arange(80) // 3
    d = group_sums(group_sums(pair_matrix(x, y, fold, group, x[:, 0], **loss), group).T, group).T
    found = shared_variance(training_sketch(x, Samples(y, fold, group, signs_of(group)), x[:, 0], **loss), group)
    assert found == pytest.approx((d * d.T).sum(), rel=0.05)


@pytest.mark.parametrize("width", [6, 130])
def test_samples_repeated_within_their_groups_share_what_they_shared_once(width: int) -> None:
    """A group of three equal samples is one sample, if the penalty grows with the loss."""
    x, y, fold = sample(5, 60, width, 1.0)
    p = expit(0.5 * x[:, 0])
    loss = {"residual": y - p, "curvature": p * (1 - p)}
    group = np.arange(60)
    once = training_sketch(x, Samples(y, fold, group, signs_of(group)), x[:, 0], **loss, penalty=0.7)
    many = {name: np.repeat(values, 3) for name, values in loss.items()}
    every = np.repeat(np.arange(60), 3)
    three = Samples(y, fold, group, signs_of(group)).at(every)
    thrice = training_sketch(x[every], three, x[every, 0], **many, penalty=3 * 0.7)
    assert shared_variance(thrice, three.group) == pytest.approx(shared_variance(once, group), rel=1e-4)


def test_the_residuals_of_a_group_are_those_of_the_probe_without_it() -> None:
    """Ridge, where the step is exact: against a refit without the group, which is all that its fold holds."""
    x, y, fold = sample(6, 60, 5, 1.0)
    x[:, -1] = 1.0
    target = 2.0 * y - 1

    def residual_of(part: np.ndarray) -> np.ndarray:
        return target - x @ np.linalg.solve(x[part].T @ x[part] + np.eye(5), x[part].T @ target[part])

    own, fitted = fold == 0, residual_of(np.full(60, True))
    root = np.linalg.solve(np.linalg.cholesky(x[~own].T @ x[~own] + np.eye(5)), x[own].T)
    moved = cross_fold._group_leverage(root, fitted[own], np.zeros(own.sum(), int))
    np.testing.assert_allclose(fitted[own] + moved, residual_of(~own)[own], atol=1e-10)


def test_with_nothing_to_find_the_variance_is_twice_that_of_fixed_probes() -> None:
    """And twice is right: the truth is 0.5, so the AUCs of many noise cells show their variance."""
    n, aucs, fixed, shared = 120, [], [], []
    for seed in range(60):
        x, y, fold = sample(seed, n, 20, 0.0)
        score, training = ridge(x, y, fold)
        value, influence = auc_influence(score, y, fold, np.arange(n))
        aucs.append(value)
        fixed.append(standard_error(influence, np.arange(n)) ** 2)
        shared.append(shared_variance(training, np.arange(n)))
    assert np.mean(shared) / np.mean(fixed) == pytest.approx(1.0, abs=0.2)
    assert (np.mean(fixed) + np.mean(shared)) / np.var(aucs) == pytest.approx(1.0, abs=0.35)
    assert np.mean(fixed) / np.var(aucs) < 0.7


def test_intervals_of_fitted_probes_cover_their_auc() -> None:
    """At n = 100 and 20 features, where the interval for fixed probes covers 84 % of the truth, a normal formula."""
    n, covered, narrow = 100, [], []
    for seed in range(120):
        x, y, fold = sample(seed, n, 20, 1.0)
        score, training = ridge(x, y, fold)
        truth = []
        for f in range(5):
            inside = fold == f
            design = np.column_stack([x[~inside], np.ones((~inside).sum())])
            mean, scale = x[~inside].mean(0), x[~inside].std(0)
            design = np.column_stack([(x[~inside] - mean) / scale, np.ones((~inside).sum())])
            penalty = np.diag([1.0] * 20 + [0.0])
            w = np.linalg.solve(design.T @ design + penalty, design.T @ (2.0 * y[~inside] - 1))[:20] / scale
            truth.append(stats.norm.cdf(w[0] / np.sqrt(2) / np.linalg.norm(w)))
        labels = Samples.alone(y, fold)
        for found, kept in (
            (estimate_auc(score, labels, training=training), covered),
            (estimate_auc(score, labels), narrow),
        ):
            kept.append(found.low <= np.mean(truth) <= found.high)
    assert 0.90 <= np.mean(covered) <= 0.99
    assert np.mean(narrow) < np.mean(covered) - 0.03


def test_strong_signal_and_many_samples_leave_the_interval_of_fixed_probes() -> None:
    x, y, fold = sample(2, 1000, 4, 3.0)
    score, training = ridge(x, y, fold)
    fixed = standard_error(auc_influence(score, y, fold, np.arange(1000))[1], np.arange(1000)) ** 2
    assert shared_variance(training, np.arange(1000)) < 0.05 * fixed


def test_scores_that_were_not_trained_here_keep_the_formula_of_fixed_probes() -> None:
    x, y, fold = sample(3, 100, 5, 1.0)
    found = estimate_auc(x[:, 0], Samples.alone(y, fold))
    assert found.se == standard_error(auc_influence(x[:, 0], y, fold, np.arange(100))[1], np.arange(100))
    grid = probe_grid(x[:, None, None], y, fold=fold, probe="mass-mean", n_jobs=1)
    assert "training" not in grid


def test_signs_follow_from_the_name_and_are_those_of_independent_coins() -> None:
    names = [f"question {i}" for i in range(4000)]
    signs = group_signs(names)
    some = np.random.default_rng(0).permutation(4000)[:900]
    np.testing.assert_array_equal(group_signs([names[i] for i in some]), signs[some])
    assert set(np.unique(signs)) == {-1, 1} and signs.shape == (4000, DIRECTIONS)
    assert np.abs(signs.mean(0)).max() < 0.06  # standard error 0.016
    assert np.abs(np.corrcoef(signs.T) - np.eye(signs.shape[1])).max() < 0.06
    assert np.abs(np.corrcoef(signs[:-1, 0], signs[1:, 0])[0, 1]) < 0.06
    assert group_signs(["", "\ud800", "\0"]).shape == (3, DIRECTIONS)  # any text is a name


def test_the_variance_of_a_difference_is_that_of_the_pairs_of_both_grids(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two grids that share some groups, each with others of its own: against their matrices of pairs, subtracted."""
    monkeypatch.setattr(samples, "DIRECTIONS", 4000)
    x, y, fold = sample(8, 100, 6, 0.5)
    names, total, sketches, groups = np.array([f"q{i}" for i in range(100)]), np.zeros((100, 100)), [], []
    for sign, kept in ((1, np.arange(70)), (-1, np.arange(25, 100))):
        part = (x[kept], y[kept], fold[kept])
        p = expit(part[0][:, 0] / 2)
        loss = {"residual": part[1] - p, "curvature": p * (1 - p), "penalty": 1.0}
        code, score = np.arange(len(kept)), part[0][:, 0]
        total[np.ix_(kept, kept)] += sign * pair_matrix(*part, code, score, **loss)
        of = Samples(part[1], part[2], code, group_signs(names[kept].tolist()))
        sketches.append(sign * training_sketch(part[0], of, score, **loss))
        groups += kept.tolist()
    found = shared_variance(np.concatenate(sketches), np.array(groups))
    assert found == pytest.approx((total * total.T).sum(), rel=0.1)


def test_cells_of_some_samples_share_signs_with_cells_of_all() -> None:
    x, y, fold = sample(4, 100, 5, 1.0)
    valid = np.ones((100, 2), bool)
    valid[90:, 1] = False
    grid = probe_grid(np.stack([x, x], 1)[:, None], y, valid=valid, fold=fold, n_jobs=1)
    whole, part = (grid_arrays(grid).trained(0, role) for role in (0, 1))
    assert (part[90:] == 0).all()
    agreement = np.corrcoef(whole[:90, 0].ravel(), part[:90, 0].ravel())[0, 1]
    assert agreement > 0.8


def test_columns_in_place_of_more_features_than_samples_keep_every_inner_product() -> None:
    rng = np.random.default_rng(0)
    z, curvature, other = rng.normal(size=(6, 40)) + 3, rng.uniform(0.1, 0.25, 6), rng.normal(size=(4, 40)) + 3
    mean = np.average(z, axis=0, weights=curvature)
    root, taken, columns = cross_fold._projected(z, curvature)
    assert root.shape == (6, 6) and not taken.any()
    assert root @ root.T == pytest.approx((z - mean) @ (z - mean).T, rel=1e-6)
    assert columns(other) @ root.T == pytest.approx((other - mean) @ (z - mean).T, rel=1e-5)
    same, centre, itself = cross_fold._projected(z[:, :4], curvature)
    assert same is not None and centre == pytest.approx(mean[:4]) and itself(other) is other
    square = z[:, :6]
    assert cross_fold._projected(square, curvature)[0] is square
