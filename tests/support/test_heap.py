"""Giving the heap back frees what small survivors keep, and is nothing where the C library cannot."""

import ctypes
import gc
import sys
import weakref
from pathlib import Path

import numpy as np
import pytest

from interp.command import cli
from interp.support.heap import ALLOCATED, give_back, seldom_collected, settled


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


@pytest.mark.parametrize(("chosen", "meanwhile"), [(700, ALLOCATED), (10 * ALLOCATED, 10 * ALLOCATED), (0, 0)])
def test_seldom_collected_leaves_what_the_user_chose_for_afterwards(chosen: int, meanwhile: int) -> None:
    at_first = gc.get_threshold()
    gc.set_threshold(chosen, *at_first[1:])
    try:
        with pytest.raises(KeyboardInterrupt), seldom_collected():
            assert gc.get_threshold()[0] == meanwhile
            raise KeyboardInterrupt
        assert gc.get_threshold()[0] == chosen
    finally:
        gc.set_threshold(*at_first)


def test_a_command_seldom_collects(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    seen: list[int] = []
    monkeypatch.setattr("interp.runs.status.status", lambda _: seen.append(gc.get_threshold()[0]) or "seen")
    assert cli.main(["status", str(tmp_path)]) == 0
    assert seen == [ALLOCATED]
