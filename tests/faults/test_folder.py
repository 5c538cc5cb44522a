"""What can happen to a run folder: a clear error that says what to do, finished shards kept, resume possible."""

import errno
import json
import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from crash import OPTIONS, contents, kill_at, make_rows
from moments import in_child

import interp
from interp.command.cli import main
from interp.errors import RunError
from interp.runs.lock import FILES, locked

PROBING = 77


@pytest.fixture(scope="session")
def captured(start, tmp_path_factory) -> Path:
    """A run that stopped before its probes, with several shards."""
    out = tmp_path_factory.mktemp("runs") / "captured"

    def act():
        interp.running.pipeline.analyse = lambda *_, **__: os._exit(PROBING)
        return start(out)()

    assert in_child(act) == PROBING
    assert len(list((out / "activations").glob("*.safetensors"))) >= 4
    return out


@pytest.fixture
def folder(captured, tmp_path) -> Path:
    shutil.copytree(captured, tmp_path / "run")
    return tmp_path / "run"


@pytest.fixture
def in_process(llama, monkeypatch):
    """Runs of this process use the loaded model, small shards, and end where the probes would be fitted."""

    class Probing(Exception):
        pass

    def stop(*_, **__):
        raise Probing

    monkeypatch.setattr("interp.running.pipeline.load_settings_model", lambda *_: llama)
    monkeypatch.setattr("interp.storing.shards.SHARD_SAMPLES", 8)
    monkeypatch.setattr("interp.running.pipeline.analyse", stop)
    return Probing


def error_of(capsys, *args: object) -> str:
    """The one sentence with which a command ends."""
    assert main([str(arg) for arg in args]) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert lines[-1].startswith("interp: ") and not any("Traceback" in line for line in lines)
    return lines[-1]


def shard(folder: Path, index: int, end: str = "safetensors") -> Path:
    return folder / "activations" / f"shard-{index:05}.{end}"


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-5] ^= 4
    path.write_bytes(content)


DAMAGES = {
    "flipped bit": lambda f: flip(shard(f, 1)),
    "truncated": lambda f: shard(f, 1).write_bytes(shard(f, 1).read_bytes()[:-7]),
    "missing": lambda f: shard(f, 1).unlink(),
    "marker torn": lambda f: shard(f, 1, "json").write_bytes(shard(f, 1, "json").read_bytes()[:50]),
    "marker of another": lambda f: shutil.copy(shard(f, 0, "json"), shard(f, 1, "json")),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_shard_is_named_and_written_again(capsys, folder, captured, in_process, damage) -> None:
    DAMAGES[damage](folder)
    assert main(["verify", str(folder)]) == 2
    (problem,) = capsys.readouterr().out.strip().splitlines()
    assert "shard-00001.safetensors: damaged" in problem and "remove it and shard-00001.json" in problem
    if damage != "flipped bit":  # which only reading every byte can tell
        assert "shard-00001.safetensors: damaged" in error_of(capsys, "resume", folder)
    # What the message says to do: the other shards stay as they are, the gap is filled with the same bytes.
    others = {path: path.stat().st_mtime_ns for path in (folder / "activations").iterdir() if "00001" not in path.name}
    for end in ("safetensors", "json"):
        shard(folder, 1, end).unlink(missing_ok=True)
    with pytest.raises(in_process):
        interp.resume(folder)
    assert contents(folder) == contents(captured)
    assert others == {path: path.stat().st_mtime_ns for path in others}
    assert interp.open_run(folder).verify() == []


def test_two_gaps_and_a_missing_end_are_filled(folder, captured, in_process) -> None:
    last = len(list((folder / "activations").glob("*.json"))) - 1
    for index in (0, 2, last):
        for end in ("safetensors", "json"):
            shard(folder, index, end).unlink()
    with pytest.raises(in_process):
        interp.resume(folder)
    assert contents(folder) == contents(captured)


def test_a_missing_shard_of_a_captured_run_is_missed(folder) -> None:
    for end in ("safetensors", "json"):
        shard(folder, 1, end).unlink()
    (problem,) = interp.open_run(folder).verify()
    assert "no shard holds sample" in problem and "interp resume" in problem


def test_a_foreign_shard_is_refused(capsys, folder, in_process) -> None:
    marker = json.loads(shard(folder, 1, "json").read_text())
    shard(folder, 1, "json").write_text(json.dumps(marker | {"run": "0" * 64, "check": ""}))
    message = error_of(capsys, "resume", folder)
    assert "shard-00001.safetensors: belongs to a run of another model, data or settings" in message
    record = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps(record | {"state": "probing"}))
    with pytest.raises(RunError, match="another model, data or settings"):
        interp.open_run(folder).activations(layer=0, role="last_q")


@pytest.mark.parametrize(
    ("part", "change", "message"),
    [
        ("data", {"sha256": "0"}, "the data changed since the run began"),
        ("model", {"weights_sha256": "0"}, r"the model changed since the run began \(weights_sha256 0 then"),
        ("model", {"tokenizer_sha256": "0"}, r"the model changed since the run began \(tokenizer_sha256 0 then"),
        ("model", {"dtype": "torch.bfloat16"}, r"dtype torch.bfloat16 then, torch.float32 now"),
        ("versions", {"torch": "1.0"}, r"the versions changed since the run began \(torch 1.0 then"),
    ],
)
def test_another_model_data_or_version_is_refused(folder, in_process, part, change, message) -> None:
    record = json.loads((folder / "run.json").read_text())
    record[part] |= change
    (folder / "run.json").write_text(json.dumps(record))
    before = contents(folder)
    with pytest.raises(RunError, match=message + ".*start a new run"):
        interp.resume(folder)
    assert contents(folder) == before


