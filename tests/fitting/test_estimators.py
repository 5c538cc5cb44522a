"""The probes that have a name against scikit-learn, scores of any estimator, and C chosen by inner grouped folds."""

from typing import Any

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.covariance import LedoitWolf
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_selection import f_classif
from sklearn.linear_model import LinearRegression, LogisticRegression, RidgeClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.utils.estimator_checks import parametrize_with_checks

from interp.errors import DataError
from interp.fitting.components import TopComponents
from interp.fitting.estimators import K_SPARSE, PCA_WIDTH, PROBES, STRENGTHS, TUNABLE, UNSCALED, MassMean, ProbeSpec
from interp.grids.probes import probe_grid


def problem(n: int = 160, width: int = 40, seed: int = 0) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """One cell, samples in pairs of a question, a signal in three columns."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    x = rng.standard_normal((n, 1, 1, width)) @ np.diag(np.geomspace(0.1, 10, width))
    x[..., 10:13] += y[:, None, None, None] * np.geomspace(0.1, 10, width)[10:13]
    return x, y, [f"q{i // 2}" for i in range(n)]


def by_loop(x: np.ndarray, y: np.ndarray, fold: np.ndarray, fit: Any, *, scaled: bool = True) -> np.ndarray:
    """Out-of-fold scores: `fit(z_train, y_train)` gives a function of z."""
    score = np.empty(len(y))
    for f in np.unique(fold):
        train, test = fold != f, fold == f
        scaler = StandardScaler(with_mean=scaled, with_std=scaled).fit(x[train])
        score[test] = fit(scaler.transform(x[train]), y[train])(scaler.transform(x[test]))
    return score


def exact(C: float = 1.0) -> LogisticRegression:
    return LogisticRegression(C=C, tol=1e-12, max_iter=20_000)


def mass_mean(z: np.ndarray, y: np.ndarray) -> Any:
    difference = z[y == 1].mean(0) - z[y == 0].mean(0)
    middle = (z[y == 1].mean(0) + z[y == 0].mean(0)) / 2
    return lambda new: (new - middle) @ difference


def whitened_mass_mean(z: np.ndarray, y: np.ndarray) -> Any:
    """Difference of means times the inverse of the within-class covariance, shrunk by Ledoit and Wolf's rule."""
    means = [z[y == c].mean(0) for c in (0, 1)]
    # scikit-learn shrinks the covariance of each class by itself, on columns of unit variance, weighted by the class.
    covariance = np.zeros((z.shape[1], z.shape[1]))
    for c in (0, 1):
        part = z[y == c]
        scale = part.std(0)
        inside = LedoitWolf().fit((part - part.mean(0)) / scale).covariance_
        covariance += (y == c).mean() * inside * np.outer(scale, scale)
    direction = np.linalg.solve(covariance, means[1] - means[0])
    return lambda new: new @ direction


def sparse(z: np.ndarray, y: np.ndarray) -> Any:
    best = np.sort(np.argsort(-f_classif(z, y)[0], kind="stable")[:K_SPARSE])
    fitted = exact().fit(z[:, best], y)
    return lambda new: fitted.decision_function(new[:, best])


def with_estimator(estimator: Any) -> Any:
    return lambda z, y: estimator.fit(z, y).decision_function


ORACLES = {
    "logistic": with_estimator(exact()),
    "ridge": with_estimator(RidgeClassifier(alpha=1.0)),
    "mass-mean": mass_mean,
    "mean-difference": lambda z, y: lambda new: new @ (z[y == 1].mean(0) - z[y == 0].mean(0)),
    "lda": whitened_mass_mean,
    "k-sparse": sparse,
    "pca-lr": with_estimator(make_pipeline(PCA(PCA_WIDTH, svd_solver="full"), exact())),
    "mlp": lambda z, y: (
        lambda new: MLPClassifier((64,), alpha=1.0, max_iter=1000, random_state=0).fit(z, y).predict_proba(new)[:, 1]
    ),
}


