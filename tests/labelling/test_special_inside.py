"""Special tokens before the end of an answer are counted, those that end it and the marks of a thought are not."""

from dataclasses import replace

from valid_calls import planted_answers

from interp.labelling.special_inside import special_inside
from interp.reporting.notes import special_warnings

ANSWERS = replace(
    planted_answers(4),
    completion_ids=[[8, 2, 9], [8, 9, 2], [2, 8, 3, 3, 9], [8, 2, 9]],
    logprobs=[[0.0] * 3, [0.0] * 3, [0.0] * 5, None],
    decode=lambda ids: f"<{ids[0]}>",
)


def test_what_stands_before_the_last_token_is_counted_once_a_sample():
    assert special_inside(ANSWERS, [2, 3]) == [
        {"token": "<2>", "id": 2, "samples": 2},  # of the first and the third; the fourth was brought
        {"token": "<3>", "id": 3, "samples": 1},
    ]
    assert special_inside(ANSWERS, []) == []


def test_the_marks_of_a_thought_are_not_inside_the_answer():
    n = len(ANSWERS.prompt_ids[0])
    divided = replace(
        ANSWERS,
        thought_tokens=[None, None, (n, n + 2), None],
        final_answer_tokens=[(n, n + 2), (n, n + 2), (n + 3, n + 4), (n, n + 2)],
        final_answer_chars=[(0, 1)] * 4,
    )
    assert [(one["id"], one["samples"]) for one in special_inside(divided, [2, 3])] == [(2, 1), (3, 1)]
    unfinished = replace(divided, final_answer_tokens=[None] * 4, final_answer_chars=[None] * 4)
    assert special_inside(unfinished, [2, 3]) == []


def test_the_reader_is_told():
    counts = {"special_inside": special_inside(ANSWERS, [2, 3]), "completions": {"generated": 3}}
    (sentence,) = special_warnings(counts)
    assert "('<2>' in 2, '<3>' in 1 of 3)" in sentence and "--stop" in sentence
    assert special_warnings({}) == special_warnings({"special_inside": []}) == []
