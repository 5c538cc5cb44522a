"""A folder of shards behind a URL (S3, GCS, Azure, HDFS, by fsspec), with what a Path is used for here."""

import posixpath
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any, BinaryIO, TypeAlias
from urllib.parse import urlsplit

from interp.errors import DataError, RunError
from interp.support import atomic, stored
from interp.support.arguments import one_text
from interp.support.messages import shown

STORES = ("s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "hdfs", "memory")
"""Schemes of URLs at which shards may be. By none of them can a folder that a stranger made have this disk read, or
any server asked."""


@dataclass(frozen=True)
class RemotePath:
    """A file or folder at a URL; who may read and write it is told by the machine, and never kept.

    Object stores show a file whole or not at all, when its upload is complete.
    """

    url: str

    @classmethod
    def read(cls, text: object) -> "RemotePath":
        """Raises DataError for what is no URL, holds a password or key, or needs a package that is not there."""
        text = one_text("activations", text).strip()
        try:
            parts = urlsplit(text)
        except ValueError as error:  # it is not shown: it may hold a key
            raise DataError(f"activations: expected a URL like s3://bucket/folder, got none: {error}") from error
        if parts.username or parts.password or parts.query or parts.fragment:
            raise DataError(
                f"activations: the URL {parts.scheme}://… holds a name, a key, options or a fragment (#…), which would "
                "be written into the run: give them to the machine (environment, configuration file, role), and the "
                "plain URL here"
            )
        if "://" not in text or parts.scheme not in STORES or not parts.netloc:
            raise DataError(
                f"activations: expected a URL like s3://bucket/folder (of {', '.join(STORES)}), got {shown(text)}"
            )
        place = cls(text.rstrip("/"))
        place._fs  # noqa: B018  (fails here, before anything is made)
        return place

    @cached_property
    def _fs(self) -> Any:
        import fsspec

        scheme = urlsplit(self.url).scheme
        try:
            return fsspec.filesystem(scheme)
        except (ImportError, ValueError) as error:
            raise DataError(f"activations: {scheme}:// cannot be used here: {error}") from error

    def __reduce__(self) -> tuple[Any, ...]:
        """Another process makes its own connection, with what its machine tells it."""
        return RemotePath, (self.url,)

    def __str__(self) -> str:
        return self.url

    def __truediv__(self, name: str) -> "RemotePath":
        return RemotePath(f"{self.url}/{name}")

    def __lt__(self, other: "RemotePath") -> bool:
        return self.url < other.url

    @property
    def name(self) -> str:
        """The last part."""
        return posixpath.basename(self.url)

    @property
    def stem(self) -> str:
        """The last part without its ending."""
        return posixpath.splitext(self.name)[0]

    def with_suffix(self, suffix: str) -> "RemotePath":
        """With another ending."""
        return RemotePath(posixpath.splitext(self.url)[0] + suffix)

    def absolute(self) -> "RemotePath":
        """Itself."""
        return self

    def exists(self) -> bool:
        """Whether there is such a file, or anything in such a folder."""
        with _told(self, "read"):
            self._fs.invalidate_cache()
            return bool(self._fs.exists(self.url))

    def glob(self, pattern: str) -> Iterator["RemotePath"]:
        """The files of the folder that fit."""
        found: list[str] = []
        with _told(self, "read"), suppress(FileNotFoundError):
            self._fs.invalidate_cache()  # others write beside this process
            found = self._fs.ls(self.url, detail=False)  # no glob: the URL itself may hold a [
        names = sorted(posixpath.basename(path.rstrip("/")) for path in found)
        return (self / name for name in names if fnmatchcase(name, pattern))

    def iterdir(self) -> Iterator["RemotePath"]:
        """All files of the folder."""
        return self.glob("*")

    def stat(self) -> SimpleNamespace:
        """Its size. Raises RunError if it cannot be read."""
        with _told(self, "read"):
            return SimpleNamespace(st_size=int(self._fs.size(self.url)))

    def read_bytes(self, start: int | None = None, stop: int | None = None) -> bytes:
        """All of it, or bytes `start` to `stop`. Raises FileNotFoundError, RunError for anything else."""
        with _told(self, "read"):
            data: bytes = self._fs.cat_file(self.url, start=start, end=stop)
            return data

    @contextmanager
    def open(self, mode: str = "rb") -> Iterator[BinaryIO]:
        """A file to read from, a block at a time."""
        with _told(self, "read"), self._fs.open(self.url, mode) as file:
            yield file

    def write(self, chunks: Iterable[bytes | memoryview]) -> str:
        """Upload it in one piece or several, and see that all of it came; its SHA-256.

        What an upload that broke off left is not to be seen. Raises RunError if it cannot be written.
        """
        digest, size = sha256(), 0
        with _told(self, "written"):
            file = self._fs.open(self.url, "wb")
            try:
                for chunk in chunks:
                    digest.update(chunk)
                    size += file.write(bytes(chunk))
            except BaseException:
                if (discard := getattr(file, "discard", None)) is not None:
                    discard()
                with suppress(AttributeError):  # else it is closed when it is collected, which completes the upload
                    file.closed = True
                raise
            file.close()
            self._fs.invalidate_cache()
            there = int(self._fs.size(self.url))
        if there != size:
            raise RunError(f"{self}: {size} bytes were written and {there} are there; go on with the run")
        return digest.hexdigest()

    def remove(self) -> None:
        """Remove it, if it is there. Raises RunError if that is not possible."""
        with _told(self, "removed"):
            if self._fs.exists(self.url):
                self._fs.rm_file(self.url)


ShardPath: TypeAlias = Path | RemotePath
"""A folder of shards or a file in it, on a disk or behind a URL."""


@contextmanager
def _told(path: RemotePath, what: str) -> Iterator[None]:
    """What a store or network does not do as a sentence; a file that is not there stays FileNotFoundError."""
    try:
        yield
    except (RunError, GeneratorExit):
        raise
    except Exception as error:  # of boto, aiohttp, google-cloud …: to the user it is one sentence
        if what == "read" and isinstance(error, FileNotFoundError):
            raise
        said = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise RunError(f"{path}: cannot be {what}: {said}; what was finished is kept, go on with the run") from error


def make_folder(folder: ShardPath) -> None:
    """Create it, where folders are made."""
    if isinstance(folder, Path):
        atomic.make_folder(folder)


def remove(path: ShardPath) -> None:
    """Remove a file, if it is there."""
    path.remove() if isinstance(path, RemotePath) else atomic.remove(path)


def write_chunks(path: ShardPath, chunks: Iterable[bytes | memoryview]) -> str:
    """Put a file there whole; its SHA-256."""
    return path.write(chunks) if isinstance(path, RemotePath) else atomic.write_chunks(path, chunks)


def read_json(path: ShardPath) -> Any:
    """A small JSON file (`interp.support.stored.read_json`); of a URL, its size is asked for before it is read."""
    if isinstance(path, Path):
        return stored.read_json(path)
    if (size := path.stat().st_size) > stored.MOST_BYTES:
        raise ValueError(f"it has {size} bytes, such a file at most {stored.MOST_BYTES}")
    return stored.parse_json(path.read_bytes().decode("utf-8"))


def write_json(path: ShardPath, value: Any) -> None:
    """`write_chunks` of JSON, to the same bytes wherever it is."""
    write_chunks(path, [atomic.json_bytes(value)])
