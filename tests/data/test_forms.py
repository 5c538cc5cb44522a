"""Columns and shapes of published records: what is recognised, what is ambiguous, what stays as it is."""

import json

import datasets
import pandas as pd
import pytest

from interp import DataError, load_rows
from interp.data.answer_shapes import NO, YES, is_truth, shaped
from interp.data.forms import read_form
from interp.data.record import CsvRecord, CsvText

PLAIN = [
    {"question": "Where?", "answer": "there"},
    {"question": "Where?", "answer": ["there", "over there"], "context": "a", "label": 1, "target": "x"},
    {"question": "Where?", "answer": '["there"]', "incorrect_answers": ["here"], "passage": "p"},
    {"question": "Where?", "completion": "there", "correct": True, "options": None, "choices": []},
    {"question": "Where?", "answer": None, "possible_answers": ["there"]},
    {"question": "Where?", "answer": 4, "options": {"temperature": 0}},
]


@pytest.mark.parametrize("values", PLAIN, ids=str)
def test_what_has_the_names_of_fields_is_left_as_it_is(values):
    reading = read_form("at", values, {})
    assert (reading.form, dict(reading.fields), dict(reading.run_options)) == (None, {}, {})


@pytest.mark.parametrize(
    ("values", "question", "answers"),
    [
        ({"Question": "Where?", "Answer": "there"}, "Where?", ("there",)),
        ({"problem": "Where?", "answer": "there", "metadata": "{}"}, "Where?", ("there",)),
        ({"query": "Where?", "answers": ["there", "here"]}, "Where?", ("there", "here")),
        ({"question": "Where?", "possible_answers": '["there", "here"]'}, "Where?", ("there", "here")),
        ({"question": "Where?", "golden_answers": ["there"]}, "Where?", ("there",)),
        ({"question": "Where?", "answers": {"text": ["a", "b", "a"], "answer_start": [1, 2, 1]}}, "Where?", ("a", "b")),
        ({"question": "Where?", "answers": [{"text": "a", "answer_start": 1}]}, "Where?", ("a",)),
        ({"question": "Where?", "answer": {"value": "b", "aliases": ["a"], "type": "W"}}, "Where?", ("a", "b")),
        ({"question": "Q", "answer": CsvText('{"value": "b", "aliases": ["a"]}')}, "Q", ("a", "b")),
        ({"question": "Is it?", "answer": False}, "Is it?", ("no", "false")),
        ({"question": "How many?", "answer": "2*600\n#### 1,200"}, "How many?", ("1,200",)),
        ({"Question": "Q", "Best Answer": "a", "Correct Answers": "a; b;  c"}, "Q", ("a", "b", "c")),
    ],
    ids=str,
)
def test_other_names_and_shapes_are_recognised(values, question, answers):
    rows = load_rows([values])
    assert (rows[0].question, rows[0].answers) == (question, answers)
    assert sum(rows.read_as.values()) == 1


def test_a_list_inside_a_text_is_a_list_in_every_format(tmp_path):
    texts = ["politician", 'so-called "pol"', "a; b"]
    rows = pd.DataFrame({"question": ["What?"], "possible_answers": [json.dumps(texts)]})
    rows.to_csv(tmp_path / "rows.csv", index=False)
    rows.to_csv(tmp_path / "rows.tsv", index=False, sep="\t")
    rows.to_json(tmp_path / "rows.jsonl", orient="records", lines=True)
    rows.to_json(tmp_path / "list.json", orient="records")
    rows.to_parquet(tmp_path / "rows.parquet")
    for file in ("rows.csv", "rows.tsv", "rows.jsonl", "list.json", "rows.parquet"):
        assert load_rows(tmp_path / file)[0].answers == tuple(texts), file
        named = load_rows(tmp_path / file, columns={"answer": "possible_answers"})
        assert named[0].answers == tuple(texts) and load_rows(rows)[0].answers == tuple(texts)


