"""The first token of the given exact answer of every sample, and of the right one in its place."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import ascii_uppercase
from typing import Any

import numpy as np
from jaxtyping import Int

from interp.data.row import QARow
from interp.generating.prompts import decoder
from interp.labelling.answers import Answers
from interp.text.spans import TokenText

CONTEXTS = (16, 1, 0)
"""How many tokens before the answer are tokenised with it: the first number that gives the given answer back."""
JOINED = "the right answer would be one token with what stands before the given one"
SAME = "right and given answer begin with the same token"


@dataclass(frozen=True)
class FirstTokens:
    """Of every sample of an Answers, in its order; -1 where there is none, with the reason."""

    given: Int[np.ndarray, " sample"]
    right: Int[np.ndarray, " sample"]
    """Of a right sample that of the given answer."""
    right_answer: list[str]
    """The text that stands for right; "" where none is known."""
    right_reason: list[str]
    """Why the right answer's token is undefined; "" where it is not."""

    @classmethod
    def of(cls, answers: Answers, tokenizer: Any, rows: Sequence[QARow], *, why_none: str = "") -> "FirstTokens":
        """`rows` bring the right answers of wrong samples, by id; `why_none` says why there are no rows.

        The right answer is the first that the row accepts, or the letter of the right option where a letter was given.
        Its first token is that of the text in which it stands in the given one's place, blank or quotation mark before
        it included, with as many tokens of context as it takes for the given answer to be tokenised as it was given.
        """
        by_id = {row.id: row for row in rows}
        found = [_of_sample(answers, i, tokenizer, by_id, why_none) for i in range(len(answers))]
        return cls(
            np.array([one[0] for one in found], dtype=np.int64),
            np.array([one[1] for one in found], dtype=np.int64),
            [one[2] for one in found],
            [one[3] for one in found],
        )

    def at(self, order: Sequence[int]) -> "FirstTokens":
        """Of the samples at these places."""
        own = [self.right_answer[i] for i in order], [self.right_reason[i] for i in order]
        return FirstTokens(self.given[list(order)], self.right[list(order)], *own)

    def variables(self) -> dict[str, Any]:
        """Which tokens are asked for, and why some are not."""
        texts = {"right_answer": self.right_answer, "right_reason": self.right_reason}
        return {
            "given_token": ("sample", self.given),
            "right_token": ("sample", self.right),
            **{name: ("sample", np.array(values, dtype=object)) for name, values in texts.items()},
        }

    def right_counts(self, y: Int[np.ndarray, " sample"], why_none: str) -> dict[str, Any]:
        """How many wrong samples have a right answer to read, and why the others have none."""
        lacking = [reason for reason, label in zip(self.right_reason, y, strict=True) if not label and reason]
        reasons = sorted({r: lacking.count(r) for r in lacking}.items(), key=lambda one: (-one[1], one[0]))
        return {
            "n_wrong": int((y == 0).sum()),
            "n_wrong_with_right": int((y == 0).sum()) - len(lacking),
            "right_undefined": "; ".join(f"{reason} ({count})" for reason, count in reasons),
            "rows": why_none or "read",
        }


def _of_sample(
    answers: Answers, i: int, tokenizer: Any, rows: Mapping[str, QARow], why_none: str
) -> tuple[int, int, str, str]:
    span, exact = answers.exact_answer_tokens[i], answers.exact_answer[i]
    if span is None or exact is None:
        return -1, -1, "", "no exact answer"
    ids = [*answers.prompt_ids[i], *answers.completion_ids[i]]
    given = ids[span[0]]
    if answers.correct[i]:
        return given, given, exact, ""
    row = rows.get(answers.id[i] if answers.row is None else answers.row[i])
    if row is None:
        return given, -1, "", why_none or "no row has the sample's id"
    if row.question != answers.question[i]:
        return given, -1, "", "the row of this id asks another question"
    text = right_text(row, exact)
    if not text:
        return given, -1, "", "the row accepts no answer"
    right, reason = token_in_place(tokenizer, ids, span[0], exact, text)
    if right < 0:
        return given, -1, text, reason
    return (given, -1, text, SAME) if right == given else (given, right, text, "")


def right_text(row: QARow, given: str) -> str:
    """What the row accepts, in the form in which the given answer stands; "" if it accepts nothing."""
    if row.right_letters and given.strip().upper() in ascii_uppercase[: len(row.options)]:
        return row.right_letters[0]
    return row.answers[0].strip() if row.answers else ""


def token_in_place(tokenizer: Any, ids: Sequence[int], first: int, given: str, other: str) -> tuple[int, str]:
    """The token at `first` if `other` stood where `given` stands; -1 and the reason where that cannot be said."""
    decode = decoder(tokenizer)
    text = TokenText.of(decode, ids[: first + 1 + len(given)], start=first)
    begin, end = text.characters(first)
    at = text.text.find(given, begin)
    if not begin <= at < end:
        return -1, "the given answer does not begin in its first token"
    lead, known = text.text[begin:at], False
    for size in CONTEXTS:
        before = decode(ids[max(0, first - size) : first]) if size else ""
        if _next_token(tokenizer, before, lead + given) == ids[first]:
            known = True
            if (token := _next_token(tokenizer, before, lead + other)) is not None:
                return token, ""
    return -1, JOINED if known else "the tokenizer does not give the given answer's first token back"


def _next_token(tokenizer: Any, before: str, answer: str) -> int | None:
    """The token behind those of `before`; None where the answer runs into them."""
    known, whole = (tokenizer(text, add_special_tokens=False)["input_ids"] for text in (before, before + answer))
    return int(whole[len(known)]) if len(whole) > len(known) and whole[: len(known)] == known else None
