"""What a command prints: plain text, whatever a row, a model or a file's name says."""

import os
import sys
from io import TextIOWrapper

from interp.errors import visible


def tell(text: object) -> None:
    """Print to standard output; control characters are written out. To a reader that has left (`| head`), nothing."""
    try:
        print(visible(str(text)), flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python fails at its end, too


def any_character() -> None:
    """A terminal or file whose encoding lacks a character gets its number instead of an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
