"""The probe grid against scikit-learn by loop, planted signals, leakage, duplicates, and everything undefined."""

from typing import Any

import numpy as np
import pytest
import torch
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from interp.capturing.activations import Capture
from interp.capturing.roles import ROLES
from interp.errors import DataError
from interp.fitting.estimators import PROBES
from interp.grids.probes import matched_width_grid, probe_grid


def tensor(
    n: int = 150, layers: int = 2, roles: int = 3, width: int = 12, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Noise, with a signal planted at layer 1, role 2."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    x = rng.standard_normal((n, layers, roles, width)).astype(np.float32)
    if layers > 1 and roles > 2:
        x[:, 1, 2, 3] += 1.5 * y
    return x, y


def make_capture(x: np.ndarray, valid: np.ndarray, roles: tuple[str, ...], **attention: torch.Tensor) -> Capture:
    n, n_layers, n_roles, _ = x.shape
    return Capture(
        sites={"resid_post": torch.from_numpy(x)},
        embed=torch.from_numpy(x[:, 0]),
        attention=attention,
        valid=torch.from_numpy(valid),
        index=torch.zeros((n, n_roles), dtype=torch.int64),
        layers=tuple(range(n_layers)),
        roles=roles,
        id=tuple(f"row {i}" for i in range(n)),
    )


def folds_of(y: np.ndarray, seed: int = 0, groups: np.ndarray | None = None) -> np.ndarray:
    fold = np.empty(len(y), dtype=int)
    groups = np.arange(len(y)) if groups is None else groups
    for number, (_, held_out) in enumerate(
        StratifiedGroupKFold(5, shuffle=True, random_state=seed).split(y, y, groups)
    ):
        fold[held_out] = number
    return fold


def test_scores_and_auc_are_scikit_learns_by_loop() -> None:
    """Standardised with the training part's mean and standard deviation, C = 1, AUC within folds."""
    x, y = tensor()
    grid, fold = probe_grid(x, y), folds_of(y)
    assert (grid["fold"].values == fold).all()
    for layer in range(2):
        for role in range(3):
            features, score, weights, aucs = x[:, layer, role].astype(float), np.empty(len(y)), [], []
            for f in range(5):
                train, test = fold != f, fold == f
                scale = StandardScaler().fit(features[train])
                fitted = LogisticRegression(C=1.0, tol=1e-12, max_iter=10_000).fit(
                    scale.transform(features[train]), y[train]
                )
                score[test] = fitted.decision_function(scale.transform(features[test]))
                weights.append(y[test].sum() * (1 - y[test]).sum())
                aucs.append(roc_auc_score(y[test], score[test]))
            np.testing.assert_allclose(grid["score"].values[:, layer, role], score, atol=1e-4 * score.std())
            assert grid["auc"].values[layer, role] == pytest.approx(np.average(aucs, weights=weights), abs=1e-9)


def test_a_planted_signal_is_found_and_the_noise_is_not() -> None:
    x, y = tensor(400, layers=3, roles=4)
    grid = probe_grid(x, y)
    planted = grid.sel(layer=1, token="2")
    assert planted["auc"] > 0.75 and planted["low"] > 0.7
    noise = grid["auc"].where(~((grid["layer"] == 1) & (grid["token"] == "2"))).values
    assert abs(np.nanmean(noise) - 0.5) < 0.03 and np.nanmax(noise) < 0.62


def test_duplicated_questions_with_random_labels_are_at_a_half_only_with_groups() -> None:
    rng = np.random.default_rng(0)
    question = np.repeat(np.arange(100), 4)
    y = np.repeat(rng.integers(0, 2, 100), 4)
    x = rng.standard_normal((100, 1, 1, 60))[question] + 0.01 * rng.standard_normal((400, 1, 1, 60))
    grouped = probe_grid(x, y, groups=[f"question {q}" for q in question])
    ungrouped = probe_grid(x, y)
    assert abs(float(grouped["auc"].item()) - 0.5) < 0.1
    assert float(ungrouped["auc"].item()) > 0.9
    assert (grouped["fold"].values.reshape(100, 4).std(1) == 0).all()


def test_the_held_out_fold_does_not_touch_what_is_learned_from_the_others() -> None:
    """Leakage: with one fold's features replaced by huge ones, its own scores change and no other probe's training part
    statistics may; the others were standardised without their own fold, so each keeps the scores of an honest loop."""
    x, y = tensor(roles=1, layers=1)
    fold = folds_of(y)
    spoiled = x.copy()
    spoiled[fold == 2] = spoiled[fold == 2] * 1e6 + 1e7
    honest, changed = probe_grid(x, y), probe_grid(spoiled, y)
    features = x[:, 0, 0].astype(float)
    train = fold != 2
    scale = StandardScaler().fit(features[train])
    fitted = LogisticRegression(tol=1e-12, max_iter=10_000).fit(scale.transform(features[train]), y[train])
    expected = fitted.decision_function(scale.transform(spoiled[fold == 2][:, 0, 0].astype(float)))
    np.testing.assert_allclose(changed["score"].values[fold == 2, 0, 0], expected, rtol=1e-3)
    assert not np.allclose(honest["score"].values[fold == 2], changed["score"].values[fold == 2])


def test_any_number_of_workers_gives_the_same_bytes() -> None:
    x, y = tensor(width=40)
    alone, shared = (probe_grid(x, y, n_jobs=n_jobs) for n_jobs in (1, 2))
    assert alone.identical(shared) and alone["score"].values.tobytes() == shared["score"].values.tobytes()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_any_precision_is_read(dtype: torch.dtype) -> None:
    x, y = tensor(roles=1)
    rounded = torch.from_numpy(x).to(dtype)
    grid = probe_grid(rounded, y)
    expected = probe_grid(rounded.to(torch.float64).numpy(), y)
    np.testing.assert_allclose(grid["score"], expected["score"], atol=1e-6)


def test_a_cell_uses_the_samples_that_have_the_role() -> None:
    x, y = tensor()
    valid = np.ones((len(y), 3), dtype=bool)
    valid[::4, 1] = False
    grid = probe_grid(x, y, valid=valid)
    assert grid["n"].values.tolist() == [[150, 112, 150]] * 2
    assert grid["n_correct"].values[0, 1] == y[valid[:, 1]].sum()
    missing = np.isnan(grid["score"].values[:, 0, 1])
    assert (missing == ~valid[:, 1]).all()
    assert (grid["auc"].values[:, 0] == probe_grid(x, y)["auc"].values[:, 0]).all()


def test_non_finite_features_are_masked_counted_and_named() -> None:
    x, y = tensor(roles=2)
    x[4, 1, 0, 2], x[9, 1, 0, 0], x[9, 0, 1, 5] = np.nan, np.inf, -np.inf
    grid = probe_grid(x, y, ids=[f"s{i}" for i in range(len(y))])
    assert grid["n"].values.tolist() == [[150, 149], [148, 150]]
    assert grid["n_nonfinite"].values.tolist() == [[0, 1], [2, 0]]
    assert grid.attrs["nonfinite"] == "layer 0, 1: s9; layer 1, 0: s4, s9"
    assert np.isnan(grid["score"].sel(sample="s4", layer=1, token="0"))


def test_features_beyond_float32_count_as_infinite() -> None:
    """Their squares are beyond float64: one such cell would otherwise end the whole grid."""
    x, y = tensor(roles=2)
    wide = x.astype(np.float64)
    wide[:, 0, 1] *= 1e155
    wide[7, 1, 0, 2] = -1e39
    grid, plain = probe_grid(wide, y), probe_grid(x.astype(np.float64), y)
    assert grid["n_nonfinite"].values.tolist() == [[0, 150], [1, 0]]
    assert grid["reason"].values.tolist() == [
        ["", "0 correct and 0 wrong samples, at least 10 of each needed"],
        ["", ""],
    ]
    assert grid.attrs["nonfinite"].startswith("layer 0, 1: 0, 1, 2, 3, 4 and 145 more; layer 1, 0: 7")
    assert (grid["auc"].values[[0, 1], [0, 1]] == plain["auc"].values[[0, 1], [0, 1]]).all()


def undefined_cases() -> list[Any]:
    x, y = tensor(60, layers=1, roles=1)
    rng = np.random.default_rng(1)
    few = np.ones((60, 1), dtype=bool)
    few[np.flatnonzero(y == 1)[5:], 0] = False
    constant = np.full_like(x, 3.0)
    varies_in_one_fold = np.zeros_like(x)
    varies_in_one_fold[folds_of(y) == 1] = rng.standard_normal((12, 1, 1, 12))
    gone = np.full_like(x, np.nan)
    return [
        pytest.param(x, few, "5 correct and", id="class of five"),
        pytest.param(constant, None, "no column varies in the training part of fold 0", id="constant"),
        pytest.param(
            varies_in_one_fold, None, "no column varies in the training part of fold 1", id="constant outside a fold"
        ),
        pytest.param(gone, None, "0 correct and 0 wrong samples", id="nothing finite"),
    ]


@pytest.mark.parametrize(("x", "valid", "reason"), undefined_cases())
def test_undefined_cells_are_nan_with_their_reason(x: np.ndarray, valid: np.ndarray | None, reason: str) -> None:
    _, y = tensor(60)
    grid = probe_grid(x, y, valid=valid)
    assert np.isnan([grid["auc"].item(), grid["low"].item(), grid["high"].item()]).all()
    assert np.isnan(grid["score"]).all()
    assert str(grid["reason"].item()).startswith(reason)


def test_a_training_part_of_one_class_is_undefined() -> None:
    """All wrong samples that have the role stand in one fold: the probe of that fold has seen none."""
    x, y = tensor(200, layers=1, roles=1)
    fold = folds_of(y)
    valid = (y == 1) | (fold == 0)
    grid = probe_grid(x, y, valid=valid[:, None])
    assert str(grid["reason"].item()) == "fewer than two folds hold both a correct and a wrong sample"
    in_two = valid | ((fold == 1) & (np.cumsum((fold == 1) & (y == 0)) == 1))
    assert probe_grid(x, y, valid=in_two[:, None])["reason"].item() == ""


def test_constant_columns_are_dropped_and_change_nothing() -> None:
    x, y = tensor(roles=1)
    padded = np.concatenate([x, np.full((*x.shape[:3], 2), 7.5, dtype=np.float32)], axis=-1)
    np.testing.assert_allclose(probe_grid(padded, y)["score"], probe_grid(x, y)["score"], atol=1e-9)


def test_huge_dimensions_are_no_matter() -> None:
    """Gemma's residual stream has dimensions of norm 8e4."""
    x, y = tensor(roles=1)
    scaled = x * np.array([8e4, 1e-4, *[1.0] * 10], dtype=np.float32)
    np.testing.assert_allclose(probe_grid(scaled, y)["score"], probe_grid(x, y)["score"], atol=1e-4)


def test_roles_and_layers_are_named() -> None:
    x, y = tensor(roles=15, layers=1)
    assert probe_grid(x, y)["token"].values.tolist() == list(ROLES)
    named = probe_grid(x[:, :, :2], y, roles=["a", "b"], layers=[7])
    assert (named["token"].values.tolist(), named["layer"].values.tolist()) == (["a", "b"], [7])


def test_a_capture_has_its_population_ids_and_embedding_row() -> None:
    x, y = tensor(roles=2)
    valid = np.ones((len(y), 2), dtype=bool)
    valid[:20, 1] = False
    labels = [None if i >= 140 else int(label) for i, label in enumerate(y)]
    cap = make_capture(x, valid, ("last_q", "exact_answer_first"))
    grid = probe_grid(cap, labels)
    assert grid["sample"].values.tolist() == [f"row {i}" for i in range(20, 140)]
    assert (grid.attrs["excluded_unlabelled"], grid.attrs["excluded_no_exact_answer"]) == (10, 20)
    np.testing.assert_array_equal(grid["embed_auc"], grid["auc"].sel(layer=0))
    np.testing.assert_array_equal(grid["embed_score"], grid["score"].sel(layer=0))
    everyone = probe_grid(cap, labels, population="all")
    assert everyone["n"].values.tolist() == [[140, 120]] * 2


def test_given_folds_replace_population_and_folds() -> None:
    x, y = tensor(roles=1)
    fold = np.where(np.arange(len(y)) < 30, -1, np.arange(len(y)) % 3)
    grid = probe_grid(x, y, fold=fold)
    assert (grid["fold"].values == fold[30:]).all() and grid.attrs["folds"] == 3
    with pytest.raises(DataError, match="1 samples have a fold but no label, first 31"):
        probe_grid(x, [None if i == 31 else int(label) for i, label in enumerate(y)], fold=fold)


@pytest.mark.parametrize("name", PROBES)
def test_every_named_probe_finds_the_signal(name: str) -> None:
    x, y = tensor(200, roles=1, width=40)
    x[:, 1, 0, :3] += y[:, None]
    grid = probe_grid(x, y, probe=name)
    assert grid["auc"].sel(layer=1).item() > 0.7 > 0.65 > grid["auc"].sel(layer=0).item()
    assert grid.attrs["probe"] == name and grid.attrs["unconverged"] == 0


@pytest.mark.parametrize(
    "estimator",
    [GaussianNB(), RandomForestClassifier(20, random_state=0), make_pipeline(StandardScaler(), GaussianNB())],
)
def test_any_classifier_can_be_the_probe_and_is_left_unfitted(estimator: Any) -> None:
    x, y = tensor(roles=1)
    x[:, 1, 0, :3] += y[:, None]
    grid = probe_grid(x, y, probe=estimator)
    assert grid["auc"].sel(layer=1).item() > 0.7
    assert not hasattr(estimator, "classes_") and type(estimator).__name__ in grid.attrs["probe"]


def test_a_pipeline_scales_for_itself() -> None:
    x, y = tensor(roles=1, layers=1)
    ours = probe_grid(x, y)
    theirs = probe_grid(x, y, probe=make_pipeline(StandardScaler(), LogisticRegression(tol=1e-12, max_iter=10_000)))
    np.testing.assert_allclose(ours["score"], theirs["score"], atol=1e-4)


def test_the_width_of_a_pca_probe_is_matched_cell_by_cell() -> None:
    """The signal is the 20th principal component: a probe of 19 is blind to it, one of 20 is not."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 400)
    signal = (2 * y - 1 + 0.3 * rng.standard_normal(400)) / 1.04
    base = rng.standard_normal((400, 19))
    mixing = np.linalg.qr(rng.standard_normal((60, 60)))[0]
    # Standardised columns keep the order of the components when every column mixes them alike.
    latent = np.concatenate([3 * base, 2 * signal[:, None], 0.01 * rng.standard_normal((400, 40))], axis=1)
    x = (latent @ mixing)[:, None, None].repeat(2, axis=1)
    attention = probe_grid(x, y).assign(n_features=(("layer", "token"), [[10], [40]]))
    grid = matched_width_grid(x, y, attention)
    assert grid["auc"].values[1, 0] > 0.95 > 0.7 > grid["auc"].values[0, 0]
    assert grid.attrs["probe"] == "pca-lr"


def test_progress_is_called_once_a_cell() -> None:
    x, y = tensor()
    calls: list[int] = []
    probe_grid(x, y, progress=calls.append)
    assert calls == [1] * 6


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"data": np.zeros((150, 3))},
            "expected a Capture or an array `sample layer role width`, got ndarray of shape",
        ),
        ({"data": "resid"}, "expected a Capture or an array"),
        ({"y": [0, 1] * 10}, "labels: expected one per sample .150., got 20"),
        ({"y": [2] * 150}, "labels: expected 0 .wrong., 1 .correct. or None, got 2 at sample 0"),
        ({"y": [1] * 150}, "all 150 samples of the population are correct"),
        ({"groups": ["a", "b", "c"] * 50}, "3 distinct groups for 5 folds"),
        ({"valid": np.ones((150, 2), bool)}, "valid: expected a bool array"),
        ({"probe": "logistics"}, "probe: expected one of logistic, ridge"),
        ({"probe": NearestNeighbors()}, "NearestNeighbors has neither decision_function nor predict_proba"),
        ({"roles": ["a", "a", "b"]}, "roles: expected 3 different labels"),
        ({"C": 0.0}, "C: expected a positive number"),
        ({"population": "some"}, "population: expected one of"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_sentence(change: dict, message: str) -> None:
    x, y = tensor()
    arguments: dict[str, Any] = {"data": x, "y": y, **change}
    with pytest.raises(DataError, match=message):
        probe_grid(arguments.pop("data"), arguments.pop("y"), **arguments)


def test_a_site_that_was_not_captured_is_refused() -> None:
    x, y = tensor(roles=2)
    cap = make_capture(x, np.ones((len(y), 2), dtype=bool), ("last_q", "exact_answer_first"))
    with pytest.raises(DataError, match="'mlp_out' was not captured"):
        probe_grid(cap, y, site="mlp_out")
