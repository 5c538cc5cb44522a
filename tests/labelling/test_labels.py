"""Labels and exact answers: blind to the label, located on the generated ids."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interp.data.rows import QARow
from interp.errors import DataError
from interp.labelling.correctness import correctness_rule
from interp.labelling.exact_answers import METHODS, ExactAnswerMethod, exact_answer_method
from interp.labelling.extraction import extractor
from interp.labelling.labels import Label, label_answers

PROMPT = "Q?"


def decode(ids) -> str:
    """One byte a token; byte 3 is a special token that shows as `<end>`."""
    return bytes(ids).decode("utf-8", errors="replace").replace("\x03", "<end>")


def labels(rows: list[QARow], completions: list[str], method: ExactAnswerMethod) -> list[Label]:
    ids = [list(completion.encode()) for completion in completions]
    prompts = [list(PROMPT.encode())] * len(rows)
    return label_answers(rows, prompts, ids, decode, {3}, correct=correctness_rule("contains", rows), method=method)


def label(row: QARow, completion: str, method: ExactAnswerMethod) -> Label:
    return labels([row], [completion], method)[0]


def row(**values) -> QARow:
    return QARow(**{"id": "1", "question": "Where?", "answers": ("France",), **values})


COUNTRIES = exact_answer_method(candidates=["France", "Spain", "end"])


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


def test_a_rule_sees_the_completion_without_special_tokens() -> None:
    rule = correctness_rule(lambda row, completion: completion == "No idea.", [row()])
    ids = [list(b"No\x03 idea.\x03")]
    (got,) = label_answers([row()], [list(PROMPT.encode())], ids, decode, {3}, correct=rule, method=COUNTRIES)
    assert got.correct is True


def test_a_match_that_lacks_accents_or_full_stops_is_told_by_its_method() -> None:
    method = exact_answer_method(candidates=["São Tomé", "France"])
    for said, name in (("São Tomé", "candidates"), ("Sao Tome", "candidates, loosely"), ("none", None)):
        assert label(row(), f"In {said}.", method).method == name
    assert label(row(exact_answer="São Tomé"), "Sao Tome", method).method == "row, loosely"
    assert label(row(exact_answer="Sao"), "Sao Tome", method).method == "row"


def test_statuses() -> None:
    assert label(row(), "", COUNTRIES).status == "empty"
    assert label(row(), "France or France?", COUNTRIES).status == "ambiguous"
    assert label(row(), "France or Spain?", COUNTRIES).status == "ok"


def test_a_pattern_replaces_the_candidates() -> None:
    method = exact_answer_method(candidates=["France"], pattern=r"is in (\w+)")
    got = label(row(), "France? It is in Gaul.", method)
    assert (got.exact_answer, got.method, got.correct) == ("Gaul", "pattern", True)
    assert label(row(), "in! in Rome", exact_answer_method(pattern=r"in ?(\w*)")).exact_answer == "Rome"
    with pytest.raises(DataError, match="one group"):
        exact_answer_method(pattern="no group")
    with pytest.raises(DataError, match="not a regular expression"):
        exact_answer_method(pattern="(")


def test_a_row_brings_its_own_label_and_answer() -> None:
    got = label(row(correct=False, exact_answer="Gaul"), "Gaul, that is France.", COUNTRIES)
    assert (got.correct, got.exact_answer, got.method, got.tokens) == (False, "Gaul", "row", (2, 5))
    assert label(row(answers=(), correct=None), "France", COUNTRIES).correct is None
    assert label(row(correct=True, exact_answer="Gaul"), "", COUNTRIES).status == "empty"
    with pytest.raises(DataError, match="does not occur"):
        label(row(exact_answer="Rome"), "Gaul", COUNTRIES)


def first_capitalised_word(prompt: str) -> str:
    """A model that copies the first word with a capital of the completion it is shown."""
    completion = prompt.rsplit("\n", 2)[1].split(": ", 1)[1]
    return next((word for word in completion.replace(",", "").split() if word[0].isupper()), "NO ANSWER")


def all_methods() -> dict[str, ExactAnswerMethod]:
    options = {
        "candidates": {"candidates": ["France", "Spain", "Rome"]},
        "pattern": {"pattern": r"(?:in|is) (\w+)"},
        "extract": {"extract": extractor(first_capitalised_word)},
    }
    return {name: exact_answer_method(name, **options.get(name, {})) for name in METHODS}


COMPLETIONS = [
    "It is in France, near Spain, 12 km away.\x03",
    "Rome",
    "no idea",
    "\n 7 or 8?\x03",
    "",
    "İt is in Zürich 🎉\x03",
]


@pytest.mark.parametrize("name", METHODS)
def test_no_method_sees_the_label_or_the_rows_answers(name: str) -> None:
    """Other accepted answers and labels, the same completions: the same places."""
    method = all_methods()[name]
    places = []
    for answers, correct in [(("France",), None), (("12 km", "Rome", "7"), False), (("Zürich",), True), ((), None)]:
        rows = [row(id=str(i), answers=answers, correct=correct) for i in range(len(COMPLETIONS))]
        got = labels(rows, COMPLETIONS, method)
        places.append([(one.exact_answer, one.tokens, one.method, one.status, one.asked) for one in got])
    assert all(place == places[0] for place in places)
    assert any(exact is not None for exact, *_ in places[0])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("candidates", ["France", "Rome", None, None, None, None]),
        ("pattern", ["in", None, None, None, None, "in"]),
        (
            "first_line",
            ["It is in France, near Spain, 12 km away", "Rome", "no idea", "7 or 8", None, "İt is in Zürich 🎉"],
        ),
        ("last_number", ["12", None, None, "8", None, None]),
        ("extract", ["It", "Rome", None, None, None, "İt"]),
    ],
)
def test_what_each_method_finds(name: str, expected: list[str | None]) -> None:
    got = labels([row(id=str(i)) for i in range(6)], COMPLETIONS, all_methods()[name])
    assert [one.exact_answer for one in got] == expected
    for one, completion in zip(got, COMPLETIONS, strict=True):
        if one.exact_answer is None:
            assert one.tokens is None and one.method is None
            continue
        first, last = one.tokens
        # one byte a token: the tokens are the answer's own bytes
        assert decode(completion.encode()[first - len(PROMPT) : last - len(PROMPT) + 1]) == one.exact_answer
        assert one.method == name


def test_options_that_a_method_would_ignore_are_refused() -> None:
    with pytest.raises(DataError, match="does not use candidates"):
        exact_answer_method("first_line", candidates=["a"])
    with pytest.raises(DataError, match="does not use pattern"):
        exact_answer_method("candidates", pattern="(a)")
    with pytest.raises(DataError, match="needs a regular expression"):
        exact_answer_method("pattern")
    with pytest.raises(DataError, match="needs a model"):
        exact_answer_method("extract")
    with pytest.raises(DataError, match="expected one of candidates, pattern, first_line"):
        exact_answer_method("gold")


@pytest.mark.parametrize(
    ("method", "completion", "chars"),
    [
        (exact_answer_method("last_number"), "5 apples, then 5", (15, 16)),
        (exact_answer_method("last_number"), "\x035 apples,\x03 then 5\x03", (15, 16)),
        (exact_answer_method(pattern=r"then (\w+)"), "Rome, then Rome", (11, 15)),
        (exact_answer_method("extract", extract=extractor(lambda _: "Rome")), "Romeo is no\x03 Rome. Rome", (12, 16)),
        (COUNTRIES, "Francesca: 🎉 France\x03 France", (13, 19)),
    ],
)
def test_the_characters_are_those_of_the_text_without_special_tokens(
    method: ExactAnswerMethod, completion: str, chars: tuple[int, int]
) -> None:
    got = label(row(), completion, method)
    assert got.chars == chars and got.text[slice(*got.chars)] == got.exact_answer
    assert label(row(), "no idea", method).chars is None and label(row(), "", method).chars is None


def test_a_rows_own_answer_has_its_characters_too() -> None:
    got = label(row(exact_answer="e\u0301a"), "\x03👩‍👩‍👧 ea, e\u0301a or e\u0301a", COUNTRIES)
    assert (got.method, got.chars, got.text[slice(*got.chars)]) == ("row", (10, 13), "e\u0301a")


@given(
    st.lists(st.sampled_from(["\x03", "5", "7 ", "🎉", "e\u0301", "東京", "France", "Spain ", ", ", "A"]), max_size=9),
    st.sampled_from([name for name in METHODS if name != "extract"]),
)
def test_the_characters_are_where_the_tokens_are(pieces: list[str], name: str) -> None:
    """Oracle: with one byte a token, what stands before the first token, special tokens aside, is as long."""
    completion = "".join(pieces)
    got = label(row(), completion, all_methods()[name])
    if got.tokens is None:
        assert got.chars is None
        return
    ids, (first, last) = list(completion.encode()), (at - len(PROMPT) for at in got.tokens)
    begin = len(bytes(b for b in ids[:first] if b != 3).decode())
    found = bytes(b for b in ids[first : last + 1] if b != 3).decode()
    assert got.chars == (begin, begin + len(found)) and got.exact_answer == found == got.text[slice(*got.chars)]
    assert ids[first] != 3 and ids[last] != 3


@pytest.mark.parametrize(
    ("pattern", "completion", "exact"),
    [
        (r"is in (.*)", "It is in \x03France.\x03", "France."),  # the token that stopped generation is no answer
        (r"is(.*)on", "It is\x03 in \x03France, on.\x03", " in France, "),
        (r"x(\W)", "x\x03", None),
    ],
)
def test_a_pattern_takes_no_special_token_along(pattern: str, completion: str, exact: str | None) -> None:
    got = label(row(), completion, exact_answer_method(pattern=pattern))
    assert got.exact_answer == exact and "\0" not in (got.exact_answer or "")
    if got.tokens is None:
        assert got.status == "no_exact_answer"
    else:
        ids = list(completion.encode())
        assert 3 not in (ids[got.tokens[0] - len(PROMPT)], ids[got.tokens[1] - len(PROMPT)])
