"""Lookback ratios from the captured metric, against the ratio computed from full attention patterns."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import xarray as xr
from hooked_cases import answers_of
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import interp
from interp.demo.planted_signal import planted
from interp.errors import DataError
from interp.experiments.detecting.given import Given
from interp.experiments.detecting.lookback_lens import LOOKBACK, lookback_features, lookback_lens
from interp.statistics.auc import estimate_auc
from interp.statistics.samples import Samples

PROMPTS = [[3, 40, 41, 42, 43, 44], [3, 50, 51, 52, 53, 54, 55, 56, 57], [3, 60, 61, 62, 63, 64]]
COMPLETIONS = [[80, 81, 82, 99], [83, 84, 85, 86, 87, 88, 89, 91, 92, 93], [90, 91, 92, 93]]


def test_the_features_are_the_papers_from_full_patterns(llama) -> None:
    """Chuang et al. 2024, section 2: means over context and over new tokens, ratio, mean over the window's tokens."""
    answers, positions = answers_of(PROMPTS, COMPLETIONS, samples=(0, 1, 2))
    cap = interp.capture(llama, answers, positions)
    samples = Samples.alone(np.array([0, 1, 0]), np.array([0, 1, 2]))
    given = Given(answers, cap, samples, xr.Dataset(), "resid_post", 1.0)
    for roles in (None, ("-3", "-2", "-1"), ("exact_answer_first", "-1", "last_q")):
        expected = []
        for i, (prompt, completion) in enumerate(zip(PROMPTS, COMPLETIONS, strict=True)):
            ids, n = torch.tensor([prompt + completion]), len(prompt)
            _, cache = llama.run_with_cache(ids)
            named = [positions.index[i, positions.roles.index(role)].item() for role in roles or positions.roles]
            window = sorted({at for at in named if at >= n})
            ratios = []
            for layer in range(3):
                pattern = cache["pattern", layer][0].double().numpy()
                context = pattern[:, window, :n].mean(2)
                new = np.stack([pattern[:, at, n : at + 1].mean(1) for at in window], axis=1)
                ratios.append((context / (context + new)).mean(1))
            expected.append(np.concatenate(ratios))
        found, used = lookback_features(given, roles=roles)
        assert used.all() and found.shape == (3, 12)
        np.testing.assert_allclose(found, np.stack(expected), atol=1e-5)


@pytest.fixture(scope="module")
def given() -> Given:
    """Heads that look back more where the answer is right, at every token of the completion."""
    cap, answers = planted(160)
    rng, right = np.random.default_rng(3), np.array(answers.correct, dtype=float)
    ratio = (
        rng.random((160, 3, 2, len(cap.roles))) + 0.3 * right[:, None, None, None] * (np.arange(3) == 1)[:, None, None]
    )
    cap = replace(cap, attention={**cap.attention, "lookback": torch.from_numpy(ratio).float()})
    return Given.of(answers, cap, interp.probe_grid(cap, answers.correct, n_jobs=1, probe="mass-mean"))


def test_it_is_logistic_regression_out_of_fold(given: Given) -> None:
    x, used = lookback_features(given)
    expected, y, fold = np.full(len(x), np.nan), given.samples.y, given.samples.fold
    for f in np.unique(fold):
        fitted = make_pipeline(StandardScaler(), LogisticRegression(tol=1e-10, max_iter=1000))
        fitted.fit(x[fold != f], y[fold != f])
        expected[fold == f] = fitted.decision_function(x[fold == f])
    found = lookback_lens(given)
    assert used.all()
    np.testing.assert_allclose(found, expected, atol=1e-4)
    assert estimate_auc(found, given.samples, training=LOOKBACK[0].training(given)).low > 0.8


def test_in_noise_there_is_nothing(given: Given) -> None:
    inside = 0
    for seed in range(12):
        noise = np.random.default_rng(seed).random(given.capture.attention["lookback"].shape)
        cap = replace(given.capture, attention={"lookback": torch.from_numpy(noise).float()})
        other = replace(given, capture=cap)
        estimate = estimate_auc(lookback_lens(other), given.samples, training=LOOKBACK[0].training(other))
        inside += estimate.low <= 0.5 <= estimate.high
    assert inside >= 10


def test_a_head_without_a_ratio_is_no_feature_and_a_sample_without_a_token_has_no_score(given: Given) -> None:
    lookback = given.capture.attention["lookback"].clone()
    lookback[3, 0, 1] = torch.nan
    lookback[:, 2] = torch.nan
    valid = given.capture.valid.clone()
    valid[5] = False
    other = replace(given, capture=replace(given.capture, attention={"lookback": lookback}, valid=valid))
    x, used = lookback_features(other)
    assert x.shape[1] == 3 and not used[5] and used.sum() == len(used) - 1
    score = lookback_lens(other)
    assert np.isnan(score[5]) and np.isfinite(np.delete(score, 5)).all()


def test_what_was_not_captured_is_named(given: Given) -> None:
    with pytest.raises(DataError, match="no attention metric `lookback`"):
        lookback_lens(replace(given, capture=replace(given.capture, attention={})))
    with pytest.raises(DataError, match="role: "):
        lookback_lens(given, roles=("-7",))
