"""Question rows: what a user brings, read from files or given as Python objects."""

import json
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sized
from dataclasses import asdict, dataclass, fields
from os import PathLike
from pathlib import Path
from typing import Any

from interp.data.readers import Cell, Record, read_files
from interp.errors import DataError


@dataclass(frozen=True)
class QARow:
    """One question with its accepted answers, and whatever another engine already produced for it."""

    id: str
    """Unique within the data set; the row's number (from 0) where the file brings none."""
    question: str
    answers: tuple[str, ...]
    """Accepted answers, as text; never empty unless the row brings its own `correct`."""
    prompt: str | None = None
    """The whole prompt, used as it is (no template, no chat template)."""
    context: str | None = None
    wrong_answer: str | None = None
    group: str | None = None
    """Samples of one group never stand on both sides of a fold; None: the normalised question."""
    prompt_ids: tuple[int, ...] | None = None
    completion: str | None = None
    completion_ids: tuple[int, ...] | None = None
    exact_answer: str | None = None
    correct: bool | None = None
    source: str = ""
    """Where the row came from (`file:line`), for messages."""


FIELDS = tuple("answer" if field.name == "answers" else field.name for field in fields(QARow))[:-1]
"""What a row may bring: the columns of a file, the keys of a JSON object."""


class Rows(list[QARow]):
    """Rows in input order, and how many questions the data holds besides, by the reason why they are no rows."""

    def __init__(self, rows: Iterable[QARow] = (), left_out: Mapping[str, int] | None = None) -> None:
        super().__init__(rows)
        self.left_out = dict(left_out or {})

    def __repr__(self) -> str:
        """In one line: how many, and how many are no rows; `list(rows)` shows them."""
        left_out = ", ".join(f"{count} {reason}" for reason, count in self.left_out.items())
        return f"Rows({len(self)} rows{f'; left out: {left_out}' if left_out else ''})"


def load_rows(
    source: str | PathLike[str] | Iterable[Any],
    *,
    columns: Mapping[str, str] | None = None,
    limit: int | None = None,
) -> Rows:
    """Read question rows in input order and check every one of them.

    `source` is a JSONL, JSON (a list of rows, or SQuAD's form), CSV or Parquet file, a folder of such files or a
    glob pattern (read in the order of their names), or an iterable of dicts, `QARow`s or files, such as a Hugging
    Face `Dataset`. A row needs
    `question` and `answer` (text, or a list of accepted texts); one that brings its own `correct` needs no answer.
    It may bring `id, prompt, context, wrong_answer, group, prompt_ids, completion, completion_ids, exact_answer`.

    `columns` maps these names to the columns of the data: `{"answer": "best_answer"}`. CSV cells are text, whatever
    they look like ("NA", "007"), except that a JSON list of texts in `answer` is a list. An empty text is absent
    (in JSON and Python, an empty completion is kept).
    `limit` reads that many rows and no further.

    Questions that say they have no answer (SQuAD's `is_impossible`, or `answerable` false) are left out with a
    warning and counted in `.left_out`; nothing else is dropped.
    Raises `DataError` with file and line (or row) for anything that does not fit.
    """
    return rows_of(_records(source), columns=columns, limit=limit)


def rows_of(records: Iterable[Record], *, columns: Mapping[str, str] | None = None, limit: int | None = None) -> Rows:
    """Check records that were read elsewhere; options and errors as in `load_rows`."""
    columns = dict(columns or {})
    if unknown := sorted(set(columns) - set(FIELDS)):
        raise DataError(f"columns: there is no field {unknown[0]!r}; the fields are {', '.join(FIELDS)}")
    if limit is not None and limit < 1:
        raise DataError(f"limit: expected a number of rows from 1, got {limit}")

    rows = Rows()
    left_out: Counter[str] = Counter()
    taken: dict[str, str] = {}
    seen: set[str] = set()
    for number, (where, values) in enumerate(records):
        seen.update(values)
        if reason := _unanswerable(values, columns):
            left_out[reason] += 1
            continue
        row = _row(where, values, columns, default_id=str(number))
        if row.id in taken:
            raise DataError(f"{where}: id {row.id!r} is already the id of {taken[row.id]}; ids must be unique")
        taken[row.id] = where
        rows.append(row)
        if len(rows) == limit:
            break
    if left_out:
        rows.left_out = dict(left_out)
        reasons = ", ".join(f"{count} {reason}" for reason, count in left_out.items())
        warnings.warn(f"questions without an answer are left out: {reasons}; {len(rows)} rows are kept", stacklevel=3)
    if not rows:
        raise DataError("there are no rows: expected at least one with a question and an answer")
    for field, column in columns.items():
        if column not in seen:
            raise DataError(f"columns: no row has the column {column!r} given for {field!r}; found: {_names(seen)}")
    return rows