@pytest.mark.parametrize("content", ["", '{"state": "cap', "[]", "{}", '{"state": "done"}'])
@pytest.mark.parametrize("command", ["resume", "status", "verify", "report"])
def test_a_torn_run_json_is_one_sentence(capsys, folder, command, content) -> None:
    (folder / "run.json").write_text(content)
    assert "run.json: damaged: " in error_of(capsys, command, folder)


def test_torn_samples_are_one_sentence(capsys, folder, in_process) -> None:
    whole = (folder / "samples.jsonl").read_bytes()
    (folder / "samples.jsonl").write_bytes(whole[:-20])
    for command in ("resume", "status"):
        assert "samples.jsonl cannot be read" in error_of(capsys, command, folder)


def test_no_run_is_one_sentence(capsys, tmp_path) -> None:
    for command in ("resume", "status", "verify", "report"):
        assert "is not a run folder" in error_of(capsys, command, tmp_path)
        assert "is not a run folder" in error_of(capsys, command, tmp_path / "nowhere")


def test_two_processes_do_not_work_on_one_folder(capsys, folder, captured, in_process) -> None:
    before = contents(folder)
    with locked(folder):
        message = error_of(capsys, "resume", folder)
        assert "another process is working on this run (host " in message and "; wait for it, or stop it" in message
    assert contents(folder) == before
    with pytest.raises(in_process):
        interp.resume(folder)


def test_the_lock_of_a_killed_process_is_gone(folder, in_process) -> None:
    def die() -> None:
        with locked(folder):
            os.kill(os.getpid(), signal.SIGKILL)

    assert in_child(die) == -signal.SIGKILL
    with locked(folder):
        pass


def test_a_folder_left_by_a_run_killed_as_it_began_can_be_used(start, tmp_path) -> None:
    out = tmp_path / "run"

    def act():
        kill_at("os.replace")
        return start(out)()

    assert in_child(act) == -signal.SIGKILL
    assert {path.name for path in out.iterdir()} - FILES == {".run.json.tmp"}

    def again():
        kill_at("interp.running.measuring.generate_answers")
        return start(out)()

    assert in_child(again) == -signal.SIGKILL
    assert interp.open_run(out).settings["state"] == "answering"


@pytest.mark.parametrize("written", [1, 3])
def test_a_full_disk_while_capturing_keeps_what_is_finished(folder, captured, in_process, monkeypatch, written) -> None:
    for path in (folder / "activations").iterdir():
        path.unlink()
    whole, calls = interp.storing.shard_io.serialized, 0

    def full(tensors):
        nonlocal calls
        calls += 1
        for number, chunk in enumerate(whole(tensors)):
            if calls > written and number > 5:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            yield chunk

    with monkeypatch.context() as patch, pytest.raises(RunError, match="No space left on device; make room or choose"):
        patch.setattr("interp.storing.shard_io.serialized", full)
        interp.resume(folder)
    done = interp.storing.shard_files.finished_shards(folder / "activations")
    assert len(done) == written and not list(folder.rglob(".*"))
    with pytest.raises(in_process):
        interp.resume(folder)
    assert contents(folder) == contents(captured)


def test_a_full_disk_while_the_results_are_written(folder, llama, monkeypatch) -> None:
    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("interp.running.pipeline.load_settings_model", lambda *_: llama)
    monkeypatch.setattr("interp.storing.shards.SHARD_SAMPLES", 8)
    monkeypatch.setattr("interp.running.pipeline.analyse", lambda *_, **__: None)
    monkeypatch.setattr("interp.running.pipeline.write_results", full)
    with pytest.raises(RunError, match="run: cannot be written: No space left on device; make room"):
        interp.resume(folder)
    assert interp.open_run(folder).settings["state"] == "reporting"


def test_a_file_system_that_is_really_full(llama_folder, llama, in_process, tmp_path) -> None:
    mount = tmp_path / "small"
    mount.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(mount)], capture_output=True)
    if made.returncode:
        pytest.skip("this user may not mount a file system")
    try:
        with pytest.raises(RunError, match="activations of 48 samples need .* are free"):
            interp.run(model=llama_folder, data=make_rows(), out=mount / "run", **OPTIONS)
        with pytest.MonkeyPatch.context() as patch, pytest.raises(RunError, match="No space left on device"):
            patch.setattr("interp.running.pipeline.check_room", lambda *_: None)
            interp.run(model=llama_folder, data=make_rows(), out=mount / "run", **OPTIONS)
        run = interp.open_run(mount / "run")
        assert run.settings["state"] in ("answering", "capturing") and run.verify() == []
        subprocess.run(["mount", "-o", "remount,size=20m", str(mount)], check=True)
        with pytest.raises(in_process):
            interp.resume(mount / "run", data=make_rows())
        assert interp.open_run(mount / "run").verify() == []
    finally:
        subprocess.run(["umount", str(mount)], check=True)


def test_an_unwritable_place_is_one_sentence(capsys, llama_folder, data, in_process, tmp_path) -> None:
    (tmp_path / "file").write_text("")
    for out in (tmp_path / "file", tmp_path / "file" / "run"):
        message = error_of(capsys, "run", "--model", llama_folder, "--data", data, "--out", out)
        assert "Not a directory" in message and "choose another folder" in message
    if os.geteuid():
        (tmp_path / "sealed").mkdir(mode=0o500)
        message = error_of(capsys, "run", "--model", llama_folder, "--data", data, "--out", tmp_path / "sealed" / "run")
        assert "Permission denied" in message
