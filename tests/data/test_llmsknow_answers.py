"""LLMsKnow's own answers: its prompt column, labels, printed lists and exact answers."""

import csv
from pathlib import Path

import pytest

import interp
from interp.data.llmsknow_answers import is_llmsknow

PATH = Path(__file__).parents[1] / "fixtures" / "logs" / "mistral-7b-answers-triviaqa.csv"


@pytest.fixture
def named(tmp_path):
    """The file under another name, its first row changed."""

    def write(name, **changes):
        with PATH.open(encoding="utf-8", newline="") as file:
            records = list(csv.DictReader(file))
        records[0] |= changes
        with (tmp_path / name).open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(records[0]))
            writer.writeheader()
            writer.writerows(records)
        return tmp_path / name

    return write


def test_rows_are_what_the_file_says():
    with PATH.open(encoding="utf-8", newline="") as file:
        records = list(csv.DictReader(file))
    rows = interp.load_rows(PATH)
    assert all(map(is_llmsknow, records)) and len(rows) == len(records) == 6
    for row, record in zip(rows, records, strict=True):
        assert (row.prompt, row.completion) == (record["question"], record["model_answer"])
        assert row.question == record["raw_question"] and row.question in row.prompt
        assert row.correct == (record["automatic_correctness"] == "1")
        assert record["correct_answer"] == str(list(row.answers))
        found = record["exact_answer"]
        assert row.exact_answer == (None if found == "NO ANSWER" else found) and row.id == record["Unnamed: 0"]
    assert {row.correct for row in rows} == {True, False}
    assert next(iter(rows.read_as)).endswith("correct=automatic_correctness")


def test_a_chat_model_was_asked_in_a_turn(named):
    row = interp.load_rows(named("mistral-7b-instruct-answers-triviaqa.csv"))[0]
    assert row.messages == (("user", interp.load_rows(PATH)[0].prompt),) and row.prompt is None


def test_which_model_was_asked_has_to_be_known(named):
    path = named("answers.csv")
    with pytest.raises(interp.DataError, match=r"answers.csv:2: LLMsKnow says only in the file's name"):
        interp.load_rows(path)
    assert interp.load_rows(path, columns={"prompt": "question"})[0].prompt == interp.load_rows(PATH)[0].prompt


def test_the_header_of_llama_3s_turn_is_the_prompts(named):
    said = "<|start_header_id|>assistant<|end_header_id|>\n\nPoland.<|eot_id|>"
    path = named("llama-3-8b-instruct-answers-triviaqa.csv", model_answer=said)
    assert interp.load_rows(path)[0].completion == "Poland.<|eot_id|>"


@pytest.mark.parametrize(
    "changes", [{"valid_exact_answer": "0"}, {"exact_answer": "NO ANSWER"}, {"exact_answer": "Mars"}]
)
def test_an_exact_answer_that_is_not_valid_is_none(named, changes):
    rows = interp.load_rows(named(PATH.name, **changes))
    assert rows[0].exact_answer is None and rows[1].exact_answer


def test_case_does_not_count_and_the_text_of_the_answer_wins(named):
    assert interp.load_rows(named(PATH.name, exact_answer="POLAND"))[0].exact_answer == "Poland"


def test_a_row_without_an_answer_is_left_out(named):
    with pytest.warns(UserWarning, match="1 without an answer of the model; 5 rows are kept"):
        rows = interp.load_rows(named(PATH.name, model_answer=""))
    assert rows.left_out == {"without an answer of the model": 1}


def test_a_correctness_that_is_no_truth_is_refused_or_left_to_the_rule(named):
    rows = interp.load_rows(named(PATH.name, automatic_correctness="0.5"))
    assert {row.correct for row in rows} == {None} and "not only 0 and 1" in next(iter(rows.read_as))
