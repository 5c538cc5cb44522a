"""What stands before the suffixes of a batch: each distinct prompt once, the prefix once for all batches."""

import pytest
import torch
from hooked_cases import answers_of

from interp.capturing import prompt_cache
from interp.capturing.forward_pass import capture_plan
from interp.capturing.prompt_cache import PromptCache
from interp.models.hooked import fill_cache
from interp.models.loading import new_cache

PREFIX = list(range(40, 80))
PROMPTS = [[*PREFIX, *[90] * 60, 1, 2]] * 3 + [[*PREFIX, *[91] * 65, 1, 2]]


@pytest.mark.parametrize("last_layer", [None, 1])
def test_keys_and_values_are_those_of_the_whole_text(llama, monkeypatch, last_layer) -> None:
    answers, positions = answers_of(PROMPTS, [[100, 101, 102]] * 4)
    plan = capture_plan(llama, answers, positions, batch_tokens=10_000)
    filled: list[tuple[int, ...]] = []

    def counted(model, tokens, *others, **options):
        filled.append(tuple(tokens.shape))
        fill_cache(model, tokens, *others, **options)

    monkeypatch.setattr(prompt_cache, "fill_cache", counted)
    prompts = PromptCache(llama, plan, last_layer=last_layer)
    samples = plan.batches[0]
    before = prompts(plan.segments(samples))
    before.spread()
    prompts(plan.segments(samples))
    assert filled[0][0] == 1 and [rows for rows, _ in filled[1:]] == [2, 2], "the prefix once, two prompts a batch"
    for row, i in enumerate(samples):
        ids = PROMPTS[i][: plan.earliest[i]]
        alone = new_cache(llama, 1)
        fill_cache(llama, torch.tensor([ids]), torch.ones(1, len(ids), dtype=torch.long), alone)
        there = before.mask[row].bool()
        assert int(there.sum()) == len(ids)
        for layer in range(3 if last_layer is None else last_layer + 1):
            torch.testing.assert_close(
                before.cache.values(layer)[row, there], alone.values(layer)[0], atol=1e-5, rtol=0
            )
