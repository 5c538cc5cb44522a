"""Sample logs of lm-evaluation-harness: prompts, draws, filters and scores, beside a plain reading of the same file."""

import json
from pathlib import Path

import pytest

import interp
from interp.data.lm_eval_logs import is_lm_eval

FOLDER = Path(__file__).parents[1] / "fixtures" / "logs"


def lines(name):
    return [json.loads(line) for line in (FOLDER / name).read_text(encoding="utf-8").splitlines()]


def write(path, records):
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


def test_rows_are_what_the_model_was_given_and_said():
    rows, samples = interp.load_rows(FOLDER / "samples_cities.jsonl"), lines("samples_cities.jsonl")
    assert len(rows) == len(samples) == 6 and all(map(is_lm_eval, samples))
    for row, sample in zip(rows, samples, strict=True):
        assert row.id == str(sample["doc_id"])
        assert row.prompt == sample["arguments"]["gen_args_0"]["arg_0"]
        assert [row.completion] == sample["resps"][0]
        assert row.question == sample["doc"]["question"] and list(row.answers) == sample["doc"]["answer"]
        assert row.correct == any(answer in row.completion for answer in row.answers)
    assert {row.correct for row in rows} == {True, False}


def test_what_was_read_and_what_was_not_is_said():
    (form,) = interp.load_rows(FOLDER / "samples_cities.jsonl").read_as
    assert "completion=resps" in form and "not kept: filtered_resps" in form
    assert form.endswith("correct=contains") and "not only 0 and 1: words" in form


def test_a_list_of_references_that_the_harness_printed_is_a_list_again():
    rows = interp.load_rows(FOLDER / "samples_cities.jsonl")
    assert lines("samples_cities.jsonl")[0]["target"] == "['India']" and rows[0].answers == ("India",)


def test_several_filters_need_a_choice_and_give_their_own_label(tmp_path):
    path = FOLDER / "samples_cities_filters.jsonl"
    with pytest.raises(interp.DataError, match=r"exact_match:whole, exact_match:country; choose one"):
        interp.load_rows(path)
    rows = interp.load_rows(path, columns={"correct": "exact_match:country"})
    said = {
        sample["doc_id"]: bool(sample["exact_match"]) for sample in lines(path.name) if sample["filter"] == "country"
    }
    assert {int(row.id): row.correct for row in rows} == said and set(said.values()) == {True, False}
    assert not any(row.correct for row in interp.load_rows(path, columns={"correct": "exact_match:whole"}))
    assert all(row.correct is None for row in interp.load_rows(path, columns={"correct": "rule"}))


def test_a_score_that_is_more_than_right_and_wrong_is_no_label():
    with pytest.raises(interp.DataError, match="the score 'words' is 13, and only true and false"):
        interp.load_rows(FOLDER / "samples_cities.jsonl", columns={"correct": "words"})


def test_draws_are_rows_of_one_question_without_the_one_score_of_all():
    rows, samples = interp.load_rows(FOLDER / "samples_cities_draws.jsonl"), lines("samples_cities_draws.jsonl")
    assert [row.completion for row in rows] == [text for sample in samples for text in sample["resps"][0]]
    assert [row.id for row in rows[:4]] == ["0#0", "0#1", "0#2", "1#0"]
    assert len({row.question for row in rows}) == len(samples)
    assert all(row.correct is None for row in rows)
    assert "scores (one for all draws of a document)" in next(iter(rows.read_as))
    with pytest.warns(UserWarning), pytest.raises(interp.DataError, match="no row has the column 'contains'"):
        interp.load_rows(FOLDER / "samples_cities_draws.jsonl", columns={"correct": "contains"})


def test_a_sample_without_the_score_that_was_chosen_is_left_out(tmp_path):
    samples = lines("samples_cities.jsonl")
    del samples[0]["contains"]
    samples[1]["contains"] = 0.5
    path = write(tmp_path / "samples_some.jsonl", [*samples[:1], *samples[2:]])
    with pytest.warns(UserWarning, match="1 without a score of contains; 4 rows are kept"):
        assert interp.load_rows(path, columns={"correct": "contains"})[0].id == "2"
    with pytest.raises(interp.DataError, match="'contains' is 0.5"):
        interp.load_rows(write(tmp_path / "samples_some.jsonl", samples[1:]), columns={"correct": "contains"})


def test_multiple_choice_has_no_completion_and_says_so():
    with pytest.raises(interp.DataError, match=r"choice.jsonl:1: the model wrote no completion in this task"):
        interp.load_rows(FOLDER / "samples_cities_choice.jsonl")


def test_the_turns_of_a_chat_server_are_messages(tmp_path):
    rows, samples = interp.load_rows(FOLDER / "samples_cities_chat.jsonl"), lines("samples_cities_chat.jsonl")
    for row, sample in zip(rows, samples, strict=True):
        (prompt,) = sample["arguments"]["gen_args_0"]["arg_0"]
        assert row.messages == tuple((turn["role"], turn["content"]) for turn in json.loads(prompt))
        assert row.prompt is None and row.question == sample["doc"]["question"]
    assert rows[0].messages[0] == ("system", "Answer shortly.") and {row.correct for row in rows} == {True, False}
    samples[0]["arguments"]["gen_args_0"]["arg_0"] = "[{} is no chat"
    (row,) = interp.load_rows(write(tmp_path / "samples_plain.jsonl", samples[:1]))
    assert row.prompt == "[{} is no chat" and row.messages is None


def test_columns_reach_into_the_document():
    rows = interp.load_rows(FOLDER / "samples_cities.jsonl", columns={"group": "doc.group", "id": "doc.id"})
    assert (rows[0].id, rows[0].group) == ("q0000", "Kallakurichi")


def test_several_tasks_have_ids_of_their_own(tmp_path):
    for task in ("a", "b"):
        write(tmp_path / f"samples_{task}.jsonl", lines("samples_cities.jsonl")[:2])
    assert [row.id for row in interp.load_rows(tmp_path)] == [
        f"samples_{task}/{number}" for task in ("a", "b") for number in (0, 1)
    ]


def test_a_question_that_the_prompt_rewords_is_the_whole_prompt(tmp_path):
    sample = lines("samples_cities.jsonl")[0]
    sample["doc"]["question"] = "Asked in other words?"
    (row,) = interp.load_rows(write(tmp_path / "samples_words.jsonl", [sample]))
    assert row.question == row.prompt
