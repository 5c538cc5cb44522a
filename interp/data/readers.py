"""Rows as they stand in files: JSONL, JSON, CSV, TSV and Parquet, each row with the place it came from."""

import csv
import glob
import json
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from gzip import GzipFile
from gzip import open as open_gzip
from io import BufferedReader
from pathlib import Path
from typing import Any

from interp.data.batch_logs import batches_first
from interp.data.inspect_archives import read_inspect_archive
from interp.data.inspect_logs import inspect_file, is_inspect
from interp.data.pickled import refuse_pickled
from interp.data.record import CsvRecord, CsvText, Record
from interp.errors import DataError


def read_files(*paths: Path) -> Iterator[Record]:
    """The rows of files, of a folder's files, or of the files that match a pattern, in the order of their names.

    The files of a batch come before the others, which may be its questions. Raises `DataError` with file and line for
    what cannot be read.
    """
    path = paths[0]
    try:
        files = [file for path in paths for file in _files(path)]
        for path in batches_first(files, _first) if len(files) > 1 else files:
            yield from _read_file(path)
    except OSError as error:
        raise DataError(f"{error.filename or path}: cannot be read: {error.strerror or error}") from None
    except (EOFError, zlib.error) as error:
        raise DataError(f"{path}: cannot be unpacked: {error}; fetch the file again") from None


def _first(path: Path) -> Mapping[str, Any] | None:
    """The first record of a file of JSON lines, if it can be read; of another file None."""
    if _READERS.get(_format(path)) is not _read_jsonl:
        return None
    with suppress(DataError):
        return next((values for _, values in _read_jsonl(path)), None)
    return None


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        # A .json file in a folder of data mostly describes the others.
        row_files = [suffix for suffix in _READERS if suffix != ".json"]
        found = sorted(child for child in path.iterdir() if _format(child) in row_files)
        nothing = f"{path}: the folder holds no file that ends in {' '.join(row_files)}"
    elif glob.has_magic(str(path)) and not path.exists():
        found = sorted(Path(name) for name in glob.glob(str(path), recursive=True))
        nothing = f"{path}: no file matches this pattern"
    else:
        found = [path] if path.exists() else []
        nothing = f"{path}: there is no such file"
    if not found:
        raise DataError(nothing)
    for file in found:
        if file.exists() and not (file.is_file() or file.is_dir()):  # it would be waited for, and cannot be read again
            raise DataError(f"{file}: expected a file or a folder, got a pipe or a device; write the rows into a file")
    return found


def _read_file(path: Path) -> Iterator[Record]:
    reader = _READERS.get(_format(path))
    if reader is None:
        refuse_pickled(path)
        raise DataError(f"{path}: cannot tell the format; expected a name that ends in {' '.join(_READERS)}")
    if reader is _read_parquet and _packed(path):
        raise DataError(f"{path}: Parquet is packed in itself; unpack the file with gunzip")
    empty = True
    for record in reader(path):
        empty = False
        yield record
    if empty:
        raise DataError(f"{path}: the file holds no rows")


def _format(path: Path) -> str:
    """The ending that says how a file is read, whether it is packed or not."""
    return (path.with_suffix("") if _packed(path) else path).suffix.lower()


def _packed(path: Path) -> bool:
    return path.suffix.lower() == ".gz"


