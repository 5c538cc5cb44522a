"""Seven architectures, both classes: captured in segments, with caches shared by a group, as if alone in one pass."""

import pytest
import torch
from hooked_cases import answers_of, same

import interp
from interp.capturing import segments
from interp.capturing.attention import METRICS
from interp.models.loading import hook_name

PLANS = {
    "one prefix for all": ([0, 0, 0, 0], [14, 14, 14, 14]),
    "one question many times": ([0, 1, 0, 1], [12, 9, 12, 9]),
    "prefix, then questions": ([0, 0, 1, 1], [15, 15, 13, 13]),
    "long prompts of their own": ([0, 1, 2, 3], [14, 11, 9, 12]),
}
"""Which row of the tokens each sample's prompt is, and how long."""


@pytest.mark.parametrize(
    ("plan", "in_segments"), [*((plan, True) for plan in PLANS), ("prefix, then questions", False)]
)
def test_captured_in_any_plan_as_if_alone_in_one_pass(case, plan: str, in_segments: bool, monkeypatch) -> None:
    """Padding, windows shorter than the prompts, caches shared by a group: every vector and metric stays."""
    rows, lengths = PLANS[plan]
    tokens = case.tokens.clone()
    if plan == "prefix, then questions":
        tokens[:, :8] = tokens[0, :8]
    prompts = [tokens[row, :length].tolist() for row, length in zip(rows, lengths, strict=True)]
    completions = [[(7 * i + k) % 300 + 3 for k in range(3 + i)] for i in range(4)]
    answers, positions = answers_of(prompts, completions)
    sites = ("resid_post", "z")
    monkeypatch.setattr(segments, "LONG_PROMPT", 10_000)
    monkeypatch.setattr(segments, "MIN_PREFIX", 10_000)
    if plan not in case.alone:
        case.alone[plan] = [
            interp.capture(case.model, *answers_of(prompts, completions, [i]), sites=sites) for i in range(4)
        ]

    if in_segments:
        monkeypatch.setattr(segments, "MIN_PREFIX", 2)
        monkeypatch.setattr(segments, "LONG_PROMPT", 4)
    passes: list[int] = []
    point = case.model.hook_dict[hook_name("pattern", 0)]
    point.add_hook(lambda tensor, hook: passes.append(tensor.shape[2]))
    together = interp.capture(case.model, answers, positions, sites=sites)
    point.remove_hooks()
    assert (len(passes) > 1) is in_segments
    if in_segments:
        assert passes[-1] <= max(map(len, completions)) + 1, "the pattern's rows before the earliest role are not built"
    for i, one in enumerate(case.alone[plan]):
        for site in sites:
            same(together.sites[site][i].nan_to_num(), one.sites[site][0].nan_to_num())
        same(together.embed[i].nan_to_num(), one.embed[0].nan_to_num())
        assert set(together.attention) == set(one.attention) == set(METRICS)
        for name, metric in one.attention.items():
            torch.testing.assert_close(together.attention[name][i], metric[0], atol=1e-4, rtol=1e-3, equal_nan=True)
