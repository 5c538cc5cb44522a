"""How far a run is, word for word, told from the JSON files of a folder made by hand."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from interp.command.cli import main
from interp.errors import RunError
from interp.generating.answer_log import AnswerLog, Generated
from interp.runs.identity import answering_identity
from interp.runs.run_folder import RunFolder
from interp.runs.status import status

RECORD = {
    "state": "answering",
    "created": "2026-11-28T10:00:00+00:00",
    "settings": {"model": "m"},
    "versions": {},
    "model": {},
    "data": {"samples": 9},
    "resume": "",
    "seconds": {},
}
COUNTS = {"samples": 9, "completions": {"generated": 6, "brought": 3, "none": 0}}
BEGUN = "begun 2026-11-28T10:00:00+00:00"


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path)


def said(folder: RunFolder, **changes: object) -> list[str]:
    folder.run_json.write_text(json.dumps(RECORD | changes))
    return status(folder).splitlines()


def captured(folder: RunFolder, number: int, ids: list[str], *, size: int = 5) -> None:
    folder.activations.mkdir(exist_ok=True)
    shard = folder.activations / f"shard-{number:05d}.safetensors"
    shard.write_bytes(b"x" * 5)
    shard.with_suffix(".json").write_text(json.dumps({"sample_ids": ids, "size": size}))


def test_a_run_that_answers_says_how_many_of_how_many(folder):
    on = f"go on with: interp resume {folder.path}"
    assert said(folder) == [f"{folder.path}: answering, {BEGUN}", "0 samples answered so far", on]
    log = AnswerLog(folder.answer_log, run=answering_identity(RECORD))
    log.asked = 7
    log.add({f"q{i}": Generated([1], "stop", [-1.0]) for i in range(3)})
    more = "3 of 7 samples answered; 2 more bring their completion, or do not fit into the model's context"
    assert said(folder)[1:] == [more, on]
    with pytest.raises(RunError, match="holds answers of another model, data, settings or version; remove the file"):
        said(folder, data={})


def test_a_run_that_was_resumed_and_given_objects_says_how_it_goes_on(folder):
    first, *_, last = said(
        folder, resumed=["A", "B"], given=["model", "judge"], seconds={"answering": 3.14159, "capturing": 2}
    )
    assert first == f"{folder.path}: answering, {BEGUN}, resumed 2 times, last B"
    assert said(folder, resumed=["A"])[0].endswith(", resumed once, last A")
    assert last == f"go on with: interp.resume('{folder.path}', model=…, judge=…)"
    assert said(folder, seconds={"answering": 3.14159})[-2] == "answering: 3.1 s"


def test_what_became_of_the_samples_and_how_many_are_captured(folder):
    folder.samples.write_text('{"id": "q0"}\n')
    captured(folder, 0, ["q0", "q1"])
    captured(folder, 1, ["q2"])
    whole = "9 samples: 6 answered, 3 brought their completion; 3 captured in 2 shards"
    assert said(folder, state="capturing", counts=COUNTS)[1] == whole
    assert said(folder, state="done", counts=COUNTS)[-1] == "finished"
    assert said(folder, state="probing", counts={"samples": 9})[1].startswith(
        "9 samples answered; 3 captured"
    )  # earlier runs
    none = COUNTS | {"completions": {"generated": 0, "brought": 0, "none": 9}}
    assert said(folder, state="probing", counts=none)[1].startswith("9 samples: 9 have none; ")
    one = {"samples": 3, "completions": {"generated": 1, "brought": 1, "none": 1}, "status": {"too_long": 1}}
    assert said(folder, state="probing", counts=one)[1].startswith(
        "3 samples: 1 answered, 1 brought its completion, 1 has none (1 is too long for the model's context); "
    )


def test_a_shard_that_is_not_whole_is_counted_as_damaged(folder):
    folder.samples.write_text('{"id": "q0"}\n')
    captured(folder, 0, ["q0", "q1"])
    captured(folder, 1, ["q2"], size=6)
    captured(folder, 2, ["q3"])
    (folder.activations / "shard-00002.safetensors").unlink()
    captured(folder, 3, ["q4"])
    (folder.activations / "shard-00003.json").write_text("{")
    line = said(folder, state="capturing", counts=COUNTS)[1]
    assert line.endswith("; 2 captured in 1 shard; damaged shards: 3 (`interp verify` says how)")


def test_a_damaged_folder_is_one_sentence(folder):
    with pytest.raises(RunError, match="is not a run folder: run.json: No such file"):
        status(folder)
    folder.samples.write_text('{"id": "q0"')
    with pytest.raises(RunError, match=r"samples.jsonl cannot be read \(it is cut off\); is .* the folder of a run\?"):
        said(folder, state="capturing", counts=COUNTS)


def test_it_answers_at_once():
    code = "import interp.runs.status, sys; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"numpy", "pandas", "torch", "xarray", "transformers", "matplotlib"} & set(done.stdout.split())


@pytest.mark.parametrize("command", ["status", "resume", "verify"])
def test_an_array_that_is_not_joined_says_how_it_is(capsys, tmp_path, command):
    out = tmp_path / "my array"
    RunFolder(out).parts.mkdir(parents=True)
    assert main([command, str(out)]) == 2
    said = f"interp: {out} holds shares of an array that is not joined yet: `interp gather '{out}'`\n"
    assert capsys.readouterr().err == said
