"""The record as an object: what was written comes back, and a journal writes what has to be on the disk."""

import json
from dataclasses import FrozenInstanceError
from itertools import count

import pytest

import interp
from interp.errors import RunError
from interp.runs import run_record
from interp.runs.identity import run_identity
from interp.runs.run_folder import RunFolder, going_on
from interp.runs.run_record import OBJECTS, Journal, RunRecord

WRITTEN = {
    "state": "answering",
    "created": "2026-01-01T00:00:00+00:00",
    "settings": {"model": "m", "seed": 0},
    "versions": {"torch": "2"},
    "model": {"name": "m"},
    "data": {"source": "d"},
    "given": ["judge"],
    "seconds": {"capturing": 1.0},
    "resume": "interp resume x",
}


def written(folder: RunFolder) -> dict:
    return json.loads(folder.run_json.read_text())


def test_what_was_written_comes_back_in_its_order_with_what_others_wrote():
    later = {**WRITTEN, "counts": {"samples": 3}, "span_uses_gold": False, "of_a_later_version": [1]}
    record = RunRecord.from_json(later)
    assert list(record.to_json().items()) == list(later.items())
    assert record.others == {"of_a_later_version": [1]} and record.used is None
    with pytest.raises(FrozenInstanceError):
        record.state = "done"


def test_identity_and_way_on_are_those_of_the_file(tmp_path):
    record = RunRecord.from_json(WRITTEN)
    assert record.identity == run_identity(WRITTEN) and record.going_on(tmp_path) == going_on(WRITTEN, tmp_path)
    assert record.going_on(tmp_path) == f"interp.resume({str(tmp_path)!r}, judge=…)"


def test_a_folder_without_a_record_is_refused(tmp_path):
    with pytest.raises(RunError, match="is not a run folder"):
        RunRecord.read(RunFolder(tmp_path))


@pytest.mark.parametrize("name", OBJECTS)
@pytest.mark.parametrize("value", [None, 3, "x", [1]])
def test_an_entry_of_another_kind_is_a_damaged_file_and_stays_as_it_is(tmp_path, name, value):
    (tmp_path / "run.json").write_text(json.dumps(WRITTEN | {name: value}))
    before = (tmp_path / "run.json").read_bytes()
    with pytest.raises(
        RunError, match=f"run.json: damaged: {name} is no JSON object; without its settings a run cannot"
    ):
        interp.resume(tmp_path)
    assert (tmp_path / "run.json").read_bytes() == before


def test_what_is_known_waits_for_what_has_to_be_written(tmp_path):
    folder = RunFolder(tmp_path)
    journal = Journal(folder, RunRecord.from_json(WRITTEN))
    journal.know(used={"device": "cpu"})
    assert not folder.run_json.exists()
    before = journal.record
    journal.write(counts={"samples": 2})
    assert written(folder) == {**WRITTEN, "used": {"device": "cpu"}, "counts": {"samples": 2}}
    assert before.counts is None and RunRecord.read(folder) == journal.record


def test_a_stage_writes_what_is_done_and_how_long_it_took(monkeypatch, tmp_path):
    clock = count(100, 2.5)
    monkeypatch.setattr(run_record, "monotonic", lambda: next(clock))
    journal = Journal(RunFolder(tmp_path), RunRecord.from_json(WRITTEN))
    with journal.stage("capturing"):
        assert written(journal.folder)["state"] == "capturing"
    assert journal.record.seconds == {"capturing": 3.5}  # what a run that went on took before is kept
    with pytest.raises(KeyboardInterrupt), journal.stage("probing"):
        journal.know(notes=["half done"])
        raise KeyboardInterrupt
    found = written(journal.folder)
    assert (found["state"], found["seconds"]) == ("probing", {"capturing": 3.5, "probing": 2.5})
    assert found["notes"] == ["half done"]


def test_what_breaks_a_stage_off_is_told_even_where_nothing_can_be_written(monkeypatch, tmp_path):
    journal = Journal(RunFolder(tmp_path), RunRecord.from_json(WRITTEN))

    def full(path, value):
        raise RunError("the disk is full")

    with pytest.raises(ZeroDivisionError), journal.stage("probing"):
        monkeypatch.setattr(run_record, "write_json", full)
        raise ZeroDivisionError
