"""What is read from a folder that a stranger may have made: plain files inside it, no larger than such a file gets."""

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from stat import S_ISREG
from typing import Any

from interp.errors import InterpError, RunError

MIB = 1 << 20
MOST_BYTES = 64 * MIB
"""Of a file that is read as a whole: a record, a marker, a comparison, a figure. Larger ones are refused unread."""
MOST_TABLE = 2048 * MIB
"""Of `grid.csv` and `positions.csv`."""
MOST_LINE = 32 * MIB
"""Of a line, where a file holds one sample a line."""
MOST_DIGITS = 20
"""Of a whole number; what interp writes fits into 64 bits."""
DEEPEST = 64
"""Objects and lists inside each other."""


def check_inside(folder: Path) -> None:
    """Raise RunError for a link that leads out of a folder, or what is neither a file nor a folder in it.

    Reading such a link would show, and writing through it replace, what the user has elsewhere; a pipe would be waited
    for without an end. The folder itself may be a link.
    """
    for entry in _entries(folder):
        if entry.is_symlink() and not Path(entry.path).resolve().is_relative_to(folder.resolve()):
            raise RunError(
                f"{entry.path}: a link that leads out of the folder, to {os.readlink(entry.path)!r}; nothing was read: "
                "a run's files stand in its folder, so put them in the link's place (the folder itself may be a link)"
            )
        if not (entry.is_dir() or entry.is_file() or entry.is_symlink()):
            raise RunError(f"{entry.path}: neither a file nor a folder; nothing was read: remove it if it is not yours")


def _entries(folder: str | Path) -> Iterator["os.DirEntry[str]"]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:  # told where a file of it is opened
        return
    for entry in entries:
        yield entry
        if entry.is_dir(follow_symlinks=False):
            yield from _entries(entry.path)


def read_bytes(path: Path, most: int = MOST_BYTES) -> bytes:
    """A whole file. Raises ValueError for one that is no plain file, or larger than `most`, before it is read."""
    with open(path, "rb", opener=_opened) as file:
        about = os.fstat(file.fileno())
        if not S_ISREG(about.st_mode):
            raise ValueError("it is no file")
        if about.st_size > most:
            raise ValueError(f"it has {about.st_size} bytes, such a file at most {most}")
        return file.read(about.st_size)


def read_text(path: Path, most: int = MOST_BYTES) -> str:
    """The same as UTF-8."""
    return read_bytes(path, most).decode("utf-8")


def read_json(path: Path, most: int = MOST_BYTES) -> Any:
    """The same as JSON (`parse_json`)."""
    return parse_json(read_text(path, most))


def parse_json(text: str) -> Any:
    """JSON as interp writes it. Raises ValueError for any other: a key twice, huge numbers, deep nesting."""
    try:
        value = json.loads(text, object_pairs_hook=_object, parse_int=_whole)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if text.count("[") + text.count("{") > DEEPEST:
        _check_depth(value)
    return value


def read_json_lines(path: Path) -> Iterator[Any]:
    """The lines of a file, each as JSON. Raises ValueError for one that is longer than `MOST_LINE`."""
    with open(path, "rb", opener=_opened) as file:
        if not S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ValueError("it is no file")
        for number, line in enumerate(iter(lambda: file.readline(MOST_LINE + 1), b""), start=1):
            if len(line) > MOST_LINE:
                raise ValueError(f"line {number} has more than {MOST_LINE} bytes")
            yield parse_json(line.decode("utf-8"))


@contextmanager
def as_written(folder: Path) -> Iterator[None]:
    """While what a folder's files say is made use of: what does not fit together is a RunError, not one of Python's."""
    try:
        yield
    except InterpError:
        raise
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        said = (str(error).splitlines() or [""])[0][:200]
        raise RunError(
            f"{folder}: its files are not as interp writes them, or do not belong together ({type(error).__name__}: "
            f"{said}); restore them, or run again in another folder"
        ) from error


def plain_name(name: object) -> str:
    """The name of a file in a folder. Raises ValueError for what would lead out of it."""
    text = str(name)
    if not text or text.startswith(".") or any(sign in text for sign in "/\\:\0"):
        raise ValueError(f"expected the name of a file in the same folder, got {text[:80]!r}")
    return text


def _opened(path: str, flags: int) -> int:
    """Without waiting for whoever would write into a pipe."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(name for at, (name, _) in enumerate(pairs) if name in dict(pairs[:at]))
        raise ValueError(f"the key {twice[:80]!r} stands twice in one object")
    return found


def _whole(digits: str) -> int:
    if len(digits) > MOST_DIGITS:
        raise ValueError(f"a number of {len(digits)} digits")
    return int(digits)


def _check_depth(value: Any) -> None:
    level: list[Any] = [value]
    for _ in range(DEEPEST):
        level = [inner for one in level if isinstance(one, dict | list) for inner in _inside(one)]
        if not level:
            return
    raise ValueError("it is nested too deeply")


def _inside(value: dict[str, Any] | list[Any]) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value
