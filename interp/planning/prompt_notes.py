"""What can be said of a run's prompts before it begins: a model that thinks and few tokens, a chat model asked bare."""

import re
from collections.abc import Sequence
from typing import Any

from interp.answering.chat import has_template
from interp.answering.thinking import thinking_warnings
from interp.data.rows import QARow
from interp.settings import Settings

INSTRUCT = re.compile(r"(?:^|[-_./ ])(?:it|instruct|chat|sft|dpo|rlhf)(?:$|[-_./ ])", re.IGNORECASE)
"""How the names of models say that they were trained on chats."""


def prompt_notes(settings: Settings, rows: Sequence[QARow], tokenizer: Any) -> list[str]:
    """Sentences for those who are about to run; of rows that bring their completion nothing is said."""
    waiting = [row for row in rows if row.completion is None and row.completion_ids is None]
    if not waiting:
        return []
    form, written = settings.prompt_format, [row for row in waiting if row.prompt is None and row.prompt_ids is None]
    if written and form.is_chat(tokenizer):
        prompt = form.prompt(written[0], tokenizer).text
        return thinking_warnings(prompt, tokenizer, form.options, settings.max_new_tokens)
    if has_template(tokenizer) and written:
        return [
            "the model has a chat template, and the prompts are plain text: a chat model asked so answers otherwise "
            "than its users see it; --chat puts them into turns"
        ]
    name = settings.model.rstrip("/").rsplit("/", 1)[-1]
    if not has_template(tokenizer) and INSTRUCT.search(name):
        return [
            f"{name} is by its name a chat model, but its tokenizer has no chat template: the prompts are plain text; "
            "give a tokenizer that has it, or whole prompts"
        ]
    return []