def _records(source: str | PathLike[str] | Iterable[Any]) -> Iterator[Record]:
    if isinstance(source, str | PathLike):
        yield from read_files(Path(source))
        return
    if isinstance(source, Mapping):  # a Hugging Face DatasetDict, or one row
        raise DataError(f"expected an iterable of rows, got one mapping with the keys {_names(source)}; choose one")
    if hasattr(source, "iterrows"):  # a pandas DataFrame, which iterates over its column names
        source = (values.to_dict() for _, values in source.iterrows())
    if not isinstance(source, Iterable):
        raise DataError(f"expected a file, a folder or an iterable of rows, got {type(source).__name__}")
    for number, item in enumerate(source):
        if isinstance(item, QARow):
            yield item.source or f"row {number}", {**asdict(item), "answer": item.answers}
        elif isinstance(item, str | PathLike):
            yield from _records(item)
        elif isinstance(item, Mapping):
            yield f"row {number}", item
        else:
            raise DataError(f"row {number}: expected a dict, a QARow or a file, got {type(item).__name__}")


def _unanswerable(values: Mapping[str, Any], columns: Mapping[str, str]) -> str | None:
    """The reason, if the data itself says that a question has no answer, and brings none."""
    answer = values.get(columns.get("answer", "answer"))
    empty = len(answer) == 0 if isinstance(answer, Sized) else answer is None
    if not empty or values.get("correct") is not None:
        return None
    if str(values.get("is_impossible")).casefold() == "true":
        return "is_impossible"
    return "not answerable" if str(values.get("answerable")).casefold() == "false" else None


def _row(where: str, values: Mapping[str, Any], columns: Mapping[str, str], default_id: str) -> QARow:
    def get(field: str) -> Any:
        value: Any = values.get(columns.get(field, field))
        return value.tolist() if hasattr(value, "tolist") else value  # numpy and torch values

    def text(field: str) -> str | None:
        value = get(field)
        return None if value is None or value == "" else _text(f"{where}: {field}", value)

    def missing(field: str) -> DataError:
        return DataError(
            f"{where}: no {field}: expected text in the column {columns.get(field, field)!r}; "
            f"found the columns: {_names(values)}. Name another with columns={{{field!r}: …}} (--columns {field}=…)"
        )

    question = text("question")
    if question is None or not question.strip():
        raise missing("question")
    correct = _truth(f"{where}: correct", get("correct"))
    answers = _answers(f"{where}: answer", get("answer"))
    if not answers and correct is None:
        raise missing("answer")
    completion = "" if get("completion") == "" else text("completion")
    exact_answer = text("exact_answer")
    if completion is not None and exact_answer is not None and exact_answer not in completion:
        raise DataError(f"{where}: exact_answer {exact_answer!r} does not occur in the completion {_shown(completion)}")
    prompt_ids = _ids(f"{where}: prompt_ids", get("prompt_ids"))
    completion_ids = _ids(f"{where}: completion_ids", get("completion_ids"))
    if completion_ids is not None and prompt_ids is None:
        raise DataError(
            f"{where}: completion_ids without prompt_ids; bring the ids the model was given too, "
            "because text tokenised again may give other ids"
        )
    return QARow(
        id=text("id") or default_id,
        question=question,
        answers=answers,
        prompt=text("prompt"),
        context=text("context"),
        wrong_answer=text("wrong_answer"),
        group=text("group"),
        prompt_ids=prompt_ids,
        completion=completion,
        completion_ids=completion_ids,
        exact_answer=exact_answer,
        correct=correct,
        source=where,
    )


def _text(where: str, value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise DataError(f"{where}: expected text, got {_shown(value)}; write it as text, or leave it out")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise DataError(f"{where}: half a surrogate pair in {_shown(value)}; it is no valid text") from None
    return str(value)


def _answers(where: str, value: Any) -> tuple[str, ...]:
    if value is None or value == "":
        return ()
    if isinstance(value, Cell):
        parsed = _parsed(value)
        value = parsed if isinstance(parsed, list) and all(isinstance(item, str) for item in parsed) else value
    if isinstance(value, list | tuple):
        texts = tuple(_text(f"{where}[{number}]", item) for number, item in enumerate(value))
    else:
        texts = (_text(where, value),)
    if not all(text.strip() for text in texts):
        raise DataError(f"{where}: an accepted answer is blank in {_shown(value)}")
    return texts


def _ids(where: str, value: Any) -> tuple[int, ...] | None:
    if value is None:
        return None
    ids = _parsed(value) if isinstance(value, Cell) else value
    if not isinstance(ids, list | tuple) or not all(type(item) is int and item >= 0 for item in ids):
        raise DataError(f"{where}: expected a list of token ids (whole numbers from 0), got {_shown(value)}")
    return tuple(ids)


def _truth(where: str, value: Any) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Cell):
        value = {"true": 1, "false": 0, "1": 1, "0": 0, "1.0": 1, "0.0": 0}.get(value.strip().casefold(), value)
    if isinstance(value, str) or value not in (0, 1):
        raise DataError(f"{where}: expected true or false (or 1 or 0), got {_shown(value)}")
    return bool(value)


def _parsed(cell: str) -> Any:
    try:
        return json.loads(cell)
    except (ValueError, RecursionError):
        return None


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}…"


def _names(names: Iterable[object]) -> str:
    return ", ".join(map(str, names)) or "nothing"
