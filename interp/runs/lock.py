"""One process at a time works on a run folder, on whatever system and file system; who does is said to the others."""

import json
import os
import socket
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from pathlib import Path

from filelock import BaseFileLock, FileLock, SoftFileLock, Timeout

from interp.errors import RunError
from interp.support.stored import check_inside

LOCK, HOLDER = ".lock", ".lock.json"
"""Files in a run folder that is worked on; they are gone when it is not."""
SOFT = ".lock.file"
KINDS = {LOCK: FileLock, SOFT: SoftFileLock}
"""The system's lock, and where there is none, a file that exists: under another name, because trying leaves its own."""
FILES = {LOCK, SOFT, HOLDER}
"""All that a lock may leave in a folder, if its process is killed."""
WAIT = 0.3
"""Seconds in which a lock that a killed process left is found to be dead and taken over."""


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold `folder` for this process (package `filelock`): by the system's lock, which dies with its process.

    Where a file system has none (some network ones), by a file that names host, process and its start: a dead process
    of this host is found out, one of another host is not, and the message says which file to delete. What a run's
    record says is true only as long as the lock is held: read it inside. Raises RunError if another process holds it,
    or there is no such folder.
    """
    if not folder.is_dir():
        raise RunError(f"{folder} is not a run folder: {'it is a file' if folder.exists() else 'there is none'}")
    check_inside(folder)
    lock = _acquire(folder)
    try:
        # Another process may have removed the folder, or put a new one in its place, just before the lock was had.
        try:
            own = Path(lock.lock_file).stat()
        except OSError as error:
            raise RunError(f"{folder}: another process removed this folder just now; begin again") from error
        since = datetime.now(timezone.utc).isoformat(timespec="seconds")
        who = {"host": socket.gethostname(), "pid": os.getpid(), "since": since}
        with suppress(OSError):  # a full disk is met, and told, by what matters
            (folder / HOLDER).write_text(json.dumps(who), encoding="utf-8")
        try:
            yield
        finally:
            # Both files go while the lock is held (whoever gets a lock on a file that is gone begins again), but not
            # those of another process, if this one has removed the folder.
            with suppress(OSError):
                if os.path.samestat(own, Path(lock.lock_file).stat()):
                    (folder / HOLDER).unlink(missing_ok=True)
                    (folder / LOCK).unlink(missing_ok=True)
    finally:
        lock.release()


def _acquire(folder: Path) -> BaseFileLock:
    for name, kind in KINDS.items():
        lock: BaseFileLock = kind(folder / name)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # that a file system has no locks: it is used without
                lock.acquire(timeout=WAIT, poll_interval=WAIT / 6)
        except Timeout as error:
            raise RunError(
                f"{folder}: another process is working on this run{_holder(folder, name)}; wait for it, or stop it and "
                f"go on with `interp resume {folder}`"
            ) from error
        except (OSError, NotImplementedError) as error:
            if name == LOCK and not isinstance(error, (PermissionError, FileNotFoundError)):
                continue  # no such locks here (ENOLCK, EOPNOTSUPP …)
            raise RunError(f"{folder} cannot be worked on: {getattr(error, 'strerror', None) or error}") from error
        return lock
    raise AssertionError("the second kind returned or raised")


def _holder(folder: Path, name: str) -> str:
    """Who holds the folder, as far as its file says."""
    try:
        held = json.loads((folder / HOLDER).read_text(encoding="utf-8"))
        said = f" (host {held['host']}, process {held['pid']}, since {held['since']})"
    except (OSError, ValueError, KeyError, TypeError):
        said = ""
    if name != LOCK:
        said += f"; if that process is gone, delete {folder / name}"
    return said
