"""Multiple choice as it is published: the options that a record offers, and their order."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from string import ascii_lowercase, ascii_uppercase, digits
from typing import Any

from interp.data.fields import blank, plain, squeezed, unpacked
from interp.errors import DataError
from interp.support.messages import shown

LISTS = ("options", "choices", "endings", "answer_choices", "mc1_targets", "target_scores")
"""Columns that hold all options of a record."""
FAMILIES = ("option", "choice", "ending", "sol", "op", "opt", "", "answer", "ans")
"""Columns that hold one option each: such a name, then 0, 1 … or A, B … (`option1`, `answerA`, `opa`, `A`)."""
LIST_WITH_KEY = "answers"
"""A column that holds all options beside a key (`correct_answer_id`), and else all that is accepted."""
SURE_KEYS = ("correctanswerid", "correctoption", "correctindex", "correctidx", "answerkey", "answerindex", "answeridx")
TEXTS, NAMES = ("text", "value", "content", "option", "choice"), ("label", "key", "id", "letter", "index")
"""What the text and the name of an option are called, where every option is a mapping."""
NEED_A_LABEL = ("answer", "ans")
"""Of these, those that may also be several answers: they are options where a `label` says which is right."""
WRONG_FAMILIES = ("distractor", "incorrectanswer", "wronganswer")
"""The same for wrong options, whose right one stands in `correct_answer`."""


@dataclass(frozen=True)
class Offered:
    """The options of one record."""

    texts: tuple[str, ...]
    column: str
    """Where they stand."""
    labels: tuple[str, ...] = ()
    """Their names as published (`A` …, or `1` …), by which a key calls them."""
    right: tuple[int, ...] | None = None
    """Where the form itself says which are right, so that there is no key."""
    key: str | None = None
    """The column that says so."""
    first: int = 0
    """The number of the first option."""
    numbered: bool = False
    """Whether their columns are numbered."""
    numbers: bool = False
    """Whether an option is a number, and no text."""

    def shuffled(self, question: str) -> "Offered":
        """In the order of the hashes of question and text, for forms in which the right option stands at one place."""
        order = sorted(range(len(self.texts)), key=lambda i: _hash(question, self.texts[i]))
        right = None if self.right is None else tuple(sorted(order.index(i) for i in self.right))
        return replace(self, texts=tuple(self.texts[i] for i in order), right=right)


def find_options(where: str, values: Mapping[str, Any], columns: Mapping[str, str] | None = None) -> Offered | None:
    """The options of a record, in the column given or in those that are known to hold them; None: it offers none.

    Raises DataError with the place for options that cannot be shown: a single one, a blank one, more than letters.
    """
    given, accepted = (columns or {}).get("options"), (columns or {}).get("answer")
    for name in LISTS if given is None else (given,):
        if name not in values or blank(values[name]):
            continue
        value = unpacked(f"{where}: {name}", values[name])
        offered = _listed(where, name, value)
        if offered is None and (given is not None or _several(value)):
            raise DataError(
                f"{where}: {name}: expected a list of options, got {shown(value)}; write them as a list of texts (JSON "
                'in a CSV cell), as {"A": …, "B": …} or [{"label": …, "text": …}, …], or rename the column if it holds '
                "no options"
            )
        if offered is not None:
            return offered
    if given is not None:
        return None
    beside_key = None if accepted == LIST_WITH_KEY else _beside_key(where, values)
    return beside_key or _family(where, values)


def _beside_key(where: str, values: Mapping[str, Any]) -> Offered | None:
    """`answers`, where a key says which of them is right; DataError where a `label` may be that key, or may not."""
    several = plain(values.get(LIST_WITH_KEY))
    if not isinstance(several, list) or len(several) < 2 or any(isinstance(item, Mapping | list) for item in several):
        return None
    names = {squeezed(name) for name in values if not blank(values[name])}
    if not names.isdisjoint(SURE_KEYS):
        return _offered(where, LIST_WITH_KEY, several)
    if "label" in names and "answer" not in names:
        raise DataError(
            f"{where}: {LIST_WITH_KEY} may be options, of which `label` says the right one, or accepted answers; choose"
            " with columns={'options': 'answers', 'answer': 'label'} (--columns options=answers,answer=label) or "
            "columns={'answer': 'answers'} (--columns answer=answers)"
        )
    return None


_OWN = re.compile(r"\s*\(?(?:([A-Z])[).:]\s*|([a-z1-9])[).:]\s+)(?=\S)")
"""The letter or number with which a published option begins."""


def _listed(where: str, name: str, value: Any) -> Offered | None:
    """Options of one column: a list of texts or {label, text}, {text: […], label: […]}, or {A: …, B: …}; else None."""
    if isinstance(value, Mapping):
        return _mapped(where, name, {str(key).strip(): item for key, item in value.items()})
    if isinstance(value, str):
        value = _split(value)
    if not isinstance(value, list | tuple) or not value:
        return None
    if all(isinstance(item, Mapping) for item in value):
        return _mappings(where, name, value)
    if any(isinstance(item, Mapping | list) for item in value):
        return None
    own = [_OWN.match(str(item)) for item in value]  # "A)21", "b. Paris", "2) two"
    marks = [(match[1] or match[2]).upper() if match else "" for match in own]
    if len(value) > 1 and (_run(marks, ascii_uppercase) or _run(marks, digits[1:])):
        value = [str(item)[match.end() :] for item, match in zip(value, own, strict=True) if match]
        return _offered(where, name, value, labels=marks)
    return _offered(where, name, value)


def _several(value: Any) -> bool:
    """Whether this looks like several options, in a form that is not known: nothing is dropped without a word."""
    if isinstance(value, str):
        return re.search(r"\S\s*[;|,\n]\s*\S", value) is not None
    if isinstance(value, Mapping):
        there = [item for item in value.values() if not blank(item)]
        return len(there) > 1 and all(isinstance(item, str) for item in there)
    return isinstance(value, list | tuple | set | frozenset)


def _mappings(where: str, name: str, value: Sequence[Mapping[str, Any]]) -> Offered | None:
    """Options of which each is a mapping: `{label, text}`, `{key, value}`, or `{text}` alone."""
    text = next((one for one in TEXTS if all(one in item for item in value)), None)
    label = next((one for one in NAMES if all(one in item for item in value)), None)
    if text is None:
        return None
    labels = [] if label is None else [item[label] for item in value]
    return _offered(where, name, [item[text] for item in value], labels=labels)


def _split(text: str) -> list[str]:
    """Options that stand in one text, each after its letter: `a ) 38 , b ) 27 , c ) 30`; [] if they do not."""
    found: list[re.Match[str]] = []
    for mark in re.finditer(r"(?:^|(?<=[\s,;]))\(?([A-Za-z]) ?[).:]\s+", text):
        if mark[1].upper() == ascii_uppercase[len(found)]:
            found.append(mark)
    if len(found) < 2 or text[: found[0].start()].strip():
        return []
    ends = [mark.start() for mark in found[1:]] + [len(text)]
    return [text[mark.end() : end].strip().rstrip(",;").strip() for mark, end in zip(found, ends, strict=True)]


def _mapped(where: str, name: str, value: Mapping[str, Any]) -> Offered | None:
    texts, marks = value.get("text", value.get("choices")), value.get("label", value.get("labels"))
    if isinstance(texts, list) and isinstance(marks, list) and len(texts) == len(marks):
        if "labels" in value and all(type(mark) is int and mark in (0, 1) for mark in marks) and 1 in marks:
            right = tuple(i for i, mark in enumerate(marks) if mark)
            return replace(_offered(where, name, texts), right=right, key=name)
        return _offered(where, name, texts, labels=marks)
    if len(value) > 1 and all(type(mark) is int and mark in (0, 1) for mark in value.values()) and any(value.values()):
        right = tuple(i for i, mark in enumerate(value.values()) if mark)  # {text: whether it is right}
        return replace(_offered(where, name, list(value)), right=right, key=name)
    there = {key: item for key, item in value.items() if not blank(item)}  # Parquet fills up what some rows lack
    marks_known = (ascii_uppercase, ascii_lowercase, digits, digits[1:])
    if len(there) > 1 and any(_run(list(there), marks) for marks in marks_known):
        return _offered(where, name, list(there.values()), labels=list(there))
    return None


def _family(where: str, values: Mapping[str, Any]) -> Offered | None:
    """Options in columns of their own; the last ones may be empty."""
    names = {squeezed(name): name for name in values if not blank(values[name])}
    for family in FAMILIES:
        alone = f"{family}1" not in names and f"{family}b" not in names
        if alone or (family in NEED_A_LABEL and "label" not in names):
            continue
        for marks in (digits, digits[1:], ascii_uppercase):
            found = _until_none(names.get(f"{family}{mark}".casefold()) for mark in marks)
            if len(found) < 2 or (family == "" and found[0] != "A"):
                continue
            # Social IQa counts answerA … answerC from 1.
            first = int(marks == digits[1:] or (family == "answer" and marks == ascii_uppercase))
            offered = _offered(where, f"{found[0]} … {found[-1]}", [values[name] for name in found])
            return replace(offered, first=first, numbered=marks != ascii_uppercase)
    right = names.get("correctanswer")
    for family in WRONG_FAMILIES:
        found = _until_none(names.get(f"{family}{mark}") for mark in digits[1:])
        if right is not None and found:
            offered = _offered(where, f"{right}, {found[0]} … {found[-1]}", [values[name] for name in (right, *found)])
            return replace(offered, right=(0,), key=right)
    return None


def _until_none(names: Iterable[str | None]) -> list[str]:
    return [name for name in takewhile(lambda name: name is not None, names) if name is not None]


def _offered(where: str, column: str, options: Sequence[Any], *, labels: Sequence[Any] = ()) -> Offered:
    """Checked, as texts."""
    if not 2 <= len(options) <= len(ascii_uppercase):
        raise DataError(
            f"{where}: {column}: expected 2 options or more, and no more than there are letters (26), got "
            f"{len(options)}; leave the row out, or name another column with columns={{'options': …}} "
            "(--columns options=…)"
        )
    options = plain(options)
    texts = tuple(_option(f"{where}: {column}: option {i}", option) for i, option in enumerate(options))
    numbers = any(not isinstance(option, str) for option in options)
    return Offered(texts, column, labels=tuple(str(label).strip() for label in labels), numbers=numbers)


def _option(where: str, value: Any) -> str:
    text = value.strip() if isinstance(value, str) else ""
    if isinstance(value, int | float) and not blank(value):
        text = str(value) if isinstance(value, bool) else json.dumps(value)
    if not text:
        raise DataError(f"{where}: expected text, got {shown(value)}; mend the row or leave it out")
    return text


def _run(labels: Sequence[str], marks: str) -> bool:
    return list(labels) == list(marks[: len(labels)])


def _hash(question: str, text: str) -> str:
    return hashlib.sha256(f"{question}\0{text}".encode("utf-8", "surrogatepass")).hexdigest()
