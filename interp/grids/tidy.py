"""Tidy rows as a DataFrame: the columns of `grid.csv`, numbers as numbers."""

import csv
from collections.abc import Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

import pandas as pd

from interp.errors import RunError
from interp.support.csv_text import cell_text
from interp.support.stored import MOST_TABLE, read_text

COLUMNS = (
    "layer",
    "token",
    "metric",
    "value",
    "low",
    "high",
    "p",
    "q",
    "p_corrected",
    "n",
    "n_correct",
    "reason",
)
TEXTS, COUNTS = ("token", "metric", "reason"), ("n", "n_correct")
NUMBERS = tuple(name for name in COLUMNS if name not in ("layer", *TEXTS, *COUNTS))


KINDS = dict.fromkeys(NUMBERS, "float64") | dict.fromkeys(COUNTS, "Int64") | dict.fromkeys(TEXTS, "str")


def tidy(rows: Sequence[Mapping[str, Any]], *, before: Sequence[str] = ()) -> pd.DataFrame:
    """Rows as a table of `COLUMNS`, after those of `before`; a row may lack columns: NaN, <NA> or "" stands there.

    `layer` holds ints, and the words `embed` (the control row) and `all` (a control that reads no layer); `n` and
    `n_correct` are `Int64`, the other numbers `float64`.
    """
    empty = dict.fromkeys(TEXTS, "")
    columns = {
        name: pd.Series([row.get(name, empty.get(name)) for row in rows], dtype=object) for name in (*before, *COLUMNS)
    }
    return pd.DataFrame(columns).astype(KINDS | dict.fromkeys(before, "str"))


def read_tidy(path: Path) -> pd.DataFrame:
    """`grid.csv` as `tidy` gives it: every number with all its digits. Raises RunError if the file is damaged."""
    try:
        with StringIO(read_text(path, MOST_TABLE), newline="") as file:
            reader = csv.DictReader(file)
            if lacking := [name for name in COLUMNS if name not in (reader.fieldnames or ())]:
                raise ValueError(f"it lacks the column {lacking[0]}")
            rows = list(reader)
            if cut := [number for number, row in enumerate(rows, start=2) if None in row.values()]:
                raise ValueError(f"line {cut[0]} is cut off")
            return tidy([{name: _read(name, row[name]) for name in COLUMNS} for row in rows])
    except (OSError, ValueError, OverflowError, csv.Error) as error:
        raise RunError(f"{path} does not hold the table of a run ({error}); restore it or run again") from error


def _read(name: str, text: str) -> Any:
    if name in TEXTS:
        return cell_text(text)
    if name == "layer":
        return int(text) if text.isdigit() else text
    return None if text == "" else int(text) if name in COUNTS else float(text)
