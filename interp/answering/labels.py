"""Each completion's label and exact answer, in two steps that do not see each other (definitions: A sample)."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from interp.answering.asking import Exchange
from interp.answering.correctness import Rule
from interp.answering.exact_answers import LOOSELY, ExactAnswerMethod, Located, Span
from interp.answering.matching import CandidateFinder
from interp.answering.spans import Decode, TokenText
from interp.data.rows import QARow
from interp.errors import DataError


@dataclass(frozen=True)
class Label:
    """What is known of one completion."""

    text: str
    """The completion, special tokens removed."""
    correct: bool | None
    exact_answer: str | None = None
    method: str | None = None
    tokens: tuple[int, int] | None = None
    """First and last token of the exact answer in `prompt_ids + completion_ids`, both inclusive."""
    chars: Span | None = None
    """Characters `[begin, end)` of the exact answer in `text`."""
    status: str = "no_exact_answer"
    asked: tuple[Exchange, ...] = ()
    """What a model was asked for the exact answer, if one was."""


@dataclass(frozen=True)
class Completion:
    """A completion as it is searched: characters that still map to its tokens."""

    searched: str
    """Special tokens are blanked with NUL, which is part of no answer, so that no character moves."""
    tokens: TokenText

    @classmethod
    def of(
        cls, prompt_ids: Sequence[int], completion_ids: Sequence[int], decode: Decode, special_ids: Collection[int]
    ) -> "Completion":
        """Decode the completion after its prompt."""
        tokens = TokenText.of(decode, [*prompt_ids, *completion_ids], start=len(prompt_ids))
        begin = tokens.ends[0]
        searched = list(tokens.text[begin:])
        for k, token in enumerate(completion_ids, start=len(prompt_ids)):
            if token in special_ids:
                low, high = (at - begin for at in tokens.characters(k))
                searched[low:high] = "\0" * (min(high, len(searched)) - low)
        return cls("".join(searched), tokens)

    @property
    def text(self) -> str:
        """The completion, special tokens removed."""
        return self.searched.replace("\0", "")

    def bare(self, span: Span) -> Span | None:
        """The span without special tokens at its ends, which a pattern may have taken along; None: nothing is left."""
        inside = self.searched[slice(*span)]
        kept = inside.strip("\0")
        begin = span[0] + len(inside) - len(inside.lstrip("\0"))
        return (begin, begin + len(kept)) if kept else None

    def shown(self, span: Span) -> Span:
        """Characters of `searched` as characters of `text`, which lacks the special tokens before them."""
        begin, end = (at - self.searched.count("\0", 0, at) for at in span)
        return begin, end

    def covering(self, span: Span) -> tuple[int, int] | None:
        """First and last token that cover characters of `searched`."""
        begin = self.tokens.ends[0]
        return self.tokens.tokens(begin + span[0], begin + span[1])


def label_answers(
    rows: Sequence[QARow],
    prompt_ids: Sequence[Sequence[int]],
    completion_ids: Sequence[Sequence[int]],
    decode: Decode,
    special_ids: Collection[int],
    *,
    correct: Rule,
    method: ExactAnswerMethod,
) -> list[Label]:
    """Label every completion by the row's own `correct`, else by the rule; locate its exact answer by `method`.

    A row's own `exact_answer` is used where it brings one. The method is given questions and completions only. An
    empty completion has no exact answer, and no label but its row's own.

    Raises DataError if a row's own `exact_answer` does not occur in its completion.
    """
    completions = [
        Completion.of(before, after, decode, special_ids)
        for before, after in zip(prompt_ids, completion_ids, strict=True)
    ]
    located: dict[int, Located] = {
        i: _occurrences(row, completion.searched)
        for i, (row, completion) in enumerate(zip(rows, completions, strict=True))
        if row.exact_answer is not None and completion_ids[i]
    }
    names = dict.fromkeys(located, "row")
    others = [i for i in range(len(rows)) if i not in located and completion_ids[i]]
    found = method.locate([rows[i].question for i in others], [completions[i].searched for i in others])
    located |= zip(others, found, strict=True)
    names |= dict.fromkeys(others, method.name)

    labels = []
    for i, (row, completion) in enumerate(zip(rows, completions, strict=True)):
        if not completion_ids[i]:
            labels.append(Label("", row.correct, status="empty"))
            continue
        truth = correct(row, completion.text)
        spans = [bare for span in located[i].spans if (bare := completion.bare(span)) is not None]
        if not spans:
            labels.append(Label(completion.text, truth, asked=located[i].asked))
            continue
        chars = completion.shown(spans[0])
        labels.append(
            Label(
                text=completion.text,
                correct=truth,
                exact_answer=completion.text[slice(*chars)],
                method=names[i] + (LOOSELY if located[i].loose else ""),
                tokens=completion.covering(spans[0]),
                chars=chars,
                status="ambiguous" if len(spans) > 1 else "ok",
                asked=located[i].asked,
            )
        )
    return labels


def _occurrences(row: QARow, text: str) -> Located:
    """Where the row's own exact answer stands: as it is written, else as a candidate is found."""
    assert row.exact_answer is not None
    if spans := [match.span() for match in re.finditer(re.escape(row.exact_answer), text)]:
        return Located(spans)
    found = CandidateFinder([row.exact_answer]).found(text)
    if found is None:
        raise DataError(
            f"{row.source or row.id}: exact_answer {row.exact_answer!r} does not occur in the completion {text!r}; "
            "give it as it stands there, or leave it out to have it located"
        )
    return Located(found.spans, loose=found.loose)
