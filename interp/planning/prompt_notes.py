"""What can be said of a run's prompts before it begins: a model that thinks and few tokens, a chat model asked bare."""

import re
from collections.abc import Sequence
from typing import Any

from interp.data.rows import QARow
from interp.generating.chat import has_template
from interp.generating.prompts import PromptFormat
from interp.generating.thinking import thinking_warnings
from interp.runs.settings import Settings

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


def generation_notes(settings: Any) -> list[str]:
    """What the model's own generation settings (`generation_config`) ask for and interp does not do."""
    found = {name: getattr(settings, name, None) for name in CHANGES_GREEDY}
    unlike = {name: value for name, value in found.items() if value not in CHANGES_GREEDY[name]}
    if not unlike:
        return []
    listed = ", ".join(f"{name}={value!r:.40}" for name, value in unlike.items())
    return [
        f"the model's own generation settings ask for {listed}, which interp leaves out: every token is the likeliest, "
        "or drawn, by the model alone, so that answers may differ from those of transformers' generate"
    ]


def answers_any(rows: Sequence[QARow]) -> bool:
    """Whether the model has to answer some of the rows."""
    return any(row.completion is None and row.completion_ids is None for row in rows)


def prompt_notes(settings: Settings, rows: Sequence[QARow], tokenizer: Any) -> list[str]:
    """Sentences for those who are about to run; of rows that bring their completion nothing is said."""
    waiting = [row for row in rows if row.completion is None and row.completion_ids is None]
    if not answers_any(rows):
        return []
    form, written = settings.prompt_format, [row for row in waiting if row.prompt is None and row.prompt_ids is None]
    return [*_context_notes(form, written), *_chat_notes(settings, written, tokenizer)]


def _context_notes(form: PromptFormat, written: Sequence[QARow]) -> list[str]:
    """What to do where rows bring the text that their question is about, and the prompt leaves it out."""
    hidden = sum(row.context is not None and row.context not in form.filled(row) for row in written)
    if not hidden:
        return []
    return [
        f"{hidden} of {len(written)} questions come with a context that their prompt does not show, so that the model "
        "answers without it; --prompt-template with {context} and {question} puts it there"
    ]


def _chat_notes(settings: Settings, written: Sequence[QARow], tokenizer: Any) -> list[str]:
    form = settings.prompt_format
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
