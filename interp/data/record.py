"""A row as it stands in a file: its values by column, and the place it came from."""

from collections.abc import Mapping
from typing import Any

Record = tuple[str, Mapping[str, Any]]
"""Where a row came from (`file:line`), and its values by column."""


class CsvText(str):
    """A CSV cell: text, from which lists, ids and truth values have to be parsed."""


class CsvRecord(dict[str, CsvText]):
    """A CSV record: an empty cell is no cell, but its column is in the header."""

    header: tuple[str, ...] = ()


def header(values: Mapping[str, Any]) -> list[str]:
    """The columns that a record could have."""
    return list(values.header if isinstance(values, CsvRecord) else values)
