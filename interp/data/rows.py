"""Question rows: what a user brings, read from files or given as Python objects."""

import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from os import PathLike
from typing import Any

from interp.accepted import RowSource
from interp.arguments import flag, mapping, one_of, one_text, path, several_texts, shown, whole_number
from interp.data.fields import cell, read_answers, read_ids, read_text, read_truth
from interp.data.readers import Record, read_files
from interp.data.turns import Turns, read_turns
from interp.data.unanswerable import NO_ANSWER, first_places, missing, no_answer, why_unanswerable
from interp.errors import DataError
from interp.public import public


@public
@dataclass(frozen=True)
class QARow:
    """One question with its accepted answers, and whatever another engine already produced for it.

    >>> interp.QARow(id="q1", question="In which country is Lyon?", answers=("France",)).answers
    ('France',)
    """

    id: str
    """Unique within the data set; the row's number (from 0) where the file brings none."""
    question: str
    answers: tuple[str, ...]
    """Accepted answers, as text (a single text is one of them); never empty unless the row brings its own `correct`."""
    prompt: str | None = None
    """The whole prompt, used as it is (no template, no chat template)."""
    context: str | None = None
    system: str | None = None
    """The system turn of a chat."""
    messages: Turns | None = None
    """Turns (role, text) of a chat, the last of them the user's, which asks the question."""
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

    def __post_init__(self) -> None:
        where = f"{one_text('source', self.source) or 'row'}: "
        for name in ("id", "question"):
            one_text(where + name, getattr(self, name))
        object.__setattr__(self, "messages", read_turns(where + "messages", self.messages))
        for name in ("prompt", "context", "system", "wrong_answer", "group", "completion", "exact_answer"):
            if getattr(self, name) is not None:
                one_text(where + name, getattr(self, name))
        object.__setattr__(self, "answers", several_texts(where + "answers", self.answers))
        for name in ("prompt_ids", "completion_ids"):
            object.__setattr__(self, name, read_ids(where + name, getattr(self, name)))
        object.__setattr__(self, "correct", read_truth(where + "correct", self.correct))


FIELDS = tuple("answer" if field.name == "answers" else field.name for field in fields(QARow))[:-1]
"""What a row may bring: the columns of a file, the keys of a JSON object."""


class Rows(list[QARow]):
    """Rows in input order, and how many questions the data holds besides, by the reason why they are no rows."""

    def __init__(self, rows: Iterable[QARow] = (), left_out: Mapping[str, int] | None = None) -> None:
        super().__init__(rows)
        self.left_out = dict(left_out or {})
        self.beyond: list[QARow] = []
        """Rows past a limit, which are not asked: how answers are looked for is chosen from all that the data hold."""

    def __repr__(self) -> str:
        """In one line: how many, and how many are no rows; `list(rows)` shows them."""
        left_out = ", ".join(f"{count} {reason}" for reason, count in self.left_out.items())
        return f"Rows({len(self)} rows{f'; left out: {left_out}' if left_out else ''})"


def as_rows(rows: Any) -> list[QARow]:
    """Rows that are rows already, as they are; anything else that `load_rows` reads, read."""
    if isinstance(rows, list | tuple) and all(isinstance(row, QARow) for row in rows):
        return list(rows)
    return load_rows(rows)


@public
def load_rows(
    source: RowSource,
    *,
    columns: Mapping[str, str] | None = None,
    limit: int | None = None,
    skip_unanswerable: bool = False,
) -> Rows:
    """Read question rows in input order and check every one of them.

    `source` is a JSONL, JSON (a list of rows, or SQuAD's form), CSV or Parquet file, a folder of such files or a
    glob pattern (read in the order of their names), or an iterable of dicts, `QARow`s or files, such as a Hugging
    Face `Dataset`. A row needs
    `question` and `answer` (text, or a list of accepted texts); one that brings its own `correct` needs no answer.
    It may bring `id, prompt, context, system, messages, wrong_answer, group, prompt_ids, completion, completion_ids,
    exact_answer`; `messages` are turns {role, content} of a chat, the last of them the user's.

    `columns` maps these names to the columns of the data: `{"answer": "best_answer"}`. CSV cells are text, whatever
    they look like ("NA", "007"), except that a JSON list of texts in `answer` is a list. An empty text is absent
    (in JSON and Python, an empty completion is kept).
    `limit` reads that many rows and no further.

    Questions that say they have no answer (SQuAD's `is_impossible`, or `answerable` false) are left out with a
    warning that names the first ones, and counted in `.left_out`. A row that merely brings none (`[]`, null, blank)
    stops the file, unless `skip_unanswerable` leaves it out too; nothing else is dropped.
    Raises `DataError` with file and line (or row) for anything that does not fit.

    >>> rows = interp.load_rows([{"question": "In which country is Lyon?", "answer": ["France"]}])
    >>> rows[0].question, rows[0].answers
    ('In which country is Lyon?', ('France',))
    """
    return rows_of(_records(source), columns=columns, limit=limit, skip_unanswerable=skip_unanswerable)


