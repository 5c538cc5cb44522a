"""A published record of every form of every data set, and the fields of a row that it becomes, written by hand."""

import pytest

from interp.data import dataset_records as records
from interp.data.dataset_records import Format

BLANK = "The cup is not in the box because the _ is small."
CASES = {
    "triviaqa": (
        records.TRIVIAQA[0],
        {"Question": " Where? ", "QuestionId": "tc_1", "Answer": {"Aliases": ["Bonn", " ", "bonn"], "Value": "Bonn"}},
        {"id": "tc_1", "question": "Where?", "answer": ["Bonn", "bonn"]},
    ),
    "triviaqa of the hub": (
        records.TRIVIAQA[1],
        {"question": "Where?", "question_id": "tc_1", "answer": {"aliases": ["Bonn"], "value": "City of Bonn"}},
        {"id": "tc_1", "question": "Where?", "answer": ["Bonn", "City of Bonn"]},
    ),
    "hotpotqa": (
        records.HOTPOTQA[0],
        {"_id": "5a", "question": " Who? ", "answer": "Ann", "context": [["Title", ["One."]]]},
        {"id": "5a", "question": "Who?", "answer": "Ann"},
    ),
    "hotpotqa with context": (
        records.HOTPOTQA_WITH_CONTEXT[0],
        {"_id": "5a", "question": "Who?", "answer": "Ann", "context": [["T", ["One.", " Two."]], ["U", ["Three."]]]},
        {"id": "5a", "question": "Who?", "answer": "Ann", "context": "One.\n Two.\nThree."},
    ),
    "hotpotqa of the hub": (
        records.HOTPOTQA_WITH_CONTEXT[0],
        {
            "id": "5a",
            "question": "Who?",
            "answer": "Ann",
            "context": {"title": ["T"], "sentences": [["One."], ["Two."]]},
        },
        {"id": "5a", "question": "Who?", "answer": "Ann", "context": "One.\nTwo."},
    ),
    "natural questions": (
        records.NATURAL_QUESTIONS[0],
        {"Question": " when? ", "Answer": " 1851 "},
        {"question": "when?", "answer": "1851"},
    ),
    "natural questions of the hub": (
        records.NATURAL_QUESTIONS[1],
        {"question": "when?", "answer": ["1851", "in 1851", "1851"]},
        {"question": "when?", "answer": ["1851", "in 1851"]},
    ),
    "natural questions of the hub, as a cell": (
        records.NATURAL_QUESTIONS[1],
        {"question": "when?", "answer": '["1851", "in 1851"]'},
        {"question": "when?", "answer": ["1851", "in 1851"]},
    ),
    "natural questions with context": (
        records.NATURAL_QUESTIONS_WITH_CONTEXT[0],
        {"Question": "when?", "Answer": "1851", "Context": "Built in 1851."},
        {"question": "when?", "answer": "1851", "context": "Built in 1851."},
    ),
    "movies": (
        records.MOVIES[0],
        {"Question": "Who acted as X? ", "Answer": "Ann Hale"},
        {"question": "Who acted as X?", "answer": "Ann Hale"},
    ),
    "math": (
        records.MATH[0],
        {"id": 7, "question": " How many?", "answer": "[9.0, 8.0]", "answerable": "True"},
        {"id": 7, "question": "How many?", "answer": ["9"], "answerable": "True"},
    ),
    "math, a fraction": (
        records.MATH[0],
        {"id": 8, "question": "How far?", "answer": [28.26], "answerable": True},
        {"id": 8, "question": "How far?", "answer": ["28.26"], "answerable": True},
    ),
    "math, without an answer": (
        records.MATH[0],
        {"id": 9, "question": "How?", "answerable": "False"},
        {"id": 9, "question": "How?", "answer": [], "answerable": "False"},
    ),
    "winobias": (
        records.WINOBIAS[0],
        {
            "sentence": "The Nurse met the clerk as he left. ",
            "q": " 'he' refers to the",
            "q_instruct": "Who is 'he'?",
            "answer": "Nurse ",
            "incorrect_answer": "clerk",
        },
        {
            "question": "The Nurse met the clerk as he left. Who is 'he'?",
            "answer": "Nurse",
            "wrong_answer": "clerk",
            "group": "clerk / nurse",
        },
    ),
    "winogrande": (
        records.WINOGRANDE[0],
        {
            "Question": f"{BLANK} What does the blank refer to in the sentence?",
            "Answer": "box",
            "Wrong_Answer": "cup",
        },
        {
            "question": f"{BLANK} What does the blank refer to in the sentence?",
            "answer": "box",
            "wrong_answer": "cup",
            "group": "box / cup",
        },
    ),
    "winogrande of the hub": (
        records.WINOGRANDE[1],
        {"sentence": BLANK, "option1": "cup", "option2": "box", "answer": "2"},
        {
            "question": f"{BLANK} What does the blank refer to in the sentence?",
            "answer": "box",
            "wrong_answer": "cup",
            "group": "box / cup",
        },
    ),
    "mnli": (
        records.MNLI[0],
        {
            "Question": 'For the statement, "It "rained".", does the hypothesis "Dry." represent entailment?',
            "Answer": "contradiction",
            "Origin": "telephone",
        },
        {
            "question": 'For the statement, "It "rained".", does the hypothesis "Dry." represent entailment?',
            "answer": ["contradiction", "contradict", "contradicts", "contradictory"],
            "group": 'It "rained".',
        },
    ),
    "mnli of the hub": (
        records.MNLI[1],
        {"premise": "It rained. ", "hypothesis": "It was wet.", "label": 0},
        {
            "question": 'For the statement, "It rained.", does the hypothesis "It was wet." represent entailment, '
            "contradiction, or neutrality?",
            "answer": ["entailment", "entail", "entails", "entailed"],
            "group": "It rained.",
        },
    ),
    "imdb, Kaggle's": (
        records.IMDB[1],
        {"review": " Fine.<br /> ", "sentiment": "positive"},
        {"question": "Fine.<br />", "answer": "positive"},
    ),
    "imdb": (
        records.IMDB[0],
        {"text": " Fine.<br /> ", "label": "1"},
        {"question": "Fine.<br />", "answer": "positive"},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_record_becomes_these_fields(name):
    form, record, fields = CASES[name]
    assert set(form.columns) <= set(record)
    assert form.fields(record, chat=True) == fields


def test_every_form_of_the_module_has_a_case():
    there = {id(form) for value in vars(records).values() if isinstance(value, tuple) for form in value}
    assert {id(form) for form, _, _ in CASES.values()} == there and all(
        isinstance(f, Format) for f, _, _ in CASES.values()
    )


@pytest.mark.parametrize("name", CASES)
def test_only_the_two_pronoun_sets_ask_a_base_model_otherwise(name):
    form, record, fields = CASES[name]
    asked = {
        "winobias": "The Nurse met the clerk as he left. 'he' refers to the",
        "winogrande": BLANK,
        "winogrande of the hub": BLANK,
    }
    assert form.fields(record, chat=False) == fields | ({"question": asked[name]} if name in asked else {})


@pytest.mark.parametrize(
    ("label", "sentiment"), [(0, "negative"), (1, "positive"), (" Neg", "negative"), ("POS", "positive")]
)
def test_a_review_is_labelled_by_number_or_word(label, sentiment):
    assert records.IMDB[0].fields({"text": "", "label": label}, chat=True)["answer"] == sentiment


def test_a_label_that_is_none_is_an_error():
    hub = {"premise": "a", "hypothesis": "b"}
    with pytest.raises(ValueError, match="label -1 is none of 0 … 2"):  # how the hub marks a hidden label
        records.MNLI[1].fields(hub | {"label": -1}, chat=True)
    with pytest.raises(KeyError, match="3"):
        records.WINOGRANDE[1].fields({"sentence": "", "option1": "", "option2": "", "answer": 3}, chat=True)
