"""A row as the log of another tool gives it, and which of the tool's scores could be its label."""

from ast import literal_eval
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from interp.data.fields import QUESTION_NAMES, absent, plain, squeezed
from interp.errors import DataError
from interp.support.messages import shown

RULE = "rule"
"""The column to name for `correct` where none of the tool's scores is to be the label."""
GRADES = {"P": "partly right", "N": "no answer"}
"""Inspect's grades that are neither right nor wrong."""
LONGEST_LIST = 100_000
"""Characters of a printed list that are read; Python's parser needs many times as much memory."""


@dataclass(frozen=True)
class Missing:
    """What a log does not say of its rows, and the fields by which `columns` can say it."""

    fields: tuple[str, ...]
    remedy: str


class LogRecord(dict[str, Any]):
    """What a log holds besides the row (scores, references), by the names under which `columns` can ask for it."""

    fields: Mapping[str, Any]
    """Fields of a `QARow`, as they stand in the log."""
    form: str
    """What was read as what, and what was not kept."""
    labels: tuple[str, ...]
    """The scores of the whole log that are nothing but right and wrong."""
    left_out: str | None
    """Why the sample is no row."""
    missing: Missing | None
    joined: bool
    """Whether the record itself is a question of the user's, in any published form."""

    def __init__(
        self,
        values: Mapping[str, Any],
        *,
        fields: Mapping[str, Any] | None = None,
        form: str = "",
        left_out: str | None = None,
        missing: Missing | None = None,
        joined: bool = False,
    ) -> None:
        super().__init__(values)
        self.fields, self.form, self.left_out, self.missing, self.joined = fields or {}, form, left_out, missing, joined
        self.labels = ()


def name_labels(records: Iterable[LogRecord], scores: Sequence[str]) -> None:
    """Say in every record which of `scores` could be its label: those that are only right and wrong in all of them."""
    kept = [record for record in records if record.left_out is None]
    labels = tuple(name for name in scores if _only_truth([record.get(name) for record in kept]))
    others = [name for name in scores if name not in labels]
    for record in kept:
        record.labels = labels
        if others:
            record.form += f"; no label, because not only 0 and 1: {', '.join(others)}"


def _only_truth(values: Sequence[Any]) -> bool:
    said = [value for value in values if value is not None and not (isinstance(value, str) and value in GRADES)]
    return bool(said) and all(isinstance(value, bool | int | float) and value in (0, 1) for value in said)


def graded(value: Any) -> Any:
    """A score as true or false, where it is that; NaN is none; anything else as it is."""
    value = plain(value)
    if absent(value):
        return None
    if isinstance(value, str):
        return {"C": True, "I": False}.get(value, value)
    return bool(value) if isinstance(value, int | float) and value in (0, 1) else value


def printed_list(value: Any) -> Any:
    """A list of texts or numbers that Python's `str` wrote (`['a', "b's"]`), as a list; anything else as it is."""
    if not isinstance(value, str) or not value.startswith("[") or len(value) > LONGEST_LIST:
        return value
    try:
        found = literal_eval(value)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return value
    right = isinstance(found, list) and all(isinstance(item, str | int | float) for item in found)
    return [str(item) for item in found] if right else value


def question_in(values: Mapping[str, Any], asked: str) -> str:
    """The question of a source record, where it stands in what the model was asked; else all that it was asked."""
    texts = (value for name, value in values.items() if squeezed(name) in QUESTION_NAMES and isinstance(value, str))
    return next((text.strip() for text in texts if text.strip() and text.strip() in asked), asked)


def spread(prefix: str, values: Any) -> dict[str, Any]:
    """The plain values of a mapping, under names that begin with what holds them: `doc.id`."""
    if not isinstance(values, Mapping):
        return {}
    kept = {name: value for name, value in values.items() if isinstance(value, str | bool | int | float | list)}
    return {f"{prefix}.{name}": value for name, value in kept.items()}


def thought(reasoning: str, text: str) -> str:
    """A completion whose thought the tool keeps apart, with the marks that most models write around it."""
    return f"<think>\n{reasoning.strip()}\n</think>\n\n{text}"


THOUGHT = "the thought between <think> and </think>, whose own marks the log does not keep"


def unreadable(where: str, tool: str, expected: str, came: object) -> DataError:
    """A record that is not as its tool writes it."""
    return DataError(f"{where}: not as {tool} writes it: expected {expected}, got {shown(came)}")
