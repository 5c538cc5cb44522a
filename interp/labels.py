"""Is a completion right, and where is its exact answer? The second never looks at the first (SPEC)."""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from interp.errors import DataError
from interp.matching import CandidateFinder, fold
from interp.rows import QARow
from interp.spans import Decode, TokenText


class ExactAnswerFinder:
    """Finds the exact answer by one rule common to all rows, blind to the row's label and accepted answers.

    The rule is a pattern with one group if one is given (its first match), else the earliest, then longest match of
    the candidates.
    """

    def __init__(self, *, candidates: Iterable[str] = (), pattern: str | None = None) -> None:
        self._candidates = CandidateFinder(candidates)
        try:
            self._pattern = re.compile(pattern) if pattern is not None else None
        except re.error as error:
            raise DataError(f"the answer pattern {pattern!r} is not a regular expression: {error}") from error
        if self._pattern is not None and self._pattern.groups != 1:
            raise DataError(
                f"the answer pattern must have one group (the answer); {pattern!r} has {self._pattern.groups}"
            )
        self.method = "candidates" if self._pattern is None else "pattern"

    def find(self, text: str) -> list[tuple[int, int]]:
        """Character spans in `text`: the exact answer, then its later occurrences; [] if there is none."""
        if self._pattern is None:
            return self._candidates.find(text)
        spans = [match.span(1) for match in self._pattern.finditer(text) if match.start(1) < match.end(1)]
        return [span for span in spans if fold(text[slice(*span)]).text == fold(text[slice(*spans[0])]).text]


@dataclass(frozen=True)
class Label:
    """What is known of one completion."""

    text: str
    """The completion, special tokens removed."""
    correct: bool | None
    exact_answer: str | None
    method: str | None
    tokens: tuple[int, int] | None
    """First and last token of the exact answer in `prompt_ids + completion_ids`, both inclusive."""
    status: str


def label_completion(
    row: QARow,
    prompt_ids: Sequence[int],
    completion_ids: Sequence[int],
    decode: Decode,
    special_ids: Collection[int],
    finder: ExactAnswerFinder,
) -> Label:
    """Label by the row's own `correct`, else an accepted answer anywhere; exact answer by its own, else `finder`.

    Raises DataError if the row's own `exact_answer` does not occur in its completion.
    """
    if not completion_ids:
        return Label("", row.correct, None, None, None, "empty")
    ids = [*prompt_ids, *completion_ids]
    tokens = TokenText.of(decode, ids, start=len(prompt_ids))
    begin = tokens.ends[0]
    # Special tokens are blanked, not cut out, so that characters still map to tokens; NUL is never part of an answer.
    searched = list(tokens.text[begin:])
    for k, token in enumerate(completion_ids, start=len(prompt_ids)):
        if token in special_ids:
            low, high = (at - begin for at in tokens.characters(k))
            searched[low:high] = "\0" * (min(high, len(searched)) - low)
    text = "".join(searched)
    plain = text.replace("\0", "")

    correct = row.correct
    if correct is None and row.answers:
        correct = plain in CandidateFinder(row.answers)
    if row.exact_answer is not None:
        method, spans = "row", _occurrences(row, text)
    else:
        method, spans = finder.method, finder.find(text)
    if not spans:
        return Label(plain, correct, None, None, None, "no_exact_answer")
    low, high = spans[0]
    return Label(
        text=plain,
        correct=correct,
        exact_answer=text[low:high],
        method=method,
        tokens=tokens.tokens(begin + low, begin + high),
        status="ambiguous" if len(spans) > 1 else "ok",
    )


def _occurrences(row: QARow, text: str) -> list[tuple[int, int]]:
    """Where the row's own exact answer stands: as it is written, else after folding."""
    assert row.exact_answer is not None
    spans = [match.span() for match in re.finditer(re.escape(row.exact_answer), text)]
    spans = spans or CandidateFinder([row.exact_answer]).find(text)
    if not spans:
        raise DataError(
            f"{row.source or row.id}: exact_answer {row.exact_answer!r} does not occur in the completion {text!r}; "
            "give it as it stands there, or leave it out to have it located"
        )
    return spans
