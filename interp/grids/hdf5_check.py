"""Whether an HDF5 file can be read as a grid: whole in itself, and no larger in memory than its bytes can be."""

from collections.abc import Iterator
from pathlib import Path

import h5py

MOST_TIMES = 16
"""Memory, in sizes of the file. What interp writes is not packed: memory is about the file's size."""
ANYWAY = 1 << 28
"""Bytes of memory that are allowed however small the file is."""


def check_hdf5(path: Path) -> None:
    """Raise ValueError for a file with parts in other files, or whose arrays say that they are far larger than it.

    HDF5 lets a data set lie in any file of the disk, and a few bytes describe an array of terabytes that was never
    written. Raises OSError for what is no HDF5 file.
    """
    allowed = max(ANYWAY, MOST_TIMES * path.stat().st_size)
    with h5py.File(path, "r") as file:
        size = 0
        for data in _datasets(file):
            if data.external or data.is_virtual:
                raise ValueError(f"{data.name} lies in another file, which is not read")
            size += data.size * max(8, data.dtype.itemsize) if data.size else 0
            if size > allowed:
                raise ValueError(f"its arrays would take more than {allowed} bytes; it has {path.stat().st_size}")


def _datasets(group: h5py.Group, depth: int = 0) -> Iterator[h5py.Dataset]:
    if depth > 8:
        raise ValueError("its groups are nested too deeply")
    for name in group:
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise ValueError(f"{name} is a link, which is not followed")
        one = group[name]
        if isinstance(one, h5py.Group):
            yield from _datasets(one, depth + 1)
        elif isinstance(one, h5py.Dataset):
            yield one
