"""One process at a time works on a run folder; the system frees the lock of a killed one, so none is ever stale."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from interp.errors import RunError


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold `folder` for this process. The folder itself is locked (flock): no file is made, and none is left behind.

    What a run's record says is true only as long as the lock is held: read it inside. File systems without locks (some
    network ones) are used without. Raises RunError if another process holds it, or there is no such folder.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise RunError(f"{folder} is not a run folder: {error.strerror}") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RunError(
                f"{folder}: another process is working on this run; wait for it, or stop it and go on with "
                f"`interp resume {folder}`"
            ) from error
        except OSError:
            pass
        if not (folder.exists() and os.path.samestat(os.fstat(descriptor), folder.stat())):
            raise RunError(f"{folder}: another process removed this folder just now; begin again")
        yield
    finally:
        os.close(descriptor)
