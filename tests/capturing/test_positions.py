"""Positions as a table of columns: which coincide, which repeat another, and some samples of them."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from bare_answers import make_answers, samples
from hypothesis import given
from hypothesis import strategies as st

import interp


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


def test_what_they_hold_besides_the_roles_is_that_of_the_answers() -> None:
    answers = make_answers([(2, 3, (2, 4)), (4, 1, None), (0, 2, (0, 1))])
    answers = replace(answers, question_tokens=[(0, 1), (1, 2), None])
    positions = interp.resolve_positions(answers)
    assert positions.n_prompt.tolist() == [2, 4, 0] and positions.n.tolist() == [5, 5, 2]
    assert positions.exact_answer.tolist() == [[2, 4], [-1, -1], [0, 1]]
    assert positions.question.tolist() == [[0, 1], [1, 2], [-1, -1]]
    assert positions.valid.equal(positions.index >= 0) and positions.first is None and positions.how == ("",) * 15
    assert positions.span.equal(torch.stack([positions.index] * 2, -1)) and len(positions) == 3
    moved = positions.to("cpu")
    assert all(getattr(moved, name).equal(getattr(positions, name)) for name in ("index", "valid", "n", "exact_answer"))


def test_a_thought_and_the_answer_after_it_are_seen_by_roles() -> None:
    answers = make_answers([(2, 6, None), (2, 0, None)])
    roles = ["mean:thought", "mean:final_answer"]
    whole = interp.resolve_positions(answers, roles=roles)
    assert whole.span.tolist() == [[[-1, -1], [2, 7]], [[-1, -1], [-1, -1]]]
    known = replace(answers, thought_tokens=[(2, 4), None], final_answer_tokens=[(6, 7), None])
    assert interp.resolve_positions(known, roles=roles).span.tolist() == [[[2, 4], [6, 7]], [[-1, -1], [-1, -1]]]


def test_the_first_token_of_a_sample_is_there() -> None:
    positions = interp.resolve_positions(make_answers([(1, 1, None)]), roles=["last_q", "first=start", "mean:prompt"])
    assert positions.index.tolist() == [[0, 0, 0]] and positions.valid.all()
    assert positions.table()["index"].tolist() == [0, 0, 0]


def test_an_absent_span_by_hand_has_neither_end_in_the_table() -> None:
    positions = interp.Positions.at([[[1, 3], [2, 2]], [[0, 1], [4, 9]]], [6, 5], valid=[[1, 1], [1, 0]])
    stray = replace(positions, index=positions.index.abs(), first=positions.first.abs())  # read through `valid` only
    for same in (positions, stray):
        table = same.table()
        assert table["first"].tolist()[:3] == [1, 2, 0] and table["index"].tolist()[:3] == [3, 2, 1]
        assert table[["first", "index", "to_end"]].isna().all(axis=1).tolist() == [False, False, False, True]
    assert repr(positions) == "Positions(2 samples; roles: 0 2, 1 1)"
    assert repr(interp.Positions.at([3, 5, 1], 6, roles=["end"])) == "Positions(3 samples; roles: end 3)"
    assert "<table" in positions._repr_html_()
    assert positions.to_xarray()["position_first"].values.tolist() == [[1, 2], [0, -1]]
    assert positions[1].span.tolist() == [[[0, 1], [-1, -1]]] and positions[1].ledger is None


def test_no_roles_repeat_nothing_and_nine_in_ten_is_enough() -> None:
    none = interp.resolve_positions(make_answers([(2, 3, None)]))
    assert replace(none, index=none.index[:, :0], valid=none.valid[:, :0], roles=()).repeats() == ()
    for same, found in ((18, ("", "0")), (17, ("", ""))):
        index = [[1, 1]] * same + [[1, 2]] * (20 - same)
        assert interp.Positions.at(index, 3).repeats() == found


def test_only_a_tokenizer_is_taken_for_one() -> None:
    answers = make_answers([(1, 1, None)])
    for wrong in (b"tokens", "tokens", 3):
        with pytest.raises(interp.DataError, match="tokenizer: expected a tokenizer of transformers"):
            interp.resolve_positions(answers, tokenizer=wrong)
