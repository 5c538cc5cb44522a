"""A sample's text token by token, as HTML: prompt dimmed, exact answer marked, roles numbered, shades laid under."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from interp.support.html_repr import Html, safe
from interp.text.coloured import LEVELS, style

SHOWN = 400
"""Tokens up to which a text is shown whole; of a longer one what stands near a mark."""
NEAR = 40
"""Tokens on either side of a mark."""
_PART_OF_ONE = "‧"
"""Stands for a token that ends inside a character, where there is something to be shown of it."""


@cache
def css() -> str:
    """Rules of what this and the scores' table need besides the common ones, shades among them."""
    shades = (f".interp-repr .{shade_class(shade)} {{ {style(shade)} }}\n" for shade in range(-LEVELS, LEVELS + 1))
    return Path(__file__).with_name("sample.css").read_text(encoding="utf-8") + "".join(shades)


def shade_class(shade: int) -> str:
    """The class of a shade of `interp.text.coloured`."""
    return f"interp-{'m' if shade < 0 else 'p'}{abs(shade)}"


def token_text(
    tokens: pd.DataFrame,
    numbers: Mapping[str, int],
    *,
    shades: Sequence[int] | None = None,
    told: Sequence[str] | None = None,
    here: Collection[int] = (),
    near: Collection[int] = (),
) -> Html:
    """A paragraph of the tokens of `RunSample.table`, whose texts are known.

    `numbers`: of the roles, put where one begins or ends; `shades`, `told`: of every token, its shade and what is said
    when it is pointed at; `here`: tokens that are framed; `near`: what is shown of a long text besides its marks.
    """
    rows = tokens.to_dict("records")
    marks = [_numbers(rows, at, numbers) for at in range(len(rows))]
    pieces, ends = [], {min(here), max(here)} if here else set()
    for stretch, left_out in _stretches(rows, marks, {*ends, *near}):
        if left_out:
            pieces.append(f"<small> … {left_out} tokens … </small>")
        for (part, exact), ats in groupby(stretch, key=lambda at: (rows[at]["part"], rows[at]["exact_answer"])):
            inner = "".join(
                _token(
                    rows[at]["text"],
                    marks[at],
                    ["interp-role"] * any(role in numbers for role in rows[at]["roles"])
                    + ["interp-here"] * (at in here)
                    + ([] if shades is None or not shades[at] else [shade_class(shades[at])]),
                    ", ".join([str(at), *([] if told is None else [told[at]]), *rows[at]["roles"]]),
                )
                for at in ats
            )
            inner = f"<mark>{inner}</mark>" if exact and shades is None else inner
            dimmed = part == "prompt" and shades is None  # a dimmed shade would be another one
            pieces.append(f'<span class="interp-prompt">{inner}</span>' if dimmed else inner)
    return Html(f'<p class="interp-text" dir="auto">{"".join(pieces)}</p>')


def _token(text: str, mark: str, classes: list[str], title: str) -> str:
    if not text and not classes:  # a sign between the letters of Arabic would part them
        return ""
    shown = safe(text, len(text)).replace("⏎", "⏎\n") if text else _PART_OF_ONE
    kind = f' class="{" ".join(classes)}"' if classes else ""
    return f'<span{kind} title="{safe(title)}">{shown}</span>{f"<sup>{mark}</sup>" if mark else ""}'


def _numbers(rows: list[dict[str, Any]], at: int, numbers: Mapping[str, int]) -> str:
    """Numbers of the roles that begin or end at a token."""

    def has(role: str, place: int) -> bool:
        return 0 <= place < len(rows) and role in rows[place]["roles"]

    found = [role for role in rows[at]["roles"] if not (has(role, at - 1) and has(role, at + 1))]
    return ",".join(str(numbers[role]) for role in found if role in numbers)


def _stretches(rows: list[dict[str, Any]], marks: list[str], also: set[int]) -> Iterator[tuple[list[int], int]]:
    """Places that are shown, and how many before them are not; after the last, those behind it."""
    n = len(rows)
    wanted = np.zeros(n, dtype=bool)
    for at in range(n):
        begins = at and any(rows[at][name] != rows[at - 1][name] for name in ("part", "exact_answer"))
        if n <= SHOWN or marks[at] or at in also or begins:
            wanted[max(0, at - NEAR) : at + NEAR + 1] = True
    left_out = 0
    for there, places in groupby(range(n), key=lambda at: bool(wanted[at])):
        some = list(places)
        if there:
            yield some, left_out
        left_out = 0 if there else len(some)
    if left_out:
        yield [], left_out
