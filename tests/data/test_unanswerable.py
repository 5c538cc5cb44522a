"""Questions without an accepted answer: why, and what is said of them, word for word."""

import pytest

from interp import DataError, load_rows
from interp.data.unanswerable import first_places, missing, no_answer, why_unanswerable


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"is_impossible": True}, "is_impossible"),
        ({"is_impossible": "True", "answerable": "false"}, "is_impossible"),  # of a CSV file; the first counts
        ({"answerable": False}, "not answerable"),
        ({"answerable": "FALSE"}, "not answerable"),
        ({"answerable": True, "is_impossible": False}, "without an accepted answer"),
        ({"answerable": None}, "without an accepted answer"),
        ({}, "without an accepted answer"),
    ],
)
def test_why_is_what_the_data_say(values, why):
    assert why_unanswerable(values) == why


def test_the_file_of_several_rows_is_named_once_and_five_of_them():
    at = [f"/data/rows:v2.jsonl:{line}" for line in (3, 7, 9, 11, 12, 20, 21)]
    assert first_places(at[:1]) == "/data/rows:v2.jsonl:3"
    assert first_places(at[:5]) == "/data/rows:v2.jsonl:3, 7, 9, 11, 12"
    assert first_places(at) == "/data/rows:v2.jsonl:3, 7, 9, 11, 12 and 2 more"
    assert first_places(["row 0", "row 4"]) == "row 0, row 4"  # rows that came from no file
    assert first_places(["a.csv:2", "b.csv:3"]) == "a.csv:2, b.csv:3"


def test_an_empty_column_and_an_absent_one_are_told_apart():
    assert str(no_answer(["rows.csv:2", "rows.csv:5"], {"answer": "gold"}, ["question", "gold"])) == (
        "rows.csv:2, 5: no answer: the column 'gold' is empty in 2 rows; bring an accepted answer or the row's own "
        "`correct`, or leave such rows out, counted, with skip_unanswerable=True (--skip-unanswerable)"
    )
    assert "is empty in 1 row; bring" in str(no_answer(["rows.csv:2"], {}, ["answer"]))
    absent = no_answer(["rows.csv:2", "rows.csv:5"], {"answer": "gold"}, ["question", "answer"])
    assert str(absent) == str(missing("rows.csv:2", "answer", {"answer": "gold"}, ["question", "answer"]))


def test_a_missing_column_is_named_with_those_that_there_are():
    assert str(missing("rows.csv:2", "question", {}, ["q", "answer"])) == (
        "rows.csv:2: no question: expected text in the column 'question'; found the columns: q, answer. Name another "
        "with columns={'question': …} (--columns question=…)"
    )
    assert "found the columns: nothing." in str(missing("row 0", "question", {}, []))


def test_a_table_without_a_header_is_told_so(tmp_path):
    (tmp_path / "mmlu.csv").write_text("Which is a metal?,tin,salt,4,2,A\nWhich is a gas?,tin,salt,wood,air,D\n")
    with pytest.raises(DataError, match="the first line names the columns: write one where it is missing"):
        load_rows(tmp_path / "mmlu.csv")
