"""Rows of the pattern at the roles, over each sample's own tokens, against Hugging Face's plain eager passes."""

from dataclasses import replace

import pytest
import torch
from hooked_cases import answers_of

import interp
from interp.capturing.attention_rows import attention_rows
from interp.capturing.forward_pass import capture_plan
from interp.errors import DataError

CASES = [
    ("llama", "TransformerBridge"),
    ("llama", "HookedTransformer"),
    ("mistral", "TransformerBridge"),  # a window of 6 at every layer
    ("gemma3_text", "TransformerBridge"),  # at three of four layers
]
WITH = pytest.mark.parametrize("case", CASES, indirect=True, ids=lambda case: f"{case[0]}-{case[1]}")
"""Of the cases those in which something differs."""
LENGTHS = ((17, 20), (17, 19), (5, 12), (17, 20))
"""Tokens of the prompt, and of all: what a shorter text attends to is what the longer one does up to there."""
ROLES = ("prompt_end", "mid", "end")


def some(case, texts=(0, 1, 2, 3)):
    """Samples of several lengths, in whose batch the shorter ones are padded on the left."""
    ids = [case.tokens[text, :n].tolist() for text, (_, n) in zip(texts, LENGTHS, strict=True)]
    prompts = [own[:n_prompt] for own, (n_prompt, _) in zip(ids, LENGTHS, strict=True)]
    answers, _ = answers_of(prompts, [own[len(prompt) :] for own, prompt in zip(ids, prompts, strict=True)])
    at = [[n_prompt - 1, (n_prompt + n) // 2, n - 1] for n_prompt, n in LENGTHS]
    positions = interp.Positions.at(
        at, [n for _, n in LENGTHS], roles=ROLES, n_prompt=[n_prompt for n_prompt, _ in LENGTHS]
    )
    return answers, positions, at


def check(case, rows, at, texts=(0, 1, 2, 3)) -> None:
    for text, found, places, (_, n) in zip(texts, rows, at, LENGTHS, strict=True):
        expected = case.pattern[text][:, :, places, :n].permute(2, 0, 1, 3)
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


@WITH
def test_rows_are_those_of_a_plain_pass(case) -> None:
    answers, positions, at = some(case)
    check(case, attention_rows(case.model, answers, positions, ROLES), at)
    check(case, attention_rows(case.model, answers, positions, ROLES, batch_tokens=25), at)


@WITH
def test_a_prefix_that_all_share_runs_once_and_is_attended_to(case) -> None:
    answers, positions, at = some(case, texts=(0, 0, 0, 0))
    answers, positions, at = answers[[0, 1, 3]], positions[[0, 1, 3]], [at[0], at[1], at[3]]
    plan = capture_plan(case.model, answers, positions, batch_tokens=8192)
    assert len(plan.prefix) == 16 or not plan.gaps
    for found, places, n in zip(attention_rows(case.model, answers, positions, ROLES), at, (20, 19, 20), strict=True):
        expected = case.pattern[0][:, :, places, :n].permute(2, 0, 1, 3)
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


def test_roles_are_found_by_name(llama) -> None:
    answers, positions = answers_of([[1, 5, 6, 7]] * 2, [[8, 9, 10], [8, 9, 11]], samples=(0, 1))
    both = attention_rows(llama, answers, positions, ("exact_answer_first", "last_q"))
    alone = attention_rows(llama, answers, positions, ("last_q",))
    torch.testing.assert_close(both[0][1:], alone[0], atol=1e-6, rtol=0)
    assert not torch.allclose(both[0][0], both[0][1])


def test_a_pooled_row_is_pooled_from_the_rows_of_its_tokens(llama) -> None:
    ids = list(range(3, 13))
    answers, _ = answers_of([ids[:4]], [ids[4:]], samples=(0,))
    spans = interp.Positions.at(
        [[[4, 7], [4, 7], [4, 7]]], 10, roles=("mean", "max", "min"), n_prompt=4, pooling=("mean", "max", "min")
    )
    (pooled,) = attention_rows(llama, answers, spans, ("min", "mean", "max"))
    single = interp.Positions.at([[4, 5, 6, 7]], 10, n_prompt=4)
    (rows,) = attention_rows(llama, answers, single, single.roles)
    for found, reduce in zip(pooled, (torch.amin, torch.mean, torch.amax), strict=True):
        torch.testing.assert_close(found, reduce(rows, 0), atol=1e-6, rtol=0)


def test_an_absent_role_has_no_row(llama) -> None:
    answers, positions = answers_of([[1, 5, 6, 7]] * 2, [[8, 9, 10]] * 2, samples=(0, 1))
    positions = replace(positions, valid=positions.valid.clone())
    positions.valid[1, positions.roles.index("last_q")] = False
    rows = attention_rows(llama, answers, positions, ("last_q", "-1"))
    assert rows[0].isfinite().all() and rows[1][0].isnan().all() and rows[1][1].isfinite().all()


def test_a_sample_that_cannot_run_has_none(llama) -> None:
    answers, positions = answers_of([[1, 5, 6, 7]] * 2, [[8, 9, 10]] * 2, samples=(0, 1))
    long = replace(answers, status=["ok", "too_long"])
    rows = attention_rows(llama, long, positions, ("last_q",))
    assert rows[0] is not None and rows[1] is None


def test_positions_of_other_samples_are_refused(llama) -> None:
    answers, positions = answers_of([[1, 5, 6, 7]] * 2, [[8, 9, 10]] * 2, samples=(0, 1))
    with pytest.raises(DataError, match="positions"):
        attention_rows(llama, answers[:1], positions[1:], ("last_q",))
