"""How exact answers are looked for where nobody said: chosen from the data, before anything is answered."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from interp.data.rows import QARow
from interp.statistics.folds import normalise_question
from interp.text.matching import fold

CLOSED = 0.8
"""From this share of questions on that share an accepted answer with another one, the answers are a closed set."""
SHORT_WORDS = 12
"""A line of at most so many words may be an exact answer."""
CHANGE = "--exact-answer (first_line, last_number, extract), --candidates or --answer-pattern chooses otherwise"


@dataclass(frozen=True)
class Choice:
    """A method and why it was chosen."""

    method: str
    reason: str

    def __str__(self) -> str:
        return f"Exact answers are looked for by `{self.method}`, because {self.reason}; {CHANGE}."


def choose_method(rows: Sequence[QARow], *, chat: bool, correct: str) -> Choice:
    """The method for these rows, by the rule of correctness, the accepted answers and the form of the prompts alone.

    `rows` are all that the data hold, so that asking fewer of them changes nothing (definitions: how it is chosen).
    """
    if correct == "numeric":
        return Choice("last_number", "the rule `numeric` judges the last number")
    if all(row.options for row in rows):
        return Choice("candidates", "every question offers its options, of which the one chosen is looked for")
    if correct in ("choice", "label"):
        return Choice("candidates", f"the rule `{correct}` judges which answer of a closed set is named first")
    share, names = shared_answers(rows)
    if share >= CLOSED:
        return Choice(
            "candidates",
            f"the answers are a closed set: {share:.0%} of the questions accept an answer that another one accepts too "
            f"({names} in all)",
        )
    open_set = f"the answers are no closed set ({share:.0%} of the questions share one with another)"
    own = [row.completion for row in rows if row.completion]
    if len(own) == len(rows):
        lines = [len(line.split()) for text in own for line in text.strip().splitlines()[:1]]
        if median(lines or [SHORT_WORDS + 1]) <= SHORT_WORDS:
            return Choice("first_line", f"{open_set} and the completions begin with a short line")
        return Choice("extract", f"{open_set} and the completions are longer than a line: a model copies them out")
    if not chat:
        return Choice("first_line", f"{open_set} and the prompts are plain text, which a model goes on with a line")
    return Choice("extract", f"{open_set} and a chat model answers in sentences: the model itself copies them out")


def shared_answers(rows: Sequence[QARow]) -> tuple[float, int]:
    """The share of rows with an answer that a row of another question accepts too, and how many answers there are."""
    questions = defaultdict(set)
    folded = [{fold(answer.strip()).text for answer in row.answers} for row in rows]
    for row, answers in zip(rows, folded, strict=True):
        for answer in answers:
            questions[answer].add(normalise_question(row.question))
    judged = [answers for answers in folded if answers]
    shared = sum(any(len(questions[answer]) > 1 for answer in answers) for answers in judged)
    return (shared / len(judged) if judged else 0.0), len(questions)
