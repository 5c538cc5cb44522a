"""How options stand in prompts and in completions, and what a rule says of the one that is chosen."""

import pytest

from interp.data.row import QARow
from interp.errors import DataError
from interp.generating.options import filled, lettered, option_spans, shown_question
from interp.generating.prompts import PromptFormat
from interp.labelling.correctness import correctness_rule

CITIES = ("London", "Paris", "Paris, Texas", "None of the above")
OTHERS = ("London", "Paris", "Rome", "Berlin")


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("Paris", True),
        ("London", False),
        ("I do not know", False),  # names none
        ("A good look at the map", False),
        ("London or Berlin", None),
        ("It is not London.", None),
        ("A or C", None),
        ("I prefer B to A", None),
        ("London is in England. Paris is in France.", None),
        (lettered(CITIES), None),
    ],
)
def test_what_names_options_and_chooses_none_has_no_label(text, verdict):
    for rule in ("contains", "normalised", "choice", "label"):
        options = CITIES if "A." in text else OTHERS
        one = QARow("r", "Which is in France?", ("Paris",), options=options)
        assert correctness_rule(rule, [one])(one, text) is verdict


def row(**fields):
    return QARow("r", "Which is in France?", fields.pop("answers", ("Paris",)), options=CITIES, **fields)


def test_the_place_of_an_answer_does_not_depend_on_which_option_is_right():
    for text in ("B", "The answer is (A).", "Paris, Texas", "A good look"):
        spans = [option_spans(row(answers=(right,)), text) for right in CITIES]
        assert all(each == spans[0] for each in spans)


@pytest.mark.parametrize("rule", ["contains", "normalised", "choice", "label"])
def test_every_rule_of_texts_asks_for_the_option_chosen(rule):
    rows = [row(), row(answers=("London",)), QARow("p", "Capital of Peru?", ("Lima",), wrong_answer=("Cusco", "Puno"))]
    judge = correctness_rule(rule, rows)
    assert judge(rows[0], "B") is True and judge(rows[0], "Paris") is True
    assert judge(rows[0], "A. London") is False and judge(rows[0], "I do not know") is False
    assert judge(rows[1], "B) Paris, not London") is False
    assert judge(rows[2], "Lima") is True
    assert correctness_rule(rule, [row(correct=False)])(row(correct=False), "B") is False


def test_a_row_whose_answers_are_none_of_its_options_is_refused():
    assert row(answers=("paris ",)).right_letters == ("B",)
    with pytest.raises(
        DataError, match=r"row: answers: \('B',\) are none of the options .*the text of the right option"
    ):
        row(answers=("B",))


def test_several_wrong_answers_are_as_one():
    rows = [QARow("p", "Capital of Peru?", ("Lima",), wrong_answer=["Cusco", "Puno"])]
    judge = correctness_rule("choice", rows)
    assert [judge(rows[0], text) for text in ("Lima, not Puno", "Puno, not Lima", "Cusco", "Quito")] == [
        *(True, False, False, False)
    ]
    assert QARow("p", "q", ("a",), wrong_answer=["b"]).wrong_answer == "b"


def test_options_stand_in_the_prompt_in_letters():
    lines = "A. London\nB. Paris\nC. Paris, Texas\nD. None of the above"
    assert lettered(CITIES) == lines
    assert filled(None, row()) == f"Which is in France?\n{lines}\nAnswer:"
    assert filled(None, row(context="A map.")) == f"A map.\n\nWhich is in France?\n{lines}\nAnswer:"
    assert filled("Q: {question}\nA:", row()) == f"Q: Which is in France?\n{lines}\nA:"
    assert filled("{options}\n{question}", row()) == f"{lines}\nWhich is in France?"
    plain = QARow("p", "Capital of Peru?", ("Lima",))
    assert filled(None, plain) == shown_question(plain) == "Capital of Peru?"
    assert PromptFormat("{question} {options}", chat=False).filled(row()).endswith("above")
    with pytest.raises(DataError, match=r"p: the prompt template names {options}, but the row has no `options`"):
        filled("{question} {options}", plain)


def test_braces_of_a_question_or_an_option_are_text():
    held = QARow("p", "What is {x}?", ("{1}",), options=("{1}", "{0}"))
    assert filled("Q: {question}", held) == "Q: What is {x}?\nA. {1}\nB. {0}"
