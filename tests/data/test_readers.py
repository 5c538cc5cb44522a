"""Files of rows: the same from every format, JSON's nestings, questions without an answer, and files that are neither."""

import csv
import gzip
import json
import os
from pathlib import Path

import pandas
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interp import DataError, load_rows
from interp.data.readers import read_files
from interp.data.record import CsvText

SQUAD = Path(__file__).parents[1] / "fixtures" / "published" / "squad.json"
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
        ('{"question": "a", "answer": "b"}\n{"question"', r"bad.json:2: not JSON .*one JSON object per line"),
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


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6)
"""Line breaks, commas, quotes, Unicode's line separators; no zero byte, which csv writes and does not read."""


@settings(max_examples=30)
@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=4))
def test_every_format_gives_the_rows_and_where_they_stand(tmp_path_factory, pairs):
    folder = tmp_path_factory.mktemp("rows")
    rows = [{"question": question, "answer": answer} for question, answer in pairs]
    (folder / "rows.jsonl").write_bytes("".join(f"{json.dumps(row, ensure_ascii=False)}\n\n" for row in rows).encode())
    (folder / "rows.json").write_text(json.dumps(rows), encoding="utf-8")
    pandas.DataFrame(rows).to_csv(folder / "rows.csv", index=False, quoting=csv.QUOTE_ALL)
    found = {suffix: list(read_files(folder / f"rows.{suffix}")) for suffix in ("jsonl", "json", "csv")}
    assert found["jsonl"] == [(f"{folder}/rows.jsonl:{2 * i + 1}", row) for i, row in enumerate(rows)]
    assert found["json"] == [(f"{folder}/rows.json:entry {i}", row) for i, row in enumerate(rows)]
    line = 2
    for (where, values), row in zip(found["csv"], rows, strict=True):  # an empty cell is no cell
        assert where == f"{folder}/rows.csv:{line}" and values == {name: text for name, text in row.items() if text}
        assert all(type(value) is CsvText for value in values.values())
        line += 1 + sum(text.count("\n") for text in row.values())


def test_a_folder_a_pattern_and_a_file_name_the_same_rows(tmp_path):
    for name in ("b.jsonl", "a.ndjson", "c.CSV"):
        (tmp_path / name).write_text("question,answer\nc,3\n" if name == "c.CSV" else f'{{"question": "{name[0]}"}}\n')
    (tmp_path / "README.md").write_text("none")
    of_folder = [(where, values["question"]) for where, values in read_files(tmp_path)]
    assert of_folder == [
        (f"{tmp_path}/{file}", name) for file, name in (("a.ndjson:1", "a"), ("b.jsonl:1", "b"), ("c.CSV:2", "c"))
    ]
    assert [where for where, _ in read_files(tmp_path / "?.*n")] == [f"{tmp_path}/a.ndjson:1"]
    assert list(read_files(tmp_path / "b.jsonl")) == [(f"{tmp_path}/b.jsonl:1", {"question": "b"})]


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("x.jsonl", b'{"a": 1}\n[1]\n', "x.jsonl:2: expected one JSON object per line, got '[1]'"),
        ("x.jsonl", b'{"a": 1}\n{"a": \xff}\n', "x.jsonl:2: not UTF-8 (invalid start byte); save the file as UTF-8"),
        ("x.jsonl", b"\xff\xfe{", "x.jsonl:1: the file is UTF-16; save it as UTF-8"),
        ("x.csv", b"a;b\n1;2\n", "x.csv:1: the cells are separated by ';'; save the file with commas"),
        ("x.csv", b"a,b,a\n", "x.csv:1: the column 'a' occurs more than once"),
        ("x.csv", b'a,b\n"1\n2",2\n3\n', "x.csv:4: expected 2 cells as in the header, got 1"),
        ("x.csv", b"a,b\n", "x.csv: the file holds no rows"),
        (
            "x.txt",
            b"a",
            "x.txt: cannot tell the format; expected a name that ends in .jsonl .ndjson .json .csv .parquet .tsv .eval",
        ),
    ],
)
def test_what_cannot_be_read_is_named_with_its_line(tmp_path, name, content, sentence):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError) as error:
        list(read_files(tmp_path / name))
    assert str(error.value) == f"{tmp_path}/{sentence}"


