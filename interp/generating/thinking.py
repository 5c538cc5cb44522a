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


def thinking_warnings(prompt: str, tokenizer: Any, options: Mapping[str, Any] | None, max_new_tokens: int) -> list[str]:
    """What to do before a model that thinks is given few tokens; none otherwise."""
    if max_new_tokens >= LITTLE or not may_think(prompt, tokenizer, options):
        return []
    switch = next(iter(name for name in without_thought(tokenizer) if SWITCHES[name] is False), None)
    off = f", or turn thinking off with --chat-option {switch}=false" if switch else ""
    return [
        f"the model's chat template has a place for a thought, and max_new_tokens is {max_new_tokens}: a thought that "
        f"is cut off leaves the answer unknown; give --max-new-tokens {4 * LITTLE}{off}"
    ]
