"""Greedy generation against Hugging Face's own, alone and in batches, with and without a shared prefix."""

import pytest
import torch

import interp
from interp.answering.generation import generate
from interp.capturing.batches import left_pad, plan_batches
from interp.models.loading import model_tokenizer

PROMPTS = ["Question: where is Paris? Answer:", "Question: where?", "Question: where is the city of Rome? Answer:", "Q"]


@pytest.fixture(scope="module")
def prompt_ids(llama) -> list[list[int]]:
    tokenizer = model_tokenizer(llama)
    return [tokenizer(text)["input_ids"] for text in PROMPTS]


@pytest.fixture(scope="module")
def reference(llama_folder, prompt_ids) -> list[tuple[list[int], list[float]]]:
    """Completions and log-probabilities by Hugging Face, one prompt at a time."""
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(llama_folder).eval()
    out = []
    for ids in prompt_ids:
        got = model.generate(
            torch.tensor([ids]), max_new_tokens=12, do_sample=False, output_scores=True, return_dict_in_generate=True
        )
        new = got.sequences[0, len(ids) :].tolist()
        logprobs = [float(s.log_softmax(-1)[0, token]) for s, token in zip(got.scores, new, strict=True)]
        out.append((new, logprobs))
    return out


@pytest.mark.parametrize("batch_tokens", [1, 10_000])
def test_greedy_equals_hugging_face_in_any_batch(llama, prompt_ids, reference, batch_tokens: int) -> None:
    generated = generate(llama, prompt_ids, max_new_tokens=12, batch_tokens=batch_tokens)
    for one, (ids, logprobs) in zip(generated, reference, strict=True):
        assert one.ids == ids
        assert one.logprobs == pytest.approx(logprobs, abs=1e-4)
        assert one.finish == ("stop" if ids[-1] == 2 else "length")


def test_a_shared_prefix_changes_nothing(llama, prompt_ids, reference) -> None:
    shared = generate(llama, prompt_ids[:3], max_new_tokens=12)
    assert [one.ids for one in shared] == [ids for ids, _ in reference[:3]]


def test_generation_ends_with_the_token_that_completes_a_stop_string(llama, prompt_ids, reference) -> None:
    tokenizer = model_tokenizer(llama)
    ids = reference[0][0]
    stop = tokenizer.decode(ids[:4])[-2:]
    (one,) = generate(llama, prompt_ids[:1], max_new_tokens=12, stop=[stop])
    assert one.finish == "stop"
    assert one.ids == ids[: len(one.ids)]
    assert stop in tokenizer.decode(one.ids) and stop not in tokenizer.decode(one.ids[:-1])


def test_batches_hold_every_sample_once_within_the_budget() -> None:
    lengths = [5, 3, 9, 3, 7, 40, 1]
    batches = plan_batches(lengths, 20, max_samples=3)
    assert sorted(i for batch in batches for i in batch) == list(range(7))
    assert all(len(b) == 1 or len(b) * max(lengths[i] for i in b) <= 20 for b in batches)
    assert all(len(b) <= 3 for b in batches)


def test_left_padding_ends_every_row_with_its_last_token() -> None:
    tokens, mask = left_pad([[1, 2, 3], [4]], "cpu")
    assert tokens.tolist() == [[1, 2, 3], [0, 0, 4]]
    assert mask.tolist() == [[1, 1, 1], [0, 0, 1]]


def test_a_prompt_past_the_context_is_counted_not_overrun(llama) -> None:
    rows = [interp.QARow("short", "Where?", ("e",)), interp.QARow("long", "Where? " * 200, ("e",))]
    answers = interp.generate_answers(llama, rows, max_new_tokens=4)
    assert answers.status[1] == "too_long" and answers.completion_ids[1] == []
    assert len(answers.completion_ids[0]) in range(1, 5)
