"""How exact answers are looked for where nobody said: chosen from the data, before anything is answered."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from interp.data.rows import QARow
from interp.statistics.folds import normalise_question
from interp.text.matching import comparable

CLOSED = 0.8
"""From this share of questions on that share an accepted answer with another one, the answers are a closed set."""
SHORT_WORDS = 12
"""A line of at most so many words may be an exact answer."""


@dataclass(frozen=True)
class MethodChoice:
    """A method and why it was chosen; in words: `interp.reporting.beforehand`."""

    method: str
    why: str
    """`numeric`, `options`, `label`, `closed`, `short_line`, `long_completions`, `plain_text` or `chat`."""
    rule: str = ""
    """The rule of correctness."""
    share: float | None = None
    """Share of the questions that accept an answer which another one accepts too; None: nobody looked."""
    answers: int = 0
    """How many different answers they accept."""


def choose_method(rows: Sequence[QARow], *, chat: bool, correct: str) -> MethodChoice:
    """The method for these rows, by the rule of correctness, the accepted answers and the form of the prompts alone.

    `rows` are all that the data hold, so that asking fewer of them changes nothing (definitions: how it is chosen).
    """
    if correct == "numeric":
        return MethodChoice("last_number", "numeric", correct)
    if all(row.options for row in rows):
        return MethodChoice("candidates", "options", correct)
    if correct in ("choice", "label"):
        return MethodChoice("candidates", "label", correct)
    shared = shared_answers(rows)
    if shared[0] >= CLOSED:
        return MethodChoice("candidates", "closed", correct, *shared)
    own = [row.completion for row in rows if row.completion]
    if len(own) == len(rows):
        lines = [len(line.split()) for text in own for line in text.strip().splitlines()[:1]]
        if median(lines or [SHORT_WORDS + 1]) <= SHORT_WORDS:
            return MethodChoice("first_line", "short_line", correct, *shared)
        return MethodChoice("extract", "long_completions", correct, *shared)
    if not chat:
        return MethodChoice("first_line", "plain_text", correct, *shared)
    return MethodChoice("extract", "chat", correct, *shared)


def shared_answers(rows: Sequence[QARow]) -> tuple[float, int]:
    """The share of rows with an answer that a row of another question accepts too, and how many answers there are."""
    questions = defaultdict(set)
    compared = [{comparable(answer.strip()).text for answer in row.answers} for row in rows]
    for row, answers in zip(rows, compared, strict=True):
        for answer in answers:
            questions[answer].add(normalise_question(row.question))
    judged = [answers for answers in compared if answers]
    shared = sum(any(len(questions[answer]) > 1 for answer in answers) for answers in judged)
    return (shared / len(judged) if judged else 0.0), len(questions)