def test_options_are_the_same_in_every_format(tmp_path):
    rows = pd.DataFrame({"question": ["Q1?", "Q2?"], "choices": [["a", "b"], ["c", "d", "e"]], "answer": [1, 0]})
    rows.to_json(tmp_path / "rows.jsonl", orient="records", lines=True)
    rows.to_parquet(tmp_path / "rows.parquet")
    rows.assign(choices=rows.choices.map(json.dumps)).to_csv(tmp_path / "rows.csv", index=False)
    for source in (tmp_path / "rows.jsonl", tmp_path / "rows.parquet", tmp_path / "rows.csv", rows):
        loaded = load_rows(source)
        assert [(row.options, row.answers, row.right_letters) for row in loaded] == [
            (("a", "b"), ("b",), ("B",)),
            (("c", "d", "e"), ("c",), ("A",)),
        ]
        assert repr(loaded) == "Rows(2 rows; read as question=question, options=choices, answer=answer)"
        assert loaded.run_options == {"correct": "choice"} and load_rows(loaded) == loaded


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"problem": "a", "query": "b", "answer": "c"}, r"problem, query may each hold the question; .*question=problem\)"),
        ({"question": "a", "answers": "b", "gold_answer": "c"}, r"answers, gold_answer may each hold the answer; .*answer=answers"),
        ({"text": "a", "output": "b"}, r"no question: .*--columns question=text"),
        ({"question": "a", "target": "b"}, r"no answer: .*found the columns: question, target\. .*--columns answer=target"),
        ({"review": "a", "sentiment": "positive"}, r"no question: .*--dataset imdb"),
        ({"question": "a", "possible_answers": "['b' 'c']"}, r"possible_answers: expected a list as JSON writes it"),
        ({"question": "a", "answer": CsvText("{'value': 'b', 'aliases': array(['c'])}")}, "answer: expected a list as JSON"),
        ({"question": "a", "answer": CsvText("['b', 'c']")}, r"row 0: answer: expected a list as JSON writes it, .*JSONL or Pa"),
        ({"statement": "It is.", "label": "half-true"}, r"row 0: expected a statement with a label true or false"),
        ({"statement": " ", "label": 1}, r"row 0: expected a statement with a label"),
    ],
)  # fmt: skip
def test_what_is_ambiguous_is_said_with_the_option_that_decides(values, said):
    with pytest.raises(DataError, match=said):
        load_rows([values])


def test_a_data_set_of_hugging_face_is_read_with_its_labels_and_its_structs():
    names = datasets.ClassLabel(names=["A", "B"])
    features = datasets.Features(
        {"question": datasets.Value("string"), "choices": datasets.List(datasets.Value("string")), "answer": names}
    )
    asked = datasets.Dataset.from_dict({"question": ["Q?"], "choices": [["a", "b"]], "answer": [1]}, features=features)
    squad = datasets.Dataset.from_list([{"question": "Q?", "answers": {"text": ["a", "b"], "answer_start": [0, 1]}}])
    for form in (None, "numpy"):
        assert load_rows(asked.with_format(form))[0].answers == ("b",)
        assert load_rows(squad.with_format(form))[0].answers == ("a", "b")


def test_columns_given_win_over_what_would_be_recognised():
    values = {"problem": "P?", "query": "Q?", "answer": "no", "gold": "B", "choices": ["a", "b"]}
    row = load_rows([values], columns={"question": "query", "answer": "gold"})[0]
    assert (row.question, row.answers) == ("Q?", ("b",))
    other = {"question": "Q?", "alternatives": ["a", "b"], "answer": "B"}
    assert load_rows([other], columns={"options": "alternatives"})[0].options == ("a", "b")
    with pytest.raises(DataError, match="row 0: text: expected a list of options, got 'a or b'"):
        load_rows([{"question": "Q?", "text": "a or b", "answer": "B"}], columns={"options": "text"})


