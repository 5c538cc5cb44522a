"""Two processes at one folder: what the second one knows of the run, it reads once the first one has let go."""

import fcntl
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from crash import OPTIONS, contents, in_child, kill_at

import interp
import interp.runs.lock
from interp.demo import model_path, questions_path, run_demo
from interp.errors import RunError
from interp.running.analysis import redraw
from interp.runs.lock import locked

PROBING = 77


@pytest.fixture(scope="module")
def stopped(start, tmp_path_factory) -> Path:
    """A run that stopped before its probes."""
    out = tmp_path_factory.mktemp("runs") / "stopped"

    def act():
        interp.running.pipeline.analyse = lambda *_, **__: __import__("os")._exit(PROBING)
        return start(out)()

    assert in_child(act) == PROBING
    return out


@pytest.fixture
def meanwhile(monkeypatch) -> Callable[[Callable], None]:
    """`meanwhile(action)`: just before this process takes the lock, another one does `action`, to its end."""

    def set_up(action: Callable) -> None:
        waiting = [action]

        def late(folder: Path):
            if waiting:
                in_child(waiting.pop())
            return locked(folder)

        monkeypatch.setattr("interp.running.pipeline.locked", late)

    return set_up


@pytest.fixture
def with_llama(llama, monkeypatch) -> None:
    monkeypatch.setattr("interp.running.pipeline.load_settings_model", lambda *_: llama)
    monkeypatch.setattr("interp.storing.shards.SHARD_SAMPLES", 8)


def test_a_run_that_another_process_finished_is_not_set_back(
    stopped, go_on, unbroken, with_llama, meanwhile, tmp_path
) -> None:
    folder = Path(shutil.copytree(stopped, tmp_path / "run"))
    finished = {}

    def other() -> None:
        go_on(folder)()

    meanwhile(other)
    run = interp.resume(folder, n_jobs=1)
    assert run.settings["state"] == "done"
    # What that process left is what is there: run.json with its own times, too.
    assert len(run.settings["resumed"]) == 1
    finished = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    assert contents(folder) == contents(unbroken)
    interp.resume(folder)
    assert finished == {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


def test_a_folder_that_another_process_began_in_is_not_used(
    start, llama_folder, data, with_llama, meanwhile, tmp_path
) -> None:
    out = tmp_path / "run"

    def other() -> None:
        kill_at("interp.running.measuring.remove")
        start(out)()

    meanwhile(other)
    with pytest.raises(RunError, match="holds another run; nothing was overwritten"):
        interp.run(model=llama_folder, data=data, out=out, **OPTIONS)
    assert (out / "samples.jsonl").exists()


def test_a_folder_that_was_removed_as_it_was_locked(tmp_path, monkeypatch) -> None:
    folder, flock = tmp_path / "run", fcntl.flock
    folder.mkdir()

    def removed(descriptor: int, how: int) -> None:
        folder.rmdir()
        flock(descriptor, how)

    with monkeypatch.context() as patch:
        patch.setattr(fcntl, "flock", removed)
        with pytest.raises(RunError, match="another process removed this folder just now; begin again"), locked(folder):
            pytest.fail("there is nothing to hold")
    with pytest.raises(RunError, match="run is not a run folder: No such file or directory"), locked(folder):
        pytest.fail("there is nothing to hold")


def test_a_report_is_drawn_by_one_process_of_a_run_that_is_finished_now(unbroken, tmp_path) -> None:
    run = interp.open_run(shutil.copytree(unbroken, tmp_path / "run"))
    assert run.settings["state"] == "done"
    with locked(run.folder.path), pytest.raises(RunError, match="another process is working on this run"):
        redraw(run)
    record = json.loads(run.folder.run_json.read_text())
    run.folder.run_json.write_text(json.dumps(record | {"state": "reporting"}))
    with pytest.raises(RunError, match="is not finished; `interp resume .*` first"):
        redraw(run)


def test_a_demo_that_is_running_is_not_replaced(unbroken, tmp_path) -> None:
    folder = Path(shutil.copytree(unbroken, tmp_path / "demo-run"))
    record = json.loads((folder / "run.json").read_text())
    record["settings"] |= {"model": str(model_path()), "data": str(questions_path())}
    (folder / "run.json").write_text(json.dumps(record))
    with locked(folder), pytest.raises(RunError, match="another process is working on this run"):
        run_demo(folder, progress=False)
    assert contents(folder) == contents(unbroken)
