"""An answer that is taken back: the one that takes its place is read, in numbers as in options."""

import pytest

from interp.data.row import QARow
from interp.labelling.correctness import correctness_rule
from interp.text.chosen_option import chosen
from interp.text.corrections import CORRECTED, TAKEN_BACK
from interp.text.final_number import final_number

CITIES = ("London", "Paris", "Rome", "Berlin")
FORMS = [
    "The answer is {0}. Sorry, I meant {1}.",
    "The answer is {0}. No wait, {1}.",
    "The answer is {0}. No, wait, {1}.",
    "The answer is {0}. Actually, {1}.",
    "The answer is {0}. Actually, it's {1}.",
    "The answer is {0}. Correction: {1}",
    "The answer is {0}. Wait, that's wrong. It should be {1}.",
    "The answer is {0}. Wait, I think it's {1}.",
    "The answer is {0}. Scratch that: {1}.",
    "The answer is {0}. Hmm, no, it should be {1}.",
    "The answer is {0}. On second thought, {1}.",
    "The answer is {0}... no, {1}.",
    "The answer is {0}, or rather {1}.",
    "The answer is {0}, sorry, {1}.",
    "The answer is {0} — no, {1}.",
    "Answer: {0}. Oops, {1}.",
    "Answer: {0}\n\nSorry, the correct answer is {1}.",
    "Answer: {0}\nEdit: {1}",
    r"\boxed{{{0}}}. Sorry, I meant {1}.",
    r"\boxed{{{0}}} Wait, I made a mistake. \boxed{{{1}}}",
    "答案是{0}。不对，应该是{1}。",
    "答案是{0}。更正：{1}",
    "정답은 {0}입니다. 아니, {1}입니다.",
    "Die Antwort ist {0}. Entschuldigung, ich meinte {1}.",
    "La respuesta es {0}. Perdón, {1}.",
]


@pytest.mark.parametrize("form", FORMS)
def test_the_answer_that_takes_the_place_of_another_is_read(form: str) -> None:
    for pair in (("A", "B"), ("D", "B")):
        found = chosen(CITIES, form.format(*pair))
        assert found is not None and found.options == {1}
    number = final_number(form.format(17, 18))
    assert number is not None and number.value == 18 and number.is_read


@pytest.mark.parametrize("form", FORMS[:7])
def test_so_is_an_option_by_its_text(form: str) -> None:
    found = chosen(CITIES, form.format("London", "Paris"))
    assert found is not None and found.options == {1}


@pytest.mark.parametrize(
    "text",
    [
        *("A. Wait, no, B.", "A\n\nWait, actually the answer is B", "A\nCorrection: B", "**A** Correction: **B**"),
        *("London. Sorry, I meant Paris.", "A. London. Sorry, I meant Paris.", "A - no, B", "A, or rather B"),
        *("The answer is (A). Sorry, I meant (B).", "The answer is A. Sorry, B is correct.", "The answer is A, I mean B"),
        *("A: in England. C: in Italy. <answer>B</answer>", "A: in England.\n<answer>B</answer>"),
        *("B. Actually, this is well known.", "B. Sorry for the short answer.", "B. No, not A.", "The answer is B. Wait for more."),
        *("B. Actually, A is wrong since it is in England.", "B. No, A is not in France.", "B. Actually, that is right."),
    ],
)  # fmt: skip
def test_only_another_answer_corrects(text: str) -> None:
    found = chosen(CITIES, text)
    assert found is not None and found.options == {1}


@pytest.mark.parametrize(
    ("text", "right"),
    [
        *(
            (text, True)
            for text in ("#### 17\nCorrection: 18", "The answer is 17. No, 18 apples.", "It is 17. No, 18.")
        ),
        ("The answer is 17. Wait, 3 + 15 = 18.", True),
        ("The answer is 18. I hope this helps! Sorry for the short answer.", True),
        ("The answer is 18. Actually, this is a classic from 1990.", True),
        ("The answer is 18. Let me double-check: 3 × 6 = 18.", True),
        ("Some say 16. That's wrong. The answer is 18.", True),
        ("The answer is 18. No, really.", True),
        *(
            (f"The answer is 18. {text}", None)
            for text in ("That's wrong.", "No, that's not right.", "I made a mistake.")
        ),
        ("The answer is 17. Actually, 3 of them are red.", None),
        ("The answer is 17. Wait, let me recompute: 3 + 15 = 18. So it is 18.", None),
    ],
)
def test_a_number_that_is_taken_back_is_no_answer(text: str, right: bool | None) -> None:
    row = QARow("r", "How many?", ("18",))
    assert correctness_rule("numeric", [row])(row, text) is right


@pytest.mark.parametrize(
    "text", ["Sorry, I meant ", "No wait, ", "Correction: ", "Oops… wait, it's actually ", "不对，应该是"]
)
def test_a_correction_is_matched_to_its_end(text):
    match = CORRECTED.search(f"18. {text}20")
    assert match is not None and match.span() == (3, 4 + len(text))


@pytest.mark.parametrize("text", ["I cannot wait", "a sorry state", "as a matter of fact", "it is rather good", "noon"])
def test_a_word_in_a_sentence_corrects_nothing(text):
    assert CORRECTED.search(text) is None and TAKEN_BACK.search(text) is None


def test_what_takes_back_begins_a_sentence():
    assert TAKEN_BACK.search("It is 18. Wait, that's wrong") and TAKEN_BACK.search("18\nLet me recompute")
    assert not TAKEN_BACK.search("They say that's wrong")
