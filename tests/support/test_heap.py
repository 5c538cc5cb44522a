"""Giving the heap back frees what small survivors keep, and is nothing where the C library cannot."""

import ctypes
import gc
import sys
import weakref
from pathlib import Path

import numpy as np
import pytest

from interp.support.heap import give_back, settled


def resident() -> int:
    """Private pages of this process, in MiB."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("RssAnon"))
    return int(line.split()[1]) // 1024


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="needs glibc")
def test_pages_between_survivors_are_given_back() -> None:
    size = 100_000  # bytes: below every mmap threshold, so taken from the heap
    blocks = [np.ones(size, dtype=np.uint8) for _ in range(3000)]
    survivors = blocks[::10]
    del blocks
    before = resident()
    give_back()
    assert before - resident() > 100
    assert all(block.all() for block in survivors)


def test_nothing_happens_elsewhere(monkeypatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(ctypes, "CDLL", lambda *_: pytest.fail("asked the C library"))
    give_back()


@pytest.fixture
def unfrozen():
    """As a user's process is: the tests freeze what they have imported."""
    gc.unfreeze()
    yield
    gc.freeze()


class Cycle:
    """Freed by the collector only."""

    def __init__(self) -> None:
        self.own = self


def test_settled_passes_over_what_stands_and_frees_it_afterwards(unfrozen) -> None:
    before = Cycle()
    died = weakref.ref(before)
    with settled():
        assert gc.get_freeze_count() > 10_000
        assert len(gc.get_objects()) < 10_000, "what a collection looks at"
        del before
        passing = Cycle()
        new = weakref.ref(passing)
        del passing
        give_back()
        assert new() is None and died() is not None
    give_back()
    assert died() is None and gc.get_freeze_count() == 0


def test_settled_inside_another_and_after_an_error(unfrozen) -> None:
    with pytest.raises(KeyError), settled():
        with settled():
            pass
        assert gc.get_freeze_count(), "the outer one goes on"
        raise KeyError
    assert gc.get_freeze_count() == 0
