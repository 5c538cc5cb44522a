"""The first line of a short answer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interp.text.short_answer import first_line, short_answer


@pytest.mark.parametrize(
    ("text", "line", "answer"),
    [
        ("Paris", "Paris", "Paris"),
        (" Paris.\nQuestion: next?", "Paris.", "Paris"),
        ("\n\n  Answer: Paris !\n", "Paris !", "Paris"),
        ("The final answer is: 42.", "42.", "42"),
        ("Answer:\n\nParis", "Paris", "Paris"),
        ("A: Paris", "Paris", "Paris"),
        ("A cat", "A cat", "A cat"),
        ("Anna: no", "Anna: no", "Anna: no"),
        ("\u201cThe Beatles\u201d, of course?", "\u201cThe Beatles\u201d, of course?", "The Beatles\u201d, of course"),
        ("**Paris**", "**Paris**", "Paris"),
        ("(France)", "(France)", "(France)"),
        ("\0Paris\0rest", "Paris", "Paris"),
        ("Paris\r\nRome", "Paris", "Paris"),
        ("Paris\u2028Rome", "Paris", "Paris"),
        ("!!!", "!!!", "!!!"),
        ("'", "'", "'"),
        ("答えは東京です。", "答えは東京です。", "答えは東京です"),
        ("Answer:", "Answer:", "Answer"),
        ("", None, None),
        (" \n\t\0 ", None, None),
    ],
)
def test_first_lines(text: str, line: str | None, answer: str | None) -> None:
    for find, expected in ((first_line, line), (short_answer, answer)):
        span = find(text)
        assert (text[slice(*span)] if span is not None else None) == expected


@given(st.text(alphabet="ab:.\"' \n\r\0A*", max_size=20))
def test_the_answer_is_inside_the_line_and_never_blank(text: str) -> None:
    line, answer = first_line(text), short_answer(text)
    assert (line is None) == (answer is None) == (not text.replace("\0", " ").strip())
    if line is not None:
        assert line[0] <= answer[0] < answer[1] <= line[1]
        assert text[slice(*line)] == text[slice(*line)].strip() and not set("\n\r\0") & set(text[slice(*line)])


@pytest.mark.parametrize("text", [" " * 3000, "\n" * 3000, "\0 \n" * 1000])
def test_thousands_of_blank_lines_hold_no_answer(text: str) -> None:
    assert first_line(text) is None
    assert short_answer(f"{text}Paris.") == (len(text), len(text) + 5)


@pytest.mark.parametrize("marks", ["*" * 3000, "* " * 1500, "_" * 3000, "- " * 1500, "#" * 3000, "> * " * 700])
def test_thousands_of_marks_before_no_answer_end(marks: str) -> None:
    assert first_line(f"{marks}x")[1] == len(marks) + 1
    assert first_line(f"{marks}Answer: x") == (len(marks) + 8, len(marks) + 9)
