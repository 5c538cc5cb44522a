"""Whether a line of `samples.jsonl` is one: the entries that are read, each of its kind."""

from collections.abc import Callable
from typing import Any

MOST_TOKENS = 1 << 31
"""No token has such an id or position."""


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _optional_text(value: Any) -> bool:
    return value is None or isinstance(value, str)


def _truth(value: Any) -> bool:
    return value is None or isinstance(value, bool)


def _token(value: Any) -> bool:
    return type(value) is int and 0 <= value < MOST_TOKENS


def _tokens(value: Any) -> bool:
    return (
        isinstance(value, list)
        and {*map(type, value)} <= {int}
        and (not value or _token(min(value)))
        and (not value or _token(max(value)))
    )


def _span(value: Any) -> bool:
    return value is None or (_tokens(value) and len(value) == 2)


def _numbers(value: Any) -> bool:
    return value is None or (isinstance(value, list) and {*map(type, value)} <= {float, int, type(None)})


def _positions(value: Any) -> bool:
    return isinstance(value, dict) and all(one is None or _token(one) or _span(one) for one in value.values())


NEEDED: dict[str, Callable[[Any], bool]] = {
    "id": _text,
    "group": _text,
    "question": _text,
    "prompt_ids": _tokens,
    "completion_ids": _tokens,
    "correct": _truth,
    "status": _text,
    "positions": _positions,
}
KINDS: dict[str, Callable[[Any], bool]] = NEEDED | {
    "prompt": _text,
    "completion": _text,
    "finish": _optional_text,
    "logprobs": _numbers,
    "entropies": _numbers,
    "exact_answer": _optional_text,
    "exact_answer_method": _optional_text,
    **dict.fromkeys(
        (
            "exact_answer_tokens",
            "exact_answer_chars",
            "question_tokens",
            "thought_tokens",
            "final_answer_tokens",
            "final_answer_chars",
        ),
        _span,
    ),
    "row": _optional_text,
    **dict.fromkeys(("fold", "draw", "near_ties"), lambda value: value is None or _token(value)),
}
"""What each entry holds; others are not read, or checked where they are."""


def check_line(number: int, line: Any) -> None:
    """Raise ValueError for a line that lacks an entry, or has one of another kind."""
    if not isinstance(line, dict) or not line.keys() >= NEEDED.keys():
        raise ValueError(f"expected lines with {', '.join(sorted(NEEDED))}")
    for name, fits in KINDS.items():
        if name in line and not fits(line[name]):
            raise ValueError(f"line {number}: {name} is not what interp writes there")
