"""The code gives every number of the worked example: the indices, and the attention metrics of its patterns.

Its scores, areas and intervals are in test_worked_example_scores.py, its spans in test_worked_example_spans.py.
"""

from math import nan

import pytest
import torch
from torch import Tensor
from worked_example import (
    ABSENT,
    INDEX,
    METRICS,
    PATTERN,
    SAMPLES,
    SELF,
    VALID_PER_SAMPLE,
    WINDOW_METRICS,
    WINDOW_PATTERN,
    answers,
)

import interp


def test_every_index_of_every_role() -> None:
    positions = interp.resolve_positions(answers(*SAMPLES))
    assert positions.roles == interp.ROLES == tuple(INDEX)
    expected = torch.tensor(list(INDEX.values())).T
    assert positions.index.tolist() == expected.tolist()
    assert positions.valid.tolist() == (expected != ABSENT).tolist()
    assert positions.valid.sum(1).tolist() == list(VALID_PER_SAMPLE)
    assert positions.n_prompt.tolist() == [4, 3, 2, 4, 3, 2]
    assert positions.n.tolist() == [15, 6, 6, 5, 11, 2]
    assert positions.exact_answer.tolist() == [[8, 9], [3, 3], [4, 5], [4, 4], [-1, -1], [-1, -1]]
    assert positions.question.tolist() == [[1, 2], [1, 1], [0, 0], [-1, -1], [1, 2], [1, 1]]


@pytest.mark.parametrize(
    ("role", "other", "share"),
    [
        ("exact_answer_first", "exact_answer_last", 2 / 4),  # at_once, one_token of the four with an exact answer
        ("last_q", "exact_answer_before_first", 2 / 4),  # the same two
        ("-1", "exact_answer_last", 2 / 4),  # at_the_end, one_token
        ("exact_answer_after_last", "-2", 1 / 2),  # at_once; ordinary has both, apart
        ("-8", "exact_answer_before_first", 1 / 1),  # ordinary alone has both
        ("-8", "first_answer", 1 / 2),  # no_answer; ordinary has both, apart
        ("-8", "-7", 0 / 2),
    ],
)
def test_share_of_samples_in_which_two_roles_coincide(role: str, other: str, share: float) -> None:
    shares = interp.resolve_positions(answers(*SAMPLES)).coincidence()
    one, two = interp.ROLES.index(role), interp.ROLES.index(other)
    assert shares[one, two] == shares[two, one] == share


def padded(patterns: dict[str, tuple], side: str) -> Tensor:
    """[sample, head, query, key], padded to the longest; rows of padding queries hold 1/2 that nobody may read."""
    width = max(len(head) for heads in patterns.values() for head in heads)
    out = torch.zeros(len(patterns), 2, width, width)
    for s, heads in enumerate(patterns.values()):
        for h, rows in enumerate(heads):
            start = width - len(rows) if side == "left" else 0
            out[s, h, :start] = out[s, h, start + len(rows) :] = 1 / 2
            for q, row in enumerate(rows):
                out[s, h, start + q, start : start + q + 1] = torch.tensor(row)
    return out


def by_role(expected: dict[str, tuple], metric: str) -> Tensor:
    """The hand-computed metric spread over the fifteen roles: [sample, head, role], NaN where the role is absent."""
    samples = list(SAMPLES)
    out = torch.full((len(expected), 2, len(INDEX)), nan)
    for s, (name, (start, heads)) in enumerate(expected.items()):
        for r, index in enumerate(INDEX.values()):
            position = index[samples.index(name)]
            if position != ABSENT:
                out[s, :, r] = torch.tensor([head[metric][position - start] for head in heads])
    return out


@pytest.mark.parametrize(("side", "queries"), [("right", 6), ("left", 6), ("left", 5)])  # 5: from the first role on
@pytest.mark.parametrize(
    ("patterns", "expected", "window"), [(PATTERN, METRICS, None), (WINDOW_PATTERN, WINDOW_METRICS, 3)]
)
def test_every_attention_metric(patterns: dict, expected: dict, window: int | None, side: str, queries: int) -> None:
    positions = interp.resolve_positions(answers(*patterns))
    pattern = padded(patterns, side)[:, :, -queries:]
    metrics = interp.attention_metrics(pattern, positions, window=window, padding_side=side)
    assert set(metrics) == set(METRICS["empty"][1][0])
    for name, value in metrics.items():
        torch.testing.assert_close(
            value, by_role(expected, name), rtol=0, atol=1e-6, equal_nan=True, msg=lambda m, name=name: f"{name}: {m}"
        )


def test_a_token_that_sees_only_itself_has_no_entropy() -> None:
    """Window 1: |V(p)| = 1, nobody sees p later, and everything goes to p itself."""
    patterns = {"at_once": (SELF, SELF)}
    metrics = interp.attention_metrics(
        padded(patterns, "right"), interp.resolve_positions(answers("at_once")), window=1
    )
    first_answer = {name: value[0, 0, 1].item() for name, value in metrics.items()}
    undefined = {"received", "received_no_sink", "entropy", "to_sink", "to_question", "lookback"}
    assert {name for name, value in first_answer.items() if value != value} == undefined
    assert first_answer["to_self"] == first_answer["to_completion"] == first_answer["to_exact_answer"] == 1


def test_value_norm_of_four_heads_on_two_key_value_heads() -> None:
    """Position 1 of "empty" sees the keys 0 and 1; heads 0, 1 read key-value head 0, heads 2, 3 key-value head 1."""
    rows = torch.tensor([[1 / 3, 2 / 3], [1 / 2, 1 / 2], [1 / 4, 3 / 4], [0, 1]])
    pattern = torch.stack([torch.tensor([1.0, 0.0]).expand(4, 2), rows], dim=1)[None]
    value = torch.tensor([[[1.0, 0.0], [0.0, 1.0]], [[0.0, 2.0], [1.0, 0.0]]])[None]  # sample key kv_head d_head
    W_O = torch.tensor(
        [
            [[3.0, 4.0, 0.0], [0.0, 0.0, 1.0]],  # v0 W = (3, 4, 0), norm 5;    v1 W = (0, 0, 2), norm 2
            [[2.0, 1.0, 2.0], [0.0, 5.0, 12.0]],  # v0 W = (2, 1, 2), norm 3;   v1 W = (0, 10, 24), norm 26
            [[0.0, 3.0, 4.0], [1.0, 2.0, 2.0]],  # v0 W = (1, 2, 2), norm 3;    v1 W = (0, 3, 4), norm 5
            [[6.0, 0.0, 8.0], [0.0, 0.0, 1.0]],  # v0 W = (0, 0, 1), norm 1;    v1 W = (6, 0, 8), norm 10
        ]
    )
    expected = [1 / 3 * 5 + 2 / 3 * 2, 1 / 2 * 3 + 1 / 2 * 26, 1 / 4 * 3 + 3 / 4 * 5, 0 * 1 + 1 * 10]
    positions = interp.resolve_positions(answers("empty"))
    norm = interp.attention_metrics(pattern, positions, value=value, W_O=W_O)["value_norm"]
    torch.testing.assert_close(norm[0, :, 0], torch.tensor(expected), rtol=0, atol=1e-5)
    assert norm[0, :, 1:].isnan().all()
