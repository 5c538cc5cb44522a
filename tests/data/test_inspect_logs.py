"""Logs of Inspect: conversations, epochs, thoughts and scorers, in the JSON that the tool wrote."""

import json
import warnings
from pathlib import Path

import pytest

import interp
from interp.data.inspect_logs import is_inspect
from interp.text.thoughts import parts_of

FOLDER = Path(__file__).parents[1] / "fixtures" / "logs"


def log(name):
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


@pytest.fixture
def changed(tmp_path):
    """Rows of a log whose first sample was changed, and what was said."""

    def load(name, change, **options):
        whole = log(name)
        change(whole["samples"][0])
        path = tmp_path / "changed.json"
        path.write_text(json.dumps(whole), encoding="utf-8")
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            return interp.load_rows(path, **options), [str(one.message) for one in said]

    return load


def test_rows_are_what_the_model_was_given_and_said():
    whole, rows = log("inspect_one"), interp.load_rows(FOLDER / "inspect_one.json")
    assert is_inspect(whole) and len(rows) == len(whole["samples"])
    for row, sample in zip(rows, whole["samples"], strict=True):
        assert row.id == sample["id"] and row.question == sample["input"]
        assert row.messages == (("user", sample["input"]),)
        assert row.completion == sample["output"]["completion"]
        assert list(row.answers) == sample["target"]
        assert row.correct == (sample["scores"]["includes"]["value"] == "C")
    assert {row.correct for row in rows} == {True, False}
    assert list(rows.read_as) == ["Inspect: messages, completion=output, answer=target; correct=includes"]


def test_epochs_are_draws_of_a_sample_side_by_side():
    rows = interp.load_rows(FOLDER / "inspect_two.json", columns={"correct": "includes"})
    assert [row.id for row in rows] == [f"q000{sample}#{epoch}" for sample in range(3) for epoch in (1, 2)]
    said = {(s["id"], s["epoch"]): s["output"]["completion"] for s in log("inspect_two")["samples"]}
    assert all(row.completion == said[row.id[:5], int(row.id[6])] for row in rows)
    assert rows[0].messages[0] == ("system", "Answer shortly.") and rows[0].question == rows[1].question


def test_several_scorers_need_a_choice():
    with pytest.raises(
        interp.DataError, match=r"several scores .*includes, match; choose one .*--columns correct=includes"
    ):
        interp.load_rows(FOLDER / "inspect_two.json")
    for scorer in ("includes", "match"):
        rows = interp.load_rows(FOLDER / "inspect_two.json", columns={"correct": scorer})
        said = {(s["id"], s["epoch"]): s["scores"][scorer]["value"] for s in log("inspect_two")["samples"]}
        assert [row.correct for row in rows] == [said[row.id[:5], int(row.id[6])] == "C" for row in rows]
    assert {row.correct for row in interp.load_rows(FOLDER / "inspect_two.json", columns={"correct": "rule"})} == {None}


def test_a_thought_is_put_back_and_found():
    rows = interp.load_rows(FOLDER / "inspect_thinking.json")
    for row, sample in zip(rows, log("inspect_thinking")["samples"], strict=True):
        reasoning, text = sample["output"]["choices"][0]["message"]["content"]
        parts = parts_of(row.completion)
        assert reasoning["reasoning"] in row.completion[slice(*parts.thought)]
        assert row.completion[slice(*parts.final)].strip() == text["text"]
    assert "own marks the log does not keep" in next(iter(rows.read_as))


def test_what_a_scorer_saw_can_be_the_exact_answer(changed):
    word = log("inspect_one")["samples"][0]["output"]["completion"].split()[-1]

    def change(sample):
        sample["scores"]["includes"]["answer"] = word

    rows, _ = changed("inspect_one", change, columns={"exact_answer": "includes.answer"}, limit=1)
    assert rows[0].exact_answer == word


LEFT_OUT = {
    "ended in an error": lambda s: s.update(error={"message": "lost"}),
    "without an output": lambda s: s["output"].update(choices=[]),
    "scored P (partly right)": lambda s: s["scores"]["includes"].update(value="P"),
    "scored N (no answer)": lambda s: s["scores"]["includes"].update(value="N"),
    "without a score of includes": lambda s: s.update(scores={}),
    "with calls of tools": lambda s: s["output"]["choices"][0]["message"].update(tool_calls=[{"id": "1"}]),
    "whose output is not its last answer": lambda s: s["messages"][-1].update(content="Other."),
    "whose last question is not a user's": lambda s: s["messages"][0].update(role="system"),
    "with pictures or other content that is no text": lambda s: s["messages"][0].update(
        content=[{"type": "image", "image": "attachment://1"}]
    ),
}


@pytest.mark.parametrize("reason", LEFT_OUT)
def test_samples_that_are_no_rows_are_left_out_and_counted(changed, reason):
    rows, said = changed("inspect_one", LEFT_OUT[reason])
    assert rows.left_out == {reason: 1} and len(rows) == 5
    assert len(said) == 1 and f"1 {reason}; 5 rows are kept" in said[0] and "sample 0" in said[0]


def test_a_thought_that_is_not_shown_leaves_the_sample_out(changed):
    def redact(sample):
        for message in (sample["messages"][-1], sample["output"]["choices"][0]["message"]):
            message["content"][0]["redacted"] = True

    rows, _ = changed("inspect_thinking", redact)
    assert rows.left_out == {"whose thought the log does not show": 1}


def test_a_text_among_the_attachments_is_put_back(changed):
    def attach(sample):
        sample["attachments"] = {"abc": sample["messages"][0]["content"]}
        sample["messages"][0]["content"] = "attachment://abc"

    rows, _ = changed("inspect_one", attach)
    assert rows[0].messages == interp.load_rows(FOLDER / "inspect_one.json")[0].messages


def test_numbers_are_labels_only_where_they_are_0_and_1(changed):
    def numbers(sample, value=1):
        sample["scores"]["includes"]["value"] = value

    rows, _ = changed("inspect_one", numbers)
    assert rows[0].correct is True
    rows, _ = changed("inspect_one", lambda sample: numbers(sample, 0.5))
    assert {row.correct for row in rows} == {None} and "not only 0 and 1: includes" in next(iter(rows.read_as))
    several = {"right": 1, "style": 0.25}
    one = {"columns": {"correct": "includes.right"}, "limit": 1}
    rows, _ = changed("inspect_one", lambda s: s["scores"]["includes"].update(value=several), **one)
    assert rows[0].correct is True


def test_a_log_without_samples_says_so(tmp_path):
    whole = log("inspect_one")
    del whole["samples"]
    path = tmp_path / "bare.json"
    path.write_text(json.dumps(whole), encoding="utf-8")
    with pytest.raises(interp.DataError, match="bare.json: the log holds no samples"):
        interp.load_rows(path)