def rows_of(
    records: Iterable[Record],
    *,
    columns: Mapping[str, str] | None = None,
    limit: int | None = None,
    skip_unanswerable: bool = False,
) -> Rows:
    """Check records that were read elsewhere; options and errors as in `load_rows`."""
    columns = read_columns(columns) or {}
    if limit is not None:
        limit = whole_number("limit", limit, 1)
    skip_unanswerable = flag("skip_unanswerable", skip_unanswerable)

    rows = Rows()
    left_out: dict[str, list[str]] = {}
    taken: dict[str, str] = {}
    seen: dict[str, None] = {}  # in the order in which they come
    for number, (where, values) in enumerate(records):
        seen.update(dict.fromkeys(values))
        row = _row(where, values, columns, default_id=str(number))
        if not row.answers and row.correct is None:
            left_out.setdefault(why_unanswerable(values), []).append(where)
            continue
        if row.id in taken:
            raise DataError(f"{where}: id {row.id!r} is already the id of {taken[row.id]}; ids must be unique")
        taken[row.id] = where
        rows.append(row)
        if len(rows) == limit:
            break
    if NO_ANSWER in left_out and (columns.get("answer", "answer") not in seen or not skip_unanswerable):
        raise no_answer(left_out[NO_ANSWER], columns, seen)
    if left_out:
        rows.left_out = {reason: len(places) for reason, places in left_out.items()}
        reasons = ", ".join(f"{len(places)} {reason}" for reason, places in left_out.items())
        where = first_places([place for places in left_out.values() for place in places])
        kept = f"{len(rows)} rows are kept"
        warnings.warn(f"questions without an answer are left out: {reasons}; {kept} (left out: {where})", stacklevel=3)
    if not rows:
        raise DataError("there are no rows: expected at least one with a question and an answer")
    for field, column in columns.items():
        if column not in seen:
            raise DataError(f"columns: no row has the column {column!r} given for {field!r}; found: {_names(seen)}")
    return rows


def _records(source: str | PathLike[str] | Iterable[Any]) -> Iterator[Record]:
    if isinstance(source, str | PathLike):
        yield from read_files(path("data", source))
        return
    if isinstance(source, Mapping):  # a Hugging Face DatasetDict, or one row
        raise DataError(f"expected an iterable of rows, got one mapping with the keys {_names(source)}; choose one")
    if hasattr(source, "iterrows") and not isinstance(source, type):  # a DataFrame, which iterates over column names
        source = (values.to_dict() for _, values in source.iterrows())
    if not isinstance(source, Iterable) or isinstance(source, bytes | bytearray) or getattr(source, "ndim", 1) == 0:
        raise DataError(f"data: expected a file, a folder or an iterable of rows, got {shown(source)}")
    for number, item in enumerate(source):
        if isinstance(item, QARow):
            yield item.source or f"row {number}", {**asdict(item), "answer": item.answers}
        elif isinstance(item, str | PathLike):
            yield from _records(item)
        elif isinstance(item, Mapping):
            yield f"row {number}", item
        else:
            raise DataError(f"row {number}: expected a dict, a QARow or a file, got {shown(item)}")


def read_columns(columns: Any) -> dict[str, str] | None:
    """`columns` as {field: column}. Raises DataError for a field that no row has."""
    if columns is None:
        return None
    found = dict(mapping("columns", columns, "{field: column}, as in {'question': 'Question'}"))
    for field, column in found.items():
        one_of("columns", field, FIELDS)
        if not isinstance(column, str | int):  # a table without a header has numbers
            raise DataError(f"columns: expected the name of a column for {field!r}, got {shown(column)}")
    return found


def _row(where: str, values: Mapping[str, Any], columns: Mapping[str, str], default_id: str) -> QARow:
    def get(field: str) -> Any:
        return cell(values, columns, field)

    def own(field: str) -> str | None:
        value = get(field)
        return None if value is None or value == "" else read_text(f"{where}: {field}", value)

    question, turns = own("question"), read_turns(f"{where}: messages", get("messages"))
    if question is None and turns is not None:
        question = turns[-1][1]
    if question is None or not question.strip():
        raise missing(where, "question", columns, values)
    correct = read_truth(f"{where}: correct", get("correct"))
    answers = read_answers(f"{where}: answer", get("answer"))
    completion = "" if get("completion") == "" else own("completion")
    exact_answer = own("exact_answer")
    if completion is not None and exact_answer is not None and exact_answer not in completion:
        raise DataError(f"{where}: exact_answer {exact_answer!r} does not occur in the completion {shown(completion)}")
    prompt_ids = read_ids(f"{where}: prompt_ids", get("prompt_ids"))
    completion_ids = read_ids(f"{where}: completion_ids", get("completion_ids"))
    if completion_ids is not None and prompt_ids is None:
        raise DataError(
            f"{where}: completion_ids without prompt_ids; bring the ids the model was given too, "
            "because text tokenised again may give other ids"
        )
    return QARow(
        id=own("id") or default_id,
        question=question,
        answers=answers,
        prompt=own("prompt"),
        context=own("context"),
        system=own("system"),
        messages=turns,
        wrong_answer=own("wrong_answer"),
        group=own("group"),
        prompt_ids=prompt_ids,
        completion=completion,
        completion_ids=completion_ids,
        exact_answer=exact_answer,
        correct=correct,
        source=where,
    )


def _names(names: Iterable[object]) -> str:
    return ", ".join(map(str, names)) or "nothing"
