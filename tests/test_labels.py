"""Labels and exact answers: blind to the label, located on the generated ids."""

import pytest

from interp.errors import DataError
from interp.labels import ExactAnswerFinder, label_completion
from interp.rows import QARow

PROMPT = "Q?"


def label(row: QARow, completion: str, finder: ExactAnswerFinder):
    """One byte a token; byte 3 is a special token that shows as `<end>`."""

    def decode(ids) -> str:
        return bytes(ids).decode("utf-8", errors="replace").replace("\x03", "<end>")

    return label_completion(row, list(PROMPT.encode()), list(completion.encode()), decode, {3}, finder)


def row(**values) -> QARow:
    return QARow(**{"id": "1", "question": "Where?", "answers": ("France",), **values})


COUNTRIES = ExactAnswerFinder(candidates=["France", "Spain", "end"])


@pytest.mark.parametrize("completion", ["It is in France, I think.\x03", "It is in Spain, not Italy.\x03"])
def test_right_and_wrong_answers_are_located_alike(completion: str) -> None:
    """The row's own answers change its label, never the place."""
    ours, other = label(row(), completion, COUNTRIES), label(row(answers=("Spain",)), completion, COUNTRIES)
    assert (ours.exact_answer, ours.tokens, ours.method) == (other.exact_answer, other.tokens, other.method)
    assert ours.correct is ("France" in completion) and other.correct is ("Spain" in completion)
    start = len(PROMPT) + 9
    assert ours.tokens == (start, start + len(ours.exact_answer) - 1)


def test_special_tokens_are_no_part_of_the_answer() -> None:
    got = label(row(), "No idea.\x03", COUNTRIES)  # `<end>` holds the candidate "end"
    assert (got.status, got.exact_answer, got.text) == ("no_exact_answer", None, "No idea.")
    assert got.correct is False


def test_statuses() -> None:
    assert label(row(), "", COUNTRIES).status == "empty"
    assert label(row(), "France or France?", COUNTRIES).status == "ambiguous"
    assert label(row(), "France or Spain?", COUNTRIES).status == "ok"


def test_a_pattern_replaces_the_candidates() -> None:
    finder = ExactAnswerFinder(candidates=["France"], pattern=r"is in (\w+)")
    got = label(row(), "France? It is in Gaul.", finder)
    assert (got.exact_answer, got.method, got.correct) == ("Gaul", "pattern", True)
    with pytest.raises(DataError, match="one group"):
        ExactAnswerFinder(pattern="no group")
    with pytest.raises(DataError, match="not a regular expression"):
        ExactAnswerFinder(pattern="(")


def test_a_row_brings_its_own_label_and_answer() -> None:
    got = label(row(correct=False, exact_answer="Gaul"), "Gaul, that is France.", COUNTRIES)
    assert (got.correct, got.exact_answer, got.method, got.tokens) == (False, "Gaul", "row", (2, 5))
    assert label(row(answers=(), correct=None), "France", COUNTRIES).correct is None
    with pytest.raises(DataError, match="does not occur"):
        label(row(exact_answer="Rome"), "Gaul", COUNTRIES)
