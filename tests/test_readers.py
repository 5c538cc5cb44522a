"""JSON files: lists of rows, SQuAD's nesting, questions without an answer, and files that are neither."""

import json
from pathlib import Path

import pandas
import pytest

from interp import DataError, load_rows

SQUAD = Path(__file__).parent / "data" / "published" / "squad.json"
CONTEXT = "The lighthouse was built by Ann Hale in 1851."


def test_squad_gives_question_context_and_each_answer_once():
    with pytest.warns(UserWarning, match="without an answer are left out: 1 is_impossible; 2 rows are kept"):
        rows = load_rows(SQUAD)
    assert [(row.id, row.question, row.answers) for row in rows] == [
        ("5a", "Who built the lighthouse?", ("Ann Hale", "Hale")),
        ("5c", "When was it built?", ("1851",)),
    ]
    assert {row.context for row in rows} == {CONTEXT}
    assert rows.left_out == {"is_impossible": 1} and rows[0].source == f"{SQUAD}:entry 0, question 5a"


def test_limit_counts_rows_not_the_questions_left_out():
    assert len(load_rows(SQUAD, limit=1)) == 1  # no warning: reading stopped before the question without an answer
    with pytest.warns(UserWarning):
        assert [row.id for row in load_rows(SQUAD, limit=2)] == ["5a", "5c"]


def test_only_questions_that_bring_no_answer_are_left_out():
    said = [
        {"question": "a", "answerable": False, "answer": None},
        {"question": "b", "answerable": "False", "answer": "kept: it has one"},
        {"question": "c", "answerable": True, "answer": "yes"},
        {"question": "d", "is_impossible": True, "correct": True},
        {"question": "e", "is_impossible": True, "answer": []},
    ]
    with pytest.warns(UserWarning, match="1 not answerable, 1 is_impossible; 3 rows"):
        rows = load_rows(said)
    assert [row.question for row in rows] == ["b", "c", "d"]
    with pytest.raises(DataError, match="row 0: no answer"):
        load_rows([{"question": "a", "answer": []}])
    with pytest.warns(UserWarning, match="0 rows are kept"), pytest.raises(DataError, match="there are no rows"):
        load_rows(said[:1])


@pytest.mark.parametrize("blank", [[], None, "", " ", ["", " "], float("nan")])
def test_rows_without_an_answer_are_named_together_and_left_out_where_asked(tmp_path, blank):
    lines = [{"question": f"{i}?", "answer": blank if i in (1, 4, 5) else "yes"} for i in range(7)]
    lines[5]["correct"] = True  # needs no answer
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    with pytest.raises(
        DataError, match=r"rows.jsonl:2, 5: no answer: the column 'answer' is empty in 2 rows; .*skip_un"
    ):
        load_rows(path)
    with pytest.warns(UserWarning, match=r"2 without an accepted answer; 5 rows are kept .*rows.jsonl:2, 5\)"):
        rows = load_rows(path, skip_unanswerable=True)
    assert [row.id for row in rows] == ["0", "2", "3", "5", "6"]
    assert rows.left_out == {"without an accepted answer": 2}
    with pytest.raises(
        DataError, match="no answer: expected text in the column 'gold'; found the columns: question, a"
    ):
        load_rows(path, columns={"answer": "gold"}, skip_unanswerable=True)


def test_an_empty_cell_is_no_answer_and_the_first_five_of_many_are_named(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("question,answer\n" + "".join(f"{i}?,{'yes' if i < 2 else ''}\n" for i in range(9)))
    with pytest.raises(DataError, match=r"rows.csv:4, 5, 6, 7, 8 and 2 more: no answer: .*'answer' is empty in 7 rows"):
        load_rows(path)
    table = pandas.read_csv(path)  # where an empty cell is NaN
    with pytest.warns(UserWarning, match="7 without an accepted answer; 2 rows"):
        assert [row.question for row in load_rows(table, skip_unanswerable=True)] == ["0?", "1?"]


def test_a_list_of_objects_and_the_same_as_data(tmp_path):
    rows = [{"question": "Where?", "answer": ["there", "over there"]}, {"question": "When?", "answer": "now"}]
    for name, whole in (("list", rows), ("data", {"version": 1, "data": rows}), ("Data", {"Data": rows})):
        file = tmp_path / f"{name}.json"
        file.write_text("\ufeff" + json.dumps(whole, indent=1), encoding="utf-8")
        loaded = load_rows(file)
        assert [row.answers for row in loaded] == [("there", "over there"), ("now",)]
        assert loaded[1].source == f"{file}:entry 1"


def test_a_json_file_that_describes_a_folder_is_no_data(tmp_path):
    (tmp_path / "rows.jsonl").write_text('{"question": "Where?", "answer": "there"}\n')
    (tmp_path / "dataset_info.json").write_text('{"license": "MIT"}')
    assert len(load_rows(tmp_path)) == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"question": "a", "answer": "b"}', "expected a list of objects, or an object with such a list"),
        ('{"question": "a", "answer": "b"}\n{"question"', r"not JSON .*name the file .jsonl"),
        ("[1]", "bad.json:entry 0: expected an object, got '1'"),
        ("[", "bad.json: not JSON"),
        ('{"data": [{"paragraphs": [{"qas": []}, {"qas": [{"question": "q"}]}]}]}', "not as SQuAD has it .*KeyError"),
        ('{"data": [{"paragraphs": 3}]}', "bad.json:entry 0: not as SQuAD has it"),
        ("[]", "the file holds no rows"),
    ],
)
def test_bad_json_is_named(tmp_path, content, message):
    (tmp_path / "bad.json").write_text(content)
    with pytest.raises(DataError, match=message):
        load_rows(tmp_path / "bad.json")
