"""Two processes at one folder: what the second one knows of the run, it reads once the first one has let go."""

import errno
import json
import os
import shutil
import signal
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from crash import OPTIONS, contents, kill_at
from filelock import FileLock
from moments import in_child

import interp
import interp.runs.lock
from interp.demo import model_path, questions_path, run_demo
from interp.errors import RunError
from interp.running.analysis import redraw
from interp.runs.lock import HOLDER, LOCK, locked

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
    folder, acquire = tmp_path / "run", FileLock.acquire
    folder.mkdir()

    def removed(self, *args, **options):
        held = acquire(self, *args, **options)
        shutil.rmtree(folder)
        return held

    with monkeypatch.context() as patch:
        patch.setattr(FileLock, "acquire", removed)
        with pytest.raises(RunError, match="another process removed this folder just now; begin again"), locked(folder):
            pytest.fail("there is nothing to hold")
    with pytest.raises(RunError, match="run is not a run folder: there is none"), locked(folder):
        pytest.fail("there is nothing to hold")


def test_nothing_is_left_behind_and_a_lock_can_be_had_again(tmp_path) -> None:
    for _ in range(3):
        with locked(tmp_path):
            assert {path.name for path in tmp_path.iterdir()} == {LOCK, HOLDER}
        assert list(tmp_path.iterdir()) == []
    with locked(tmp_path):  # whoever removes the folder under its own lock does not take another's away
        for path in tmp_path.iterdir():
            path.unlink()
        (tmp_path / LOCK).touch()
    assert [path.name for path in tmp_path.iterdir()] == [LOCK]


def without_flock(patch) -> None:
    """As on a network file system that knows no locks."""

    def unknown(descriptor: int, how: int) -> None:
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))

    patch.setattr("fcntl.flock", unknown)


@pytest.mark.parametrize("flock", [True, False])
def test_the_second_process_is_refused_and_told_who_holds_it(flock, tmp_path, monkeypatch) -> None:
    if not flock:
        without_flock(monkeypatch)

    def second() -> int:
        try:
            with locked(tmp_path):
                return 0
        except RunError as error:
            who = f"host {socket.gethostname()}, process {os.getppid()}, since 2"
            said = f"delete {tmp_path}/.lock.file;" in str(error)
            return 7 if who in str(error) and said is not flock else 1

    with locked(tmp_path):
        assert in_child(second) == 7
    assert in_child(second) == 0


@pytest.mark.parametrize("flock", [True, False])
def test_the_lock_of_a_killed_process_is_dead(flock, tmp_path, monkeypatch) -> None:
    if not flock:
        without_flock(monkeypatch)

    def killed() -> None:
        with locked(tmp_path):
            os.kill(os.getpid(), signal.SIGKILL)

    assert in_child(killed) == -signal.SIGKILL
    assert {path.name for path in tmp_path.iterdir()} == {LOCK, HOLDER, *([] if flock else [".lock.file"])}
    with locked(tmp_path):
        assert json.loads((tmp_path / HOLDER).read_text())["pid"] == os.getpid()
    assert list(tmp_path.iterdir()) == []


def test_one_of_many_processes_at_a_time_holds_it(tmp_path) -> None:
    """Four take turns at a counter that would lose counts if two of them had it."""
    folder, counter = tmp_path / "run", tmp_path / "counter"
    folder.mkdir()
    counter.write_text("0")

    def counting() -> None:
        done = 0
        while done < 5:
            try:
                with locked(folder):
                    counter.write_text(str(int(counter.read_text()) + 1))
                    done += 1
            except RunError:
                pass

    pids = []
    for _ in range(4):
        pid = os.fork()
        if pid == 0:
            try:
                counting()
            finally:
                os._exit(0)
        pids.append(pid)
    for pid in pids:
        os.waitpid(pid, 0)
    assert counter.read_text() == "20" and list(folder.iterdir()) == []


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
