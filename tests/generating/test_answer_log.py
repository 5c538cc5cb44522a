"""Answers kept by batch: what was finished comes back exactly, and nothing else does."""

import json
from pathlib import Path

import pytest

import interp
import interp.generating.generation as generation
from interp.errors import RunError
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
    "line", ['{"name": "a"}', "[]", "null", "{", '{"name": "a", "ids": [1], "more": 2}', '{"x": 1}', "\xff"]
)
def test_a_damaged_line_is_named_and_loses_that_sequence_only(tmp_path, line) -> None:
    path = tmp_path / "log"
    log_of(path).add({"a": ONE, "b": TWO})
    lines = path.read_text().splitlines()
    path.write_bytes("\n".join([lines[0], line, lines[2], ""]).encode("latin-1"))
    log = log_of(path)
    assert log.finished == {"b": TWO} and log.damaged == [2]


def test_every_flipped_bit_is_noticed(tmp_path) -> None:
    """The file is refused, or the line is named and does not count: no other answer is ever taken for the one kept."""
    path = tmp_path / "log"
    log_of(path).add({"a": ONE, "b": TWO})
    whole, kept = path.read_bytes(), {"a": ONE, "b": TWO}
    first, refused, named = whole.index(b"\n"), 0, 0
    for bit in range(0, 8 * len(whole) - 8, 5):  # without the last line's end: it is then as one that a kill tore
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        try:
            log = log_of(path)
        except RunError as error:
            assert bit // 8 <= first and "log: damaged: its first line is not as it was written; remove" in str(error)
            refused += 1
            continue
        assert log.finished.items() <= kept.items()
        assert log.finished == kept or log.damaged or bit // 8 == first
        named += bool(log.damaged)
    assert refused > first and named > len(whole) - first


def test_lines_of_an_earlier_version_have_no_checksum(tmp_path) -> None:
    path = tmp_path / "log"
    log_of(path).add({"a": ONE, "b": TWO})
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert all(len(line.pop("check")) == 16 for line in lines)
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    assert log_of(path).finished == {"a": ONE, "b": TWO}


def test_a_foreign_or_unreadable_file_is_refused_and_kept(tmp_path) -> None:
    path = tmp_path / "log"
    log_of(path, "another run").add({"a": ONE})
    foreign = "holds answers of another model, data, settings or version; remove the file, then go on with `interp res"
    for content, message in (
        (path.read_bytes(), foreign),
        *(
            (content, "damaged: its first line")
            for content in (b"\xff\xfe\n", b"\n", b"{}\n", b"[]\n", b"\0" * 9 + b"\n")
        ),
    ):
        path.write_bytes(content)
        with pytest.raises(RunError, match=f"log: {message}"):
            log_of(path)
        assert path.read_bytes() == content
    path.write_bytes(b"torn in its first li")
    log_of(path).add({"b": TWO})
    assert log_of(path).finished == {"b": TWO}


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
