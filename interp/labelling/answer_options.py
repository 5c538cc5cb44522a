"""The options of `generate_answers` besides seed and what belongs to a run, by name and type."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypedDict

from interp.engines.units import Engine
from interp.generating.answer_log import AnswerLog
from interp.labelling.correctness import Rule
from interp.models.memory import Splits
from interp.support.accepted import Asked
from interp.support.arguments import instance


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
    greedy_too: bool
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
    engine: Engine | None
    progress: Callable[[int], None] | None


def check_kept(log: Any, splits: Any, engine: Any = None) -> None:
    """Raise DataError unless these are what a run keeps answers and split batches in, and makes them by; or None."""
    for name, value, kind in (("log", log, AnswerLog), ("splits", splits, Splits), ("engine", engine, Engine)):
        if value is not None:
            instance(name, value, kind, "leave it out: a run keeps it")