def test_a_folder_or_pattern_without_files_says_so(tmp_path):
    (tmp_path / "rows.txt").write_text("a")
    for path, said in (
        ("", "the folder holds no file that ends in .jsonl"),
        ("*.csv", "no file matches this pattern"),
        ("x.csv", "there is no such file"),
    ):
        with pytest.raises(DataError, match=said):
            list(read_files(tmp_path / path))


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.csv", "rows.tsv", "list.json", "rows.ndjson"])
def test_a_packed_file_gives_the_rows_of_the_file(tmp_path, name):
    rows = [{"question": "a\u2028b?", "answer": "x, y"}, {"question": 'say "c"?', "answer": "two\nlines"}]
    plain = tmp_path / name
    if name == "list.json":
        plain.write_text(json.dumps(rows), encoding="utf-8")
    elif plain.suffix in (".csv", ".tsv"):
        pandas.DataFrame(rows).to_csv(plain, index=False, sep="\t" if plain.suffix == ".tsv" else ",")
    else:
        plain.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    packed = tmp_path / f"{name}.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    found = [(where.replace(".gz", ""), values) for where, values in read_files(packed)]
    assert found == list(read_files(plain)) and [values for _, values in found] == rows
    if name != "list.json":
        plain.unlink()
        assert [values for _, values in read_files(tmp_path)] == rows


@pytest.mark.parametrize(
    "content",
    [gzip.compress(b'{"a": 1}\n' * 1000)[:-9], b"\x1f\x8b\x08nonsense", b'{"a": 1}'],
    ids=["cut off", "nonsense", "not packed"],  # gzip writes the time of day: workers would name the test differently
)
def test_a_damaged_packed_file_is_named(tmp_path, content):
    (tmp_path / "x.jsonl.gz").write_bytes(content)
    with pytest.raises(DataError, match=r"x\.jsonl\.gz: cannot be (read|unpacked): "):
        list(read_files(tmp_path / "x.jsonl.gz"))


@pytest.mark.parametrize("length", [131_071, 131_072, 131_073, 1_000_000])
def test_a_cell_may_be_longer_than_the_csv_module_allows_by_itself(tmp_path, length):
    before = csv.field_size_limit()
    (tmp_path / "x.csv").write_text(f"question,answer\n{'a' * length},b\n", encoding="utf-8")
    assert [len(values["question"]) for _, values in read_files(tmp_path / "x.csv")] == [length]
    assert csv.field_size_limit() == before


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("x.tsv", b"a,b\n1,2\n", "x.tsv:1: the cells are separated by ','; save the file with tabs"),
        ("x.csv", b"a\tb\n1\t2\n", "x.csv:1: the cells are separated by .*commas, or name it .tsv"),
        ("x.tsv", b"a\tb\n1\n", "x.tsv:2: expected 2 cells as in the header, got 1"),
        ("x.parquet.gz", b"PAR1", "x.parquet.gz: Parquet is packed in itself; unpack the file with gunzip"),
        ("x.txt.gz", b"a", "x.txt.gz: cannot tell the format"),
    ],
)
def test_tables_with_other_separators_say_so(tmp_path, name, content, said):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=said):
        list(read_files(tmp_path / name))


@pytest.mark.parametrize(
    "text",
    [
        '{"question": "a", "answer": "b"}\n{"question": "c", "answer": "d"}\n',
        '{"example": [{"question": "a", "answer": "b"}, {"question": "c", "answer": "d"}], "version": 2}',
        '{"keywords": ["k"], "examples": [{"question": "a", "answer": "b"}, {"question": "c", "answer": "d"}]}',
        '{"features": [{"feature_idx": 0}], "rows": [{"row": {"question": "a", "answer": "b"}},'
        ' {"row": {"question": "c", "answer": "d"}}]}',
    ],
)
def test_json_in_the_forms_in_which_data_sets_come(tmp_path, text):
    (tmp_path / "rows.json").write_text(text)
    assert [row.answers for row in load_rows(tmp_path / "rows.json")] == [("b",), ("d",)]


def test_of_two_lists_of_objects_none_is_taken(tmp_path):
    (tmp_path / "rows.json").write_text('{"a": [{"question": "a", "answer": "b"}], "b": [{"question": "c"}]}')
    with pytest.raises(DataError, match="expected a list of objects"):
        load_rows(tmp_path / "rows.json")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('question\tanswer\n"Bo" is who?\tBob\n', r"rows.tsv:2: not CSV .*those inside it are doubled"),
        ("question\tanswer\rWho?\tBo\r", r"rows.tsv:1: not CSV .*save the file with a newline"),
    ],
)
def test_what_is_no_table_is_told_how_to_be_one(tmp_path, text, message):
    (tmp_path / "rows.tsv").write_text(text, newline="")
    with pytest.raises(DataError, match=message):
        load_rows(tmp_path / "rows.tsv")


def test_a_pipe_is_not_waited_for(tmp_path):
    """Rows are read more than once, as by a run that is resumed."""
    pipe = tmp_path / "rows.jsonl"
    os.mkfifo(pipe)
    for rows, named in ((pipe, pipe), (tmp_path, pipe), (tmp_path / "*.jsonl", pipe), (os.devnull, os.devnull)):
        with pytest.raises(
            DataError, match=f"^{named}: expected a file or a folder, got a pipe or a device; write the"
        ):
            load_rows(rows)
