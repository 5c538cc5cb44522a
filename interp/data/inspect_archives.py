"""Inspect's `.eval` files: archives of JSON, read entry by entry, within limits, and never written to disk."""

import json
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from interp.data.inspect_logs import inspect_rows
from interp.data.log_record import LogRecord
from interp.errors import DataError

LARGEST_ENTRY, LARGEST_WHOLE = 2**29, 2**35
"""Bytes of JSON that one entry, and all of them, may unpack to."""
ZSTANDARD = 93
"""The compression that Inspect writes; Python's zipfile reads it from 3.14 on."""
_LOCAL_HEADER = struct.Struct("<4s22xHH")
EXPORT = "write it as JSON where Inspect is installed: `inspect log convert LOG --to json --output-dir FOLDER`"


def read_inspect_archive(path: Path) -> Iterator[tuple[str, LogRecord]]:
    """The rows of a log. Raises DataError for what is damaged, too large, or no such log."""
    try:
        with path.open("rb") as file, zipfile.ZipFile(file) as archive:
            entries = {entry.filename: entry for entry in archive.infolist()}  # the last of several is the newest
            named = [name for name in entries if name.startswith("samples/") and name.endswith(".json")]
            header = next((name for name in ("header.json", "_journal/start.json") if name in entries), None)
            if header is None:
                raise DataError(f"{path}: not a log of Inspect: the archive has no header.json")
            if not named:
                raise DataError(f"{path}: the log holds no samples; log them, which is Inspect's default")
            if sum(entries[name].file_size for name in named) > LARGEST_WHOLE:
                raise DataError(f"{path}: unpacks to more than {LARGEST_WHOLE >> 30} GiB; {EXPORT}, in parts")
            read = _Entries(path, file, archive)
            begun = read(entries[header])
            samples = ((f"{path}:{name}", read(entries[name])) for name in named)
            yield from inspect_rows(samples, begun.get("eval") if isinstance(begun, dict) else None)
    except (zipfile.BadZipFile, zlib.error, struct.error, EOFError, ValueError, RuntimeError) as error:
        raise DataError(f"{path}: not an archive as Inspect writes it, or damaged: {error}; fetch it again") from None


class _Entries:
    """Entries of one archive, as what their JSON says."""

    def __init__(self, path: Path, file: Any, archive: zipfile.ZipFile) -> None:
        self.path, self.file, self.archive = path, file, archive

    def __call__(self, entry: zipfile.ZipInfo) -> Any:
        where = f"{self.path}:{entry.filename}"
        packed = entry.compress_type == ZSTANDARD and not hasattr(zipfile, "ZIP_ZSTANDARD")
        try:
            if packed:
                text = self._zstandard(where, entry)
            else:
                with self.archive.open(entry) as opened:
                    text = opened.read(LARGEST_ENTRY + 1)
        except NotImplementedError as error:
            raise DataError(f"{where}: {error}; {EXPORT}") from None
        if len(text) > LARGEST_ENTRY:
            raise DataError(f"{where}: unpacks to more than {LARGEST_ENTRY >> 20} MiB; {EXPORT}, without this sample")
        try:
            return json.loads(text)
        except (ValueError, RecursionError) as error:
            raise DataError(f"{where}: not JSON ({error})") from None

    def _zstandard(self, where: str, entry: zipfile.ZipInfo) -> bytes:
        """What `zipfile` cannot unpack before Python 3.14, by pyarrow."""
        try:
            import pyarrow
        except ImportError:
            raise DataError(
                f"{where}: is packed with Zstandard, which needs pyarrow (`pip install 'interp[parquet]'`) or Python "
                f"3.14; or {EXPORT}"
            ) from None
        if entry.flag_bits & 1:
            raise DataError(f"{where}: is encrypted; {EXPORT}")
        self.file.seek(entry.header_offset)
        signature, name, extra = _LOCAL_HEADER.unpack(self.file.read(_LOCAL_HEADER.size))
        if signature != b"PK\x03\x04":
            raise zipfile.BadZipFile(f"no entry begins where {entry.filename} should")
        begin = self.file.seek(name + extra, 1)
        if entry.compress_size > self.file.seek(0, 2) - begin:  # reading would make room for as many bytes as it says
            raise zipfile.BadZipFile(f"{entry.filename} says it is longer than the file")
        self.file.seek(begin)
        try:
            with pyarrow.CompressedInputStream(
                pyarrow.BufferReader(self.file.read(entry.compress_size)), "zstd"
            ) as opened:
                text: bytes = opened.read(LARGEST_ENTRY + 1)
        except (OSError, pyarrow.ArrowException) as error:
            raise zipfile.BadZipFile(f"{entry.filename}: {error}") from None
        if len(text) <= LARGEST_ENTRY and zlib.crc32(text) != entry.CRC:
            raise zipfile.BadZipFile(f"{entry.filename}: its checksum is another")
        return text
