"""Files that are whole or absent: what a killed process or a full disk leaves behind is never half a file."""

import errno
import hashlib
import json
import math
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from interp.errors import RunError

HINTS = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT), "make room or choose another folder"),
    **dict.fromkeys(
        (errno.EACCES, errno.EPERM, errno.EROFS), "choose a folder that may be written to, or change its permissions"
    ),
}
"""What to do about an error of the system."""


class UnwritableError(RunError):
    """A file or folder cannot be written. Whether anything is kept, only the run that was writing can say."""


def make_folder(path: Path) -> None:
    """Create a folder and its parents, if need be. Raises `RunError` if that is not possible."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(path, error) from error


def remove(path: Path) -> None:
    """Remove a file, if it is there. Raises `RunError` if that is not possible."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise _unwritable(path, error) from error


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """What other libraries fail to write into `path` is a `RunError`, as it is for the functions here."""
    try:
        yield
    except OSError as error:
        raise _unwritable(path, error) from error


def write_chunks(path: Path, chunks: Iterable[bytes | memoryview]) -> str:
    """Replace `path` by `chunks` in one step that survives a crash; a reader sees the old file or the new one.

    Returns the SHA-256 of what was written. Raises `RunError` if the file cannot be written; the old one is kept.
    """
    temporary = path.with_name(f".{path.name}.tmp")
    digest = hashlib.sha256()
    try:
        with temporary.open("wb") as file:
            for chunk in chunks:
                digest.update(chunk)
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        raise _unwritable(path, error) from error
    return digest.hexdigest()


def write_text(path: Path, text: str) -> None:
    """`write_chunks` of UTF-8 text."""
    write_chunks(path, [text.encode("utf-8")])


def write_json(path: Path, value: Any) -> None:
    """`write_chunks` of JSON that any reader takes: NaN and infinity become null, numpy values plain ones."""
    write_chunks(path, [json_bytes(value)])


def json_bytes(value: Any) -> bytes:
    """What `write_json` writes."""
    return (json.dumps(plain(value), ensure_ascii=False, allow_nan=False, indent=1) + "\n").encode("utf-8")


def append_lines(path: Path, lines: list[str]) -> None:
    """Add whole lines to the end of `path` and wait until they are on the disk.

    A last line that a killed process left without its end is cut off first. Raises `RunError` if the file cannot be
    written.
    """
    try:
        with path.open("a+b") as file:
            end = file.seek(0, os.SEEK_END)
            while end and (file.seek(end - 1), file.read(1))[1] != b"\n":
                end -= 1
            file.truncate(end)
            file.write("".join(f"{line}\n" for line in lines).encode("utf-8"))
            file.flush()
            os.fsync(file.fileno())
        _sync_folder(path.parent)
    except OSError as error:
        raise _unwritable(path, error) from error


def read_lines(path: Path, *, errors: str = "strict") -> list[str]:
    """The whole lines of a file that `append_lines` wrote, without their ends; none if there is no file.

    `errors`: what becomes of bytes that are no UTF-8, as `bytes.decode` has it.
    """
    if not path.exists():
        return []
    content = path.read_bytes()
    return content[: content.rfind(b"\n") + 1].decode("utf-8", errors).split("\n")[:-1]


def plain(value: Any) -> Any:
    """`value` as JSON can say it: numpy values as Python's, tuples as lists, NaN and infinity as None."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def _sync_folder(folder: Path) -> None:
    """Put the folder's entries on the disk too: a rename is lost in a crash until its folder is written."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unwritable(path: Path, error: OSError) -> UnwritableError:
    hint = HINTS.get(error.errno or 0, "choose another folder")
    return UnwritableError(f"{path}: cannot be written: {error.strerror or error}; {hint}")
