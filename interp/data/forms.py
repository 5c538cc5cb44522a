"""Records as data sets publish them, recognised by their shape: which of their columns are which fields of a row."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from interp.data.answer_shapes import NO, WRONG, YES, Shaped, distinct, is_truth, shaped, texts
from interp.data.choices import Offered, find_options
from interp.data.fields import QUESTION_NAMES, blank, plain, squeezed
from interp.data.keys import count_from_one, counted_key, counts_from_zero, read_key
from interp.data.nested import boxed, opened, passage
from interp.data.record import Record, header
from interp.errors import DataError
from interp.support.messages import shown

ASKED_WITH_OPTIONS = ("ctx", "goal", "sentence", "stem", "startphrase", "input", "prompt")
"""Columns that hold it where the record brings options."""
ANSWERS = (
    *("answer", "answers", "possibleanswers", "correctanswers", "correctanswer", "goldanswers", "goldanswer"),
    *("goldenanswers", "acceptedanswers", "bestanswer", "rightanswer", "targettrue"),
)
"""Columns that hold accepted answers; `Best Answer` stands beside `Correct Answers`."""
ALIASES = ("answeraliases", "aliases", "alternativeanswers")
"""Columns that hold further accepted answers."""
CONTEXTS = ("context", "passage", "article", "paragraph", "paragraphs", "story", "body", "knowledge")
"""Columns that hold the text which the question is about, where there is no `context`."""


@dataclass(frozen=True)
class Reading:
    """What was recognised in one record; nothing, where its columns are named as the fields of a row are."""

    form: str | None = None
    """In words, as `--columns` would say it."""
    fields: Mapping[str, Any] = field(default_factory=dict)
    """Fields of a row that do not stand in columns of their names."""
    run_options: Mapping[str, str] = field(default_factory=dict)
    """Options of a run that fit this form, for those that are not given."""
    answer_in: str | None = None
    """The column where the answer, or the key of the options, is looked for."""
    no_answer: str | None = None
    """Why there is no accepted answer, if the record itself says that there is none."""
    counted_from_zero: bool = False
    """Whether the key is a number of which nothing says whether it counts from 0 or from 1."""
    left_out: str | None = None
    """Why a sample of another tool's log is no row."""


def read_form(where: str, values: Mapping[str, Any], columns: Mapping[str, str], *, keys_from: int = 0) -> Reading:
    """What a record is, by the names of its columns and the shape of its cells; `columns` given by the user win.

    `keys_from`: what a key that is a number counts from, where the options do not say it.

    Raises DataError for a record that can be read in more than one way, with the option that decides.
    """
    nested = plain(values.get("question"))
    if isinstance(nested, Mapping) and "stem" in nested and "question" not in columns:  # ARC's own JSONL
        values = {**values, **nested, "question": nested["stem"]}
    offered = find_options(where, values, columns)
    if offered is not None:
        if keys_from == 0 or counted_key(values, offered, columns.get("answer")) is None:
            return _choice(where, values, columns, offered)
        reading = _choice(where, values, columns, replace(offered, first=keys_from))
        return replace(reading, form=f"{reading.form} (counted from {keys_from})")
    statement = _statement(where, values, columns)
    return _open_question(where, values, columns) if statement is None else statement


def keys_count_from_one(records: Iterable[Record], columns: Mapping[str, str]) -> bool:
    """Whether the keys of all these records, numbers of options that have no names, count from 1."""
    said: list[tuple[int, int]] = []
    for where, values in records:
        values = opened(values)
        offered = find_options(where, values, columns)
        key = None if offered is None else counted_key(values, offered, columns.get("answer"))
        if offered is not None and key is not None:
            said.append((key, len(offered.texts)))
    return count_from_one(said)


