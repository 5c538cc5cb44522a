"""What a command prints: no control character, and no error for a character that a terminal lacks."""

import io
import subprocess
import sys

from interp.command.output import any_character, tell


def test_control_characters_are_written_out(capsys) -> None:
    tell("\x1b[31mred\nnext \ud800 \u202eturned")
    assert capsys.readouterr().out == "\\x1b[31mred\nnext \\ud800 \\u202eturned\n"


def test_a_terminal_that_lacks_a_character_gets_its_number(monkeypatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
    any_character()
    tell("layers 1–3")
    sys.stdout.flush()
    assert raw.getvalue() == b"layers 1\\u20133\n"


def test_a_reader_that_has_left_is_no_error() -> None:
    code = "from interp.command.output import tell\nfor _ in range(3): tell('x' * 200_000)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        child.stdout.close()
        assert child.stderr.read() == b"" and child.wait(60) == 0
