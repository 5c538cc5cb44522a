"""Many cells at once, one BLAS thread per worker, as many workers as cores and memory allow."""

import os
from collections.abc import Callable, Iterable
from functools import cache

import scipy.linalg  # noqa: F401  (threadpoolctl only sees BLAS libraries that are already loaded)
from joblib import Parallel, cpu_count, delayed
from threadpoolctl import ThreadpoolController

from interp.probing.crossfit import Cell, CellFit, cross_fit

CELLS_EACH = 4
"""Copies of its cell, in float64, that a worker holds at its peak."""
SERIAL_BELOW = 3_000_000
"""Numbers in all cells together under which starting workers costs more than it saves."""


def worker_count(numbers: int) -> int:
    """Workers for cells of so many numbers (samples × width) that fill at most half of the machine's memory."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return max(1, min(cpu_count(), memory // 2 // (CELLS_EACH * 8 * max(1, numbers))))


@cache
def _blas() -> ThreadpoolController:
    return ThreadpoolController()


def _cross_fit_pinned(cell: Cell) -> CellFit:
    """Two BLAS threads collapse as soon as another process runs; one per worker, one worker per core."""
    with _blas().limit(limits=1):
        return cross_fit(cell)


def cross_fit_cells(
    cells: Iterable[Cell],
    size: int,
    *,
    largest: int = 0,
    n_jobs: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> list[CellFit]:
    """Fit every cell, to the same bytes for any number of workers; cells are drawn as workers come free.

    `n_jobs=None`: one worker per core, fewer if cells are so large (`largest`: numbers of one) that they would not fit
    in memory, or none at all if the cells together hold few numbers (`size`). `progress` is called
    with the number of cells just finished.
    """
    if n_jobs is None:
        n_jobs = 1 if size < SERIAL_BELOW else worker_count(largest)
    if n_jobs == 1:
        done: Iterable[CellFit] = map(_cross_fit_pinned, cells)
    else:
        workers = Parallel(n_jobs=n_jobs, return_as="generator", max_nbytes=None, batch_size=1)
        done = workers(delayed(_cross_fit_pinned)(cell) for cell in cells)
    fits = []
    for fit in done:
        fits.append(fit)
        if progress is not None:
            progress(1)
    return fits
