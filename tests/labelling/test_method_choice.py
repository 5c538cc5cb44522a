"""The method that nobody chose: from the data, not from labels, and the same for a part of the data."""

import pytest

from interp.data.rows import QARow
from interp.labelling.method_choice import choose_method, shared_answers
from interp.reporting.beforehand import method_sentence

CLOSED = [QARow(f"{i}", f"Where is city {i}?", (("France", "Italy", "Spain")[i % 3],)) for i in range(30)]
OPEN = [QARow(f"{i}", f"Who wrote book {i}?", (f"Author {i}",)) for i in range(30)]


def with_completions(rows, text):
    return [QARow(r.id, r.question, r.answers, completion=text) for r in rows]


@pytest.mark.parametrize(
    ("rows", "chat", "correct", "method"),
    [
        (CLOSED, True, "contains", "candidates"),
        (CLOSED, False, "contains", "candidates"),
        (OPEN, False, "contains", "first_line"),
        (OPEN, True, "contains", "extract"),
        (OPEN, True, "numeric", "last_number"),
        (OPEN, True, "choice", "candidates"),
        (OPEN, True, "label", "candidates"),
        (with_completions(OPEN, "Jane Austen\nShe was English."), True, "contains", "first_line"),
        (with_completions(OPEN, "That is a difficult question, but I would say that it was written by Jane."), False, "contains", "extract"),
        ([QARow(r.id, r.question, r.answers, options=(*r.answers, "nobody")) for r in OPEN], True, "contains", "candidates"),
        (CLOSED[:12] + OPEN, True, "contains", "extract"),
        (CLOSED + OPEN[:5], True, "contains", "candidates"),
    ],
)  # fmt: skip
def test_the_form_of_the_data_chooses(rows, chat, correct, method):
    choice = choose_method(rows, chat=chat, correct=correct)
    assert choice.method == method
    said = method_sentence(choice)
    assert f"by `{method}`, because" in said and "--exact-answer" in said and "{" not in said and "None" not in said
    if choice.why not in ("numeric", "options", "label"):
        assert f"{choice.share:.0%} of the questions" in said


def test_labels_have_no_part_in_it():
    labelled = [QARow(r.id, r.question, r.answers, correct=i % 2 == 0) for i, r in enumerate(OPEN)]
    assert choose_method(labelled, chat=True, correct="contains") == choose_method(OPEN, chat=True, correct="contains")


def test_a_question_that_comes_twice_shares_nothing():
    twice = [QARow("a", "Who?", ("Ann",)), QARow("b", " who? ", ("Ann",)), QARow("c", "Where?", ("Rome",))]
    assert shared_answers(twice) == (0.0, 2)
    assert shared_answers([]) == (0.0, 0)
    assert shared_answers(CLOSED) == (1.0, 3)
