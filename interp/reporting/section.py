"""One experiment's part of a report: sentences, tables and figures as plain data, kept as JSON beside its files."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from interp.errors import RunError
from interp.support.atomic import plain
from interp.support.stored import plain_name, read_json

Entry = str | float | int | None
"""A text, a number, or nothing where it is undefined."""


@dataclass(frozen=True)
class Table:
    """Rows under named columns; numbers as they are, shown with two digits."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Entry, ...], ...]


@dataclass(frozen=True)
class Picture:
    """A figure beside the section's file: `{name}.svg` and `{name}.png`."""

    name: str
    caption: str
    wide: bool = False


@dataclass(frozen=True)
class Section:
    """What an experiment says of one run, or of several."""

    name: str
    """What its files are called."""
    title: str
    sentences: tuple[str, ...]
    tables: tuple[Table, ...] = ()
    pictures: tuple[Picture, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    """How it was made: what was asked, with which seed and version."""
    run: str | None = None
    """Which run it belongs to (`run_identity`); None: to several."""

    def to_dict(self) -> dict[str, Any]:
        """As JSON takes it: undefined numbers are null."""
        values: dict[str, Any] = plain(asdict(self))
        return values

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> "Section":
        """What `to_dict` made. Raises KeyError, TypeError or ValueError for anything else."""
        return cls(
            name=plain_name(given["name"]),
            title=str(given["title"]),
            sentences=_texts(given["sentences"]),
            tables=tuple(
                Table(str(t["caption"]), _texts(t["columns"]), tuple(map(_entries, t["rows"]))) for t in given["tables"]
            ),
            pictures=tuple(
                Picture(plain_name(p["name"]), str(p["caption"]), bool(p["wide"])) for p in given["pictures"]
            ),
            settings=dict(given["settings"]),
            run=None if given["run"] is None else str(given["run"]),
        )

    @classmethod
    def read(cls, path: Path) -> "Section":
        """The section that stands in a file. Raises RunError if it is damaged."""
        try:
            return cls.from_dict(read_json(path))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise RunError(f"{path} does not hold an experiment's section ({error}); make it again") from error


def read_sections(folder: Path, *, run: str | None = None) -> tuple[list[Section], list[str]]:
    """The sections in a folder, by name, and the files that belong to another run than `run`."""
    sections = [(path, Section.read(path)) for path in sorted(folder.glob("*.json"))]
    foreign = [path.name for path, section in sections if section.run != run]
    return [section for _, section in sections if section.run == run], foreign


def _texts(values: Sequence[Any]) -> tuple[str, ...]:
    if not isinstance(values, list | tuple):
        raise TypeError(f"expected a list of texts, got {type(values).__name__}")
    return tuple(map(str, values))


def _entries(values: Sequence[Any]) -> tuple[Entry, ...]:
    if not isinstance(values, list | tuple) or not all(isinstance(v, Entry | None) for v in values):
        raise TypeError("expected rows of texts and numbers")
    return tuple(values)
