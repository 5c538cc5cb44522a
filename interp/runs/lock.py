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

    File systems without locks (some network ones) are used without. Raises RunError if another process holds it.
    """
    descriptor = os.open(folder, os.O_RDONLY)
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
        yield
    finally:
        os.close(descriptor)
