"""The plan of a capture: what runs together, and what happens when it does not fit into memory."""

import tracemalloc

import pytest
import torch
from hooked_cases import answers_of

import interp
from interp.capturing import one_pass, segments
from interp.capturing.forward_pass import capture_batches, capture_plan
from interp.capturing.layout import Layout
from interp.capturing.one_pass import OnePass
from interp.capturing.segments import CapturePlan
from interp.errors import ModelError
from interp.models import hooked
from interp.models.architecture import pads_between
from interp.models.batches import plan_batches

SHARED = list(range(3, 23))
PROMPTS = [[*SHARED, 40 + i // 4, *range(60, 70 + i // 4)] for i in range(12)]
COMPLETIONS = [[100 + i, *range(30, 33 + i % 3)] for i in range(12)]


@pytest.fixture(scope="module")
def model(llama_folder):
    return interp.load_model(llama_folder, check=False)


def everything():
    return answers_of(PROMPTS, COMPLETIONS, range(12))


def plan_of(batch_tokens: int, *, gaps: bool = True) -> CapturePlan:
    _, positions = everything()
    return CapturePlan.of(PROMPTS, COMPLETIONS, positions, range(12), batch_tokens=batch_tokens, gaps=gaps)


@pytest.mark.parametrize("gaps", [True, False])
@pytest.mark.parametrize("batch_tokens", [1, 100, 300, 8192])
def test_every_token_of_every_sample_runs_once_in_order(gaps: bool, batch_tokens: int) -> None:
    plan = plan_of(batch_tokens, gaps=gaps)
    assert sorted(i for batch in plan.batches for i in batch) == list(range(12))
    for batch in plan.batches:
        parts = plan.segments(batch)
        for row, i in enumerate(batch):
            assert [*plan.prefix, *parts.own[parts.own_of[row]], *parts.suffixes[row]] == plan.ids(i)
            assert parts.starts[row] <= plan.earliest[i] == len(PROMPTS[i]) - 1
        if not gaps:
            longest = max(map(len, parts.suffixes))
            assert all(len(s) == longest for s, own in zip(parts.suffixes, parts.own_of, strict=True) if parts.own[own])


def test_a_question_asked_often_stands_together_and_runs_once(monkeypatch) -> None:
    monkeypatch.setattr(segments, "MIN_PREFIX", 2)
    plan = plan_of(8192)
    assert plan.prefix == SHARED
    (batch,) = plan.batches
    assert [i // 4 for i in batch] == [0] * 4 + [1] * 4 + [2] * 4
    parts = plan.segments(batch)
    assert parts.own == [PROMPTS[i][20:-1] for i in (0, 4, 8)]
    assert parts.own_of == [0] * 4 + [1] * 4 + [2] * 4


def test_short_prompts_run_in_one_pass_and_long_ones_do_not(monkeypatch) -> None:
    assert plan_of(8192).segments([0, 4, 8]).own == [[]]
    monkeypatch.setattr(segments, "LONG_PROMPT", 5)
    assert len(plan_of(8192).segments([0, 4, 8]).own) == 3


def test_batches_of_groups_keep_the_budget_and_the_group() -> None:
    lengths, prompts = [9, 4, 12, 4, 9, 12], ["a", "b", "c", "b", "a", "a"]
    batches = plan_batches(lengths, 24, together=prompts)
    assert batches == [[1, 3], [0, 4], [5, 2]]
    assert all(len(b) == 1 or len(b) * max(lengths[i] for i in b) <= 24 for b in batches)


def test_a_plan_holds_no_token_twice() -> None:
    """Peak and rest per sample, for prompts of 300 tokens: a copy of their ids would be 2,400 bytes."""
    n = 1000
    prompts = [[i, *range(300)] for i in range(n)]
    answers, positions = answers_of(prompts, [[7, 8, 9]] * n, range(n))
    tracemalloc.start()
    try:
        plan = CapturePlan.of(prompts, answers.completion_ids, positions, range(n), batch_tokens=8192, gaps=True)
        kept, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert plan.batches and kept < 150 * n and peak < 300 * n


def test_segments_are_padded_on_the_left_each() -> None:
    bounds = torch.tensor([[0, 2, 3, 6], [0, 2, 5, 6]])
    layout = Layout.segmented(bounds, (2, 3, 4), 4)
    assert layout.key.tolist() == [[0, 1, -1, -1, 2, -1, 3, 4, 5], [0, 1, 2, 3, 4, -1, -1, -1, 5]]
    assert layout.query.tolist() == [row[-4:] for row in layout.key.tolist()]


def test_masks_lie_on_the_device_they_are_asked_for(model) -> None:
    assert pads_between(model)
    from interp.capturing.layout import PatternMasks

    _, positions = everything()
    layout = Layout.padded(positions.n, 40, 40, "left")
    moved = PatternMasks.of(positions, layout).to("meta")
    assert {tensor.device.type for tensor in vars(moved).values()} == {"meta"}


def limited(monkeypatch, most: int, error: Exception) -> list[int]:
    """A machine with room for `most` samples; returns the sizes of all passes that were tried."""
    tried: list[int] = []
    whole = OnePass.__call__

    def call(self, samples):
        tried.append(len(samples))
        if len(samples) > most:
            raise error
        return whole(self, samples)

    monkeypatch.setattr(one_pass.OnePass, "__call__", call)
    return tried


@pytest.mark.parametrize(
    "error",
    [torch.OutOfMemoryError("CUDA"), RuntimeError("DefaultCPUAllocator: can't allocate memory"), MemoryError()],
    ids=lambda error: type(error).__name__,
)
def test_out_of_memory_halves_the_batch_and_resume_halves_it_at_once(model, monkeypatch, error) -> None:
    answers, positions = everything()
    ((order, plain),) = capture_batches(model, answers, positions)
    tried = limited(monkeypatch, 4, error)
    sizes: dict[str, list[int]] = {}
    written: list[dict] = []
    ((again, split),) = capture_batches(
        model, answers, positions, sizes=sizes, on_split=lambda: written.append({k: list(v) for k, v in sizes.items()})
    )
    assert tried == [12, 6, 3, 3, 6, 3, 3]
    assert again == order and split.id == plain.id
    assert sizes == {"0": [3, 3, 3, 3]}
    assert written == [{"0": [6, 6]}, {"0": [3, 3, 6]}, {"0": [3, 3, 3, 3]}]
    torch.testing.assert_close(split.resid, plain.resid, atol=1e-5, rtol=1e-5, equal_nan=True)
    tried.clear()
    ((_, resumed),) = capture_batches(model, answers, positions, sizes=sizes)
    assert tried == [3, 3, 3, 3]
    assert torch.equal(resumed.resid.nan_to_num(), split.resid.nan_to_num())


def test_a_sample_that_does_not_fit_alone_is_named(model, monkeypatch) -> None:
    answers, positions = everything()
    limited(monkeypatch, 0, MemoryError())
    with pytest.raises(ModelError, match=r"sample '0' alone \(31 prompt and 4 completion tokens\)"):
        list(capture_batches(model, answers, positions))


def test_another_error_is_not_taken_for_out_of_memory(model, monkeypatch) -> None:
    answers, positions = everything()
    limited(monkeypatch, 4, RuntimeError("shapes differ"))
    with pytest.raises(RuntimeError, match="shapes differ"):
        list(capture_batches(model, answers, positions))


def test_the_plan_is_part_of_the_run(model) -> None:
    answers, positions = everything()
    plan = capture_plan(model, answers, positions, batch_tokens=100)
    assert plan.settings["common_prefix"] == len(SHARED)
    assert plan.sha256 == capture_plan(model, answers, positions, batch_tokens=100).sha256
    assert plan.sha256 != capture_plan(model, answers, positions, batch_tokens=200).sha256


def test_a_long_prompt_never_makes_a_square(model, monkeypatch) -> None:
    """No pattern has more entries per head than a piece of the prompt may have."""
    monkeypatch.setattr(segments, "LONG_PROMPT", 16)
    monkeypatch.setattr(hooked, "PATTERN_ENTRIES", 0)
    prompts, completions = [[3 + i % 200 for i in range(200)]], [[5, 6, 7]]
    seen: list[tuple[int, int]] = []
    point = model.hook_dict["blocks.0.attn.hook_pattern"]
    point.add_hook(lambda tensor, hook: seen.append(tuple(tensor.shape[-2:])))
    try:
        interp.capture(model, *answers_of(prompts, completions, [0]))
    finally:
        point.remove_hooks()
    assert [query for query, _ in seen] == [7, 64, 64, 64, 4] and seen[-1][1] == 203
