"""Baselines that read no activation find what is planted for them, and nothing in anything else."""

import numpy as np
import pytest
from planted_answers import N, make_answers

from interp.controls.baselines import baseline_estimates, fitted_estimate, position_estimates
from interp.statistics.auc import Estimate, standard_error
from interp.statistics.cross_fold import shared_variance
from interp.statistics.samples import Samples

NAMES = (
    "random_vectors",
    "question_words",
    "answer_words",
    "answer_identity",
    "answer_length",
    "answer_logprob",
    "exact_answer_logprob",
)


def make_labels(rng: np.random.Generator, n: int = N) -> Samples:
    """Labels, folds and groups that know nothing of each other."""
    return labels_of(rng.permutation(np.arange(n) % 2), rng.permutation(np.arange(n) % 5))


def labels_of(y: np.ndarray, fold: np.ndarray) -> Samples:
    """Every sample a group of its own, named as `make_answers` does."""
    return Samples.named(y, fold, [f"g{i}" for i in range(len(y))], [f"s{i}" for i in range(len(y))])


def estimates(seed: int, labels: Samples, **planted: list) -> dict[str, Estimate]:
    answers = make_answers(np.random.default_rng([seed, 1]), **planted)
    return baseline_estimates(answers, range(len(answers)), labels, width=20)


def test_nothing_planted_is_nothing_found() -> None:
    found = [estimates(seed, make_labels(np.random.default_rng(seed))) for seed in range(4)]
    assert tuple(found[0]) == NAMES
    for name in NAMES:
        values = [each[name].value for each in found]
        assert abs(np.mean(values) - 0.5) < 0.06, (name, values)  # four AUCs of 200 samples: sd 0.02
        assert all(each[name].low < each[name].value < each[name].high for each in found)


def plant(name: str, y: np.ndarray, rng: np.random.Generator) -> dict[str, list]:
    """The field that gives the label away to one baseline."""
    lengths = [[1] * int(4 + 4 * t + rng.integers(3)) for t in y]
    return {
        "question_words": {"question": [f"Which {'sea' if t else 'bay'}?" for t in y]},
        "answer_words": {"text": [f"Surely {'the sea' if t else 'a bay'}" for t in y]},
        "answer_identity": {"exact_answer": [f"place {2 * rng.integers(6) + t}" for t in y]},
        "answer_length": {"completion_ids": lengths},
        "answer_logprob": {"logprobs": [[2.0 * t - 9, -1.0, rng.normal()] for t in y]},
        "exact_answer_logprob": {"logprobs": [[-6.0 * t, 3.0 * t + rng.normal() / 4, 3.0 - 3 * t] for t in y]},
    }[name]


@pytest.mark.parametrize("name", NAMES[1:])
def test_a_baseline_finds_what_is_planted_for_it(name: str) -> None:
    rng = np.random.default_rng(0)
    labels = make_labels(rng)
    found = estimates(0, labels, **plant(name, labels.y, rng))
    assert found[name].value > 0.9
    assert found[name].n == N
    # Words and identities of one field do not tell what stands in another.
    others = {"question_words", "answer_words", "answer_identity", "random_vectors"} - {name}
    assert max(found[other].value for other in others) < 0.65


def test_log_probabilities_are_scores_as_they_are_and_not_fitted() -> None:
    """A sign that is wrong stays wrong: nothing learns that low means correct."""
    labels = make_labels(np.random.default_rng(0))
    found = estimates(0, labels, logprobs=[[-float(t), -float(t)] for t in labels.y])
    assert found["answer_logprob"].value == 0.0
    assert found["exact_answer_logprob"].value == 0.0


def test_samples_without_log_probabilities_are_left_out_and_counted() -> None:
    labels = make_labels(np.random.default_rng(0))
    some = [[float(t)] * 3 if i % 2 else None for i, t in enumerate(labels.y)]
    found = estimates(0, labels, logprobs=some)["answer_logprob"]
    assert (found.value, found.n) == (1.0, N // 2)
    none = estimates(0, labels, logprobs=[None] * N)["answer_logprob"]
    assert np.isnan(none.value)
    assert none.reason == "no sample has log-probabilities"


def test_place_finds_a_planted_length_only_where_the_role_exists() -> None:
    rng = np.random.default_rng(0)
    labels = make_labels(rng)
    y = labels.y
    lengths = 20 + rng.integers(0, 5, N)
    told = 5 + 3 * y + rng.integers(0, 2, N)
    blind = rng.integers(3, 9, N)
    told[:40] = -1
    found = position_estimates(np.stack([told, blind], axis=1), lengths, ["exact_answer_first", "last_q"], labels)
    assert found["exact_answer_first"].value == 1.0
    assert found["exact_answer_first"].n == N - 40
    assert 0.35 < found["last_q"].value < 0.65
    by_length = position_estimates(blind[:, None], lengths + 9 * y, ["last_q"], labels)
    assert by_length["last_q"].value == 1.0


def test_classes_that_meet_in_one_fold_only_are_undefined_with_a_reason() -> None:
    fold = np.arange(N) % 5
    y = (fold != 0).astype(np.int64)
    y[::10] = 1  # fold 0 holds both classes; a training part without it holds one
    labels = labels_of(y, fold)
    found = estimates(0, labels)
    assert all(np.isnan(each.value) and each.reason for each in found.values())
    place = position_estimates(np.arange(N)[:, None], np.arange(N), ["-1"], labels)
    assert np.isnan(place["-1"].value)
    assert place["-1"].reason


def test_texts_without_words_are_undefined_with_a_reason() -> None:
    found = estimates(0, make_labels(np.random.default_rng(0)), text=["?!"] * N)["answer_words"]
    assert np.isnan(found.value)
    assert found.reason == "no text in the training part of fold 0"


def test_the_interval_of_a_fitted_baseline_knows_that_its_folds_trained_each_other() -> None:
    rng = np.random.default_rng(3)
    labels = make_labels(rng)
    found = fitted_estimate(rng.standard_normal((N, 20)), labels, min_per_class=10)
    fixed = standard_error(found.influence, labels.group)
    assert found.se == pytest.approx(np.sqrt(fixed**2 + shared_variance(found.training, labels.group)))
    assert found.se > 1.2 * fixed
