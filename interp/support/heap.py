"""Memory that is free but still held: what glibc's allocator keeps of a stage would add to the peak of the next one."""

import ctypes
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

ALLOCATED = 20_000
"""Objects, more than have died, after which a command looks for garbage."""


def give_back() -> None:
    """Return the free pages of the heap to the system, where its C library can (glibc); elsewhere do nothing.

    Every large array that is freed raises the size up to which glibc takes arrays from its heap (`mallopt`, dynamic
    M_MMAP_THRESHOLD), and small results between them keep the heap from shrinking by itself. On Gemma 3 270M with
    1,200 samples that was 550 MiB after capture and as much again after every grid.
    """
    gc.collect()
    if sys.platform == "linux" and (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)) is not None:
        trim(0)


@contextmanager
def seldom_collected() -> Iterator[None]:
    """Meanwhile garbage is looked for after every `ALLOCATED` new objects, not after Python's few hundred.

    The imports of a command make a million objects that stay: looking through them again and again takes seconds.
    """
    before = gc.get_threshold()
    gc.set_threshold(max(ALLOCATED, before[0]) if before[0] else 0, *before[1:])  # 0: never, as the user chose
    try:
        yield
    finally:
        gc.set_threshold(*before)


@contextmanager
def settled() -> Iterator[None]:
    """Meanwhile collections pass over what stands now: half a million objects of imported modules, 0.3 s each time.

    Of these, what dies meanwhile in cycles is freed by the first collection afterwards. Inside another one, or where
    the user has frozen objects (`gc.freeze`), nothing changes.
    """
    if gc.get_freeze_count():
        yield
        return
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
