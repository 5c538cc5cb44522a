"""Positions as a table of columns: which coincide, which repeat another, and some samples of them."""

import numpy as np
import pytest
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
