"""What a command prints: plain text, whatever a row, a model or a file's name says."""

import sys
from io import TextIOWrapper

from interp.errors import visible


def tell(text: object) -> None:
    """Print to standard output; control characters are written out."""
    print(visible(str(text)))


def any_character() -> None:
    """A terminal or file whose encoding lacks a character gets its number instead of an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
