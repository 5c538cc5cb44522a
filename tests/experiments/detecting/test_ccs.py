"""Contrast states against passes of whole texts; directions against planted contrasts, SciPy and noise."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import xarray as xr
from hooked_cases import answers_of
from scipy.special import expit

from interp.demo import planted_signal
from interp.errors import DataError
from interp.experiments.detecting import ccs
from interp.experiments.detecting.ccs import CONTRASTS, contrast_states, held_out_scores
from interp.experiments.detecting.given import Given
from interp.statistics.auc import estimate_auc
from interp.statistics.samples import Samples

PROMPTS = [[3, 40, 41, 42, 43, 44], [3, 50, 51, 52, 53, 54, 55, 56, 57], [3, 60, 61, 62, 63, 64], [3] + [70] * 30]
COMPLETIONS = [[80, 81, 82], [83, 84, 85, 86, 2], [90, 91, 92, 93], [94, 95, 2]]


def planted(n: int, *, seed: int, signal: float = 2.0, width: int = 12) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """States of two statements: each says its word (a large constant), and whether it is true, on one direction."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    yes, no = rng.standard_normal((2, n, width))
    yes[:, 0] += signal * (2 * y - 1)
    no[:, 0] -= signal * (2 * y - 1)
    yes[:, 1] += 50
    return yes * np.geomspace(0.1, 10, width), no * np.geomspace(0.1, 10, width), y


def test_the_states_are_those_of_the_last_token_of_the_whole_text(llama) -> None:
    answers, _ = answers_of(PROMPTS, COMPLETIONS)
    tokenizer = llama.tokenizer
    found = contrast_states(llama, answers, layer=1, site="resid_post")
    for word, states in zip((" Yes", " No"), found, strict=True):
        behind = tokenizer("\nIs this answer correct?" + word, add_special_tokens=False)["input_ids"]
        for i, (prompt, completion) in enumerate(zip(PROMPTS, COMPLETIONS, strict=True)):
            kept = [token for token in completion if token != 2]
            _, cache = llama.run_with_cache(torch.tensor([prompt + kept + behind]))
            np.testing.assert_allclose(states[i], cache["resid_post", 1][0, -1].double(), atol=1e-5)


def test_what_does_not_fit_the_context_has_no_states(llama) -> None:
    answers, _ = answers_of([PROMPTS[0], [3] * 250], [COMPLETIONS[0], COMPLETIONS[2]], samples=(0, 1))
    yes, no = contrast_states(llama, answers, layer=0, site="resid_post")
    assert np.isfinite(yes[0]).all() and np.isnan(yes[1]).all() and np.isnan(no[1]).all()
    with pytest.raises(DataError, match="no answer fits the model's context"):
        contrast_states(llama, answers[[1]], layer=0, site="resid_post")


@pytest.mark.parametrize("method", ["ccs", "crc"])
def test_a_planted_contrast_is_found(method: str, monkeypatch) -> None:
    monkeypatch.setattr(ccs, "STEPS", 150)
    monkeypatch.setattr(ccs, "RATE", 0.01)
    yes, no, y = planted(200, seed=0)
    fold = np.arange(200) % 5
    found = held_out_scores(yes, no, y, fold, method=method)
    assert estimate_auc(found, Samples.alone(y, fold)).low > 0.9
    np.testing.assert_array_equal(found, held_out_scores(yes, no, y, fold, method=method))
    swapped = held_out_scores(no, yes, y, fold, method=method)
    assert estimate_auc(swapped, Samples.alone(y, fold)).low > 0.9, "labels of the other folds choose the end"


@pytest.mark.parametrize("method", ["ccs", "crc"])
def test_in_noise_the_interval_holds_chance(method: str, monkeypatch) -> None:
    monkeypatch.setattr(ccs, "STEPS", 40)
    inside, values = 0, []
    for seed in range(20):
        yes, no, y = planted(100, seed=seed, signal=0)
        fold = np.arange(100) % 5
        estimate = estimate_auc(held_out_scores(yes, no, y, fold, method=method), Samples.alone(y, fold))
        inside += estimate.low <= 0.5 <= estimate.high
        values.append(estimate.value)
    assert inside >= 17 and abs(np.mean(values) - 0.5) < 0.05


