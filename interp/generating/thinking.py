"""Whether a model will think before it answers, as far as its chat template says."""

from collections.abc import Mapping
from typing import Any

from interp.generating.chat import template_text, template_variables
from interp.text.thoughts import begins_in_thought, mentions_thoughts, parts_of

SWITCHES: dict[str, bool | str] = {"enable_thinking": False, "thinking": False, "reasoning_effort": "low"}
"""Variables by which templates turn thinking off, or (the last) down."""

THOUGHT_TOKENS = 1024
"""Room for the thought of a judge or an extractor."""

LITTLE = 512
"""New tokens that a thought seldom fits into."""


def without_thought(tokenizer: Any) -> dict[str, bool | str]:
    """The options by which a chat template turns thinking off, as far as it can."""
    read = template_variables(tokenizer) or ()
    return {name: value for name, value in SWITCHES.items() if name in read}


def may_think(prompt: str, tokenizer: Any, options: Mapping[str, Any] | None = None) -> bool:
    """Whether a model may think after this chat prompt: its template knows thoughts, and has not closed one there."""
    if begins_in_thought(prompt):
        return True
    switched_off = any((options or {}).get(name) is False for name in SWITCHES)
    closed = parts_of(prompt).thought is not None and not prompt[_end(prompt) :].strip()
    return mentions_thoughts(template_text(tokenizer)) and not switched_off and not closed


def _end(prompt: str) -> int:
    thought = parts_of(prompt).thought
    return thought[1] if thought else 0


def too_little_for_thought(prompt: str, tokenizer: Any, options: Mapping[str, Any] | None, max_new_tokens: int) -> bool:
    """Whether a model that may think after this prompt is given so few tokens that its thought may be cut off."""
    return max_new_tokens < LITTLE and may_think(prompt, tokenizer, options)


def off_switch(tokenizer: Any) -> str | None:
    """The variable by which a chat template turns thinking off; None where it has none."""
    return next((name for name in without_thought(tokenizer) if SWITCHES[name] is False), None)
