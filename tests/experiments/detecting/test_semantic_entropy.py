"""Semantic entropy against sums written out, meanings by a normaliser and by a fake of an inference model."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from byte_tokenizer import save_byte_tokenizer
from scipy.stats import entropy

import interp
from interp.demo.planted_signal import planted, planted_answers
from interp.errors import DataError, ModelError
from interp.experiments.detecting.given import Given
from interp.experiments.detecting.meanings import clusters, entailment, meaning, question_samples
from interp.experiments.detecting.semantic_entropy import SEMANTIC_ENTROPY, semantic_entropy
from interp.labelling.answers import Answers
from interp.statistics.auc import estimate_auc
from interp.statistics.samples import Samples

K = 4


def sampled(texts: list[list[str]], logprobs: list[list[float]] | None = None, right=None) -> Answers:
    """K answers to each question."""
    flat = [text for own in texts for text in own]
    answers = planted_answers(np.zeros(len(flat), dtype=int) if right is None else np.asarray(right))
    rows = [(q, k) for q, own in enumerate(texts) for k in range(len(own))]
    return replace(
        answers,
        id=[f"q{q}#{k}" for q, k in rows],
        group=[f"q{q}" for q, _ in rows],
        question=[f"question {q}?" for q, _ in rows],
        prompt_ids=[[q] * 3 for q, _ in rows],
        exact_answer=flat,
        text=flat,
        logprobs=[[value] * 5 for own in logprobs for value in own] if logprobs else answers.logprobs,
    )


def given_of(answers: Answers, kept: list[int] | None = None) -> Given:
    """Of the samples that stand in a grid."""
    kept = list(range(len(answers))) if kept is None else kept
    some = answers[kept]
    samples = Samples.named(np.array(some.correct, dtype=int), np.arange(len(some)) // K % 2, some.group, some.id)
    return Given(some, planted(4)[0], samples, xr.Dataset(), "resid_post", 1.0, all_answers=answers)


def test_both_forms_are_the_entropy_of_the_shares() -> None:
    texts = [["Paris", "the paris.", "Rome", "Oslo"], ["18", "18.0", "$18", "19"], ["a", "b", "c", "d"], ["x"] * 4]
    logprobs = [[-0.1, -0.5, -1.0, -2.0]] * 4
    discrete = semantic_entropy(given_of(sampled(texts)))
    p = np.exp([-0.1, -0.5, -1.0, -2.0])
    expected = [entropy([2, 1, 1]), entropy([3, 1]), np.log(4), 0.0]
    np.testing.assert_allclose(discrete[::K], [-value for value in expected], atol=1e-12)
    weighted = semantic_entropy(given_of(sampled(texts, logprobs)), form="weighted")
    np.testing.assert_allclose(weighted[0], -entropy([p[0] + p[1], p[2], p[3]]), atol=1e-12)
    np.testing.assert_allclose(weighted[2 * K], -entropy(p), atol=1e-12)
    assert (discrete.reshape(-1, K) == discrete.reshape(-1, K)[:, :1]).all(), "one score for a question"
    assert discrete[-1] == 0 and not np.signbit(discrete[-1])


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("The Hague", "hague", True), ("1.5", "15", False), ("1,000", "1000", True), ("50 %", "50", False),
        ("18", "18.0", True), ("0.5", "1/2", True), ("Paris", "Rome", False), ("B", "b", True),
    ],
)  # fmt: skip
def test_meanings_by_the_normaliser(one: str, other: str, same: bool) -> None:
    assert (meaning(one) == meaning(other)) is same


def test_all_answers_of_a_question_count_also_those_in_no_grid() -> None:
    answers = sampled([["Paris", "Rome", "Rome", "Oslo"], ["a", "a", "a", "b"]])
    found = semantic_entropy(given_of(answers, kept=[3, 4, 6]))
    np.testing.assert_allclose(found, [-entropy([1, 2, 1]), -entropy([3, 1]), -entropy([3, 1])])


def test_samples_belong_to_a_question_by_row_and_prompt() -> None:
    answers = sampled([["a", "b"], ["a", "b"]])
    assert question_samples(answers) == [[0, 1], [2, 3]]
    assert len(question_samples(replace(answers, id=["q#x", "q#y", "r", "s"]))) == 4
    other_prompts = replace(answers, id=["q#0", "q#1", "q#2", "q#3"])
    assert question_samples(other_prompts) == [[0, 1], [2, 3]]


def test_one_answer_each_is_refused_in_a_sentence() -> None:
    with pytest.raises(DataError, match="no question has two sampled answers; run with --samples-per-question"):
        semantic_entropy(given_of(sampled([["a"], ["b"]])))
    unknown = replace(sampled([["a", "b"]]), logprobs=[None, None])
    with pytest.raises(DataError, match="two sampled answers with log-probabilities"):
        semantic_entropy(given_of(unknown), form="weighted")
    with pytest.raises(DataError, match="form: "):
        semantic_entropy(given_of(sampled([["a", "b"]])), form="soft")
    mixed = semantic_entropy(given_of(sampled([["a"], ["b", "c"]])))
    assert np.isnan(mixed[0]) and np.isfinite(mixed[1:]).all()


def test_entailment_has_to_hold_both_ways() -> None:
    """By a function that knows what each text says: a set of facts; it entails every part of it."""
    asked: list[tuple[str, str]] = []

    def entails(pairs):
        asked.extend(pairs)
        facts = [[set(text.removeprefix("Where? ").split("+")) for text in pair] for pair in pairs]
        return [hypothesis <= premise for premise, hypothesis in facts]

    texts = ["a+b", "b+a", "a", "a+b+c", "a"]
    assert clusters(texts, "Where?", entails) == [0, 0, 1, 2, 1]
    assert all(one.startswith("Where? ") for pair in asked for one in pair)
    assert clusters(["a", "a"], "Where?", entails) == [0, 0]


def save_inference_model(folder: Path) -> Any:
    """Random weights, with a tokenizer."""
    import torch
    from transformers import LlamaConfig, LlamaForSequenceClassification

    save_byte_tokenizer(folder)
    config = LlamaConfig(
        vocab_size=320, hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2,
        num_labels=3, pad_token_id=0, id2label={0: "CONTRADICTION", 1: "neutral", 2: "Entailment"},
    )  # fmt: skip
    torch.manual_seed(0)
    model = LlamaForSequenceClassification(config).eval()
    model.save_pretrained(folder)
    return model


def test_a_model_of_inference_joins_the_detectors_by_its_name(tmp_path) -> None:
    save_inference_model(tmp_path)
    cap, answers = planted(100)
    names = [f"q{i // 2}#{i % 2}" for i in range(100)]
    fields = {"id": names, "group": [name[:-2] for name in names], "prompt_ids": [[i // 2] for i in range(100)]}
    rng = np.random.default_rng(0)
    texts = [f"text {rng.integers(9)}" for _ in names]
    answers = replace(answers, **fields, question=["Where?"] * 100, exact_answer=texts)
    cap = replace(cap, id=tuple(names))
    found = interp.detectors(
        cap, answers, interp.probe_grid(cap, answers), only=["semantic_entropy"], entailment=str(tmp_path)
    )
    given = Given.of(answers, cap, interp.probe_grid(cap, answers))
    for form, name in (("discrete", "semantic_entropy_nli"), ("weighted", "semantic_entropy_weighted_nli")):
        expected = semantic_entropy(given, form=form, entails=entailment(str(tmp_path)))
        np.testing.assert_array_equal(found["score"].sel(detector=name), expected)
    assert found.attrs["entailment"] == str(tmp_path)
    with pytest.raises(ModelError, match="entailment: .* cannot be loaded"):
        interp.detectors(cap, answers, interp.probe_grid(cap, answers), entailment=str(tmp_path / "absent"))
    with pytest.raises(DataError, match="no question has two sampled answers"):
        alone = replace(answers, id=[f"s{i}" for i in range(100)])
        cap = replace(cap, id=tuple(alone.id))
        interp.detectors(cap, alone, interp.probe_grid(cap, alone), only=["logprob_mean"], entailment=str(tmp_path))


def test_a_model_of_inference_by_its_folder(tmp_path) -> None:
    import torch
    from transformers import AutoTokenizer

    model = save_inference_model(tmp_path)

    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    pairs = [(f"text {i}", f"other {i * i}") for i in range(20)]
    with torch.inference_mode():
        alone = [model(**tokenizer(a, b, return_tensors="pt")).logits.argmax().item() == 2 for a, b in pairs]
    assert list(entailment(str(tmp_path), batch=3)(pairs)) == alone and len(set(alone)) == 2
    model.config.id2label = {0: "LABEL_0", 1: "LABEL_1", 2: "LABEL_2"}
    model.save_pretrained(tmp_path)
    with pytest.raises(ModelError, match="of which one should begin with 'entail'"):
        entailment(str(tmp_path))
    with pytest.raises(ModelError, match="cannot be loaded"):
        entailment(str(tmp_path / "absent"))


@pytest.mark.parametrize("detector", SEMANTIC_ENTROPY, ids=lambda one: one.name)
def test_it_finds_questions_whose_answers_scatter_and_nothing_where_they_scatter_alike(detector) -> None:
    rng = np.random.default_rng(0)
    for scatters, finds in ((True, True), (False, False)):
        knows = rng.random(80) < 0.5
        texts = [[f"x{rng.integers(1 if known and scatters else 6)}" for _ in range(K)] for known in knows.tolist()]
        answers = sampled(texts, right=np.repeat(knows, K).astype(int))
        given = given_of(answers)
        estimate = estimate_auc(detector(given), given.samples)
        assert estimate.low > 0.5 if finds else estimate.low < 0.5 < estimate.high
