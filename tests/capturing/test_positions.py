"""Resolved positions: a loop as the oracle, gathers, and roles of the user's own."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import interp
from interp.capturing.positions import gather
from interp.labelling.answers import Answers


def make_answers(samples: list[tuple[int, int, tuple[int, int] | None]]) -> Answers:
    """Answers of given (prompt length, completion length, exact answer)."""
    n = len(samples)
    return Answers(
        id=[str(i) for i in range(n)],
        question=["?"] * n,
        group=["g"] * n,
        prompt=[""] * n,
        prompt_ids=[list(range(p)) for p, _, _ in samples],
        completion_ids=[list(range(100, 100 + c)) for _, c, _ in samples],
        text=[""] * n,
        finish=["stop"] * n,
        logprobs=[None] * n,
        correct=[True] * n,
        exact_answer=[None] * n,
        exact_answer_method=[None] * n,
        exact_answer_tokens=[span for _, _, span in samples],
        question_tokens=[None] * n,
        status=["ok"] * n,
    )


def expected(prompt: int, completion: int, span: tuple[int, int] | None) -> dict[str, int | None]:
    """The defined table, row by row."""
    n = prompt + completion
    first, last = span if span else (None, None)
    table = {
        "last_q": prompt - 1 if prompt else None,
        "first_answer": prompt if completion >= 1 else None,
        "second_answer": prompt + 1 if completion >= 2 else None,
        "exact_answer_before_first": first - 1 if span and first > 0 else None,
        "exact_answer_first": first,
        "exact_answer_last": last,
        "exact_answer_after_last": last + 1 if span and last + 1 < n else None,
    }
    return table | {str(-k): n - k if n - k >= prompt else None for k in range(8, 0, -1)}


@st.composite
def samples(draw: st.DrawFn) -> tuple[int, int, tuple[int, int] | None]:
    prompt, completion = draw(st.integers(0, 5)), draw(st.integers(0, 12))
    if completion == 0 or draw(st.booleans()):
        return prompt, completion, None
    first = draw(st.integers(prompt, prompt + completion - 1))
    return prompt, completion, (first, draw(st.integers(first, prompt + completion - 1)))


@given(st.lists(samples(), min_size=1, max_size=6))
def test_every_index_follows_the_table(drawn: list[tuple[int, int, tuple[int, int] | None]]) -> None:
    positions = interp.resolve_positions(make_answers(drawn))
    for i, sample in enumerate(drawn):
        for j, role in enumerate(positions.roles):
            want = expected(*sample)[role]
            assert bool(positions.valid[i, j]) == (want is not None), (role, sample)
            assert int(positions.index[i, j]) == (-1 if want is None else want), (role, sample)


def test_gather_equals_a_loop_and_an_inf_elsewhere_stays_there() -> None:
    hidden = torch.randn(2, 5, 3)
    hidden[0, 4] = torch.inf
    index, valid = torch.tensor([[0, 3, -1], [2, 2, 4]]), torch.tensor([[True, True, False], [True, True, True]])
    picked = gather(hidden, index, valid)
    for i in range(2):
        for j in range(3):
            want = hidden[i, index[i, j]] if valid[i, j] else torch.full((3,), torch.nan)
            torch.testing.assert_close(picked[i, j], want, equal_nan=True)


def test_gather_keeps_the_axes_after_the_token() -> None:
    hidden = torch.randn(2, 5, 4, 3)  # heads side by side, as in z
    index = torch.tensor([[1], [3]])
    picked = gather(hidden, index, torch.ones(2, 1, dtype=torch.bool))
    torch.testing.assert_close(picked[:, 0], torch.stack([hidden[0, 1], hidden[1, 3]]))


def test_coincidence_counts_samples_that_have_both() -> None:
    positions = interp.resolve_positions(make_answers([(2, 3, (2, 2)), (2, 3, (3, 4)), (2, 3, None)]))
    share = positions.coincidence()
    at = {role: i for i, role in enumerate(positions.roles)}
    assert share[at["exact_answer_first"], at["first_answer"]] == pytest.approx(0.5)
    assert share[at["exact_answer_last"], at["-1"]] == pytest.approx(0.5)
    assert share[at["-8"], at["-1"]].isnan()


def repeats_by_counting(positions: interp.Positions) -> tuple[str, ...]:
    """For each role the earlier one that names the same token most often, if that is in 90 % of the role's samples."""
    found = []
    for i in range(len(positions.roles)):
        own = [s for s in range(len(positions)) if positions.valid[s, i]]
        best = (0.0, "")
        for j in range(i):
            same = sum(bool(positions.valid[s, j]) and positions.index[s, i] == positions.index[s, j] for s in own)
            if own and same / len(own) > best[0]:
                best = (same / len(own), positions.roles[j])
        found.append(best[1] if best[0] >= 0.9 else "")
    return tuple(found)


@given(st.lists(samples(), min_size=1, max_size=12))
def test_repeated_columns_against_counting(drawn: list[tuple[int, int, tuple[int, int] | None]]) -> None:
    positions = interp.resolve_positions(make_answers(drawn))
    assert positions.repeats() == repeats_by_counting(positions)


def test_a_column_that_few_samples_share_with_a_rare_one_repeats_nothing() -> None:
    """`-1` is `second_answer` wherever a sample has both; but nine of ten samples have no second token."""
    positions = interp.resolve_positions(
        make_answers([(2, 1, None)] * 9 + [(2, 2, None)]), roles=["second_answer", "-1"]
    )
    assert positions.coincidence()[1, 0] == 1.0
    assert positions.repeats() == ("", "")
    assert interp.resolve_positions(make_answers([(2, 2, None)] * 9 + [(2, 3, None)])).repeats()[-1] == "second_answer"


def test_some_samples_in_another_order_keep_their_own_positions() -> None:
    positions = interp.resolve_positions(make_answers([(2, 3, (2, 2)), (3, 1, None), (1, 9, (4, 6))]))
    some = positions[[2, 0]]
    assert some.index.tolist() == [positions.index[2].tolist(), positions.index[0].tolist()]
    assert some.table()["sample"].unique().tolist() == ["2", "0"]
    table = positions.table()
    assert some.table()["reason"].tolist() == [
        *table["reason"][table["sample"] == "2"],
        *table["reason"][table["sample"] == "0"],
    ]
    assert np.array_equal(positions[1:].n, positions.n[1:])
