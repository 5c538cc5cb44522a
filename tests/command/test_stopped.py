"""A command that is stopped while it is still being imported says one line, as later, and has the status for it."""

import signal
import subprocess
import sys

import pytest

from interp.command.cli import INTERRUPTED

IMPORTING = """
import os, signal, sys

class Stopping:
    def find_spec(self, name, *_):
        if name == {name!r}:
            os.kill(os.getpid(), {number})

signal.signal(signal.SIGINT, signal.{handler})
sys.meta_path.insert(0, Stopping())
from interp.command.cli import main
sys.exit(main(["status", "nowhere"]))
"""


def stopped(name: str, number: signal.Signals, handler: str = "default_int_handler") -> tuple[int, list[str]]:
    """Status and lines of standard error of a command that gets a signal as it imports the module `name`."""
    code = IMPORTING.format(name=name, number=int(number), handler=handler)
    with subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True) as child:
        _, said = child.communicate(timeout=60)
    return child.returncode, said.strip().splitlines()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("name", ["interp.command.parser", "interp.data.rows", "interp.runs.status"])
def test_a_command_that_is_stopped_as_it_is_imported_says_one_line(name, number) -> None:
    assert stopped(name, number) == (INTERRUPTED, ["interp: stopped; give the same command again"])


def test_what_a_shell_runs_in_the_background_is_not_stopped_with_the_foreground() -> None:
    status, said = stopped("interp.data.rows", signal.SIGINT, "SIG_IGN")
    assert status == 2 and len(said) == 1 and "is not a run folder" in said[0]
