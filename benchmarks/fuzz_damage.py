"""Whole files and JSON values with something in them changed, so that most of what is drawn gets past a first check."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st


@dataclass(frozen=True)
class Target:
    """What is drawn, and what is done with it."""

    name: str
    strategy: st.SearchStrategy[Any]
    check: Callable[[Any], None]


ODD: list[Any] = [None, True, False, 0, -1, 1.5, 1e308, float("inf"), float("nan"), 2**31, 2**63, 10**30, -(10**19)]
TEXTS = st.one_of(
    st.text(max_size=20),
    st.sampled_from(
        ["", " ", "\0", "\ud800", "=1+1", "../..", "/etc/passwd", "é", "\u2028", "<script>", "A", "1", "{}"]
    ),
)
SCALARS = st.one_of(st.sampled_from(ODD), TEXTS, st.integers(-3, 300), st.floats())
VALUES = st.recursive(SCALARS, lambda v: st.lists(v, max_size=4) | st.dictionaries(TEXTS, v, max_size=4), max_leaves=8)
PIECES = st.one_of(
    st.binary(max_size=8),
    st.sampled_from(
        [b"\n", b"\0", b"[" * 2000, b'{"a":' * 2000, b"9" * 5000, b"\xff\xfe", b"\xef\xbb\xbf", b'"', b","]
    ),
)


def always(value: Any) -> st.SearchStrategy[Any]:
    """Always this value; `just` would print all of it in every message."""
    return st.none().map(lambda _: value)


def one_of(values: Sequence[Any]) -> st.SearchStrategy[Any]:
    """One of these values, which are not printed."""
    return st.integers(0, len(values) - 1).map(lambda at: values[at])


@st.composite
def damaged_bytes(draw: st.DrawFn, wholes: st.SearchStrategy[bytes]) -> bytes:
    """A file with some of its bytes changed, left out, put in or repeated."""
    content = draw(wholes)
    for _ in range(draw(st.integers(0, 3))):
        low = draw(st.integers(0, len(content)))
        high = min(len(content), low + draw(st.sampled_from([0, 1, 1, 4, 50, 100000])))
        content = content[:low] + draw(PIECES | always(content[low:high] * 2)) + content[high:]
    return content


def _changed(draw: st.DrawFn, value: Any) -> Any:
    """One entry of a JSON value, at whatever depth, left out or replaced by another value."""
    if isinstance(value, dict | list) and value and draw(st.integers(0, 5)):
        if isinstance(value, dict):
            key = draw(st.sampled_from(sorted(value)))
            if not draw(st.integers(0, 7)):
                return {name: one for name, one in value.items() if name != key} | draw(
                    always({}) | always({key + "x": value[key]})
                )
            return value | {key: _changed(draw, value[key])}
        at = draw(st.integers(0, len(value) - 1))
        return [*value[:at], *([] if not draw(st.integers(0, 7)) else [_changed(draw, value[at])]), *value[at + 1 :]]
    return draw(VALUES | always([value]) | always({"a": value}))


@st.composite
def damaged_json(draw: st.DrawFn, wholes: st.SearchStrategy[Any]) -> bytes:
    """A JSON value with some entries changed."""
    value = draw(wholes)
    for _ in range(draw(st.integers(1, 3))):
        value = _changed(draw, value)
    return json.dumps(value).encode()


@st.composite
def damaged_lines(draw: st.DrawFn, wholes: st.SearchStrategy[list[Any]]) -> bytes:
    """JSON lines, one or two of them changed."""
    values = draw(wholes)
    lines = [json.dumps(line).encode() for line in values]
    for _ in range(draw(st.integers(1, 2))):
        at = draw(st.integers(0, len(lines) - 1))
        lines[at] = draw(damaged_json(always(values[at])))
    return b"\n".join(lines) + b"\n"
