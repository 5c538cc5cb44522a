"""Commands that take a run's folder: each is refused in one sentence where there is no run."""

import gc
from pathlib import Path

import pytest

from interp.command.cli import INTERRUPTED, main
from interp.command.folder_commands import FOLDER_COMMANDS


@pytest.mark.parametrize("name", [name for name, *_ in FOLDER_COMMANDS])
def test_a_folder_without_a_run(name: str, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    assert main([name, str(tmp_path)]) == 2
    *_, said = capsys.readouterr().err.splitlines()
    assert said.startswith(f"interp: {tmp_path}") and "run.json" in said and not any(tmp_path.iterdir())


def test_a_command_ends_without_a_last_look_at_every_object(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at_end: list[object] = []
    monkeypatch.setattr("atexit.register", at_end.append)
    assert main(["status", str(tmp_path)]) == 2 and at_end == [gc.freeze]


def test_what_is_stopped_before_there_is_a_run_is_begun_again(tmp_path: Path, monkeypatch, capsys) -> None:
    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("interp.running.gathering.gather", stopped)
    assert main(["gather", str(tmp_path / "array")]) == INTERRUPTED
    assert capsys.readouterr().err == "\ninterp: stopped; give the same command again\n"
