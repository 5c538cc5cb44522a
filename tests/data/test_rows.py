"""load_rows: what goes in comes out, and what does not fit is named with file and line."""

import csv
import json

import datasets
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interp import DataError, QARow, load_rows

ANY = st.text(st.characters(codec="utf-8"), max_size=20)
TEXT = ANY.filter(str.strip)
IDS = st.lists(st.integers(0, 2**31), max_size=4)


@st.composite
def records(draw):
    """Rows as a user writes them, ids present in all of them or in none."""
    one = st.fixed_dictionaries(
        {"question": TEXT, "answer": TEXT | st.lists(TEXT, min_size=1, max_size=3)},
        optional={"context": TEXT, "group": TEXT, "wrong_answer": TEXT, "prompt": TEXT, "correct": st.booleans()},
    )
    rows = draw(st.lists(one, min_size=1, max_size=5))
    for row in rows:
        if draw(st.booleans()):
            row |= {"prompt_ids": draw(IDS), "completion_ids": draw(IDS)}
        if draw(st.booleans()):
            answer = draw(TEXT)
            row |= {"completion": draw(ANY) + answer + draw(ANY), "exact_answer": answer}
    if draw(st.booleans()):
        for row, id in zip(
            rows, draw(st.lists(TEXT, min_size=len(rows), max_size=len(rows), unique=True)), strict=True
        ):
            row["id"] = id
    return rows


def expected(rows, sources):
    """The QARows that `rows` should become, built independently of the reader."""
    return [
        QARow(
            id=row.get("id", str(number)),
            question=row["question"],
            answers=(row["answer"],) if isinstance(row["answer"], str) else tuple(row["answer"]),
            prompt_ids=tuple(row["prompt_ids"]) if "prompt_ids" in row else None,
            completion_ids=tuple(row["completion_ids"]) if "completion_ids" in row else None,
            source=source,
            **{
                field: row.get(field)
                for field in ("prompt", "context", "wrong_answer", "group", "completion", "exact_answer", "correct")
            },
        )
        for number, (row, source) in enumerate(zip(rows, sources, strict=True))
    ]


def is_text_list(text):
    try:
        value = json.loads(text)
    except ValueError:
        return False
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def write_csv(path, rows):
    names = sorted({name for row in rows for name in row})
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, names, quoting=csv.QUOTE_ALL, lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow(
                {
                    name: json.dumps(value, ensure_ascii=False) if isinstance(value, list | bool) else value
                    for name, value in row.items()
                }
            )
    return path


@settings(max_examples=50)
@given(rows=records(), ascii=st.booleans())
def test_jsonl_round_trip(tmp_path_factory, rows, ascii):
    path = tmp_path_factory.getbasetemp() / "rows.jsonl"
    path.write_bytes("".join(json.dumps(row, ensure_ascii=ascii) + "\n" for row in rows).encode("utf-8"))
    assert load_rows(path) == expected(rows, [f"{path}:{line}" for line in range(1, len(rows) + 1)])


@settings(max_examples=50)
@given(rows=records())
def test_csv_round_trip(tmp_path_factory, rows):
    path = write_csv(tmp_path_factory.getbasetemp() / "rows.csv", rows)
    for row in rows:  # what CSV cannot say: a list in the clothes of a text
        if isinstance(row["answer"], str) and is_text_list(row["answer"]):
            row["answer"] = json.loads(row["answer"])
    loaded = load_rows(path)
    assert loaded == expected(rows, [row.source for row in loaded])
    lines = path.read_bytes().split(b"\n")
    for row in loaded:  # the line named is the one on which the record begins
        line = int(row.source.rpartition(":")[2])
        assert 1 < line < len(lines)


@settings(max_examples=50)
@given(rows=records())
def test_python_objects_round_trip(rows):
    places = [f"row {number}" for number in range(len(rows))]
    loaded = load_rows(rows)
    assert loaded == expected(rows, places)
    assert load_rows(loaded) == loaded
    assert load_rows(iter(rows)) == loaded


