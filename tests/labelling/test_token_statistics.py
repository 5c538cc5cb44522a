"""Log-probabilities and entropies of given tokens against Hugging Face's logits, and of generated ones against both."""

from dataclasses import replace

import pytest
import torch
from hooked_cases import answers_of
from scipy.stats import entropy as scipy_entropy

import interp
from interp.generating.distribution import Distribution
from interp.labelling.token_statistics import token_statistics, with_token_statistics
from interp.models.loading import model_info


def expected(logits: torch.Tensor, prompt: list[int], completion: list[int]) -> tuple[list[float], list[float]]:
    """By a loop over positions, in float64."""
    logprobs, entropies = [], []
    for step, token in enumerate(completion):
        p = logits[len(prompt) - 1 + step].double().softmax(-1)
        logprobs.append(float(p[token].log()))
        entropies.append(float(scipy_entropy(p.numpy())))
    return logprobs, entropies


@pytest.mark.parametrize("batch_tokens", [1, 40, 10_000])
def test_given_tokens_are_scored_as_hugging_face_does(case, batch_tokens: int) -> None:
    rows = [0, 0, 1, 2, 3, 0]
    cuts = [(5, 20), (5, 9), (3, 20), (12, 12), (19, 20), (1, 8)]  # prompts that come again, of one token; an empty one
    prompts = [case.tokens[row, :at].tolist() for row, (at, _) in zip(rows, cuts, strict=True)]
    completions = [case.tokens[row, at:end].tolist() for row, (at, end) in zip(rows, cuts, strict=True)]
    found = token_statistics(case.model, prompts, completions, batch_tokens=batch_tokens)
    for row, prompt, completion, one in zip(rows, prompts, completions, found, strict=True):
        logprobs, entropies = expected(case.logits[row], prompt, completion)
        assert one.logprobs == pytest.approx(logprobs, abs=2e-4, rel=1e-4)
        assert one.entropies == pytest.approx(entropies, abs=2e-4, rel=1e-4)


def test_a_long_shared_prefix_changes_nothing(case) -> None:
    prompts = [case.tokens[0, :9].tolist() + [30 + i] * i for i in range(4)]
    completions = [[50 + i, 60, 7] for i in range(4)]
    together = token_statistics(case.model, prompts, completions)
    for prompt, completion, one in zip(prompts, completions, together, strict=True):
        (alone,) = token_statistics(case.model, [prompt], [completion])
        assert one.logprobs == pytest.approx(alone.logprobs, abs=2e-4)
        assert one.entropies == pytest.approx(alone.entropies, abs=2e-4)


@pytest.mark.parametrize("temperature", [0.0, 1.5])
def test_what_generation_keeps_is_what_one_pass_finds(llama, temperature: float) -> None:
    rows = [{"question": f"Is {i} even?", "answer": "yes"} for i in range(5)]
    options = {"samples_per_question": 3} if temperature else {}
    answers = interp.generate_answers(llama, rows, max_new_tokens=6, temperature=temperature, **options)
    assert answers.entropies is not None
    for ids, entropies in zip(answers.completion_ids, answers.entropies, strict=True):
        assert len(entropies) == len(ids)
    none = [None] * len(answers)
    again = with_token_statistics(llama, replace(answers, logprobs=none, entropies=None))
    for kept, found in ((answers.logprobs, again.logprobs), (answers.entropies, again.entropies)):
        for one, other in zip(kept, found, strict=True):
            assert one == pytest.approx(other, abs=2e-4)


def test_only_what_is_missing_is_computed(llama) -> None:
    bare, _ = answers_of([[5, 6], [7, 8, 9], [4], [5]], [[1, 9], [3], [20, 21], [4] * 300])
    answers = replace(bare, logprobs=[[-9.0, -9.0], None, None, None], entropies=None)
    found = with_token_statistics(llama, answers)
    assert found.logprobs[0] == [-9.0, -9.0] and len(found.entropies[0]) == 2
    assert len(found.logprobs[1]) == len(found.entropies[1]) == 1 and len(found.logprobs[2]) == 2
    assert model_info(llama).n_ctx < 301 and found.logprobs[3] is None and found.entropies[3] is None


def test_the_entropy_of_tokens_that_cannot_come_and_of_no_number() -> None:
    inf = float("inf")
    logits = torch.tensor([[0.0, 0.0, -inf, -inf], [5.0, -inf, -inf, -inf], [1.0, float("nan"), 0.0, 0.0], [2.0] * 4])
    entropy = Distribution.of(logits).entropy
    assert entropy[[0, 1, 3]].tolist() == pytest.approx([0.6931472, 0.0, 1.3862944])
    assert entropy[2].isnan()
