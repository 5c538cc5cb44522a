"""Which scores are labels, and what a printed list, a question and a thought become."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interp.data.log_reading import read_log
from interp.data.log_record import LogRecord, graded, name_labels, printed_list, question_in, thought
from interp.data.pickled import refuse_pickled
from interp.data.record import header
from interp.errors import DataError
from interp.text.thoughts import parts_of


@pytest.mark.parametrize(
    ("values", "label"),
    [
        ((1, 0), True), ((True, False), True), ((1.0, None), True), ((True, "P", "N"), True),
        ((0.5, 1), False), ((13, 12), False), (("P", "N"), False), ((None, None), False), (("yes", True), False),
        (([1], [0]), False),
    ],
)  # fmt: skip
def test_a_label_is_only_right_and_wrong(values, label):
    records = [LogRecord({"score": value}, form="log") for value in values]
    name_labels(records, ["score"])
    assert {record.labels for record in records} == {("score",) if label else ()}
    assert all(record.form.endswith("not only 0 and 1: score") is not label for record in records)


def test_grades():
    assert [graded(value) for value in ("C", "I", "P", 1, 0.0, True, 0.5, "x")] == [
        True, False, "P", True, False, True, 0.5, "x",
    ]  # fmt: skip
    assert graded(math.nan) is None and graded(None) is None


@given(st.lists(st.text()))
def test_a_list_that_python_printed_comes_back(texts):
    assert printed_list(str(texts)) == texts


@pytest.mark.parametrize(
    "text", ["", "[", "['a'", "[f()]", "[__import__('os')]", "['a' 'b", "{'a': 1}", "[[1]]", "[" * 9999, 3]
)
def test_what_is_no_printed_list_stays_as_it_is(text):
    assert printed_list(text) == text


def test_numbers_of_a_printed_list_are_texts():
    assert printed_list("[1, 2.5]") == ["1", "2.5"]


def test_the_question_is_taken_where_the_model_was_asked_it():
    assert question_in({"Question": " Where? "}, "Q: Where?\nA:") == "Where?"
    assert question_in({"question": "Who?"}, "Q: Where?\nA:") == "Q: Where?\nA:"


def test_a_thought_is_one_for_the_run():
    text = thought(" It may be. ", "Yes.")
    assert text[slice(*parts_of(text).final)].strip() == "Yes."


def test_columns_win_over_the_log():
    record = LogRecord({"score": 1, "other": "x"}, fields={"question": "a", "group": "b"}, form="log")
    name_labels([record], ["score"])
    reading = read_log("here", record, {"group": "other"})
    assert reading.fields == {"question": "a", "correct": 1} and reading.form == "log; correct=score"
    assert header(record) == ["score", "other"]


def test_files_that_would_run_code_are_refused_with_the_way_out(tmp_path):
    for name in ("ue_manager_seed1", "answers.man", "ids.pt", "a.pkl"):
        with pytest.raises(DataError, match="json.dumps"):
            refuse_pickled(tmp_path / name)
    assert refuse_pickled(tmp_path / "rows.jsonl") is None