def test_parquet_pandas_and_hugging_face_give_the_same_rows(tmp_path):
    rows = [
        {"id": "a", "question": "Capital of France?", "answer": ["Paris", "París"], "correct": True},
        {"id": "b", "question": "Capital of Peru?", "answer": ["Lima"], "correct": False},
    ]
    frame = pd.DataFrame(rows)
    frame.to_parquet(tmp_path / "rows.parquet")
    plain = load_rows(rows)
    assert load_rows(frame) == plain
    assert load_rows(datasets.Dataset.from_list(rows)) == plain
    assert load_rows(datasets.Dataset.from_list(rows).with_format("numpy")) == plain
    from_file = load_rows(tmp_path / "rows.parquet")
    assert [row.source for row in from_file] == [f"{tmp_path}/rows.parquet:row {number}" for number in (0, 1)]
    assert load_rows([vars(row) | {"answer": row.answers} for row in from_file]) == plain
    with pytest.raises(DataError, match="keys train, test; choose one"):
        load_rows(datasets.DatasetDict(train=datasets.Dataset.from_list(rows), test=datasets.Dataset.from_list(rows)))


def test_csv_cells_stay_text(tmp_path):
    cells = ["NA", "None", "007", "nan", "null", "1e3", "TRUE", " padded ", "[1, 2]", '["a", 1]', "{}", "=1+1", "N/A"]
    path = write_csv(tmp_path / "rows.csv", [{"question": cell, "answer": cell, "group": cell} for cell in cells])
    assert [(row.question, row.answers, row.group) for row in load_rows(path)] == [(c, (c,), c) for c in cells]