def _choice(where: str, values: Mapping[str, Any], columns: Mapping[str, str], offered: Offered) -> Reading:
    """A question with options: their texts are shown, the right one's text is the accepted answer."""
    asked = _question(where, values, columns, (*QUESTION_NAMES, *ASKED_WITH_OPTIONS))
    question = values.get(asked)
    if squeezed(question) in ("cause", "effect") and not blank(values.get("premise")):  # COPA
        means = {"cause": "What was the cause of this?", "effect": "What happened as a result?"}
        question = f"{values['premise']} {means[squeezed(question)]}"
    if offered.right is not None:
        offered = offered.shuffled(str(question))
    right, key = read_key(where, values, offered, columns.get("answer"))
    fields = {
        "question": question,
        "options": offered.texts,
        "answer": tuple(dict.fromkeys(offered.texts[i] for i in right)),
        **(_context(values, columns) or _text_before(values, columns, str(question))),
    }
    if isinstance(values.get("correct"), str) and key == "correct":
        fields["correct"] = None
    if asked == "prompt" and not all(option in str(question) for option in offered.texts):
        fields["prompt"] = None  # it is the question, and not the whole of what the model is given
    form = f"question={asked}, options={offered.column}, answer={key}"
    counted = counts_from_zero(values, offered, key)
    return Reading(form, fields, {"correct": "choice"}, answer_in=key, counted_from_zero=counted)


def _text_before(values: Mapping[str, Any], columns: Mapping[str, str], question: str) -> dict[str, Any]:
    """The text that a question with options is about, where the column is called just that (LogiQA 2.0)."""
    text = values.get("text")
    known = {"text", "context"} & {*columns, *columns.values()} or not blank(values.get("context"))
    taken = known or blank(text) or blank(values.get("question"))
    return {} if taken or question in str(text) else {"context": text}


def _statement(where: str, values: Mapping[str, Any], columns: Mapping[str, str]) -> Reading | None:
    """A statement with its truth (`statement,label`): the statement itself is the completion, after an empty prompt."""
    names = header(values)
    if not {"statement", "label"} <= set(names) or {"question", "answer", "completion", "correct"} & {*columns, *names}:
        return None
    text, truth = values.get("statement"), str(plain(values.get("label"))).strip().casefold()
    if blank(text) or truth not in ("0", "1", "0.0", "1.0", "true", "false"):
        raise DataError(
            f"{where}: expected a statement with a label true or false (or 1 or 0), got {shown(text)} with "
            f"{shown(values.get('label'))}; mend the row, or say what the columns are with columns={{'question': …, "
            "'answer': …} (--columns question=…,answer=…)"
        )
    text = str(text)
    bare = text.strip().rstrip(".!?").strip() or text
    fields = {"question": text, "completion": text, "exact_answer": bare, "prompt": ""}
    return Reading(
        "completion=statement, correct=label, prompt empty",
        {**fields, "correct": truth in ("1", "1.0", "true")},
    )


def _open_question(where: str, values: Mapping[str, Any], columns: Mapping[str, str]) -> Reading:
    """A question with its accepted answers, in whatever columns and shape they come."""
    names = header(values)
    asked = _question(
        where, values, columns, (*QUESTION_NAMES, *(("prompt",) if _named(names, ("targettrue",)) else ()))
    )
    found = _answer_columns(where, names, columns)
    if not found:
        found = _of_another_name(names, values)
    _no_candidate(where, values, columns)
    fields: dict[str, Any] = {}
    if asked != columns.get("question", "question"):
        fields["question"] = values.get(asked)
    read = [shaped(where, name, plain(values.get(name)), passage="passage" in names) for name in found]
    shape = next((each for each in read if each.shape), Shaped())
    if found == ["answer"] and "answer" not in columns:  # further ones (MuSiQue)
        more = [name for name in _named(names, ALIASES) if not blank(plain(values.get(name)))]
        read += [Shaped(texts(where, name, plain(values.get(name))), changed=True) for name in more]
        found += more
    answers = distinct([text for each in read for text in each.answers])
    if found and (found != [columns.get("answer", "answer")] or any(each.changed for each in read)):
        fields["answer"] = answers
    wrong = [] if "wrong_answer" in columns or "wrong_answer" in names else _named(names, WRONG)
    if wrong and found != ["answer"]:
        fields["wrong_answer"] = texts(where, wrong[0], plain(values.get(wrong[0])))
    if shape.run_options.get("correct") == "label":
        fields["wrong_answer"] = NO if shape.answers == YES else YES
    context = _context(values, columns)
    nested = [
        name for name in ("context", "paragraphs") if context and isinstance(plain(values.get(name)), list | dict)
    ]
    if nested:
        fields |= context
    if not fields:
        return Reading()
    if shape.shape == "aliases" and "id" not in columns and (identity := _named(names, ("questionid",))):  # TriviaQA
        fields["id"] = values.get(identity[0])
    form = f"question={asked}, answer={'+'.join(found) or 'none'}" + (f" ({shape.shape})" if shape.shape else "")
    form += f", context={nested[0]}" if nested else ""
    return Reading(form, fields | context, shape.run_options, next(iter(found), None), shape.reason)


