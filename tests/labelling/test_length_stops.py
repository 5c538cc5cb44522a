"""Answers cut off at their length limit: which they are."""

from interp.labelling.length_stops import length_stops, was_generated


def sample(finish: str, correct: bool | None = None, *, generated: bool = True) -> dict:
    return {"finish": finish, "correct": correct, "logprobs": [-0.5] if generated else None}


def test_a_completion_that_the_row_brought_has_no_limit():
    brought, cut, ended = sample("length", generated=False), sample("length"), sample("stop")
    assert [was_generated(one) for one in (brought, cut, ended)] == [False, True, True]
    assert length_stops([brought, cut, ended, cut]) == [cut, cut]
    assert was_generated({"logprobs": []}) and not was_generated({})  # an empty answer is an answer
