"""What the answers of a published record look like: a list inside a text, aliases, `#### 72`, yes or no."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from interp.data.fields import blank, listed, plain, squeezed, unpacked
from interp.data.nested import boxed
from interp.data.record import CsvText

YES, NO = ("yes", "true"), ("no", "false")
WRONG = ("incorrectanswers", "wronganswers", "wronganswer", "incorrectanswer", "hallucinatedanswer", "targetfalse")
"""Columns that hold wrong answers."""
NUMERIC = {"correct": "numeric", "exact_answer": "last_number"}


def is_truth(value: Any) -> bool:
    """Whether this says true or false."""
    return str(plain(value)).strip().casefold() in ("0", "1", "true", "false")


@dataclass(frozen=True)
class Shaped:
    """The answers of one column."""

    answers: Sequence[Any] = ()
    changed: bool = False
    """Whether they are not simply what stands in the column."""
    shape: str = ""
    """What it was, if its shape says more than a text or a list of texts."""
    run_options: Mapping[str, str] = field(default_factory=dict)
    reason: str | None = None
    """Why there is none, if the shape says so."""


_PRINTED = re.compile(r"\s*(?:\{\s*['\"]\w+['\"]\s*:|\[\s*')")
"""How a mapping, or Python's list of texts, begins that stands in a CSV cell."""


def shaped(where: str, name: str, value: Any, *, passage: bool) -> Shaped:
    """The accepted answers in the column `name`; `passage`: the record has one; true is then yes."""
    if isinstance(value, CsvText) and _PRINTED.match(value):
        value = unpacked(f"{where}: {name}", value)
    if isinstance(value, Mapping):
        keys = {squeezed(key): item for key, item in value.items()}
        if "aliases" in keys and "value" in keys:  # TriviaQA
            return Shaped(_filled([*(keys["aliases"] or ()), keys["value"]]), True, "aliases")
        if isinstance(keys.get("text"), list):  # SQuAD on the hub
            reason = None if keys["text"] else f"{name} is empty"
            return Shaped(_filled(keys["text"]), True, "text", reason=reason)
    for key in ("text", "answer"):
        if isinstance(value, list) and value and all(isinstance(item, Mapping) and key in item for item in value):
            each = [text for item in value for text in (item[key], *(item.get("aliases") or ()))]
            return Shaped(_filled(each), True, key)
    read_on = passage and (name == "label" or isinstance(value, CsvText))  # BoolQ in SuperGLUE, and in a CSV
    if isinstance(value, bool) or (read_on and is_truth(value)):
        answers = YES if str(value).strip().casefold() in ("true", "1") else NO
        return Shaped(answers, True, "yes or no", {"correct": "label"})
    result = re.search(r"(?:^|\n)####[ \t]*(\S[^\n]*?)\s*$", value) if isinstance(value, str) else None
    if result is not None:  # GSM8K
        return Shaped([result[1]], True, "after ####", NUMERIC)
    inside = boxed(value) if name == "solution" and isinstance(value, str) else None
    if inside is not None:  # MATH
        number = re.fullmatch(r"-?[\d,]*\.?\d+", inside)
        return Shaped([inside], True, "in \\boxed", NUMERIC if number else {})
    found = [value] if name == "answer" else texts(where, name, value)
    return Shaped(found, changed=found not in ([value], value))


def texts(where: str, name: str, value: Any) -> list[Any]:
    """The texts of a column that is not called `answer`: a list, also as JSON inside a text, or the one that it is.

    TruthfulQA's CSV joins them with semicolons. Blank ones are left out.
    """
    value, known = listed(value), squeezed(name)
    if isinstance(value, str) and known in ("correctanswers", *WRONG):
        value = value.split(";")
    if isinstance(value, str) and known in ("possibleanswers", "answers") and value.lstrip().startswith(("[", "{")):
        value = unpacked(f"{where}: {name}", value)
    return _filled(value if isinstance(value, list | tuple) else [value])


def _filled(values: Sequence[Any]) -> list[Any]:
    return [item.strip() if isinstance(item, str) else item for item in values if not blank(item)]


def distinct(values: Sequence[Any]) -> list[Any]:
    """Each value once, in the order in which they come."""
    return [item for i, item in enumerate(values) if item not in values[:i]]