def _of_another_name(names: list[str], values: Mapping[str, Any]) -> list[str]:
    """SuperGLUE's BoolQ calls its answer `label`; in MATH it stands in the solution."""
    if {"question", "passage", "label"} <= {*names} and is_truth(values.get("label")):
        return ["label"]
    return ["solution"] if isinstance(values.get("solution"), str) and boxed(values["solution"]) else []


def _no_candidate(where: str, values: Mapping[str, Any], columns: Mapping[str, str]) -> None:
    """Raise DataError where `label` may say whether `answer` is right at all (WikiQA, MultiRC)."""
    said = "answer" in columns or not blank(values.get("correct"))
    if not said and isinstance(values.get("answer"), str) and is_truth(values.get("label")):
        raise DataError(
            f"{where}: `label` may say whether `answer` is right, or something else of the row; where it does, keep "
            "the rows whose label is true, or bring the answers as `completion` with `correct`; else choose with "
            "columns={'answer': 'answer'} (--columns answer=answer)"
        )


def _question(where: str, values: Mapping[str, Any], columns: Mapping[str, str], known: tuple[str, ...]) -> str:
    """The column of the question: the one given, `question`, or the only one that is known to hold it."""
    names = header(values)
    if "question" in columns or "question" in names:
        return columns.get("question", "question")
    found = _named(names, known)
    if len(found) > 1:
        raise _ambiguous(where, "question", found)
    return found[0] if found else "question"


def _answer_columns(where: str, names: list[str], columns: Mapping[str, str]) -> list[str]:
    """The columns of the accepted answers: the one given, `answer`, or those known to hold them; else []."""
    if "answer" in columns or "answer" in names:
        return [columns.get("answer", "answer")]
    found = _named(names, ANSWERS)
    if {squeezed(name) for name in found} == {"bestanswer", "correctanswers"}:
        return sorted(found, key=squeezed)
    if len(found) > 1:
        raise _ambiguous(where, "answer", found)
    return found


def _named(names: list[str], known: tuple[str, ...]) -> list[str]:
    return [name for wanted in known for name in names if squeezed(name) == wanted]


def _ambiguous(where: str, field: str, found: list[str]) -> DataError:
    return DataError(
        f"{where}: the columns {', '.join(found)} may each hold the {field}; choose one with "
        f"columns={{{field!r}: {found[0]!r}}} (--columns {field}={found[0]})"
    )


def _context(values: Mapping[str, Any], columns: Mapping[str, str]) -> dict[str, Any]:
    names = header(values)
    name = columns.get("context") or next(iter(_named(names, CONTEXTS)), None)
    if name is None or (name == "context" and isinstance(values.get(name), str)):
        return {}
    value = values.get(name)
    return {"context": value if isinstance(value, str) or blank(value) else passage(value)}
