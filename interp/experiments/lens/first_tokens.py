"""The first token of the given exact answer of every sample, and of the right one in its place."""

from collections.abc import Callable, Mapping, Sequence
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
SAME = "right and given answer begin with the same token"


@dataclass(frozen=True)
class FirstTokens:
    """Of every sample of an Answers, in its order; -1 where there is none, with the reason."""

    given: Int[np.ndarray, " sample"]
    right: Int[np.ndarray, " sample"]
    """Of a right sample that of the given answer."""
    right_answer: list[str]
    """The text that stands for right; "" where none is known."""
    given_reason: list[str]
    right_reason: list[str]

    @classmethod
    def of(cls, answers: Answers, tokenizer: Any, rows: Sequence[QARow], *, why_none: str = "") -> "FirstTokens":
        """`rows` bring the right answers of wrong samples, by id; `why_none` says why there are no rows.

        The right answer is the first that the row accepts, or the letter of the right option where a letter was given.
        Its first token is that of the text in which it stands in the given one's place, blank or quotation mark before
        it included, with as many tokens of context as it takes for the given answer to be tokenised as it was given.
        """
        by_id = {row.id: row for row in rows}
        found = [_of_sample(answers, i, tokenizer, by_id, why_none) for i in range(len(answers))]
        given, right, texts, given_reason, right_reason = ([one[k] for one in found] for k in range(5))
        return cls(np.array(given, dtype=np.int64), np.array(right, dtype=np.int64), texts, given_reason, right_reason)


def _of_sample(
    answers: Answers, i: int, tokenizer: Any, rows: Mapping[str, QARow], why_none: str
) -> tuple[int, int, str, str, str]:
    span, exact = answers.exact_answer_tokens[i], answers.exact_answer[i]
    if span is None or exact is None:
        return -1, -1, "", "no exact answer", "no exact answer"
    ids = [*answers.prompt_ids[i], *answers.completion_ids[i]]
    given = ids[span[0]]
    if answers.correct[i]:
        return given, given, exact, "", ""
    row = rows.get(answers.id[i] if answers.row is None else answers.row[i])
    if row is None:
        return given, -1, "", "", why_none or "no row has the sample's id"
    if row.question != answers.question[i]:
        return given, -1, "", "", "the row of this id asks another question"
    text = right_text(row, exact)
    if not text:
        return given, -1, "", "", "the row accepts no answer"
    right = token_in_place(tokenizer, ids, span[0], exact, text)
    if right is None:
        return given, -1, text, "", "the tokenizer does not give the given answer's first token back"
    return (given, -1, text, "", SAME) if right == given else (given, right, text, "", "")


def right_text(row: QARow, given: str) -> str:
    """What the row accepts, in the form in which the given answer stands; "" if it accepts nothing."""
    if row.right_letters and given.strip().upper() in ascii_uppercase[: len(row.options)]:
        return row.right_letters[0]
    return row.answers[0].strip() if row.answers else ""


def token_in_place(tokenizer: Any, ids: Sequence[int], first: int, given: str, other: str) -> int | None:
    """The token at `first` if `other` stood where `given` stands; None if no context gives the given answer's own."""
    decode = decoder(tokenizer)
    text = TokenText.of(decode, ids[: first + 1 + len(given)], start=first)
    begin, end = text.characters(first)
    at = text.text.find(given, begin)
    if not begin <= at < end:
        return None
    lead = text.text[begin:at]
    for size in CONTEXTS:
        before = decode(ids[max(0, first - size) : first]) if size else ""
        token = _next_token(lambda t: tokenizer(t, add_special_tokens=False)["input_ids"], before, lead, given)
        if token == ids[first]:
            return _next_token(lambda t: tokenizer(t, add_special_tokens=False)["input_ids"], before, lead, other)
    return None


def _next_token(encode: Callable[[str], list[int]], before: str, lead: str, answer: str) -> int | None:
    """The token behind those of `before`; None where the answer runs into them."""
    known, whole = encode(before) if before else [], encode(before + lead + answer)
    return whole[len(known)] if len(whole) > len(known) and whole[: len(known)] == known else None
