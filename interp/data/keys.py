"""Which option of a multiple-choice record is right: a letter, a number, a label or the option's own text."""

import re
from collections.abc import Iterable, Mapping, Sequence
from string import ascii_uppercase
from typing import Any

from interp.data.choices import Offered
from interp.data.fields import blank, listed, plain, squeezed
from interp.errors import DataError
from interp.support.messages import shown

KEYS = (
    *("answerkey", "answerindex", "answeridx", "answerid", "answerlabel", "answer", "answers", "correctanswer"),
    *("correctoption", "correctanswerid", "correctanswerindex", "correctindex", "correctidx", "correctchoice"),
)
"""Columns that say which option is right (case, spaces and `_` do not count); where several do, they have to agree."""
VAGUE_KEYS = ("label", "gold", "goldindex", "cop", "correct", "target")
"""Columns that may say so, asked where none of `KEYS` is there, or all of them are empty (AGIEval)."""
NAMES = ("key", "index", "idx", "id", "label", "option", "cop", "gold")
"""Endings of columns that hold a letter or a number; another may hold the option's text as well."""
MANY = 20
"""Rows whose keys show, all together, that they count from 1."""
NOT_PUBLISHED = "-1"
"""How the hub writes a label that is kept back."""


class PerhapsFromOne(DataError):
    """A key that names no option if it counts from 0, and the last one if it counts from 1."""


def count_from_one(keys: Iterable[tuple[int, int]]) -> bool:
    """Whether keys, each with the number of its options, count from 1: many rows, the last option named, 0 never."""
    said = list(keys)
    return len(said) >= MANY and all(1 <= key <= n for key, n in said) and any(key == n for key, n in said)


def counted_key(values: Mapping[str, Any], offered: Offered, given: str | None) -> int | None:
    """The number in the key of options that have no names of their own; None where the key is none."""
    if offered.right is not None or offered.labels or offered.numbered or offered.first:
        return None
    for column in [given] if given is not None else _key_columns(values, offered):
        text = str(plain(values.get(column))).strip()
        if re.fullmatch(r"[0-9]{1,2}", text):
            return int(text)
    return None


def read_key(
    where: str, values: Mapping[str, Any], offered: Offered, given: str | None
) -> tuple[tuple[int, ...], str | None]:
    """Which options are right, and the column that says so; () where it is empty or there is none.

    Raises DataError for a key that names no option, that can be read in two ways, or that another key contradicts.
    """
    if offered.right is not None:
        return offered.right, offered.key
    columns = [given] if given is not None else _key_columns(values, offered)
    said = {name: each for name in columns if (each := _readings(f"{where}: {name}", name, values.get(name), offered))}
    if not said:
        return (), next(iter(columns), None)
    first = next(iter(said))
    common = [one for one in said[first] if all(_texts(offered, one) in _all(offered, each) for each in said.values())]
    if len(_all(offered, common)) == 1:
        return common[0], first
    told = ", ".join(f"{name} {shown(plain(values[name]))}" for name in said)
    if not common:
        raise DataError(
            f"{where}: {told} name different options; say which column counts with columns={{'answer': {first!r}}} "
            f"(--columns answer={first})"
        )
    raise DataError(
        f"{where}: {told} is the text of one option and the letter or number of another; name a column that has the "
        "key as letters with columns={'answer': …} (--columns answer=…), or bring the options with names of their own, "
        "as {'text': […], 'label': […]}"
    )


def counts_from_zero(values: Mapping[str, Any], offered: Offered, key: str | None) -> bool:
    """Whether the key is a number that was counted from 0 because nothing says that it counts from 1."""
    value = plain(values.get(key)) if key is not None and offered.right is None else None
    number = isinstance(value, int | float | str) and re.fullmatch(r"\d{1,2}(?:\.0)?", str(value).strip()) is not None
    named = any(label.isdigit() for label in offered.labels) or squeezed(key) in ("label", "answerindex", "answeridx")
    return number and offered.first == 0 and not offered.numbers and not named


def _key_columns(values: Mapping[str, Any], offered: Offered) -> list[str]:
    def named(names: Sequence[str]) -> list[str]:
        by_name = {squeezed(name): name for name in values if name != offered.column and not _own_label(name, values)}
        return [by_name[name] for name in names if name in by_name]

    sure, vague = named(KEYS), named(VAGUE_KEYS)[:1]
    filled = [name for name in sure if not blank(plain(values[name]))]
    return filled or vague or sure


