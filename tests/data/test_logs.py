"""Logs of other tools, as the tools themselves wrote them (tests/fixtures/logs/make.py), become rows; damaged ones never crash."""

import copy
import csv
import json
import warnings
from pathlib import Path

import pytest

import interp
from interp.data.logs import LOGS, with_logs

FOLDER = Path(__file__).parents[1] / "fixtures" / "logs"
JUNK = (None, 3, "x", [], {}, [[]], [{"x": 0.5}])
RECORDED = ("eval", "plan", "results", "stats", "reductions", "model_usage", "role_usage", "store")
"""What no reader looks into."""


def lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def write(path, records):
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


def quietly(*args, **kwargs):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return interp.load_rows(*args, **kwargs)


def places(value, path=()):
    """Every place of a nested value."""
    yield path
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(inner, (*path, key))


def without(whole):
    """A log with one sample, and without what no reader looks into."""
    kept = {name: value for name, value in whole.items() if name not in RECORDED or name == "eval"}
    kept["eval"] = {"dataset": {"sample_ids": ["q0000"]}}
    return {**kept, "samples": [{n: v for n, v in whole["samples"][0].items() if n not in RECORDED}]}


def replaced(value, path, by):
    if not path:
        return by
    value = copy.copy(value)
    value[path[0]] = replaced(value[path[0]], path[1:], by)
    return value


def survives(source):
    """Rows, or an error in one sentence that names the place."""
    try:
        rows = quietly(source)
    except interp.DataError as error:
        assert str(source if isinstance(source, Path) else source[0]) in str(error) or "no rows" in str(error)
        return False
    assert all(isinstance(row, interp.QARow) for row in rows)
    return True


@pytest.mark.parametrize("name", ["samples_cities.jsonl", "samples_cities_draws.jsonl", "inspect_two.json"])
def test_whatever_stands_anywhere_in_a_sample_gives_rows_or_a_sentence(tmp_path, name):
    text = (FOLDER / name).read_text(encoding="utf-8")
    whole = without(json.loads(text)) if name.endswith(".json") else json.loads(text.splitlines()[0])
    tried, file = set(), tmp_path / name
    for place in places(whole):
        for junk in JUNK:
            changed = replaced(whole, place, junk)
            file.write_text(json.dumps(changed), encoding="utf-8")
            tried.add(survives(file))
    assert tried == {True, False}


@pytest.mark.parametrize("folder", ["openai", "vllm"])
def test_whatever_stands_anywhere_in_a_batch_gives_rows_or_a_sentence(tmp_path, folder):
    files = [tmp_path / name for name in ("output.jsonl", "requests.jsonl", "questions.jsonl")]
    records = [next(one for one in lines(FOLDER / folder / file.name) if "q0000" in one.values()) for file in files]
    records[0]["response"]["body"]["choices"][0]["logprobs"] = None  # long, and not kept
    tried = set()
    for number in range(2):
        for place in places(records[number]):
            for junk in JUNK:
                changed = [*records]
                changed[number] = replaced(records[number], place, junk)
                if not isinstance(changed[number], dict):
                    continue
                for file, record in zip(files, changed, strict=True):
                    write(file, [record])
                try:
                    rows = quietly(files)
                except interp.DataError:
                    rows = []
                tried.add(bool(rows))
    assert tried == {True, False}


def test_every_kind_is_recognised_by_its_first_record_and_nothing_else_is():
    first = {
        name: lines(FOLDER / name)[0] for name in ("samples_cities.jsonl", "vllm/output.jsonl", "vllm/requests.jsonl")
    }
    with (FOLDER / "mistral-7b-answers-triviaqa.csv").open(encoding="utf-8", newline="") as file:
        first["llmsknow"] = next(csv.DictReader(file))
    said = {name: [known(record) for known, _ in LOGS] for name, record in first.items()}
    assert [sum(kinds) for kinds in said.values()] == [1, 1, 1, 1]
    assert len({tuple(kinds) for kinds in said.values()}) == 4
    assert not any(known({"question": "Where?", "answer": "there", "id": "a"}) for known, _ in LOGS)
    plain = [("a", {"question": "Where?", "answer": "there"})]
    assert list(with_logs(plain)) == plain and list(with_logs([])) == []


def test_python_objects_are_read_as_their_file(tmp_path):
    path = FOLDER / "samples_cities.jsonl"
    from_file, from_python = interp.load_rows(path), interp.load_rows(lines(path))
    assert [row.completion for row in from_file] == [row.completion for row in from_python]
    assert from_file.read_as == from_python.read_as


def test_a_log_that_is_cut_off_says_its_line(tmp_path):
    text = (FOLDER / "samples_cities.jsonl").read_text()
    cut = tmp_path / "samples_cut.jsonl"
    cut.write_text(text[: len(text) // 2])
    with pytest.raises(interp.DataError, match=r"samples_cut.jsonl:\d+: not JSON"):
        interp.load_rows(cut)


def test_a_limit_reads_no_more_rows():
    assert len(interp.load_rows(FOLDER / "samples_cities_draws.jsonl", limit=4)) == 4


def test_no_fixture_names_a_machine():
    for path in FOLDER.rglob("*.json*"):
        text = path.read_text(encoding="utf-8")
        assert not any(word in text for word in ("/home/", "/root", "/tmp", "/work", "hostname", "site-packages")), path
