"""Answers kept by batch: what was finished comes back exactly, and nothing else does."""

import json
from pathlib import Path

import pytest

import interp
import interp.generating.generation as generation
from interp.generating.answer_log import AnswerLog, Generated
from interp.generating.generation import generate
from interp.models.loading import model_tokenizer

ONE = Generated([5, 2], "stop", [-0.1234567891234567, float("-inf")], 1, [0.1234567891234567, 0.0])
TWO = Generated([7], "length", [-1e-300])  # as in a file from before entropies were kept


def log_of(path: Path, run: str = "run") -> AnswerLog:
    return AnswerLog(path, run=run)


def test_what_was_added_comes_back_exactly(tmp_path) -> None:
    path = tmp_path / "log"
    assert log_of(path).finished == {}
    assert not path.exists()
    log_of(path).add({"a": ONE})
    log_of(path).add({"\u2028#0": TWO})
    assert log_of(path).finished == {"a": ONE, "\u2028#0": TWO}


def test_a_torn_last_line_is_no_line(tmp_path) -> None:
    path = tmp_path / "log"
    log_of(path).add({"a": ONE, "b": TWO})
    whole = path.read_bytes()
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        log = log_of(path)
        assert log.finished.items() <= {"a": ONE, "b": TWO}.items()
        assert "b" not in log.finished
        log.add({"b": TWO})
        assert log_of(path).finished["b"] == TWO


@pytest.mark.parametrize(
    "line", ['{"name": "a"}', "[]", "null", "{", '{"name": "a", "ids": [1], "more": 2}', '{"x": 1}']
)
def test_a_damaged_line_loses_that_sequence_only(tmp_path, line) -> None:
    path = tmp_path / "log"
    log_of(path).add({"a": ONE, "b": TWO})
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], line, lines[2]]) + "\n")
    assert log_of(path).finished == {"b": TWO}


def test_a_foreign_or_unreadable_file_counts_for_nothing(tmp_path) -> None:
    path = tmp_path / "log"
    log_of(path, "another run").add({"a": ONE})
    for content in (path.read_bytes(), b"\xff\xfe\n", b"\n", b"{}\n"):
        path.write_bytes(content)
        log = log_of(path)
        assert log.finished == {}
        log.add({"b": TWO})
        assert log_of(path).finished == {"b": TWO}
        assert b"another run" not in path.read_bytes()


@pytest.mark.parametrize("options", [{}, {"temperature": 1.0, "top_p": 0.9, "seed": 1}])
def test_a_batch_that_is_not_whole_runs_again_whole(llama, tmp_path, monkeypatch, options) -> None:
    tokenizer = model_tokenizer(llama)
    prompts = [tokenizer(f"Where is city {i}?")["input_ids"] for i in range(12)]
    options = {"max_new_tokens": 5, "batch_tokens": 100, **options}
    unbroken = generate(llama, prompts, **options)
    path, first = tmp_path / "log", []
    assert generate(llama, prompts, log=log_of(path), progress=first.append, **options) == unbroken
    assert len(first) > 1
    lines = path.read_text().splitlines(keepends=True)
    batches = []
    run = generation._generate_batch

    def counted(model, suffixes, *args):
        batches.append(len(suffixes))
        return run(model, suffixes, *args)

    monkeypatch.setattr(generation, "_generate_batch", counted)
    whole = generate(llama, prompts, log=log_of(path), **options)
    assert whole == unbroken and batches == []
    size = first[0]
    path.write_text("".join(lines[: 2 + size + 1]))  # the first line, one batch, and two samples of the next
    done = []
    assert generate(llama, prompts, log=log_of(path), progress=done.append, **options) == unbroken
    assert batches == first[1:] and done == first
    assert {json.loads(line)["name"] for line in path.read_text().splitlines()[1:]} == set(map(str, range(12)))


def test_an_error_or_ctrl_c_keeps_the_finished_batches(llama, tmp_path, monkeypatch) -> None:
    rows = [interp.QARow(str(i), f"Where is city {i}?", ("e",)) for i in range(12)]
    options = {"max_new_tokens": 5, "batch_tokens": 100}
    unbroken = interp.generate_answers(llama, rows, **options)
    run, calls = generation._generate_batch, 0

    def interrupted(*args):
        nonlocal calls
        calls += 1
        if calls == 2:
            raise KeyboardInterrupt
        return run(*args)

    with monkeypatch.context() as patch:
        patch.setattr(generation, "_generate_batch", interrupted)
        with pytest.raises(KeyboardInterrupt):
            interp.generate_answers(llama, rows, log=log_of(tmp_path / "log"), **options)
    log = log_of(tmp_path / "log")
    assert 0 < len(log.finished) < 12
    assert interp.generate_answers(llama, rows, log=log, **options) == unbroken
