"""What a notebook shows of a result: a line, and sections that fold; no script, nothing from outside, all escaped."""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

from interp.errors import UNSEEN, escaped
from interp.support.messages import shown
from interp.support.units import decimal

LONGEST = 200
"""Characters of a text."""
ROWS = 40
"""Rows of a table."""


class Html(str):
    """A text that is HTML already; every other one is escaped where it is put in."""


def safe(text: object, longest: int = LONGEST) -> Html:
    """A text as HTML that can do nothing: cut short, escaped, its control characters written out."""
    if isinstance(text, Html):
        return text
    whole = str(text)
    cut = whole if len(whole) <= longest else f"{whole[: longest - 1]}…"
    return Html(escape(UNSEEN.sub(_written_out, cut)))


def _written_out(found: re.Match[str]) -> str:
    return "⏎" if found[0] == "\n" else escaped(found[0])


def marked(text: str, begin: int, end: int, longest: int = LONGEST) -> Html:
    """A text with the characters [begin, end) marked; of a long one what stands around them."""
    begin = min(max(0, begin), len(text))
    start = max(0, min(begin - longest // 4, len(text) - longest))
    stop = start + longest
    end = min(max(begin, end), stop)
    before, inside, after = text[start:begin], text[begin:end], text[end:stop]
    return Html(
        f"{'…' if start else ''}{safe(before, longest)}<mark>{safe(inside, longest)}</mark>{safe(after, longest)}"
        f"{'…' if stop < len(text) else ''}"
    )


def box(name: str, facts: Iterable[object], sections: Iterable[Html], *, css: str = "") -> str:
    """The whole: the object's name and what is to be known of it in a line; its sections, with `css` of their own."""
    line = "".join(f" <span>{safe(fact)}</span>" for fact in facts)
    return (
        f'<div class="interp-repr"><style>{_css()}{css}</style>'
        f'<div class="interp-head"><strong>{safe(name)}</strong>{line}</div>{"".join(sections)}</div>'
    )


@cache
def _css() -> str:
    return Path(__file__).with_name("html_repr.css").read_text(encoding="utf-8")


def section(title: str, *content: Html, note: object = "", opened: bool = False) -> Html:
    """A part that folds; `note` stands beside its title, folded or not."""
    beside = f"<small>{safe(note)}</small>" if note != "" else ""
    return Html(
        f"<details{' open' if opened else ''}><summary>{safe(title)}{beside}</summary>"
        f'<div class="interp-fold">{"".join(content)}</div></details>'
    )


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, right: Sequence[str] = ()) -> Html:
    """Rows under their columns, the first cell heading its row; None and NaN are a dash.

    Columns of numbers stand to the right, and those named in `right`, whose numbers are texts. Of more than `ROWS` rows
    the first are shown, and how many more there are.
    """
    given = list(rows)
    kinds = [
        "interp-number" if place and (name in right or all(_is_number(row[place]) for row in given)) else ""
        for place, name in enumerate(columns)
    ]
    head = "".join(
        f'<th scope="col"{_class(kind)}>{safe(name)}</th>' for name, kind in zip(columns, kinds, strict=True)
    )
    body = "".join(_row(row, kinds) for row in given[:ROWS])
    return Html(f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{_more(len(given))}")


def facts(values: Mapping[str, object]) -> Html:
    """Names and values, as of settings: what is no plain value is named by its type."""
    rows = [
        f'<tr><th scope="row">{safe(name)}</th><td>{safe(_value(value))}</td></tr>'
        for name, value in list(values.items())[:ROWS]
    ]
    return Html(f"<table><tbody>{''.join(rows)}</tbody></table>{_more(len(values))}")


def _value(value: object) -> str:
    """A setting as it is read: a list by its first entries, none as a dash."""
    if isinstance(value, list | tuple):
        return ", ".join(map(_value, value[:ROWS])) or "–"
    return value if isinstance(value, str) else "–" if value is None else shown(value)


def settings_section(values: Mapping[str, object]) -> list[Html]:
    """Settings, folded away; none where nothing is known of them."""
    return [section("Settings", facts(values), note=len(values))] if values else []


def sentences(texts: Iterable[str]) -> Html:
    """One paragraph each, none cut short."""
    return Html("".join(f"<p>{safe(text, len(text))}</p>" for text in texts))


def _more(rows: int) -> str:
    return f"<p><small>and {rows - ROWS} more</small></p>" if rows > ROWS else ""


def _row(cells: Sequence[object], kinds: Sequence[str]) -> str:
    first, *others = cells
    data = (f"<td{_class(kind)}>{_text(value)}</td>" for value, kind in zip(others, kinds[1:], strict=True))
    return f'<tr><th scope="row">{_text(first)}</th>{"".join(data)}</tr>'


def _class(name: str) -> str:
    return f' class="{name}"' if name else ""


def _is_number(value: object) -> bool:
    return value is None or isinstance(value, int | float)


def _text(value: Any) -> Html:
    return safe(decimal(value) if value is None or isinstance(value, float) else value)