@pytest.mark.parametrize("name", PROBES)
def test_every_named_probe_is_its_textbook_form_by_loop(name: str) -> None:
    """Up to an offset within each fold, which no AUC within folds sees."""
    x, y, groups = problem()
    grid = probe_grid(x, y, groups, probe=name, nested=False)
    fold, ours = grid["fold"].values, grid["score"].values[:, 0, 0]
    theirs = by_loop(x[:, 0, 0], y, fold, ORACLES[name], scaled=name != UNSCALED)
    for f in range(5):
        a, b = ours[fold == f], theirs[fold == f]
        np.testing.assert_allclose(a - a.mean(), b - b.mean(), atol=2e-4 * b.std(), err_msg=name)


@parametrize_with_checks([MassMean(), TopComponents(1)])
def test_what_we_wrote_keeps_scikit_learns_contract(estimator: object, check: Any) -> None:
    check(estimator)


@pytest.mark.parametrize(("n", "width", "k"), [(60, 20, 3), (60, 20, 15), (20, 60, 2), (20, 60, 12), (30, 30, 30)])
def test_top_components_are_scikit_learns(n: int, width: int, k: int) -> None:
    x = np.random.default_rng(0).standard_normal((n, width)) * np.geomspace(1, 0.1, width)
    ours, theirs = TopComponents(k).fit(x), PCA(k, svd_solver="full").fit(x)
    # The last component of n centred samples has no variance: ours is zero, theirs an arbitrary direction.
    real = min(k, n - 1)
    np.testing.assert_allclose(ours.transform(x)[:, :real], theirs.transform(x)[:, :real], atol=1e-8)
    assert np.abs(ours.transform(x)[:, real:]).max(initial=0) < 1e-6


def test_components_without_variance_are_zero_not_noise() -> None:
    """Five samples in a hundred dimensions have four directions; asked for eight, the others must not be rounding."""
    x = np.random.default_rng(0).standard_normal((5, 100))
    fitted = TopComponents(8).fit(x)
    assert np.linalg.norm(fitted.components_, axis=1).round(9).tolist() == [1, 1, 1, 1, 0]
    new = np.random.default_rng(1).standard_normal((3, 100))
    assert (fitted.transform(new)[:, 4] == 0).all()


@pytest.mark.parametrize(
    "estimator",
    [
        SVC(),
        HistGradientBoostingClassifier(max_iter=20),
        CalibratedClassifierCV(LogisticRegression(), cv=3),
        LinearRegression(),
        make_pipeline(StandardScaler(), SVC(C=2.0)),
    ],
    ids=lambda e: type(e).__name__,
)
def test_any_estimators_own_values_are_the_scores(estimator: Any) -> None:
    """decision_function where there is one, else the probability, else what a regressor predicts."""
    x, y, groups = problem()
    grid = probe_grid(x, y, groups, probe=estimator, nested=False)
    fold = grid["fold"].values

    def fit(z: np.ndarray, labels: np.ndarray) -> Any:
        fitted = estimator.fit(z, labels)
        if hasattr(fitted, "decision_function"):
            return fitted.decision_function
        return (lambda new: fitted.predict_proba(new)[:, 1]) if hasattr(fitted, "predict_proba") else fitted.predict

    np.testing.assert_allclose(grid["score"].values[:, 0, 0], by_loop(x[:, 0, 0], y, fold, fit), atol=1e-8)


@pytest.mark.parametrize(
    "estimator",
    [
        RandomForestClassifier(n_estimators=5),
        make_pipeline(StandardScaler(), RandomForestClassifier(n_estimators=5)),
        CalibratedClassifierCV(make_pipeline(StandardScaler(), RandomForestClassifier(n_estimators=5)), cv=3),
    ],
    ids=lambda e: type(e).__name__,
)
def test_the_seed_is_that_of_an_estimator_of_ones_own(estimator: Any) -> None:
    x, y, groups = problem(60, width=12)
    fold = np.arange(60) // 2 % 5
    first, same, other = (
        probe_grid(x, y, groups, fold=fold, probe=estimator, seed=seed, nested=False)["score"] for seed in (3, 3, 4)
    )
    assert first.identical(same) and not first.equals(other)
    assert all(value is None for name, value in estimator.get_params().items() if name.endswith("random_state"))


def test_a_random_state_that_is_given_stays() -> None:
    given = make_pipeline(PCA(3, random_state=7), "passthrough", RandomForestClassifier())
    built = ProbeSpec(given, seed=5).build(12).get_params()
    assert (built["pca__random_state"], built["randomforestclassifier__random_state"]) == (7, 5)


