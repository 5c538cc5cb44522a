"""What the cells of a record mean: texts, accepted answers, token ids, truth values, and what is absent."""

import json
import math
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from interp.data.record import CsvText
from interp.errors import DataError
from interp.support.arguments import one_text
from interp.support.messages import shown

QUESTION_NAMES = ("question", "problem", "query", "questiontext", "questionstem")
"""Columns that hold the question (case, spaces and `_` do not count)."""


def field_value(values: Mapping[str, Any], columns: Mapping[str, str], field: str) -> Any:
    """A field's value as Python's own; NumPy's and pandas' missing values are None."""
    value = _plain(values.get(columns.get(field, field)))
    return None if absent(value) else value


def absent(value: Any) -> bool:
    """None, NaN, or pandas' NA and NaT."""
    not_a_number = isinstance(value, float) and math.isnan(value)
    return value is None or not_a_number or type(value).__name__ in ("NAType", "NaTType")


def blank(value: Any) -> bool:
    """Absent, or a text of nothing but white space, or a list or mapping that holds nothing else."""
    if isinstance(value, list | tuple | Mapping):
        return all(map(blank, value.values() if isinstance(value, Mapping) else value))
    return absent(value) or (isinstance(value, str) and not value.strip())


def squeezed(name: object) -> str:
    """A column's name without what data sets write differently: `Correct Answers` and `correct_answers` are one."""
    return _squeezed(str(name))


@lru_cache(maxsize=4096)  # the same few names come with every row
def _squeezed(name: str) -> str:
    return re.sub(r"[\s_-]+", "", name).casefold()


def plain(value: Any) -> Any:
    """NumPy's and torch's values as Python's own, inside lists and mappings too."""
    value = _plain(value)
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list | tuple) else value


def listed(value: Any) -> Any:
    """A JSON list of texts that stands inside a text, as a list; anything else as it is."""
    found = _parsed(value) if isinstance(value, str) and value.lstrip().startswith("[") else None
    return found if isinstance(found, list) and all(isinstance(item, str) for item in found) else value


def unpacked(where: str, value: Any) -> Any:
    """A list or mapping, also as JSON inside a text.

    Raises DataError for one that Python or NumPy printed: `['a' 'b']` can be read in more than one way.
    """
    value = plain(value)
    if not isinstance(value, str) or not value.lstrip().startswith(("[", "{")):
        return value
    found = _parsed(value)
    if not isinstance(found, list | dict):
        raise DataError(
            f"{where}: expected a list as JSON writes it, got {shown(value)}; write it with json.dumps, or bring the "
            "rows as JSONL or Parquet"
        )
    return found


def read_text(where: str, value: Any) -> str:
    """Text; a whole number is written out."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise DataError(f"{where}: expected text, got {shown(value)}; write it as text, or leave it out")
    return str(one_text(where, value))


def read_answers(where: str, value: Any) -> tuple[str, ...]:
    """Accepted answers: one text or several, none of them blank; () where there is none at all."""
    each = entries(value)
    if all(absent(item) or (isinstance(item, str) and not item.strip()) for item in each):
        return ()
    several = isinstance(value, list | tuple) or len(each) > 1
    texts = tuple(read_text(f"{where}[{number}]" if several else where, item) for number, item in enumerate(each))
    if not all(text.strip() for text in texts):
        raise DataError(f"{where}: an accepted answer is blank in {shown(value)}")
    return texts


def entries(value: Any) -> list[Any]:
    """The texts of a cell that may hold several: a list, in CSV a JSON list of texts, or the one that it is."""
    if isinstance(value, CsvText):
        parsed = _parsed(value)
        return parsed if isinstance(parsed, list) and all(isinstance(item, str) for item in parsed) else [value]
    return list(value) if isinstance(value, list | tuple) else [value]


def read_ids(where: str, value: Any) -> tuple[int, ...] | None:
    """Token ids."""
    value = _plain(value)
    if value is None:
        return None
    ids = _parsed(value) if isinstance(value, CsvText) else value
    if not isinstance(ids, list | tuple) or not all(type(item) is int and item >= 0 for item in ids):
        raise DataError(f"{where}: expected a list of token ids (whole numbers from 0), got {shown(value)}")
    return tuple(ids)


def read_truth(where: str, value: Any) -> bool | None:
    """True, False, or None where nothing is said."""
    value = _plain(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, CsvText):
        value = {"true": 1, "false": 0, "1": 1, "0": 0, "1.0": 1, "0.0": 0}.get(value.strip().casefold(), value)
    if not isinstance(value, int | float) or value not in (0, 1):
        raise DataError(f"{where}: expected true or false (or 1 or 0), got {shown(value)}")
    return bool(value)


def _plain(value: Any) -> Any:
    return value.tolist() if hasattr(value, "tolist") else value  # numpy and torch values


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
