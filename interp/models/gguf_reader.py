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
    """The parts of a list in a file: what stands before it, then one view of the file per item, made when asked for."""

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
    from gguf.gguf_reader import ReaderField

    class Reader(GGUFReader):
        table = 0
        """Where the names of the tensors begin: the metadata ends there."""

        def _build_fields(self, offs: int, count: int) -> int:
            for _ in range(count):
                kind = self._get(offs + 8 + int(self._get(offs, np.uint64)[0]), np.uint32)
                offs = super()._build_fields(offs, 1) if kind[0] != ARRAY else self._build_list(offs, kind)
            return offs

        def _build_list(self, offs: int, kind: Any) -> int:
            """One field that holds a list, as its own method does it, but for the parts."""
            name = self._get_str(offs)
            begin = offs + 8 + len(name[1]) + 4
            each, length = self._get(begin, np.uint32), self._get(begin + 4, np.uint64)
            begin, n, of = begin + 12, int(length[0]), GGUFValueType(each[0])
            if of == STRING:
                bounds = _string_bounds(self.data, begin, n, length.dtype.newbyteorder(self.byte_order))
                dtype = np.dtype(np.uint8)
            elif of in self.gguf_scalar_to_np:
                dtype = self._get(begin, self.gguf_scalar_to_np[of], 0).dtype
                bounds = begin + np.arange(n)[:, None] * dtype.itemsize + [0, dtype.itemsize]
            else:  # a list of lists
                return super()._build_fields(offs, 1)
            parts: Any = _Parts([*name, kind, each, length], self.data, bounds, dtype)
            types = [GGUFValueType.ARRAY, of] if n else [GGUFValueType.ARRAY]
            key = bytes(name[1]).decode("utf-8")
            items: Any = range(5, 5 + n)
            self._push_field(ReaderField(offs, key, parts, items, types), skip_sum=True)
            return int(bounds[-1, 1]) if n else begin

        def _build_tensor_info(self, offs: int, count: int) -> Any:
            self.table = offs
            return super()._build_tensor_info(offs, count)

    return Reader


def open_reader(path: Path) -> Any:
    """What `gguf.GGUFReader` gives, in less memory and time. Raises what it raises, ImportError without gguf."""
    return _reader()(path)


def _string_bounds(data: Any, begin: int, n: int, length: Any) -> Any:
    """Where each of `n` strings begins and ends; before each stands its length, a number of that type."""
    bounds, at, buffer = np.empty((n, 2), np.int64), begin, memoryview(data)
    read = struct.Struct(">Q" if length.str[0] == ">" else "<Q").unpack_from
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