def test_labels_of_a_fold_do_not_change_its_scores(monkeypatch) -> None:
    monkeypatch.setattr(ccs, "STEPS", 50)
    yes, no, y = planted(100, seed=1)
    fold = np.arange(100) % 5
    other = np.where(fold == 2, 1 - y, y)
    for method in ("ccs", "crc"):
        one, two = (held_out_scores(yes, no, labels, fold, method=method) for labels in (y, other))
        np.testing.assert_array_equal(one[fold == 2], two[fold == 2])


def test_ccs_is_adamw_written_out(monkeypatch) -> None:
    """Loss, its gradient and the optimiser's steps in NumPy, from the same starts; the restart with the least loss."""
    monkeypatch.setattr(ccs, "STEPS", 60)
    monkeypatch.setattr(ccs, "RATE", 0.05)
    yes, no, _ = planted(80, seed=3)
    part = np.arange(80) < 60
    x = [(states - states[part].mean(0)) / states[part].std(0) for states in (yes, no)]
    draws, width, n = np.random.default_rng([0, 7]), 12, 60
    theta = draws.uniform(-1 / np.sqrt(width), 1 / np.sqrt(width), (width, 10))
    weights = np.vstack([theta, draws.uniform(-1 / np.sqrt(width), 1 / np.sqrt(width), 10)])
    z = [np.column_stack([states, np.ones(80)]) for states in x]

    def at(weights: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return expit(z[0][rows] @ weights), expit(z[1][rows] @ weights)

    first, second = np.zeros((2, *weights.shape))
    for step in range(1, 61):
        p, q = at(weights, part)
        by_p = 2 * (p + q - 1) + 2 * np.minimum(p, q) * (p < q)
        by_q = 2 * (p + q - 1) + 2 * np.minimum(p, q) * (q < p)
        slope = (z[0][part].T @ (by_p * p * (1 - p)) + z[1][part].T @ (by_q * q * (1 - q))) / n
        weights = weights * (1 - 0.05 * 0.01)
        first, second = 0.9 * first + 0.1 * slope, 0.999 * second + 0.001 * slope**2
        weights = weights - 0.05 * (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.999**step)) + 1e-8)
    p, q = at(weights, part)
    best = ((p - (1 - q)) ** 2 + np.minimum(p, q) ** 2).mean(0).argmin()
    expected = np.subtract(*at(weights, np.ones(80, bool)))[:, best]
    # With another part beside it, and from the states as they are.
    found = ccs._ccs(yes, no, [np.arange(80) >= 20, part], [[0, 2], [0, 7]])
    np.testing.assert_allclose(found[1], expected, atol=1e-8)


def test_crc_is_the_first_principal_component() -> None:
    from sklearn.decomposition import PCA

    yes, no, y = planted(90, seed=4)
    fold = np.arange(90) % 3
    found = held_out_scores(yes, no, y, fold, method="crc")
    for f in range(3):
        part, own = fold != f, fold == f
        scaled = [(states - states[part].mean(0)) / states[part].std(0) for states in (yes, no)]
        difference = scaled[0] - scaled[1]
        expected = difference[own] @ PCA(1).fit(difference[part]).components_[0]
        assert abs(np.corrcoef(found[own], expected)[0, 1]) == pytest.approx(1, abs=1e-9)


def test_as_detectors_they_share_the_states(llama, monkeypatch) -> None:
    answers, _ = answers_of(PROMPTS, COMPLETIONS)
    monkeypatch.setattr(ccs, "STEPS", 2)
    samples = Samples.alone(np.array([0, 1, 0, 1]), np.array([0, 0, 1, 1]))
    given = Given(answers, planted_signal.planted(4)[0], samples, xr.Dataset(), "resid_post", 1.0, load=lambda: llama)
    passes: list[int] = []
    read = ccs.contrast_states
    monkeypatch.setattr(ccs, "contrast_states", lambda *a, **k: passes.append(1) or read(*a, **k))
    for detector in CONTRASTS:
        assert np.isfinite(detector(given)).all() and detector.trained
    assert len(passes) == 1
    assert np.isfinite(CONTRASTS[0](replace(given, seed=1))).all() and len(passes) == 2


def test_a_training_part_of_one_class_is_refused() -> None:
    yes, no, _ = planted(10, seed=0)
    y, fold = np.array([0] + [1] * 9), np.array([0] + [1] * 9)
    with pytest.raises(DataError, match="the training part of fold 0 has one class only"):
        held_out_scores(yes, no, y, fold, method="crc")
