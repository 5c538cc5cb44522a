"""Resolved positions against the defined table, sample by sample."""

from bare_answers import make_answers, samples
from hypothesis import given
from hypothesis import strategies as st

from interp.capturing.resolve_positions import resolve_positions


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


@given(st.lists(samples(), min_size=1, max_size=6))
def test_every_index_follows_the_table(drawn: list[tuple[int, int, tuple[int, int] | None]]) -> None:
    positions = resolve_positions(make_answers(drawn))
    for i, sample in enumerate(drawn):
        for j, role in enumerate(positions.roles):
            want = expected(*sample)[role]
            assert bool(positions.valid[i, j]) == (want is not None), (role, sample)
            assert int(positions.index[i, j]) == (-1 if want is None else want), (role, sample)
