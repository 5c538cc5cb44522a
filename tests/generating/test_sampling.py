"""Drawn tokens against the exact distribution, nucleus against Hugging Face's, and what a draw may depend on."""

import hypothesis.strategies as st
import numpy as np
import pytest
import torch
from hypothesis import given
from scipy.stats import chisquare

import interp
from interp.data.rows import QARow
from interp.errors import DataError
from interp.generating.generation import generate
from interp.generating.sampling import NEAR_TIE, Sampling, next_tokens, nucleus, sampled_rows
from interp.models.loading import model_tokenizer
from interp.runs.settings import Settings

GREEDY = Sampling()
QUESTIONS = ["Where is Paris?", "Where?", "In which country is the city of Rome?", "Q"]


@pytest.fixture(scope="module")
def prompts(llama) -> list[list[int]]:
    tokenizer = model_tokenizer(llama)
    return [tokenizer(text)["input_ids"] for text in QUESTIONS]


@pytest.fixture(scope="module")
def next_logits(llama_folder, prompts) -> torch.Tensor:
    """Hugging Face's logits after the first prompt."""
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(llama_folder).eval()
    with torch.inference_mode():
        return model(torch.tensor(prompts[:1])).logits[0, -1]


@pytest.mark.parametrize(("temperature", "top_p"), [(0.8, 1.0), (0.4, 1.0), (0.8, 0.7)])
def test_first_tokens_are_drawn_from_the_exact_distribution(
    llama, prompts, next_logits, temperature: float, top_p: float
) -> None:
    n = 2560
    drawn = generate(llama, [prompts[0]] * n, max_new_tokens=1, temperature=temperature, top_p=top_p)
    counts = np.bincount([one.ids[0] for one in drawn], minlength=len(next_logits))
    exact = (next_logits.double() / temperature).softmax(-1).numpy()
    kept = hugging_face_nucleus(next_logits / temperature, top_p)
    assert counts[~kept].sum() == 0
    expected = n * np.where(kept, exact, 0) / exact[kept].sum()
    often = expected >= 5
    observed = [*counts[often], counts[~often].sum()]
    wanted = [*expected[often], expected[~often].sum()]
    if wanted[-1] == 0:
        observed, wanted = observed[:-1], wanted[:-1]
    assert len(wanted) > 10
    assert chisquare(observed, wanted).pvalue > 1e-3
    # The test would see a wrong temperature.
    other = (next_logits.double() / (temperature * 1.5)).softmax(-1).numpy()[often]
    assert chisquare(counts[often] / counts[often].sum() * n, other / other.sum() * n).pvalue < 1e-6


def test_logprobs_are_those_of_the_model_whatever_the_temperature(llama, prompts, next_logits) -> None:
    exact = next_logits.log_softmax(-1)
    for temperature in (0.0, 0.3, 3.0):
        (one,) = generate(llama, prompts[:1], max_new_tokens=1, temperature=temperature)
        assert one.logprobs[0] == pytest.approx(float(exact[one.ids[0]]), abs=1e-5)


def hugging_face_nucleus(logits: torch.Tensor, top_p: float) -> np.ndarray:
    from transformers import TopPLogitsWarper

    return np.isfinite(TopPLogitsWarper(top_p)(None, logits[None].double()).numpy()[0])


@given(seed=st.integers(0, 10_000), top_p=st.floats(0.01, 0.999), spread=st.floats(0.1, 8), n=st.integers(1, 400))
def test_nucleus_is_hugging_faces(seed: int, top_p: float, spread: float, n: int) -> None:
    logits = torch.from_numpy(np.random.default_rng(seed).normal(size=n) * spread)
    kept = np.zeros(n, dtype=bool)
    kept[nucleus(logits.softmax(-1).numpy(), top_p)] = True
    assert (kept == hugging_face_nucleus(logits, top_p)).all()


def test_nucleus_is_the_smallest_set_of_that_mass() -> None:
    probabilities = np.array([0.1, 0.4, 0.2, 0.3])
    assert nucleus(probabilities, 1.0).tolist() == [0, 1, 2, 3]
    assert nucleus(probabilities, 0.75).tolist() == [1, 2, 3]
    assert nucleus(probabilities, 0.65).tolist() == [1, 3]
    assert nucleus(probabilities, 1e-9).tolist() == [1]
    assert nucleus(np.full(4, 0.25), 0.5).tolist() == [0, 1]


def test_draws_depend_on_seed_and_name_not_on_batch_or_order(llama, prompts) -> None:
    options = {"max_new_tokens": 8, "temperature": 1.0, "seed": 3}
    names = ["a", "b", "c", "d"]
    together = generate(llama, prompts, names=names, **options)
    alone = generate(llama, prompts, names=names, batch_tokens=1, **options)
    reversed_ = generate(llama, prompts[::-1], names=names[::-1], **options)[::-1]
    ids = [one.ids for one in together]
    assert ids == [one.ids for one in alone] == [one.ids for one in reversed_]
    assert len({tuple(one) for one in ids}) == 4
    assert ids != [one.ids for one in generate(llama, prompts, names=names, **{**options, "seed": 4})]
    assert ids != [one.ids for one in generate(llama, prompts, names=["e", "f", "g", "h"], **options)]


