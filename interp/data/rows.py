"""Question rows: what a user brings, read from files or given as Python objects."""

import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from math import inf
from os import PathLike
from typing import Any

from interp.data.forms import keys_count_from_one, read_form
from interp.data.keys import PerhapsFromOne
from interp.data.log_reading import read_log
from interp.data.log_record import LogRecord
from interp.data.logs import with_logs
from interp.data.nested import opened
from interp.data.readers import read_files
from interp.data.record import Record
from interp.data.row import FIELDS as FIELDS
from interp.data.row import Given, read_columns, read_row
from interp.data.row import QARow as QARow
from interp.data.unanswerable import NO_ANSWER, first_places, no_answer, why_unanswerable
from interp.errors import DataError
from interp.support.accepted import RowSource
from interp.support.arguments import flag, path, whole_number
from interp.support.messages import shown
from interp.support.public import public

UNLIKELY = 0.01
"""How seldom, by chance, no key names the first option before that is worth a word."""


class Rows(list[QARow]):
    """Rows in input order, and how many questions the data holds besides, by the reason why they are no rows."""

    def __init__(self, rows: Iterable[QARow] = (), left_out: Mapping[str, int] | None = None) -> None:
        super().__init__(rows)
        self.left_out = dict(left_out or {})
        self.beyond: list[QARow] = []
        """Rows past a limit, which are not asked: how answers are looked for is chosen from all that the data hold."""
        self.read_as: dict[str, int] = {}
        """In what published forms rows were recognised, and how many: `question=ctx, options=endings, answer=label`."""
        self.run_options: dict[str, str] = {}
        """Options of a run that fit the form of all rows: `{"correct": "choice"}`."""

    def __repr__(self) -> str:
        """In one line: how many, and how many are no rows; `list(rows)` shows them."""
        left_out = ", ".join(f"{count} {reason}" for reason, count in self.left_out.items())
        read_as = "; ".join(self.read_as)
        said = [f"{len(self)} rows", *([f"left out: {left_out}"] if left_out else [])]
        return f"Rows({'; '.join([*said, *([f'read as {read_as}'] if read_as else [])])})"


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

    `source` is a JSONL, JSON (a list of rows, or SQuAD's form), CSV, TSV or Parquet file (`.gz` too), a folder of such
    files or a glob pattern (read in the order of their names), or an iterable of dicts, `QARow`s or files, such as a
    Hugging Face `Dataset`. A row needs
    `question` and `answer` (text, or a list of accepted texts); one that brings its own `correct` needs no answer.
    It may bring `id, prompt, context, system, messages, wrong_answer` (one or several)`, options, group, prompt_ids,
    completion, completion_ids, exact_answer`; `messages` are turns {role, content} of a chat, the last of them the
    user's. Logs of lm-evaluation-harness, Inspect, OpenAI's and vLLM's batches (`[output, requests, questions]`) and
    LLMsKnow bring prompts, completions and labels. Multiple choice, and the columns and shapes in which common data
    sets are published, are recognised (docs/datasets.md); `.read_as` says what was.

    `columns` maps these names to the columns of the data: `{"answer": "best_answer"}`. CSV cells are text, whatever
    they look like ("NA", "007"), except that a JSON list of texts in `answer` is a list. A blank text is absent
    (in JSON and Python, an empty completion is kept).
    `limit` reads that many rows and no further.

    Questions that say they have no answer (SQuAD's `is_impossible`, or `answerable` false) are left out with a warning
    that names the first ones, and counted in `.left_out`, as are samples of a log that are no rows. A row that merely
    brings none (`[]`, null, blank) stops the file, unless `skip_unanswerable` leaves it out too; nothing else is
    dropped.
    Raises `DataError` with file and line (or row) for anything that does not fit.

    >>> rows = interp.load_rows([{"question": "In which country is Lyon?", "answer": ["France"]}])
    >>> rows[0].question, rows[0].answers
    ('In which country is Lyon?', ('France',))
    """
    given: dict[str, Any] = {"columns": columns, "limit": limit, "skip_unanswerable": skip_unanswerable}
    try:
        return rows_of(with_logs(_records(source)), **given)
    except PerhapsFromOne:
        once = isinstance(source, Iterator)
        if once or not keys_count_from_one(with_logs(_records(source)), read_columns(columns) or {}):
            raise
    return rows_of(with_logs(_records(source)), **given, keys_from=1)


def rows_of(
    records: Iterable[Record],
    *,
    columns: Mapping[str, str] | None = None,
    limit: int | None = None,
    skip_unanswerable: bool = False,
    keys_from: int = 0,
) -> Rows:
    """Check records that were read elsewhere; options and errors as in `load_rows`, `keys_from` as in `read_form`."""
    columns = read_columns(columns) or {}
    if limit is not None:
        limit = whole_number("limit", limit, 1)
    skip_unanswerable = flag("skip_unanswerable", skip_unanswerable)

    rows = Rows()
    left_out: dict[str, list[str]] = {}
    not_kept: dict[str, list[str]] = {}
    taken: dict[str, str] = {}
    seen: dict[str, None] = {}  # in the order in which they come
    forms: Counter[str | None] = Counter()
    run_options: list[Mapping[str, str]] = []
    counted: Counter[str | None] = Counter()
    never_first = 1.0
    answer_in = columns.get("answer", "answer")
    for number, (where, values) in enumerate(records):
        values = values if isinstance(values, LogRecord) else opened(values)
        seen.update(dict.fromkeys(values))
        try:
            if isinstance(values, LogRecord):
                reading = read_log(where, values, columns, keys_from=keys_from)
            else:
                reading = read_form(where, values, columns, keys_from=keys_from)
            if reading.left_out is not None:
                not_kept.setdefault(reading.left_out, []).append(where)
                continue
            row = read_row(where, values, columns, reading, default_id=str(number))
        except RecursionError:
            raise DataError(f"{where}: a value is nested too deep to be read; mend the row or leave it out") from None
        if not row.answers and row.correct is None:
            why = why_unanswerable(values)
            left_out.setdefault((reading.no_answer or why) if why == NO_ANSWER else why, []).append(where)
            answer_in = reading.answer_in or answer_in
            continue
        if row.id in taken:
            raise DataError(f"{where}: id {row.id!r} is already the id of {taken[row.id]}; ids must be unique")
        taken[row.id] = where
        rows.append(row)
        forms[reading.form] += 1
        if reading.counted_from_zero:
            counted[reading.answer_in] += 1
            never_first *= 1 - 1 / len(row.options) if row.right_letters != ("A",) else inf
        run_options += [reading.run_options] if reading.run_options not in run_options else []
        if len(rows) == limit:
            break
    if NO_ANSWER in left_out and (answer_in not in seen or not skip_unanswerable):
        asked = columns if answer_in == "answer" else {**columns, "answer": answer_in}
        raise no_answer(left_out[NO_ANSWER], asked, seen)
    if not_kept:
        reasons = ", ".join(f"{len(places)} {reason}" for reason, places in not_kept.items())
        where = first_places([place for places in not_kept.values() for place in places])
        warnings.warn(f"samples of the log are left out: {reasons}; {len(rows)} rows are kept ({where})", stacklevel=3)
        rows.left_out = {reason: len(places) for reason, places in not_kept.items()}
    if left_out:
        rows.left_out |= {reason: len(places) for reason, places in left_out.items()}
        reasons = ", ".join(f"{len(places)} {reason}" for reason, places in left_out.items())
        where = first_places([place for places in left_out.values() for place in places])
        kept = f"{len(rows)} rows are kept"
        warnings.warn(f"questions without an answer are left out: {reasons}; {kept} (left out: {where})", stacklevel=3)
    if counted and never_first < UNLIKELY:
        warnings.warn(
            f"the key {next(iter(counted))!r} never names the first of the options in {sum(counted.values())} rows: it "
            "was read as counting from 0, and may count from 1; if it does, write it as letters (A for 1)",
            stacklevel=3,
        )
    unseen = [(field, column) for field, column in columns.items() if column not in seen]
    if not rows and not (seen and unseen):
        raise DataError("there are no rows: expected at least one with a question and an answer")
    for field, column in unseen:
        raise DataError(f"columns: no row has the column {column!r} given for {field!r}; found: {_names(seen)}")
    rows.read_as = {form: count for form, count in forms.items() if form is not None}
    rows.run_options = dict(run_options[0]) if len(run_options) == 1 else {}
    return rows


def _records(source: str | PathLike[str] | Iterable[Any]) -> Iterator[Record]:
    if isinstance(source, str | PathLike):
        yield from read_files(path("data", source))
        return
    if isinstance(source, Mapping):  # a Hugging Face DatasetDict, or one row
        raise DataError(f"expected an iterable of rows, got one mapping with the keys {_names(source)}; choose one")
    if hasattr(source, "iterrows") and not isinstance(source, type):  # a DataFrame, which iterates over column names
        names = Counter(getattr(source, "columns", ()))
        if repeated := [name for name, count in names.items() if count > 1]:
            raise DataError(
                f"data: two columns of the table have the name {repeated[0]!r}; give each a name of its own"
            )
        source = (values.to_dict() for _, values in source.iterrows())
    if not isinstance(source, Iterable) or isinstance(source, bytes | bytearray) or getattr(source, "ndim", 1) == 0:
        raise DataError(f"data: expected a file, a folder or an iterable of rows, got {shown(source)}")
    if isinstance(source, list | tuple) and source and all(isinstance(item, str | PathLike) for item in source):
        yield from read_files(*(path("data", item) for item in source))
        return
    for number, item in enumerate(source):
        if isinstance(item, QARow):
            yield item.source or f"row {number}", Given(asdict(item) | {"answer": item.answers})
        elif isinstance(item, str | PathLike):
            yield from _records(item)
        elif isinstance(item, Mapping):
            yield f"row {number}", item
        else:
            raise DataError(f"row {number}: expected a dict, a QARow or a file, got {shown(item)}")


def _names(names: Iterable[object]) -> str:
    return ", ".join(map(str, names)) or "nothing"