def _open(path: Path) -> GzipFile | BufferedReader:
    return open_gzip(path) if _packed(path) else path.open("rb")


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Numbered lines with their ends; only a newline ends one, never a Unicode line separator inside a text."""
    with _open(path) as file:
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


def _read_json(path: Path) -> Iterator[Record]:
    """A list of objects, an object that holds one such list (`data` in SQuAD), or one object a line, as in JSONL."""
    text = "".join(line for _, line in _lines(path))
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError) as error:
        if "Extra data" in str(error) and text.lstrip().startswith("{"):  # several data sets name JSONL so
            yield from _read_jsonl(path)
            return
        raise DataError(f"{path}: not JSON ({error})") from None
    if is_inspect(whole):
        yield from inspect_file(str(path), whole)
        return
    entries = _entries(whole)
    if entries is None:
        raise DataError(f"{path}: expected a list of objects, or an object with such a list as `data`")
    for number, values in enumerate(entries):
        where = f"{path}:entry {number}"
        if not isinstance(values, dict):
            raise DataError(f"{where}: expected an object, got {str(values)[:60]!r}")
        if "paragraphs" in values:
            yield from _squad(where, values)
        else:
            yield where, values


def _entries(whole: Any) -> list[Any] | None:
    """The list of records: the whole, that which is called `data`, or its only list of objects (SelfAware)."""
    if not isinstance(whole, dict):
        return whole if isinstance(whole, list) else None
    named = whole.get("data", whole.get("Data"))
    if isinstance(named, list):
        return named
    lists = [value for value in whole.values() if isinstance(value, list) and value and isinstance(value[0], dict)]
    objects = [
        value for value in lists if "feature_idx" not in value[0]
    ]  # of the hub's server, which describes columns
    return objects[0] if len(objects) == 1 else None


def _squad(where: str, article: Mapping[str, Any]) -> Iterator[Record]:
    """The questions of one SQuAD article; an answer that several annotators gave counts once."""
    try:
        for paragraph in article["paragraphs"]:
            for entry in paragraph["qas"]:
                answers = list(dict.fromkeys(answer["text"] for answer in entry.get("answers", ())))
                values = {key: value for key, value in entry.items() if key not in ("answers", "plausible_answers")}
                yield f"{where}, question {entry['id']}", values | {"context": paragraph["context"], "answer": answers}
    except (KeyError, TypeError) as error:
        raise DataError(
            f"{where}: not as SQuAD has it (paragraphs of context and qas, each with id, question, answers): "
            f"{type(error).__name__} {error}"
        ) from None


def _read_csv(path: Path, separator: str = ",") -> Iterator[Record]:
    reader = csv.reader((line for _, line in _lines(path)), strict=True, delimiter=separator)
    line = 1
    try:
        header = _next(reader) or []
        others = [mark for mark in ";\t|," if mark != separator]
        if len(header) == 1 and (separators := [mark for mark in others if mark in header[0]]):
            kind = "tabs" if separator == "\t" else "commas"
            hint = ", or name it .tsv" if separators[0] == "\t" else ""
            raise DataError(f"{path}:1: the cells are separated by {separators[0]!r}; save the file with {kind}{hint}")
        if repeated := sorted({name for name in header if header.count(name) > 1}):
            raise DataError(f"{path}:1: the column {repeated[0]!r} occurs more than once")
        line = reader.line_num + 1
        while (cells := _next(reader)) is not None:
            if cells and len(cells) != len(header):
                raise DataError(f"{path}:{line}: expected {len(header)} cells as in the header, got {len(cells)}")
            if cells:
                values = CsvRecord({name: CsvText(text) for name, text in zip(header, cells, strict=True) if text})
                values.header = tuple(header)
                yield f"{path}:{line}", values
            line = reader.line_num + 1
    except csv.Error as error:
        way_out = (
            "save the file with a newline at the end of each line"
            if "new-line" in str(error)
            else "a cell that begins with a quotation mark has to end with one, and those inside it are doubled"
        )
        raise DataError(f"{path}:{line}: not CSV ({error}); {way_out}") from None


_CELL = 2**31 - 1
"""Characters that a cell may have; the csv module's own limit, 131,072, is shorter than some articles."""


def _next(reader: Iterator[list[str]]) -> list[str] | None:
    """The next record. The limit belongs to the whole process, so it is raised for this record only."""
    before = csv.field_size_limit(_CELL)
    try:
        return next(reader, None)
    finally:
        csv.field_size_limit(before)


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


_READERS: dict[str, Callable[[Path], Iterator[Record]]] = {
    ".jsonl": _read_jsonl,
    ".ndjson": _read_jsonl,
    ".json": _read_json,
    ".csv": _read_csv,
    ".parquet": _read_parquet,
    ".tsv": partial(_read_csv, separator="\t"),
    ".eval": read_inspect_archive,
}
