"""Many cells at once, one thread per worker, as many workers as processors and memory allow."""

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import chain
from typing import Any

from joblib import Parallel, delayed, effective_n_jobs
from joblib._parallel_backends import LokyBackend
from joblib.parallel import get_active_backend

from interp.fitting.crossfit import CellFit, cross_fit_together
from interp.fitting.training import Cell
from interp.support.machine import usable_cpus, usable_memory
from interp.support.threads import one_thread

CELLS_EACH = 4
"""Copies of its cell, in float64, that a worker holds at its peak."""
TOGETHER = 500_000
"""Numbers of the cells that are solved at once: of narrow cells several, whose steps are too small one by one."""
SERIAL_BELOW = 3_000_000
"""Numbers in all cells together under which starting workers costs more than it saves."""


def worker_count(numbers: int) -> int:
    """Workers for cells of so many numbers (samples × width) that fill at most half of the memory there is to use."""
    return max(1, min(usable_cpus(), usable_memory() // 2 // (CELLS_EACH * 8 * max(1, numbers))))


def workers_for(size: int, largest: int) -> int:
    """Workers for cells of `size` numbers in all, `largest` of them in one; 1 (this process) where little is to do."""
    return 1 if size < SERIAL_BELOW else worker_count(largest)


def cross_fit_cells(
    cells: Iterable[Sequence[Cell]],
    size: int,
    *,
    largest: int = 0,
    n_jobs: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> Iterator[list[CellFit]]:
    """Fit every cell, to the same bytes for any number of workers; cells are drawn as workers come free.

    An item is one cell, or several that have one matrix and one estimator. As many items of logistic
    probes as have `TOGETHER` numbers go to a worker at once, where they are solved together (`cross_fit_together`).
    Which ones depends on their order alone.

    Workers are processes of this machine, or what `joblib.parallel_config` names (`backend="ray"`: of a cluster).
    `n_jobs=None`: one worker per core, fewer if cells are so large (`largest`: numbers of one) that they would not fit
    in memory, or none at all if the cells together hold few numbers (`size`). `progress` is called
    with the number of items just finished.
    """
    backend, _ = get_active_backend()
    if n_jobs is None:
        n_jobs = workers_for(size, largest)
        if n_jobs > 1 and not isinstance(backend, LokyBackend):
            n_jobs = -1  # as many as the backend has
    if n_jobs == 1:
        done: Iterable[list[list[CellFit]]] = map(cross_fit_together, _chunks(cells))
    else:
        returned = "generator" if backend.supports_return_generator else "list"
        done = _parallel(n_jobs, return_as=returned)(delayed(_alone)(items) for items in _chunks(cells))
    for fits in chain.from_iterable(done):
        if progress is not None:
            progress(1)
        yield fits


def _chunks(cells: Iterable[Sequence[Cell]]) -> Iterator[list[Sequence[Cell]]]:
    """Items that go to a worker at once."""
    chunk: list[Sequence[Cell]] = []
    numbers = 0
    for item in cells:
        # Any other probe is fitted cell by cell, which takes as many workers as there are.
        size = item[0].x.size if item[0].spec.together else TOGETHER
        if chunk and numbers + size > TOGETHER:
            yield chunk
            chunk, numbers = [], 0
        chunk.append(item)
        numbers += size
    if chunk:
        yield chunk


@contextmanager
def workers_ahead(size: int, largest: int, n_jobs: int | None) -> Iterator[None]:
    """Meanwhile the processes start and import what they need, which takes them seconds; arguments as in
    `cross_fit_cells`.

    joblib keeps them for the cells that come next, for five minutes; Ctrl-C ends them.
    """
    n_jobs = workers_for(size, largest) if n_jobs is None else n_jobs
    if n_jobs == 1:
        yield
        return
    ready = _parallel(n_jobs, return_as="generator")(delayed(_ready)() for _ in range(effective_n_jobs(n_jobs)))
    try:
        yield
    except KeyboardInterrupt:  # waits for nothing
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of tasks that are given up
            ready.close()
        raise
    finally:
        with suppress(Exception):  # a worker that could not start: those that fit the cells will say so, if they cannot
            for _ in ready:
                pass


def _parallel(n_jobs: int, **options: Any) -> Parallel:
    """The same processes every time: joblib starts new ones where any option of theirs is another."""
    return Parallel(n_jobs=n_jobs, max_nbytes=None, batch_size=1, **options)


def _ready() -> None:
    """Nothing: a process that has found it has imported this module."""


def _alone(items: Sequence[Sequence[Cell]]) -> list[list[CellFit]]:
    """Items in a process that nobody has told how many threads compute."""
    with one_thread():
        return cross_fit_together(items)