def test_answers_are_options_beside_a_key_and_accepted_without_one():
    several = {"question": "Q?", "answers": ["a", "b", "c"]}
    assert load_rows([several])[0].answers == ("a", "b", "c")
    assert load_rows([several | {"correct_answer_id": 1}])[0].right_letters == ("B",)  # QuAIL
    labelled = [several | {"label": 2}]  # ReClor, or a topic
    with pytest.raises(
        DataError, match=r"row 0: answers may be options, .*options=answers,answer=label\) or .*answer=ans"
    ):
        load_rows(labelled)
    assert load_rows(labelled, columns={"options": "answers", "answer": "label"})[0].answers == ("c",)
    assert load_rows(labelled, columns={"answer": "answers"})[0].answers == ("a", "b", "c")
    assert load_rows([{"question": "Q?", "options": ["a", "b"], "answers": ["B"]}])[0].answers == ("b",)


def test_a_prompt_beside_options_is_the_question_unless_it_holds_them():
    options = {"A": "one", "B": "two", "answer": "B"}
    row = load_rows([{"prompt": "Which?"} | options])[0]
    assert (row.question, row.prompt, row.answers) == ("Which?", None, ("two",))
    whole = "Which?\nA. one\nB. two\nAnswer:"
    row = load_rows([{"prompt": whole} | options])[0]
    assert (row.question, row.prompt) == (whole, whole)
    row = load_rows([{"question": "Which?", "prompt": "P"} | options])[0]
    assert (row.question, row.prompt) == ("Which?", "P")
    assert load_rows([{"input": "Which?", "target": "B", "A": "one", "B": "two"}])[0].answers == ("two",)


def test_a_csv_row_with_an_empty_answer_does_not_take_another_column():
    values = CsvRecord({"question": CsvText("Q?"), "best_answer": CsvText("guess")})
    values.header = ("question", "answer", "best_answer")
    assert read_form("at", values, {}).form is None


def test_a_question_without_an_answer_of_its_form_is_left_out_with_its_reason():
    rows = [{"question": f"{i}?", "answers": {"text": ["a"] if i else [], "answer_start": []}} for i in range(2)]
    with pytest.warns(UserWarning, match="1 answers is empty; 1 rows are kept"):
        assert load_rows(rows).left_out == {"answers is empty": 1}


def test_a_row_whose_key_is_kept_back_is_named_or_left_out_where_asked():
    rows = [{"ctx": f"{i}", "endings": ["a", "b"], "label": "" if i == 1 else "0"} for i in range(3)]
    with pytest.raises(
        DataError, match="row 1: no answer: the column 'label' is empty in 1 row; .*--skip-unanswerable"
    ):
        load_rows(rows)
    with pytest.warns(UserWarning, match="1 without an accepted answer; 2 rows"):
        assert len(load_rows(rows, skip_unanswerable=True)) == 2
    with pytest.raises(
        DataError, match="row 0: no answer: expected text in the column 'answer'; found the columns: ctx"
    ):
        load_rows([{"ctx": "a", "endings": ["a", "b"]}])


def test_a_statement_is_its_own_completion_after_an_empty_prompt():
    rows = load_rows(
        [{"statement": "The city of Lyon is in France.", "label": 1, "city": "Lyon"}], columns={"group": "city"}
    )
    row = rows[0]
    assert (row.prompt, row.completion, row.correct, row.group) == ("", "The city of Lyon is in France.", True, "Lyon")
    assert row.exact_answer == "The city of Lyon is in France"
    assert load_rows(rows) == rows  # the empty prompt of a row is one
    assert load_rows([{"question": "q", "answer": "a", "prompt": ""}])[0].prompt is None


def test_the_right_option_has_no_place_of_its_own_where_the_form_has_it_first():
    rows = load_rows(
        [
            {"question": f"{i}?", "mc1_targets": {"choices": ["right", "b", "c", "d"], "labels": [1, 0, 0, 0]}}
            for i in range(40)
        ]
    )
    letters = {row.right_letters for row in rows}
    assert letters == {("A",), ("B",), ("C",), ("D",)}
    assert all(sorted(row.options) == ["b", "c", "d", "right"] and row.answers == ("right",) for row in rows)