def _own_label(name: str, values: Mapping[str, Any]) -> bool:
    """Whether this is the row's own `correct`, which says whether a completion is right, and no key."""
    said = str(plain(values[name])).strip().casefold()
    return name == "correct" and said in ("true", "false", "0", "1", "0.0", "1.0")


def _readings(where: str, column: str, value: Any, offered: Offered) -> list[tuple[int, ...]]:
    """The options that a key names, in every way in which it can be read; [] for an empty one."""
    value = plain(value)
    if blank(value) or str(value).strip() == NOT_PUBLISHED:
        return []
    if isinstance(value, str) and not _by_text(value, offered):
        value = listed(value)
    if isinstance(value, list):
        return [_several(where, column, value, offered)]
    if isinstance(value, float) and value.is_integer():  # pandas' whole numbers beside a missing one
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise _unreadable(where, value, offered)
    text = str(value).strip()
    labels = [label.casefold() for label in offered.labels]
    if text.casefold() in labels:
        return [(labels.index(text.casefold()),)]
    names = [one for one in (_by_number(text, column, offered), _by_letter(text, offered)) if one]
    only_names = squeezed(column).endswith(NAMES) or (isinstance(value, int) and not offered.numbers)
    by_text = [] if only_names and (names or text.isdigit()) else [one for one in (_by_text(text, offered),) if one]
    if not names and not by_text:
        raise _unreadable(where, value, offered)
    return names + by_text


def _several(where: str, column: str, values: Sequence[Any], offered: Offered) -> tuple[int, ...]:
    """The options that a list names: all by their texts, as a QARow has them, else one by one."""
    right = [_by_text(item, offered) for item in values if isinstance(item, str)]
    if len(right) < len(values) or not all(right):
        right = [one for item in values for one in _readings(where, column, item, offered)[:1]]
    return tuple(sorted({i for each in right for i in each}))


def _by_text(text: str, offered: Offered) -> tuple[int, ...]:
    """The option of that text, the first if it is there twice."""
    wanted = text.strip().casefold()
    return next(((i,) for i, option in enumerate(offered.texts) if option.casefold() == wanted), ())


def _by_number(text: str, column: str, offered: Offered) -> tuple[int, ...]:
    """Counted from 0, or as the options' columns are numbered; `label` (a ClassLabel) beside numbered ones from 0."""
    if not re.fullmatch(r"[0-9]{1,2}", text) or any(label.isdigit() for label in offered.labels):
        return ()
    from_zero = offered.numbered and squeezed(column) == "label"
    index = int(text) - (0 if from_zero else offered.first)
    return (index,) if 0 <= index < len(offered.texts) else ()


def _by_letter(text: str, offered: Offered) -> tuple[int, ...]:
    """`B`, `(b)`, `Option B`, or `B. Paris` with that option's own text."""
    letter = re.fullmatch(r"(?:(?:option|choice)\s+)?\(?([A-Za-z])(?:[).:]\s*(.*))?", text, re.IGNORECASE | re.DOTALL)
    if letter is None or (not letter[2] and any(label.isalpha() for label in offered.labels)):
        return ()
    index = ascii_uppercase.index(letter[1].upper())
    if index >= len(offered.texts) or (letter[2] and letter[2].strip().casefold() != offered.texts[index].casefold()):
        return ()
    return (index,)


def _texts(offered: Offered, right: tuple[int, ...]) -> frozenset[str]:
    return frozenset(offered.texts[i].casefold() for i in right)


def _all(offered: Offered, readings: Sequence[tuple[int, ...]]) -> set[frozenset[str]]:
    return {_texts(offered, one) for one in readings}


def _unreadable(where: str, value: Any, offered: Offered) -> DataError:
    n = len(offered.texts)
    names = f"A … {ascii_uppercase[n - 1]}, {offered.first} … {offered.first + n - 1}"
    maybe_from_one = str(value).strip() == str(n)
    from_one = "; a key that counts from 1 has to be written as letters (A for 1)" if maybe_from_one else ""
    return (PerhapsFromOne if maybe_from_one and not offered.first else DataError)(
        f"{where}: {shown(value)} names none of the {n} options in {offered.column} "
        f"({', '.join(offered.labels) or names}, or an option's text){from_one}; mend the row, or name the column of "
        "the key with columns={'answer': …} (--columns answer=…)"
    )
