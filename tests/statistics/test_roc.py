"""The ROC curve within folds against scikit-learn's, its area against the AUC, its band against resampled samples."""

import numpy as np
import pytest
from sklearn.metrics import roc_curve as sklearn_roc_curve

from interp.statistics.auc import estimate_auc
from interp.statistics.roc import RATES, roc_curve
from interp.statistics.samples import Samples


def scores(n: int = 400, *, ties: bool = False, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    y, fold = rng.integers(0, 2, n), rng.integers(0, 5, n)
    score = 1.2 * y + rng.standard_normal(n) + 3.0 * fold  # every fold's probe has an offset of its own
    return (np.round(score) if ties else score), y, fold


def along(x: np.ndarray, y: np.ndarray, rate: float) -> float:
    """The highest point of a broken line at a place."""
    best = 0.0
    for (a, low), (b, high) in zip(zip(x, y, strict=True), zip(x[1:], y[1:], strict=True), strict=False):
        if a <= rate <= b:
            best = max(best, high if a == b else low + (high - low) * (rate - a) / (b - a))
    return best


@pytest.mark.parametrize("ties", [False, True])
def test_the_curve_is_the_mean_of_the_folds_and_its_area_the_auc(ties) -> None:
    score, y, fold = scores(ties=ties)
    fine = np.linspace(0, 1, 3990)
    found = roc_curve(score, y, fold, np.arange(len(y)), rates=fine)
    expected, weights = np.zeros(len(fine)), 0.0
    for f in range(5):
        inside = fold == f
        x, recall, _ = sklearn_roc_curve(y[inside], score[inside], drop_intermediate=False)
        pairs = y[inside].sum() * (1 - y[inside]).sum()
        expected += pairs * np.array([along(x, recall, rate) for rate in fine])
        weights += pairs
    np.testing.assert_allclose(found.recall, expected / weights, atol=1e-12)
    auc = estimate_auc(score, Samples.alone(y, fold)).value
    assert np.trapezoid(found.recall, fine) == pytest.approx(auc, abs=1e-3)


def test_the_band_is_as_wide_as_resampled_samples_say() -> None:
    curves = [roc_curve(*scores(seed=seed), np.arange(400)) for seed in range(200)]
    spread = np.std([curve.recall for curve in curves], axis=0)
    half = np.mean([(curve.high - curve.low) / 2 for curve in curves], axis=0) / 1.96
    inner = (RATES >= 0.1) & (RATES <= 0.8)
    np.testing.assert_allclose(half[inner], spread[inner], rtol=0.2)


def test_samples_of_one_group_count_together() -> None:
    score, y, fold = scores(200)
    once = roc_curve(score, y, fold, np.arange(200))
    twice = [np.concatenate([part, part]) for part in (score, y, fold)]
    copies = roc_curve(*twice, np.concatenate([np.arange(200)] * 2))
    np.testing.assert_allclose(copies.recall, once.recall, atol=1e-12)
    np.testing.assert_allclose(copies.high - copies.low, once.high - once.low, atol=1e-12)
    assert (roc_curve(*twice, np.arange(400)).high - roc_curve(*twice, np.arange(400)).low).sum() < (
        once.high - once.low
    ).sum()


def test_without_a_pair_there_is_no_curve() -> None:
    with pytest.raises(ValueError, match="no fold holds both"):
        roc_curve(np.arange(4.0), np.array([0, 0, 1, 1]), np.array([0, 0, 1, 1]), np.arange(4))


def test_the_band_has_a_width_where_a_fold_is_one_group() -> None:
    """Nothing within such a fold says how its curve varies, only how the folds differ."""
    rng, bands, curves = np.random.default_rng(0), [], []
    for _ in range(100):
        fold = np.arange(100) % 5
        y = rng.permutation(np.arange(100) % 2)
        score = y + rng.standard_normal(5)[fold] * y + rng.standard_normal(100)  # a group's signal is its own
        found = roc_curve(score, y, fold, fold)
        bands.append((found.high - found.low)[5:10])
        curves.append(found.recall[5:10])
    wide = np.mean(bands, axis=0) / (2 * 1.96 * np.std(curves, axis=0))
    assert ((wide > 0.9) & (wide < 1.8)).all()
