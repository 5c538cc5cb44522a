"""Reading GGUF files within little memory: gguf's own reader, its long lists looked up only where they are read."""

import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

PIECE = 1 << 22
"""Bytes of a tensor in the file that are read at once; `gguf.dequantize` needs several times what it gives."""

STRING, ARRAY = 8, 9
"""Kinds of value that gguf knows (`GGUFValueType`)."""


class _Parts(Sequence[Any]):
    """The parts of a list in a file: its two numbers first, then one view of the file per item, made when asked for."""

    def __init__(self, head: list[Any], data: Any, bounds: Any, dtype: Any) -> None:
        self.head, self.data, self.bounds, self.dtype = head, data, bounds, dtype

    def __len__(self) -> int:
        return len(self.head) + len(self.bounds)

    def __getitem__(self, at: Any) -> Any:
        if isinstance(at, slice):
            return [self[i] for i in range(*at.indices(len(self)))]
        at = range(len(self))[at]
        if at < len(self.head):
            return self.head[at]
        start, end = self.bounds[at - len(self.head)]
        return self.data[start:end].view(self.dtype)


@cache
def _reader() -> Any:
    """`gguf.GGUFReader` with lists of 16 bytes an item: the metadata of Gemma 3 (262,144 tokens) took 720 MB."""
    from gguf import GGUFReader, GGUFValueType

    class Reader(GGUFReader):
        table = 0
        """Where the names of the tensors begin: the metadata ends there."""

        def _get_field_parts(self, orig_offs: int, raw_type: int) -> Any:
            if raw_type != ARRAY:
                return super()._get_field_parts(orig_offs, raw_type)
            kind, length = self._get(orig_offs, np.uint32), self._get(orig_offs + 4, np.uint64)
            begin, n, each = orig_offs + 12, int(length[0]), int(kind[0])
            types = [GGUFValueType.ARRAY, GGUFValueType(each)] if n else [GGUFValueType.ARRAY]
            if each == STRING:
                bounds = _string_bounds(self.data, begin, n, ">Q" if length.dtype.byteorder == ">" else "<Q")
                end, dtype = (int(bounds[-1, 1]) if n else begin), np.dtype(np.uint8)
            elif (scalar := self.gguf_scalar_to_np.get(GGUFValueType(each))) is not None:
                dtype = self._get(begin, scalar, 0).dtype
                end = begin + n * dtype.itemsize
                starts = np.arange(begin, end, dtype.itemsize)
                bounds = np.stack([starts, starts + dtype.itemsize], axis=1)
            else:  # a list of lists
                return super()._get_field_parts(orig_offs, raw_type)
            return end - orig_offs, _Parts([kind, length], self.data, bounds, dtype), range(2, 2 + n), types

        def _build_tensor_info(self, offs: int, count: int) -> Any:
            self.table = offs
            return super()._build_tensor_info(offs, count)

    return Reader


def open_reader(path: Path) -> Any:
    """What `gguf.GGUFReader` gives, in less memory and time. Raises what it raises, ImportError without gguf."""
    return _reader()(path)


def _string_bounds(data: Any, begin: int, n: int, length: str) -> Any:
    """Where each of `n` strings begins and ends."""
    bounds, at, buffer, read = np.empty((n, 2), np.int64), begin, memoryview(data), struct.Struct(length).unpack_from
    for i in range(n):
        start = at + 8
        at = start + read(buffer, at)[0]
        bounds[i] = start, at
    return bounds


@contextmanager
def lean_reading() -> Iterator[None]:
    """While transformers reads a file: it does so through `open_reader`."""
    module: Any = import_module("gguf")
    lean, usual = _reader(), module.GGUFReader
    module.GGUFReader = lean
    try:
        yield
    finally:
        module.GGUFReader = usual


def rows(path: Path, tensor: Any) -> Iterator[Any]:
    """A tensor of a file as float32 `[row, column]`, some rows at a time; the file is read, not mapped."""
    from gguf import dequantize

    data = tensor.data  # a view of the file that nothing is read from: its type and shape
    width = data.shape[-1]
    step, left = max(1, PIECE // (width * data.itemsize)), data.size // width
    with path.open("rb") as file:
        file.seek(int(tensor.data_offset))
        while left:
            piece = np.fromfile(file, data.dtype, min(step, left) * width).reshape(-1, width)
            left -= len(piece)
            yield dequantize(piece, tensor.tensor_type)


def values(path: Path, tensor: Any) -> Any:
    """A whole tensor of a file as a float32 array."""
    found, start = np.empty(tensor.shape[::-1].tolist(), np.float32), 0
    flat = found.reshape(-1)
    for piece in rows(path, tensor):
        flat[start : start + piece.size] = piece.reshape(-1)
        start += piece.size
    return found