def test_csv_records_are_named_by_the_line_they_begin_on(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text('question,answer\n"two\nlines?",a\n\nlast?,b\n', encoding="utf-8")
    assert [row.source for row in load_rows(path)] == [f"{path}:2", f"{path}:5"]


def test_csv_truth_values_lists_and_absent_cells(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text(
        "question,answer,correct,prompt_ids,completion_ids\n"
        'q0,"[""Paris"", ""París""]",True,"[1, 2]",[]\nq1,x,0,,\nq2,,1.0,,\nq3,y,,,\n',
        encoding="utf-8",
    )
    rows = load_rows(path)
    assert [row.answers for row in rows] == [("Paris", "París"), ("x",), (), ("y",)]
    assert [row.correct for row in rows] == [True, False, True, None]
    assert (rows[0].prompt_ids, rows[0].completion_ids, rows[1].prompt_ids) == ((1, 2), (), None)


def test_unicode_line_separators_do_not_split_lines(tmp_path):
    question = "a\u2028b\u2029c\x85d\x0be\x0cf\x1cg"
    path = tmp_path / "rows.jsonl"
    path.write_bytes((json.dumps({"question": question, "answer": "x"}, ensure_ascii=False) + "\r\n\n").encode() * 2)
    assert [(row.question, row.source) for row in load_rows(path)] == [(question, f"{path}:{n}") for n in (1, 3)]


def test_byte_order_mark_is_not_part_of_the_first_column(tmp_path):
    (tmp_path / "rows.csv").write_bytes("\ufeffquestion,answer\nq,a\n".encode())
    assert load_rows(tmp_path / "rows.csv")[0].question == "q"
    (tmp_path / "rows.jsonl").write_bytes('\ufeff{"question": "q", "answer": "a"}'.encode())
    assert load_rows(tmp_path / "rows.jsonl")[0].question == "q"


def test_folder_pattern_and_list_of_files_number_rows_through(tmp_path):
    for name in ("b.jsonl", "a.jsonl"):
        (tmp_path / name).write_text(f'{{"question": "{name}?", "answer": "x"}}\n' * 2, encoding="utf-8")
    (tmp_path / "README.md").write_text("not rows")
    rows = load_rows(tmp_path)
    assert [(row.id, row.question) for row in rows] == [
        ("0", "a.jsonl?"), ("1", "a.jsonl?"), ("2", "b.jsonl?"), ("3", "b.jsonl?"),
    ]  # fmt: skip
    assert load_rows(str(tmp_path / "*.jsonl")) == rows
    assert load_rows([tmp_path / "a.jsonl", str(tmp_path / "b.jsonl")]) == rows
    assert load_rows(tmp_path, limit=3) == rows[:3]


def test_columns_are_mapped(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"q": "Capital?", "gold": {"x": 1}, "answer": "unused", "best": 42}\n', encoding="utf-8")
    row = load_rows(path, columns={"question": "q", "answer": "best"})[0]
    assert (row.question, row.answers) == ("Capital?", ("42",))
    with pytest.raises(DataError, match="no row has the column 'ctx' given for 'context'; found: .*q"):
        load_rows(path, columns={"question": "q", "answer": "best", "context": "ctx"})
    with pytest.raises(
        DataError, match="columns: expected one of id, question, answer, .*, got 'answers'; did you mean 'answer'"
    ):
        load_rows(path, columns={"answers": "best"})


def test_own_label_needs_no_answer_and_empty_completion_is_kept():
    row = load_rows([{"question": "q", "correct": 0, "completion": "", "context": "", "group": ""}])[0]
    assert (row.answers, row.correct, row.completion, row.context, row.group) == ((), False, "", None, None)


GOOD = {"question": "q", "answer": "a"}


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (
            {"answer": "a", "text": "q"},
            "no question: expected text in the column 'question'; found the columns: answer",
        ),
        ({"question": " \n", "answer": "a"}, "no question"),
        ({"question": "q"}, "no answer: the column 'answer' is empty in 1 row; .*--skip-unanswerable"),
        ({"question": "q", "answer": None}, "no answer"),
        ({"question": "q", "answer": []}, "no answer"),
        ({"question": "q", "answer": ""}, "no answer"),
        ({"question": "q", "answer": "  "}, "no answer"),
        ({"question": "q", "answer": ["", " "]}, "no answer"),
        ({"question": "q", "answer": ["a", " "]}, "answer: an accepted answer is blank"),
        ({"question": "q", "answer": float("nan")}, "no answer"),
        ({"question": "q", "answer": ["a", None]}, r"answer\[1\]: expected text, got None"),
        ({"question": "q", "answer": {"value": "a"}}, "answer: expected text, got {'value': 'a'}"),
        ({"question": "q", "answer": 4.0}, r"answer: expected text, got 4\.0"),
        ({"question": True, "answer": "a"}, "question: expected text, got True"),
        ({"question": "q", "answer": "\ud800"}, "answer: half a surrogate pair"),
        (GOOD | {"correct": "yes"}, "correct: expected true or false .*, got 'yes'"),
        (GOOD | {"correct": 2}, "correct: expected true or false .*, got 2"),
        (GOOD | {"correct": 0.5}, "correct"),
        (GOOD | {"prompt_ids": "1 2"}, "prompt_ids: expected a list of token ids .*, got '1 2'"),
        (GOOD | {"prompt_ids": [1, -1]}, "prompt_ids: expected a list of token ids"),
        (GOOD | {"prompt_ids": [1.0]}, "prompt_ids: expected a list of token ids"),
        (GOOD | {"prompt_ids": [True]}, "prompt_ids: expected a list of token ids"),
        (GOOD | {"prompt_ids": [[1]]}, "prompt_ids: expected a list of token ids"),
        (GOOD | {"completion_ids": [1]}, "completion_ids without prompt_ids"),
        (
            GOOD | {"completion": "It is Rome.", "exact_answer": "rome"},
            "exact_answer 'rome' does not occur in the comp",
        ),
        (GOOD | {"id": "0"}, "id '0' is already the id of "),
        (GOOD | {"id": 0}, "id '0' is already the id of "),
    ],
)
def test_a_bad_row_is_named(tmp_path, bad, message):
    with pytest.raises(DataError, match=f"^row 1: {message}"):
        load_rows([GOOD, bad])
    path = tmp_path / "rows.jsonl"
    path.write_text(f"{json.dumps(GOOD)}\n\n{json.dumps(bad)}\n", encoding="utf-8")
    with pytest.raises(DataError, match=f"rows.jsonl:3: {message}"):
        load_rows(path)
    assert load_rows(path, limit=1)[0].question == "q"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("r.jsonl", b"", "r.jsonl: the file holds no rows"),
        ("r.jsonl", b"\n \n", "r.jsonl: the file holds no rows"),
        ("r.csv", b"", "r.csv: the file holds no rows"),
        ("r.csv", b"question,answer\n", "r.csv: the file holds no rows"),
        ("r.jsonl", b'{"question": "q", "answer": "a"}\n{"question"', "r.jsonl:2: not JSON"),
        ("r.jsonl", b'[{"question": "q"}]', "r.jsonl:1: expected one JSON object per line, got"),
        ("r.jsonl", b"[" * 100_000, "r.jsonl:1: not JSON"),
        ("r.jsonl", b'{"question": "q", "answer": NaN}', r"r.jsonl:1: no answer: .*skip_unanswerable=True"),
        (
            "r.jsonl",
            b'{"question": "q", "gold": "a"}',
            r"r.jsonl:1: no answer: .* found the columns: question, gold\. Name",
        ),
        ("r.jsonl", b'{"question": "caf\xe9", "answer": "a"}', "r.jsonl:1: not UTF-8"),
        ("r.jsonl", "q".encode("utf-16"), "r.jsonl:1: the file is UTF-16; save it as UTF-8"),
        ("r.csv", b"question;answer\nq;a\n", "r.csv:1: the cells are separated by .;.; save the file with commas"),
        ("r.csv", b"question\tanswer\nq\ta\n", "r.csv:1: the cells are separated by ..t.; save the file with commas"),
        ("r.csv", b"question,question\nq,a\n", "r.csv:1: the column 'question' occurs more than once"),
        ("r.csv", b"question,answer\nq,a\nq,a,b\n", "r.csv:3: expected 2 cells as in the header, got 3"),
        ("r.csv", b"question,answer\nq\n", "r.csv:2: expected 2 cells as in the header, got 1"),
        ("r.csv", b'question,answer\n"q"x,a\n', "r.csv:2: not CSV"),
        ("r.csv", b'question,answer\nq,a\n"q,a\n', "r.csv:3: not CSV"),
        ("r.csv", b"question,answer\nq,caf\xe9\n", "r.csv:2: not UTF-8"),
        ("r.parquet", b"PAR1 nonsense", "r.parquet: cannot be read as Parquet"),
        ("r.parquet", b"", "r.parquet: cannot be read as Parquet"),
        ("r.txt", b"q", "r.txt: cannot tell the format; expected a name that ends in .jsonl"),
    ],
)
def test_a_bad_file_is_named(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        load_rows(tmp_path / name)


def test_bad_sources(tmp_path):
    with pytest.raises(DataError, match="nowhere.jsonl: there is no such file"):
        load_rows(tmp_path / "nowhere.jsonl")
    with pytest.raises(DataError, match="no file matches this pattern"):
        load_rows(f"{tmp_path}/*.jsonl")
    with pytest.raises(DataError, match="the folder holds no file that ends in .jsonl"):
        load_rows(tmp_path)
    (tmp_path / "folder.jsonl").mkdir()
    with pytest.raises(DataError, match="folder.jsonl: cannot be read: Is a directory"):
        load_rows(tmp_path)
    with pytest.raises(DataError, match="there are no rows"):
        load_rows([])
    with pytest.raises(DataError, match="row 0: expected a dict, a QARow or a file, got 1"):
        load_rows([1])
    with pytest.raises(DataError, match="limit: expected a whole number from 1, got 0"):
        load_rows([GOOD], limit=0)


def test_numpy_values_are_taken_as_what_they_hold():
    row = load_rows(
        [
            {
                "question": np.str_("q"), "answer": np.array(["a", "b"]), "correct": np.bool_(True),
                "prompt_ids": np.arange(2), "completion_ids": np.int64([3]), "id": np.int64(7),
            },
        ]
    )[0]  # fmt: skip
    assert row == QARow("7", "q", ("a", "b"), prompt_ids=(0, 1), completion_ids=(3,), correct=True, source="row 0")


def test_a_table_with_two_columns_of_one_name_is_refused():
    frame = pd.DataFrame([["Q?", "a", "b"]], columns=["question", "answer", "answer"])
    with pytest.raises(DataError, match="data: two columns of the table have the name 'answer'"):
        load_rows(frame)


@pytest.mark.parametrize("field", ["options", "answer", "messages", "wrong_answer", "question"])
def test_a_value_nested_without_end_is_refused_with_its_place(field):
    deep = "x"
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(DataError, match="row 0: "):
        load_rows([{"question": "Q?", "answer": "a", field: deep}])


def test_a_csv_cell_is_shown_as_its_text(tmp_path):
    (tmp_path / "a.csv").write_text("question,answer,correct\nQ?,a,yes\n")
    with pytest.raises(DataError, match=r"a.csv:2: correct: expected true or false .*, got 'yes'"):
        load_rows(tmp_path / "a.csv")