def test_a_low_temperature_is_greedy_and_a_tiny_nucleus_too(llama, prompts) -> None:
    greedy = [one.ids for one in generate(llama, prompts, max_new_tokens=6)]
    for options in ({"temperature": 1e-6}, {"temperature": 5.0, "top_p": 1e-6}):
        assert [one.ids for one in generate(llama, prompts, max_new_tokens=6, **options)] == greedy


def test_choosing_leaves_the_logits_alone_and_counts_near_ties() -> None:
    logits = torch.tensor([[0.0, 2.0, 2.0 - NEAR_TIE / 2], [0.0, 2.0, 2.0 - 2 * NEAR_TIE], [5.0, 5.0, 5.0]] * 5)
    before = logits.clone()
    drawn = next_tokens(logits, GREEDY, [])
    assert torch.equal(logits, before)
    assert [choice.near_tie for choice in drawn] == [True, False, True] * 5
    assert [choice.token for choice in drawn[:2]] == [1, 1]
    exact = logits.double().log_softmax(-1)
    assert [c.logprob for c in drawn] == pytest.approx(
        [float(row[c.token]) for row, c in zip(exact, drawn, strict=True)]
    )


def test_several_samples_of_a_question_are_entries_of_one_group(llama) -> None:
    rows = [
        QARow("a", "Where is  Paris?", ("e",)),
        QARow("b", "Where?", ("e",), group="g"),
        QARow("own", "What?", ("e",), completion="e"),
    ]
    answers = interp.generate_answers(llama, rows, max_new_tokens=4, temperature=1.0, samples_per_question=3)
    assert answers.id == ["a#0", "a#1", "a#2", "b#0", "b#1", "b#2", "own"]
    assert answers.group == ["where is paris?"] * 3 + ["g"] * 3 + ["what?"]
    assert len({tuple(ids) for ids in answers.completion_ids[:3]}) > 1
    assert answers.prompt_ids[0] == answers.prompt_ids[1]
    one = interp.generate_answers(llama, rows[:1], max_new_tokens=4, temperature=1.0, samples_per_question=2)
    assert one.completion_ids == answers.completion_ids[:2]


def test_the_greedy_answer_stands_beside_the_drawn_ones_and_changes_none_of_them(llama) -> None:
    rows = [
        QARow("a", "Where is Paris?", ("e",)),
        QARow("b#0", "Where?", ("e",)),
        QARow("own", "What?", ("e",), completion="e"),
    ]
    options = {"max_new_tokens": 6, "temperature": 1.0, "seed": 5}
    both = interp.generate_answers(llama, rows, samples_per_question=2, greedy_too=True, **options)
    assert both.id == ["a#greedy", "a#0", "a#1", "b#0#greedy", "b#0#0", "b#0#1", "own"]
    assert both.row == ["a"] * 3 + ["b#0"] * 3 + ["own"]
    assert both.draw == [None, 0, 1, None, 0, 1, None]
    drawn = interp.generate_answers(llama, rows, samples_per_question=2, **options)
    assert drawn.row == ["a"] * 2 + ["b#0"] * 2 + ["own"] and drawn.draw == [0, 1, 0, 1, None]
    assert drawn.completion_ids == [ids for ids, id in zip(both.completion_ids, both.id, strict=True) if id in drawn.id]
    greedy = interp.generate_answers(llama, rows, max_new_tokens=6)
    assert greedy.row is None and greedy.draw is None
    assert both[[0, 3]].completion_ids == greedy[:2].completion_ids
    assert both.completion_ids[0] != both.completion_ids[1]
    one = interp.generate_answers(llama, rows[:1], greedy_too=True, **options)
    assert one.id == ["a#greedy", "a#0"]


def test_a_sequence_without_a_stream_is_greedy_beside_others() -> None:
    logits = torch.tensor([[0.0, 2.0, 2.0 - NEAR_TIE / 2], [3.0, 3.1, 3.0]] * 6)
    streams = [None, np.random.default_rng(0)] * 6
    mixed = next_tokens(logits, Sampling(temperature=1.0), streams)
    alone = next_tokens(logits[1::2], Sampling(temperature=1.0), [np.random.default_rng(0)] * 6)
    assert [one.token for one in mixed[::2]] == [1] * 6 and all(one.near_tie for one in mixed[::2])
    assert mixed[1::2] == alone and len({one.token for one in alone}) > 1


@pytest.mark.parametrize(
    "options",
    [
        {"greedy_too": True},
        {"temperature": -1.0},
        {"temperature": float("nan")},
        {"temperature": float("inf")},
        {"temperature": 1.0, "top_p": 0.0},
        {"temperature": 1.0, "top_p": 1.5},
        {"top_p": 0.9},
        {"samples_per_question": 2},
        {"temperature": 1.0, "samples_per_question": 0},
    ],
)
def test_what_cannot_be_drawn_is_one_sentence(llama, options) -> None:
    with pytest.raises(DataError, match="temperature|top_p|samples_per_question|greedy_too"):
        interp.generate_answers(llama, [QARow("a", "Where?", ("e",))], **options)
    with pytest.raises(DataError, match="temperature|top_p|samples_per_question|greedy_too"):
        Settings(model="m", data="d", **options)


def test_an_id_that_is_taken_is_an_error() -> None:
    rows = [QARow("a", "Where?", ("e",)), QARow("a#1", "What?", ("e",), completion="e")]
    with pytest.raises(DataError, match="'a#1' is taken"):
        sampled_rows(rows, 2)
