"""What can be seen of a run's prompts before it begins: how the model is asked, and what it is given room for."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from interp.data.rows import QARow
from interp.generating.chat import has_template
from interp.generating.prompts import PromptFormat
from interp.generating.thinking import off_switch, too_little_for_thought

INSTRUCT = re.compile(r"(?:^|[-_./ ])(?:it|instruct|chat|sft|dpo|rlhf)(?:$|[-_./ ])", re.IGNORECASE)
"""How the names of models say that they were trained on chats."""

CHANGES_GREEDY = {
    "repetition_penalty": (None, 1, 1.0),
    "no_repeat_ngram_size": (None, 0),
    "encoder_repetition_penalty": (None, 1, 1.0),
    "bad_words_ids": (None,),
    "suppress_tokens": (None,),
    "begin_suppress_tokens": (None,),
    "min_new_tokens": (None, 0),
    "min_length": (None, 0),
}
"""Generation settings of a model that change its likeliest tokens, and the values at which they do not."""


@dataclass(frozen=True)
class PromptChecks:
    """What a user may want to change before the model answers; in words: `interp.reporting.beforehand`."""

    written: int = 0
    """Rows to be answered whose prompt the run's own format writes."""
    hidden_contexts: int = 0
    """How many of them bring a context that their prompt does not show."""
    cramped_thought: int | None = None
    """`max_new_tokens`, where a chat template has a place for a thought and they are few; None elsewhere."""
    off_switch: str | None = None
    """The variable by which that template turns thinking off."""
    plain_text: bool = False
    """Whether the model has a chat template that the prompts do without."""
    lacks_template: str = ""
    """The model's name, where it is a chat model's and its tokenizer has no template."""
    tokenised_again: int = 0
    """Rows whose completion came as text, without the ids that the model wrote."""
    left_out: dict[str, Any] = field(default_factory=dict)
    """The model's own generation settings that change the likeliest token; a run leaves them out."""


def check_prompts(
    form: PromptFormat,
    rows: Sequence[QARow],
    tokenizer: Any,
    *,
    model: str,
    max_new_tokens: int,
    generation: Any = None,
) -> PromptChecks:
    """The checks of the rows that the model has to answer, and how many bring an answer as mere text.

    `model` is its name, `generation` its `generation_config` (None: not known).
    """
    waiting = [row for row in rows if row.completion is None and row.completion_ids is None]
    again = sum(bool(row.completion) and row.completion_ids is None for row in rows)
    if not waiting:
        return PromptChecks(tokenised_again=again)
    written = [row for row in waiting if row.prompt is None and row.prompt_ids is None]
    found: dict[str, Any] = {"written": len(written), "left_out": changed_generation(generation)}
    found["tokenised_again"] = again
    found["hidden_contexts"] = sum(row.context is not None and row.context not in form.filled(row) for row in written)
    if written and form.is_chat(tokenizer):
        prompt = form.prompt(written[0], tokenizer).text
        if too_little_for_thought(prompt, tokenizer, form.options, max_new_tokens):
            found |= {"cramped_thought": max_new_tokens, "off_switch": off_switch(tokenizer)}
    elif has_template(tokenizer):
        found["plain_text"] = bool(written)
    elif INSTRUCT.search(name := model.rstrip("/").rsplit("/", 1)[-1]):
        found["lacks_template"] = name
    return PromptChecks(**found)


def changed_generation(settings: Any) -> dict[str, Any]:
    """Of a model's own generation settings (`generation_config`) those that ask for other tokens than the likeliest."""
    found = {name: getattr(settings, name, None) for name in CHANGES_GREEDY}
    return {name: value for name, value in found.items() if value not in CHANGES_GREEDY[name]}
