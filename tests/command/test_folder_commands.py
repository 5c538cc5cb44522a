"""Commands that take a run's folder: each is refused in one sentence where there is no run."""

from pathlib import Path

import pytest

from interp.command.cli import main
from interp.command.folder_commands import FOLDER_COMMANDS


@pytest.mark.parametrize("name", [name for name, *_ in FOLDER_COMMANDS])
def test_a_folder_without_a_run(name: str, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    assert main([name, str(tmp_path)]) == 2
    *_, said = capsys.readouterr().err.splitlines()
    assert said.startswith(f"interp: {tmp_path}") and "run.json" in said and not any(tmp_path.iterdir())