@pytest.mark.parametrize(
    "field",
    ["id", "context", "wrong_answer", "group", "prompt", "exact_answer", "prompt_ids", "completion_ids", "correct"],
)
@pytest.mark.parametrize("blank", ["", "  ", None, float("nan"), pd.NA, pd.NaT], ids=repr)
def test_a_blank_optional_field_is_absent(field, blank):
    plain = load_rows([{"question": "q", "answer": "a"}])
    assert load_rows([{"question": "q", "answer": "a", field: blank}]) == plain
    assert load_rows(pd.DataFrame([{"question": "q", "answer": "a", field: blank}])) == plain


@pytest.mark.parametrize("label", [0, 1, True, "0"])
def test_a_candidate_with_its_truth_is_no_accepted_answer(label):
    candidate = {"question": "Where?", "answer": "there", "label": label}
    with pytest.raises(DataError, match="row 0: `label` may say whether `answer` is right.*--columns answer=answer"):
        load_rows([candidate])
    assert load_rows([candidate], columns={"answer": "answer"})[0].answers == ("there",)
    assert load_rows([candidate | {"label": "easy"}])[0].answers == ("there",)
    assert load_rows([candidate | {"completion": "there", "correct": True}])[0].correct is True


@pytest.mark.parametrize(
    ("values", "answers"),
    [
        ({"question": "Q", "answer": "a", "answer_aliases": ["b", "a", ""]}, ("a", "b")),
        ({"question": "Q", "answer": "a", "aliases": '["b"]'}, ("a", "b")),
        ({"question": "Q", "answer": "a", "aliases": []}, ("a",)),
        ({"question": "Q", "answers": [{"answer": "a", "aliases": ["b"]}, {"answer": "c"}]}, ("a", "b", "c")),
        ({"question": "Q", "right_answer": "a", "hallucinated_answer": "b"}, ("a",)),
        ({"problem": "Q", "solution": r"It is \boxed{x+1}."}, ("x+1",)),
        ({"question": "Q", "passage": "P", "label": 0}, ("no", "false")),
        ({"question": "Q", "passage": "P", "label": True}, ("yes", "true")),
    ],
    ids=str,
)
def test_further_shapes_of_answers(values, answers):
    assert load_rows([values])[0].answers == answers


def test_numbers_that_never_name_the_first_option_may_count_from_one():
    def rows(keys):
        return [{"question": f"Q{i}?", "choices": ["a", "b", "c", "d"], "answer": key} for i, key in enumerate(keys)]

    with pytest.warns(UserWarning, match="the key 'answer' never names the first of the options in 20 rows"):
        load_rows(rows([1, 2, 3, 2] * 5))
    assert len(load_rows(rows([1, 2, 3, 2] * 5 + [0]))) == 21  # and no warning
    assert len(load_rows(rows([1, 2, 3]))) == 3
    assert len(load_rows(rows(["B", "C", "D", "C"] * 5))) == 20


def test_the_shape_of_an_answer_says_how_it_is_judged():
    assert (shaped("at", "answer", True, passage=False).answers, is_truth("False")) == (YES, True)
    assert shaped("at", "label", 0, passage=True).answers == NO
    assert shaped("at", "label", 0, passage=False).answers == [0]
    assert shaped("at", "answer", CsvText("True"), passage=False).answers == ["True"]  # cells stay text
    assert shaped("at", "solution", r"\boxed{4}", passage=False).run_options["correct"] == "numeric"
    assert shaped("at", "solution", r"\boxed{x}", passage=False).run_options == {}


def test_the_text_of_a_question_with_options_is_its_context():
    record = {"text": "All cats sleep.", "question": "Which follows?", "options": ["a b", "c d"], "answer": 1}
    assert load_rows([record])[0].context == "All cats sleep."
    assert load_rows([record | {"context": "Given."}])[0].context == "Given."
    assert load_rows([record | {"text": "Which follows? A a b B c d. Answer: B"}])[0].context is None
