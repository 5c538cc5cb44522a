"""Each completion's label and exact answer, in two steps that do not see each other (definitions: A sample)."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from interp.data.rows import QARow
from interp.errors import DataError
from interp.generating.asking import Exchange
from interp.generating.options import option_spans, shown_question
from interp.labelling.correctness import Rule
from interp.labelling.exact_answers import LOOSELY, ExactAnswerMethod, Located, Span
from interp.text.matching import CandidateFinder
from interp.text.spans import Decode, TokenText
from interp.text.thoughts import UNFINISHED, Parts, begins_in_thought, parts_of


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
    thought_tokens: tuple[int, int] | None = None
    """First and last token of the thought, its marks included; None: there is none."""
    final_tokens: tuple[int, int] | None = None
    """First and last token of the final answer, without blanks around it; None: there is none."""
    final_chars: Span | None = None
    """Characters `[begin, end)` of the final answer in `text`; None: the thought never ends."""


@dataclass(frozen=True)
class Completion:
    """A completion as it is searched: characters that still map to its tokens."""

    searched: str
    """Special tokens are blanked with NUL, which is part of no answer, so that no character moves."""
    tokens: TokenText
    parts: Parts
    """Its thought and its final answer, as characters of `searched`."""

    @classmethod
    def of(
        cls, prompt_ids: Sequence[int], completion_ids: Sequence[int], decode: Decode, special_ids: Collection[int]
    ) -> "Completion":
        """Decode the completion after its prompt; the marks of a thought may be special tokens."""
        tokens = TokenText.of(decode, [*prompt_ids, *completion_ids], start=len(prompt_ids))
        begin = tokens.ends[0]
        searched = list(tokens.text[begin:])
        for k, token in enumerate(completion_ids, start=len(prompt_ids)):
            if token in special_ids:
                low, high = (at - begin for at in tokens.characters(k))
                searched[low:high] = "\0" * (min(high, len(searched)) - low)
        parts = parts_of(tokens.text[begin:], begun=begins_in_thought(tokens.text[:begin]))
        return cls("".join(searched), tokens, parts)

    @property
    def final(self) -> str:
        """The final answer as it is searched; "" if the thought never ends."""
        return "" if self.parts.final is None else self.searched[slice(*self.parts.final)]

    @property
    def final_start(self) -> int:
        """Where it begins in `searched`."""
        return 0 if self.parts.final is None else self.parts.final[0]

    @property
    def text(self) -> str:
        """The completion, special tokens removed."""
        return self.searched.replace("\0", "")

    def bare(self, span: Span, around: str = "\0") -> Span | None:
        """The span without special tokens at its ends, which a pattern may have taken along; None: nothing is left."""
        inside = self.searched[slice(*span)]
        kept = inside.strip(around)
        begin = span[0] + len(inside) - len(inside.lstrip(around))
        return (begin, begin + len(kept)) if kept else None

    def divided(self) -> dict[str, Any]:
        """Where thought and final answer stand, as a `Label` keeps it."""
        thought, final = self.parts.thought, self.parts.final
        inside = None if final is None else self.bare(final, "\0 \t\r\n")
        return {
            "thought_tokens": None if thought is None else self.covering(thought),
            "final_tokens": None if inside is None else self.covering(inside),
            "final_chars": None if final is None else self.shown(final),
        }

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

    A row's own `exact_answer` is used where it brings one. The method is given questions and final answers only: what
    stands in a thought is not what was answered. An empty completion, and one whose thought never ends, has no exact
    answer, and no label but its row's own.

    Raises DataError if a row's own `exact_answer` does not occur in its completion.
    """
    completions = [
        Completion.of(before, after, decode, special_ids)
        for before, after in zip(prompt_ids, completion_ids, strict=True)
    ]
    located: dict[int, Located] = {}
    names: dict[int, str] = {}
    others: list[int] = []
    for i, (row, completion) in enumerate(zip(rows, completions, strict=True)):
        if completion_ids[i] and row.exact_answer is not None:
            located[i], names[i] = _occurrences(row, completion), "row"
        elif not completion_ids[i] or completion.parts.final is None:
            continue
        elif method.by_option and row.options:
            spans = option_spans(row, completion.final)
            located[i], names[i] = Located(_moved(spans, completion.final_start)), "option"
        else:
            others.append(i)
            names[i] = method.name
    found = method.locate([shown_question(rows[i]) for i in others], [completions[i].final for i in others])
    for i, one in zip(others, found, strict=True):
        located[i] = replace(one, spans=_moved(one.spans, completions[i].final_start))

    labels = []
    for i, (row, completion) in enumerate(zip(rows, completions, strict=True)):
        if not completion_ids[i]:
            labels.append(Label("", row.correct, status="empty"))
            continue
        finished = completion.parts.final is not None
        truth = correct(row, completion.final.replace("\0", "")) if finished else row.correct
        where = located.get(i, Located([]))
        label = Label(completion.text, truth, asked=where.asked, **completion.divided())
        spans = [bare for span in where.spans if (bare := completion.bare(span)) is not None]
        if not finished:
            label = replace(label, status=UNFINISHED)
        if spans:
            chars = completion.shown(spans[0])
            label = replace(
                label,
                exact_answer=completion.text[slice(*chars)],
                method=names[i] + (LOOSELY if located[i].loose else ""),
                tokens=completion.covering(spans[0]),
                chars=chars,
                status="ambiguous" if len(spans) > 1 else "ok",
            )
        labels.append(label)
    return labels


def _moved(spans: Sequence[Span], by: int) -> list[Span]:
    return [(begin + by, end + by) for begin, end in spans]


def _occurrences(row: QARow, completion: Completion) -> Located:
    """Where the row's own exact answer stands: as written, else as a candidate; in the final answer, if it can."""
    assert row.exact_answer is not None
    for text, start in ((completion.final, completion.final_start), (completion.searched, 0)):
        if spans := [match.span() for match in re.finditer(re.escape(row.exact_answer), text)]:
            return Located(_moved(spans, start))
        if (found := CandidateFinder([row.exact_answer]).found(text)) is not None:
            return Located(_moved(found.spans, start), loose=found.loose)
    raise DataError(
        f"{row.source or row.id}: exact_answer {row.exact_answer!r} does not occur in the completion "
        f"{completion.searched!r}; give it as it stands there, or leave it out to have it located"
    )
