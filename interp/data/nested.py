"""Records that hold a row inside another, and values that hold a text inside a list or mapping."""

import re
from collections.abc import Mapping
from typing import Any

from interp.data.fields import blank, plain

PASSAGES = ("sentences", "contexts", "paragraph_text", "passage_text", "text")
"""Where a context that is a mapping keeps its text (HotpotQA on the hub, PubMedQA, MuSiQue)."""
_BOXED = re.compile(r"\\f?boxed\s*\{")


def opened(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """The record itself, where another stands around it: that of the hub's server, of a split, or of CounterFact."""
    rewrite = values.get("requested_rewrite")
    if isinstance(rewrite, Mapping) and {"prompt", "subject", "target_true", "target_new"} <= {*rewrite}:
        return {
            **{key: value for key, value in values.items() if key != "requested_rewrite"},
            "prompt": str(rewrite["prompt"]).replace("{}", str(rewrite["subject"])),
            "subject": rewrite["subject"],
            "target_true": _named(rewrite["target_true"]),
            "target_false": _named(rewrite["target_new"]),
        }
    for name in ("row", *(values if len(values) == 1 else ())):
        inside = values.get(name)
        if isinstance(inside, Mapping) and "question" in inside:
            return inside
    return values


def _named(target: Any) -> Any:
    return target.get("str") if isinstance(target, Mapping) else target


def passage(value: Any) -> str | None:
    """The text of a context of several parts, one a line; titles are left out. None where it holds no text."""
    lines = _lines(plain(value))
    return "\n".join(lines) if lines else None


def _lines(value: Any) -> list[str]:
    if isinstance(value, str):
        return [] if blank(value) else [value.strip()]
    if isinstance(value, Mapping):
        return next((_lines(value[name]) for name in PASSAGES if name in value), [])
    if not isinstance(value, list | tuple):
        return []
    if len(value) == 2 and isinstance(value[0], str) and isinstance(value[1], list | tuple):  # title, sentences
        return _lines(value[1])
    return [line for item in value for line in _lines(item)]


def boxed(solution: str) -> str | None:
    r"""What stands in the last `\boxed{…}` of a solution (MATH), its braces paired; None without one."""
    found = list(_BOXED.finditer(solution))
    if not found:
        return None
    depth, begin = 1, found[-1].end()
    for at in range(begin, len(solution)):
        depth += {"{": 1, "}": -1}.get(solution[at], 0)
        if depth == 0:
            return solution[begin:at].strip() or None
    return None
