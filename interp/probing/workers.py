"""How many cells are worked on at once: one per core, fewer where they would not fit in memory together."""

import os

from joblib import cpu_count

CELLS_EACH = 4
"""Copies of its cell, in float64, that a worker holds at its peak."""


def worker_count(numbers: int) -> int:
    """Workers for cells of so many numbers (samples × width) that fill at most half of the machine's memory."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return max(1, min(cpu_count(), memory // 2 // (CELLS_EACH * 8 * max(1, numbers))))
