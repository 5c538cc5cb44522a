"""Questions that were answered several times: which samples are draws of which, and which answers are equal."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from interp.errors import DataError
from interp.labelling.answers import Answers
from interp.labelling.correctness import normalise
from interp.support.arguments import function, one_text
from interp.support.messages import shown
from interp.text.final_number import final_number

NO_ANSWER = ""
"""The key of samples in which no answer was located."""
Same = Callable[[str], str]
"""Makes a text of an exact answer; answers are equal if their texts are."""


@dataclass(frozen=True)
class DrawnQuestion:
    """One row and the samples that answer it."""

    row: str
    """The row's id; where the answers do not know it, the id of the first sample with this prompt."""
    group: str
    draws: tuple[int, ...]
    """Where its drawn samples with a label stand in the answers."""
    unlabelled: int
    """How many more draws have no label: they take no part."""
    greedy: int | None
    """Where its greedy answer stands, labelled or not; None: it has none."""


def drawn_questions(answers: Answers) -> list[DrawnQuestion]:
    """The questions in the order of the answers; without a `row`, samples with equal prompts are draws of one.

    Raises DataError where no question has two answers.
    """
    row, draw = answers.row, answers.draw
    prompts = zip(answers.prompt, map(tuple, answers.prompt_ids), strict=True)
    keys: list[Any] = list(prompts if row is None else row)
    members: dict[object, list[int]] = {}
    for i, key in enumerate(keys):
        members.setdefault(key, []).append(i)
    several = any(len(at) > 1 for at in members.values())
    if not several:
        raise DataError(
            f"answers: each of {len(answers)} questions has one answer; draw several: samples_per_question=10, "
            "temperature=1 (on the command line: --samples-per-question 10 --temperature 1)"
        )
    questions = []
    for key, at in members.items():
        drawn = [i for i in at if draw is None or draw[i] is not None]
        greedy = [i for i in at if draw is not None and draw[i] is None] if len(at) > 1 else []
        labelled = tuple(i for i in drawn if answers.correct[i] is not None)
        name = key if isinstance(key, str) else answers.id[at[0]]
        first = greedy[0] if greedy else None
        questions.append(DrawnQuestion(name, answers.group[at[0]], labelled, len(drawn) - len(labelled), first))
    return questions


def answer_keys(
    answers: Answers, *, correct: str = "contains", same: Same | None = None, no_answer: tuple[str, ...] = ()
) -> list[str]:
    """What every sample answered, comparably: equal answers have equal keys, `NO_ANSWER` where none was located.

    The key is the exact answer as the rule reads answers: with `correct="numeric"` its number, else without case,
    punctuation, articles and spacing (`normalised`'s normaliser); `same` takes its place. Exact answers that are one of
    `no_answer`, so compared, are none.
    """
    one_text("correct", correct)
    make = function("same", same, "text -> text") or (_number if correct == "numeric" else normalise)
    none = {make(text) for text in no_answer}
    keys = []
    for text in answers.exact_answer:
        key = make(text) if text is not None else NO_ANSWER
        if not isinstance(key, str):
            raise DataError(f"same: expected a function that makes a text of an answer, got {shown(key)} of {text!r}")
        keys.append(NO_ANSWER if key in none else key)
    return keys


def _number(text: str) -> str:
    found = final_number(text)
    return normalise(text) if found is None or not found.is_read else format(found.value, ".6g") + "%" * found.percent


@dataclass(frozen=True)
class Tally:
    """What the draws of one question came to."""

    n: int
    right: int
    wrong: tuple[tuple[str, int], ...]
    """Distinct wrong answers and how often each was drawn, the most frequent first; `NO_ANSWER` is one of them."""

    @property
    def distinct(self) -> int:
        """Distinct answers: all right ones are one."""
        return len(self.wrong) + (self.right > 0)

    @property
    def largest_wrong(self) -> int:
        """How often the most frequent wrong answer was drawn."""
        return self.wrong[0][1] if self.wrong else 0

    @property
    def none(self) -> int:
        """How many draws answer nothing."""
        return dict(self.wrong).get(NO_ANSWER, 0)


def tally(question: DrawnQuestion, answers: Answers, keys: list[str]) -> Tally:
    """Count the labelled draws of a question; equal counts stand in the order of their keys."""
    right = sum(bool(answers.correct[i]) for i in question.draws)
    wrong = Counter(keys[i] for i in question.draws if not answers.correct[i])
    return Tally(len(question.draws), right, tuple(sorted(wrong.items(), key=lambda one: (-one[1], one[0]))))
