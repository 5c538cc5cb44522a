"""How many threads compute: a number whose order of sums is that of one thread, whatever the machine has."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import scipy.linalg  # noqa: F401  (threadpoolctl only sees BLAS libraries that are already loaded)
import torch
from threadpoolctl import ThreadpoolController


@contextmanager
def torch_threads(number: int) -> Iterator[None]:
    """Meanwhile torch computes with so many threads; then, also after an error, with as many as before."""
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def one_thread() -> Iterator[None]:
    """Meanwhile BLAS and torch compute with one thread: the same bytes on every machine with these instructions.

    Faster, too: two BLAS threads collapse as soon as another process runs. torch is told by itself, because
    threadpoolctl does not see the BLAS inside it.
    """
    with torch_threads(1), _pools().limit(limits=1):  # in this order: torch counts what the pools allow
        yield


@cache
def _pools() -> ThreadpoolController:
    return ThreadpoolController()
