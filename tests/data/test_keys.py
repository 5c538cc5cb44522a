"""Options of published records and the key that says which is right: every way to write one, and those refused."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interp.data.choices import find_options
from interp.data.keys import count_from_one, read_key
from interp.data.record import CsvText
from interp.data.rows import load_rows
from interp.errors import DataError

CHOICES = ["Cold", "Heat", "Dark", "Wind"]


def right(values, given=None):
    """The texts of the options that a record calls right."""
    offered = find_options("at", values)
    assert offered is not None
    return [offered.texts[i] for i in read_key("at", values, offered, given)[0]]


@pytest.mark.parametrize(
    "key",
    [
        *({"answer": 1}, {"answer": "1"}, {"answer": "B"}, {"answer": "b"}, {"answer": "(B)"}, {"answer": "B."}),
        *({"answer": "Heat"}, {"answer": " heat "}, {"answer": ["Heat"]}, {"answer": np.int64(1)}, {"answer": 1.0}),
        *({"answerKey": "B"}, {"answer_idx": "B", "answer": "Heat"}, {"answer": "B", "answer_index": 1}, {"label": "1"}),
        *({"answer": "B. Heat"}, {"answer": "(B) heat"}, {"answer": "B) Heat"}, {"answerKey": "Option B"}),
        *({"correct": "B"}, {"cop": 1}, {"Correct Option": 1}, {"gold": [1]}),
        *({"answer": CsvText("1")}, {"answer": "B", "label": "physics"}, {"correct_answer": "Heat", "correct": True}),
    ],
    ids=str,
)  # fmt: skip
def test_a_key_is_read_however_it_is_written(key):
    assert right({"question": "q", "choices": CHOICES} | key) == ["Heat"]


@pytest.mark.parametrize(
    "options",
    [
        *({"choices": CHOICES}, {"options": CHOICES}, {"endings": CHOICES}, {"choices": np.array(CHOICES, dtype=object)}),
        *({"choices": CsvText(json.dumps(CHOICES))}, {"options": json.dumps(CHOICES)}),
        {"choices": {"text": CHOICES, "label": ["A", "B", "C", "D"]}},
        {"choices": {"text": np.array(CHOICES, dtype=object), "label": np.array(["A", "B", "C", "D"], dtype=object)}},
        {"choices": json.dumps({"text": CHOICES, "label": ["A", "B", "C", "D"]})},
        {"choices": [{"text": text, "label": label} for text, label in zip(CHOICES, "ABCD", strict=True)]},
        *({"choices": [{name: text, label: mark} for text, mark in zip(CHOICES, "ABCD", strict=True)]} for label, name in (("key", "value"), ("id", "text"), ("label", "content"), ("letter", "option"))),
        *({"options": [{"text": text} for text in CHOICES]}, {"options": dict(zip("abcd", CHOICES, strict=True))}),
        {"options": dict(zip("ABCD", CHOICES, strict=True)) | {"E": None}},
        *({"options": f"a ) {CHOICES[0]} , b ) {CHOICES[1]} , c ) Dark , d ) Wind"}, {"choices": "A. Cold\nB. Heat\nC. Dark\nD. Wind"}),
        {"options": [f"{label}) {text}" for text, label in zip(CHOICES, "ABCD", strict=True)]},
        {"options": [f"{label}. {text}" for text, label in zip(CHOICES, "abcd", strict=True)]},
        *({f"option{i}": text for i, text in enumerate(CHOICES, first)} for first in (0, 1)),
        {f"Option {label}": text for text, label in zip(CHOICES, "ABCD", strict=True)},
        dict(zip("ABCD", CHOICES, strict=True)) | {"E": ""},
        dict(zip(("opa", "opb", "opc", "opd"), CHOICES, strict=True)),
    ],
    ids=str,
)  # fmt: skip
def test_options_are_found_however_they_are_held(options):
    offered = find_options("at", {"question": "q", "answer": "B"} | options)
    assert offered is not None and offered.texts == tuple(CHOICES)
    assert right({"question": "q", "answer": "B"} | options) == ["Heat"]


def test_zeros_and_ones_are_names_beside_texts_and_marks_beside_choices():
    assert right({"choices": {"text": ["Cold", "Heat"], "label": [0, 1]}, "answerKey": "0"}) == ["Cold"]
    assert right({"mc1_targets": {"choices": ["Cold", "Heat"], "labels": [0, 1]}}) == ["Heat"]
    both = {"choices": ["Cold", "Heat", "Dark"], "labels": [0, 1, 1]}
    assert right({"options": both}) == ["Heat", "Dark"]


def test_labels_that_are_numbers_are_names_and_no_places():
    values = {"choices": {"text": CHOICES, "label": ["1", "2", "3", "4"]}}
    assert right(values | {"answerKey": "1"}) == ["Cold"] and right(values | {"answerKey": "4"}) == ["Wind"]
    with pytest.raises(DataError, match="at: answerKey: '0' names none of the 4 options in choices"):
        right(values | {"answerKey": "0"})
    told = {"options": [f"{i}. {text}" for i, text in enumerate(CHOICES, 1)]}
    assert right(told | {"answer": 1}) == right(told | {"answer": "1"}) == ["Cold"]  # as they are numbered
    swapped = {"choices": {"text": CHOICES, "label": ["D", "C", "B", "A"]}}
    assert right(swapped | {"answerKey": "A"}) == ["Wind"]


def test_numbered_columns_are_counted_as_they_are_numbered_and_class_labels_from_zero():
    pair = {"sol1": "Cold", "sol2": "Heat"}
    assert right(pair | {"label": 0}) == ["Cold"] and right(pair | {"label": 1}) == ["Heat"]
    assert right({"option1": "Cold", "option2": "Heat", "answer": "2"}) == ["Heat"]
    assert right({"ending0": "Cold", "ending1": "Heat", "label": 1}) == ["Heat"]
    assert right({"answerA": "Cold", "answerB": "Heat", "answerC": "Dark", "label": "3"}) == ["Dark"]
    with pytest.raises(DataError, match=r"label: 2 names none of the 2 options in sol1 … sol2"):
        right(pair | {"label": 2})


@pytest.mark.parametrize(
    "key",
    [{"answer": 4}, {"answer": "E"}, {"answer": "Rain"}, {"answer": "B. Cold"}, {"answer": True}, {"answer": 0.5}, {"answer": -2}],
    ids=str,
)  # fmt: skip
def test_a_key_that_names_no_option_is_refused_with_the_way_out(key):
    with pytest.raises(DataError, match=r"^at: answer: .* names none of the 4 options in choices .*--columns answer="):
        right({"choices": CHOICES} | key)


def test_a_key_that_counts_from_one_is_told_to_use_letters():
    with pytest.raises(
        DataError, match=r"answer: 4 names none .*; a key that counts from 1 .* as letters \(A for 1\);"
    ):
        right({"choices": CHOICES, "answer": 4})


def test_a_vague_key_is_asked_beside_an_empty_one():
    for nothing in (None, "", float("nan"), []):
        assert right({"options": CHOICES, "label": "B", "answer": nothing}) == ["Heat"]
    assert right({"options": CHOICES, "label": "physics", "answer": "B"}) == ["Heat"]


@pytest.mark.parametrize(
    "key", [{"label": ""}, {"label": None}, {"label": -1}, {"answer": float("nan")}, {"answer": []}, {}]
)
def test_a_key_that_is_not_published_is_none(key):
    assert right({"choices": CHOICES} | key) == []


def test_numbers_as_options_are_never_mistaken_for_places():
    values = {"choices": ["0", "4", "2", "6"]}
    assert right(values | {"answer": 1}) == ["4"]  # a number beside texts is a place
    assert right(values | {"answer_index": "2", "answer": "C"}) == ["2"]
    assert right(values | {"answer": "6"}) == ["6"]  # there is no place 6
    with pytest.raises(DataError, match="answer: 4 names none"):
        right(values | {"answer": 4})
    with pytest.raises(DataError, match="at: answer '1' is the text of one option and the letter or number of another"):
        right({"choices": ["3", "2", "1", "0"], "answer": "1"})
    with pytest.raises(DataError, match="answer 3 is the text of one option and the letter or number of another"):
        right({"choices": [3, 4, 5, 6], "answer": 3})
    assert right({"choices": [3, 4, 5, 6], "answer": 5}) == ["5"]
    with pytest.raises(DataError, match="answer 'A' is the text of one option and the letter"):
        right({"options": ["B", "A"], "answer": "A"})
    assert right({"options": ["B", "A"], "answer": "A", "answer_index": 1}) == ["A"]  # another key decides


def test_keys_that_contradict_each_other_are_refused_and_one_of_them_can_be_chosen():
    values = {"options": CHOICES, "answer": "A", "answer_index": 1}
    with pytest.raises(DataError, match=r"at: answer_index 1, answer 'A' name different options; .*--columns answer="):
        right(values)
    assert right(values, "answer_index") == ["Heat"] and right(values, "answer") == ["Cold"]


@given(st.lists(st.text("abc ", min_size=1).filter(str.strip), min_size=2, max_size=10), st.data())
def test_an_index_into_texts_is_that_option(options, data):
    place = data.draw(st.integers(0, len(options) - 1))
    assert right({"choices": options, "answer": place}) == [options[place].strip()]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        *(({"options": text}, "at: options: expected a list of options, got '.*; write them as a list") for text in ("a;b;c", "dog, cat", CsvText("x | y"), "a\nb")),
        *(({"choices": value}, "at: choices: expected a list of options, got ") for value in ({"dog", "cat"}, [{"name": "a"}, {"name": "b"}], [["a"], ["b"]], {"x": "a", "y": "b"})),
        ({"choices": ["one"]}, "at: choices: expected 2 options or more.*got 1; "),
        ({"choices": ["a", ""]}, "at: choices: option 1: expected text, got ''; mend the row"),
        ({"choices": ["a", None]}, "at: choices: option 1: expected text, got None"),
        ({"choices": [str(i) for i in range(27)]}, "expected 2 options .*letters .26., got 27"),
        ({"choices": CsvText("['a' 'b']")}, r"at: choices: expected a list as JSON writes it, .*as JSONL or Parquet"),
    ],
)  # fmt: skip
def test_options_that_cannot_be_shown_are_refused(values, said):
    with pytest.raises(DataError, match=said):
        find_options("at", values)


@pytest.mark.parametrize(
    "values",
    [{}, {"options": {"temperature": 0}}, {"choices": "many"}, {"option1": "alone"}, {"choices": []}, {"options": "A or B"}, {"options": "See A. Then B."}, {"answer1": "a", "answer2": "b"}],
)  # fmt: skip
def test_what_is_no_list_of_options_offers_none(values):
    assert find_options("at", values) is None


def kmmlu(keys):
    """Rows in the form of KMMLU: options in columns A … D, the key a number."""
    return [
        {"question": f"q{i}", **dict(zip("ABCD", CHOICES, strict=True)), "answer": key} for i, key in enumerate(keys)
    ]


def test_keys_that_count_from_one_are_known_by_the_whole_file():
    rows = load_rows(kmmlu([1, 2, 3, 4] * 5))
    assert [row.answers[0] for row in rows[:4]] == CHOICES
    assert list(rows.read_as) == ["question=question, options=A … D, answer=answer (counted from 1)"]
    assert [row.answers for row in load_rows(kmmlu(["2"] * 25 + ["4"]))[:1]] == [("Heat",)]
    rows = load_rows(kmmlu([0, 1, 2, 3] * 5))
    assert [row.answers[0] for row in rows[:4]] == CHOICES and "counted" not in "".join(rows.read_as)


@pytest.mark.parametrize("keys", [[1, 2, 3, 4], [1, 2, 3, 4] * 5 + [0], [1, 2, 3, 4] * 5 + [5]], ids=str)
def test_a_few_rows_or_a_key_that_fits_neither_count_decide_nothing(keys):
    with pytest.raises(DataError, match=r"answer: [45] names none of the 4 options"):
        load_rows(kmmlu(keys))


def test_rows_that_can_be_read_only_once_are_refused_as_before():
    with pytest.raises(DataError, match="a key that counts from 1 has to be written as letters"):
        load_rows(iter(kmmlu([1, 2, 3, 4] * 5)))


@given(st.lists(st.integers(1, 4), min_size=20))
def test_a_count_from_one_needs_the_last_option_and_no_zero(keys):
    assert count_from_one([(key, 4) for key in keys]) is (4 in keys)
    assert not count_from_one([*((key, 4) for key in keys), (0, 4)])
