"""One question row: its fields, and how they are read from a record."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from string import ascii_uppercase
from typing import Any

from interp.data.fields import blank, entries, field_value, read_answers, read_ids, read_text, read_truth
from interp.data.forms import Reading
from interp.data.turns import Turns, read_turns
from interp.data.unanswerable import missing
from interp.errors import DataError
from interp.support.arguments import mapping, one_of, one_text, several_texts
from interp.support.messages import shown
from interp.support.public import public


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
    """As the model is asked it, without template and options."""
    answers: tuple[str, ...]
    """Accepted answers, as text (a single text is one of them); never empty unless the row brings its own `correct`."""
    prompt: str | None = None
    """The whole prompt, used as it is (no template, no chat template)."""
    context: str | None = None
    """What the question is about, for a template with `{context}`."""
    wrong_answer: str | tuple[str, ...] | None = None
    """An answer that is wrong, or several."""
    group: str | None = None
    """Samples of one group never stand on both sides of a fold; None: the normalised question."""
    prompt_ids: tuple[int, ...] | None = None
    """The whole prompt as ids, BOS included."""
    completion: str | None = None
    """An answer that is there already: the model is not asked."""
    completion_ids: tuple[int, ...] | None = None
    """The same as ids, the token that ended it included."""
    exact_answer: str | None = None
    """The part of the completion that is the answer; None: it is located by the run's rule."""
    correct: bool | None = None
    """The label, which wins over every rule; None: the rule decides."""
    system: str | None = None
    """The system turn of a chat."""
    messages: Turns | None = None
    """Turns (role, text) of a chat, the last of them the user's, which asks the question."""
    options: tuple[str, ...] = ()
    """What a question offers for choice, as it is shown to the model: the first is A, the second B …"""
    source: str = ""
    """Where the row came from (`file:line`), for messages."""

    def __post_init__(self) -> None:
        where = f"{one_text('source', self.source) or 'row'}: "
        for name in ("id", "question"):
            one_text(where + name, getattr(self, name))
        object.__setattr__(self, "messages", read_turns(where + "messages", self.messages))
        for name in ("prompt", "context", "system", "group", "completion", "exact_answer"):
            if getattr(self, name) is not None:
                one_text(where + name, getattr(self, name))
        for name in ("answers", "options"):
            object.__setattr__(self, name, several_texts(where + name, getattr(self, name)))
        if self.wrong_answer is not None:
            wrong = several_texts(where + "wrong_answer", self.wrong_answer)
            object.__setattr__(self, "wrong_answer", wrong[0] if len(wrong) == 1 else wrong or None)
        for name in ("prompt_ids", "completion_ids"):
            object.__setattr__(self, name, read_ids(where + name, getattr(self, name)))
        object.__setattr__(self, "correct", read_truth(where + "correct", self.correct))
        if self.options and self.answers and not self.right_letters:
            raise DataError(
                f"{where}answers: {shown(self.answers)} are none of the options {shown(self.options)}; give the text "
                "of the right option"
            )

    @property
    def wrong_answers(self) -> tuple[str, ...]:
        """Every wrong answer that the row brings, and the options that are not accepted."""
        brought = (self.wrong_answer,) if isinstance(self.wrong_answer, str) else self.wrong_answer or ()
        right = {answer.strip().casefold() for answer in self.answers}
        return (*brought, *(option for option in self.options if option.strip().casefold() not in right))

    @property
    def right_letters(self) -> tuple[str, ...]:
        """The letters under which the accepted options are shown: `("B",)`; () without options."""
        right = {answer.strip().casefold() for answer in self.answers}
        shown = zip(ascii_uppercase, self.options, strict=False)
        return tuple(letter for letter, option in shown if option.strip().casefold() in right)


class Given(dict[str, Any]):
    """A `QARow` as a record: an empty prompt of it is one, and not absent."""


FIELDS = tuple("answer" if field.name == "answers" else field.name for field in fields(QARow))[:-1]
"""What a row may bring: the columns of a file, the keys of a JSON object."""


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


def read_row(
    where: str, values: Mapping[str, Any], columns: Mapping[str, str], reading: Reading, default_id: str
) -> QARow:
    """One checked row. Raises DataError with the place for anything that does not fit."""

    def get(field: str) -> Any:
        return reading.fields[field] if field in reading.fields else field_value(values, columns, field)

    def optional(field: str) -> Any:
        value = get(field)
        return None if isinstance(value, str) and not value.strip() else value

    def own(field: str) -> str | None:
        value = optional(field)
        return None if blank(value) else read_text(f"{where}: {field}", value)

    question, turns = own("question"), read_turns(f"{where}: messages", optional("messages"))
    if question is None and turns is not None:
        question = turns[-1][1]
    if question is None or not question.strip():
        raise missing(where, "question", columns, values)
    correct = read_truth(f"{where}: correct", optional("correct"))
    answers = read_answers(f"{where}: answer", get("answer"))
    wrong = [item for item in entries(get("wrong_answer")) if not blank(item)]
    completion = get("completion")
    completion = None if completion is None else read_text(f"{where}: completion", completion)
    exact_answer = own("exact_answer")
    if completion is not None and exact_answer is not None and exact_answer not in completion:
        raise DataError(f"{where}: exact_answer {exact_answer!r} does not occur in the completion {shown(completion)}")
    prompt_ids = read_ids(f"{where}: prompt_ids", optional("prompt_ids"))
    completion_ids = read_ids(f"{where}: completion_ids", optional("completion_ids"))
    if completion_ids is not None and prompt_ids is None:
        raise DataError(
            f"{where}: completion_ids without prompt_ids; bring the ids the model was given too, "
            "because text tokenised again may give other ids"
        )
    empty_prompt = get("prompt") == "" and (isinstance(values, Given) or "prompt" in reading.fields)
    return QARow(
        id=own("id") or default_id,
        question=question,
        answers=answers,
        prompt="" if empty_prompt else own("prompt"),
        context=own("context"),
        system=own("system"),
        messages=turns,
        wrong_answer=tuple(read_text(f"{where}: wrong_answer", item) for item in wrong) or None,
        group=own("group"),
        prompt_ids=prompt_ids,
        completion=completion,
        completion_ids=completion_ids,
        exact_answer=exact_answer,
        correct=correct,
        options=reading.fields.get("options", ()),
        source=where,
    )