class Broken(LinearRegression):
    """A regressor that predicts NaN."""

    def predict(self, X: np.ndarray) -> np.ndarray:
        return np.full(len(X), np.nan)


def test_scores_that_are_not_finite_are_refused_not_masked() -> None:
    x, y, _ = problem()
    with pytest.raises(DataError, match="Broken gave values of shape .* of them not finite"):
        probe_grid(x, y, probe=Broken())


@pytest.mark.parametrize("name", TUNABLE[:4])
def test_C_is_chosen_by_a_plain_loop_of_inner_grouped_folds(name: str) -> None:
    x, y, groups = problem(120, width=12)
    strengths = (1e-3, 0.1, 10.0)
    grid = probe_grid(x, y, groups, probe=name, C=strengths, seed=3, nested=False)
    fold, group = grid["fold"].values, np.array(groups)
    features = x[:, 0, 0]
    for f in range(5):
        train = fold != f
        inner = list(
            StratifiedGroupKFold(5, shuffle=True, random_state=3).split(features[train], y[train], group[train])
        )
        aucs = []
        for C in strengths:
            concordant = pairs = 0.0
            for a, b in inner:
                scaler = StandardScaler().fit(features[train][a])
                spec = ProbeSpec(name, C=C)
                pca = make_pipeline(PCA(min(PCA_WIDTH, 12)), exact(C))
                estimator = {"logistic": exact(C), "pca-lr": pca}.get(name) or spec.build(12)
                estimator.fit(scaler.transform(features[train][a]), y[train][a])
                score = estimator.decision_function(scaler.transform(features[train][b]))
                weight = y[train][b].sum() * (1 - y[train][b]).sum()
                concordant += weight * roc_auc_score(y[train][b], score)
                pairs += weight
            aucs.append(concordant / pairs)
        (chosen,) = set(grid["chosen_C"].values[fold == f].ravel().tolist())
        assert aucs[strengths.index(chosen)] == pytest.approx(max(aucs), abs=1e-12)
        fixed = probe_grid(x, y, groups, probe=name, C=chosen, seed=3, nested=False)["score"].values
        np.testing.assert_allclose(grid["score"].values[~train], fixed[~train], atol=1e-7)
    assert grid.attrs["C"] in strengths and grid.attrs["C_choice"] == "inner folds"


def test_cv_means_the_standard_list() -> None:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 60)
    x = y[:, None] + rng.standard_normal((60, 5))
    grid = probe_grid(x[:, None, None], y, C="cv", nested=False)
    assert np.isin(grid["chosen_C"], STRENGTHS).all()


def test_the_held_out_fold_has_no_part_in_the_choice() -> None:
    x, y, groups = problem(120, width=12)
    first = probe_grid(x, y, groups, C=(1e-3, 1.0), nested=False)
    other = np.where(first["fold"].values == 1, 1 - y, y)
    second = probe_grid(x, other, groups, C=(1e-3, 1.0), fold=first["fold"].values, nested=False)
    assert (first["chosen_C"] == second["chosen_C"])[first["fold"].values == 1].all()


def test_too_few_groups_for_inner_folds_make_the_cell_undefined_with_the_reason() -> None:
    x, y, _ = problem(60)
    fold = np.arange(60) % 5
    groups = [f"g{f}" for f in fold]  # each fold is one group: four are left for five inner folds
    grid = probe_grid(x, y, groups, fold=fold, C="cv")
    assert np.isnan(grid["auc"].item())
    assert grid["reason"].item() == (
        "C cannot be chosen without fold 0: groups: 4 distinct groups for 5 folds; give more questions, fewer folds or "
        "finer groups"
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"C": "best"}, "C: expected a positive number, several of them, or 'cv', got 'best'"),
        ({"C": ()}, "C: expected a positive number"),
        ({"C": (1.0, -1.0)}, "C: expected a positive number"),
        ({"C": float("inf")}, "C: expected a positive number"),
        ({"C": "cv", "probe": "lda"}, "C: lda has no C; leave it out, or take one of logistic, ridge"),
        ({"C": 3.0, "probe": "mass-mean"}, "C: mass-mean has no C; leave it out"),
        ({"probe": LogisticRegression}, "or a scikit-learn estimator, got type"),
        ({"probe": 3}, "or a scikit-learn estimator, got 3"),
    ],
)
def test_settings_that_cannot_work_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        ProbeSpec(**change)
