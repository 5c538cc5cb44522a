"""Rows as they stand in files: JSONL, CSV and Parquet, each row with the place it came from."""

import csv
import glob
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from interp.errors import DataError

Record = tuple[str, Mapping[str, Any]]
"""Where a row came from (`file:line`), and its values by column."""


class Cell(str):
    """A CSV cell: text, from which lists, ids and truth values have to be parsed."""


def read_files(path: Path) -> Iterator[Record]:
    """The rows of a file, of a folder's files, or of the files that match a pattern, in the order of their names.

    Raises `DataError` with file and line for what cannot be read.
    """
    try:
        for file in _files(path):
            yield from _read_file(file)
    except OSError as error:
        raise DataError(f"{error.filename or path}: cannot be read: {error.strerror or error}") from None


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        found = sorted(child for child in path.iterdir() if child.suffix.lower() in _READERS)
        nothing = f"{path}: the folder holds no file that ends in {' '.join(_READERS)}"
    elif glob.has_magic(str(path)) and not path.exists():
        found = sorted(Path(name) for name in glob.glob(str(path), recursive=True))
        nothing = f"{path}: no file matches this pattern"
    else:
        found = [path] if path.exists() else []
        nothing = f"{path}: there is no such file"
    if not found:
        raise DataError(nothing)
    return found


def _read_file(path: Path) -> Iterator[Record]:
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise DataError(f"{path}: cannot tell the format; expected a name that ends in {' '.join(_READERS)}")
    empty = True
    for record in reader(path):
        empty = False
        yield record
    if empty:
        raise DataError(f"{path}: the file holds no rows")


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Numbered lines with their ends; only a newline ends one, never a Unicode line separator inside a text."""
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if number == 1:
                if line.startswith((b"\xff\xfe", b"\xfe\xff")):
                    raise DataError(f"{path}:1: the file is UTF-16; save it as UTF-8")
                line = line.removeprefix(b"\xef\xbb\xbf")
            try:
                yield number, line.decode("utf-8")
            except UnicodeDecodeError as error:
                raise DataError(f"{path}:{number}: not UTF-8 ({error.reason}); save the file as UTF-8") from None


def _read_jsonl(path: Path) -> Iterator[Record]:
    for number, line in _lines(path):
        if not line.strip():
            continue
        where = f"{path}:{number}"
        try:
            values = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise DataError(f"{where}: not JSON ({error}); expected one JSON object per line") from None
        if not isinstance(values, dict):
            raise DataError(f"{where}: expected one JSON object per line, got {str(values)[:60]!r}")
        yield where, values


def _read_csv(path: Path) -> Iterator[Record]:
    reader = csv.reader((line for _, line in _lines(path)), strict=True)
    line = 1
    try:
        header = next(reader, [])
        if repeated := sorted({name for name in header if header.count(name) > 1}):
            raise DataError(f"{path}:1: the column {repeated[0]!r} occurs more than once")
        line = reader.line_num + 1
        for cells in reader:
            if cells and len(cells) != len(header):
                raise DataError(f"{path}:{line}: expected {len(header)} cells as in the header, got {len(cells)}")
            if cells:
                yield f"{path}:{line}", {name: Cell(text) for name, text in zip(header, cells, strict=True) if text}
            line = reader.line_num + 1
    except csv.Error as error:
        raise DataError(f"{path}:{line}: not CSV ({error})") from None


def _read_parquet(path: Path) -> Iterator[Record]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise DataError(f"{path}: Parquet needs pyarrow; run `pip install 'interp[parquet]'`") from None
    number = 0
    try:
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches():
                for values in batch.to_pylist():
                    yield f"{path}:row {number}", values
                    number += 1
    except pyarrow.ArrowException as error:
        raise DataError(f"{path}: cannot be read as Parquet: {error}") from None


_READERS = {".jsonl": _read_jsonl, ".ndjson": _read_jsonl, ".csv": _read_csv, ".parquet": _read_parquet}
