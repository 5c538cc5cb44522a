"""The options of `generate_answers` besides seed and what belongs to a run, by name and type."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypedDict

from interp.generating.answer_log import AnswerLog
from interp.labelling.correctness import Rule
from interp.models.memory import Splits
from interp.support.accepted import Asked


class AnswerOptions(TypedDict, total=False):
    """Said in `generate_answers`."""

    max_new_tokens: int
    prompt_template: str | None
    chat: bool | None
    chat_options: Mapping[str, Any] | None
    prompt_date: str
    stop: str | Sequence[str]
    temperature: float
    top_p: float
    samples_per_question: int
    correct: str | Rule
    exact_answer: str | None
    candidates: str | Iterable[str] | None
    default_candidates: Sequence[str] | None
    answer_pattern: str | None
    judge: Asked | None
    extractor: Asked | None
    batch_tokens: int
    log: AnswerLog | None
    splits: Splits | None
    progress: Callable[[int], None] | None
