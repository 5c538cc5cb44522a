"""Positions with answers and caches: found by id, or refused, never by order where ids are known."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from planted_answers import make_answers
from test_from_cache import LENGTHS, N, cache, last_and_first

import interp
from interp.capturing.positions import Positions
from interp.capturing.same_samples import positions_of
from interp.errors import DataError
from interp.labelling.answers import Answers


@pytest.fixture(scope="module")
def answers() -> Answers:
    found = make_answers(np.random.default_rng(0), 12)
    return replace(found, prompt_ids=[[5 + i, 6, 7] for i in range(12)], exact_answer_tokens=[(4, 4)] * 12)


def test_capture_finds_the_samples_of_the_positions_by_id(llama, answers: Answers) -> None:
    positions = interp.resolve_positions(answers)
    order = np.random.default_rng(1).permutation(12).tolist()
    expected = interp.capture(llama, answers, positions)
    found = interp.capture(llama, answers, positions[order])
    assert found.id == expected.id == tuple(answers.id)
    torch.testing.assert_close(found.resid, expected.resid, equal_nan=True, rtol=0, atol=0)
    assert torch.equal(found.index, expected.index)
    with pytest.raises(DataError, match="answers: 2 of 12 are not in the positions, first 's10'"):
        interp.capture(llama, answers, positions[:10])


def test_positions_made_by_hand_are_taken_by_order_if_they_can_be_those_of_the_answers(answers: Answers) -> None:
    n = [len(a) + len(b) for a, b in zip(answers.prompt_ids, answers.completion_ids, strict=True)]
    by_hand = Positions.at([k - 1 for k in n], n)
    assert positions_of(answers, by_hand) is by_hand
    with pytest.raises(DataError, match=r"positions: sample 's\d+' has \d+ tokens in them and \d+ in the answers"):
        positions_of(answers, by_hand[list(range(11, -1, -1))])
    with pytest.raises(DataError, match="positions: they are of 11 samples, the answers 12"):
        positions_of(answers, by_hand[:11])


def test_ids_of_a_cache_may_not_contradict_the_positions(answers: Answers) -> None:
    n = [len(a) + len(b) for a, b in zip(answers.prompt_ids, answers.completion_ids, strict=True)]
    kept = {"blocks.0.hook_resid_post": torch.randn(12, max(n), 4)}
    positions = interp.resolve_positions(answers)
    assert interp.capture_from_cache(kept, positions).id == tuple(answers.id)
    renamed = interp.capture_from_cache(kept, positions, ids=[f"batch 2, {i}" for i in range(12)])
    assert renamed.id[0] == "batch 2, 0"
    with pytest.raises(DataError, match="ids: 's11' names sample number 0 here and number 11 in the positions"):
        interp.capture_from_cache(kept, positions, ids=answers.id[::-1])
    with pytest.raises(DataError, match="ids: expected 40 different names, one per sample, got 39"):
        interp.capture_from_cache(cache("resid_post"), last_and_first(), ids=range(N - 1))


def test_values_whose_heads_are_not_the_patterns_are_refused() -> None:
    pattern, positions = cache("pattern")["blocks.0.attn.hook_pattern"], last_and_first()
    value, w = torch.randn(N, int(LENGTHS.max()), 2, 3), torch.randn(2, 3, 8)
    assert "value_norm" in interp.attention_metrics(pattern, positions, value=value, W_O=w)
    with pytest.raises(DataError, match="value, W_O: expected those of the pattern's 40 samples, 6 keys and 2 heads"):
        interp.attention_metrics(pattern, positions, value=torch.randn(N, 6, 3, 3), W_O=w)


def test_captures_whose_sites_were_named_in_another_order_are_joined() -> None:
    kept = cache("resid_post", "mlp_out")
    one = interp.capture_from_cache(kept, last_and_first(), sites=("resid_post", "mlp_out"))
    two = interp.capture_from_cache(kept, last_and_first(), sites=("mlp_out", "resid_post"), ids=range(N, 2 * N))
    both = interp.Capture.concat([one, two])
    for site in one.sites:
        torch.testing.assert_close(both.sites[site][:N], both.sites[site][N:], equal_nan=True)
