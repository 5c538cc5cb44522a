"""The paper's labels, exact answers and split, as its code makes them (docs/paper_preset.md).

The split stands here because spans are kept in the order in which it visits the samples.
"""

import math
from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Int

from interp.data.rows import QARow
from interp.errors import DataError
from interp.generating.options import is_right
from interp.labelling.answers import Answers
from interp.support.arguments import seed_number, whole_number
from interp.text.numerals import numerals
from interp.text.spans import Decode

N_SAMPLES = 1000
"""How many rows the paper's heatmaps use."""


def substring_match(row: QARow, completion: str, rule: str, labels: Collection[str] = ()) -> bool | None:
    """The paper's correctness: lower-cased substrings, also inside words ("Iran" in "Tirana").

    `choice`: the earlier of right and wrong answer; `label`: the earliest of `labels`; `numeric`: the number or
    its whole part anywhere; anything else: any accepted answer anywhere. That code has no rows with options: theirs are
    judged by the option chosen, as in any run.
    """
    if row.options:
        return is_right(row, completion)
    if not row.answers:
        return row.correct
    text = completion.lower()
    if rule == "numeric":
        return any(form in text for answer in row.answers for form in _number_forms(answer))
    others: list[str] = []
    if rule == "choice":
        others = list(row.wrong_answers)
    elif rule == "label":
        others = [label for label in labels if label not in row.answers]
    mine = _earliest(row.answers, text)
    theirs = _earliest(others, text)
    return mine is not None and (theirs is None or mine < theirs)


def _number_forms(answer: str) -> tuple[str, ...]:
    """The number and its whole part; before them, where that code's `float` would raise an error, the answer itself.

    So `1,234`, `3/4` and `50 %` count as they stand, and as the numbers that `interp.text.numerals` reads.
    """
    own, value = _read_number(answer)
    return own if value is None else (*own, str(value), str(int(value)))


def _read_number(answer: str) -> tuple[tuple[str, ...], float | None]:
    """An accepted answer as it stands, if `float` cannot read it, and the finite number that it says, if any."""
    written = (answer.strip().lower(),)
    try:
        value = float(answer)
        return ((), value) if math.isfinite(value) else (written, None)
    except ValueError:
        found = [number.value for number in numerals(answer) if math.isfinite(number.value)]
        return written, found[-1] if found else None


def _earliest(strings: Sequence[str], text: str) -> int | None:
    found = [at for string in strings if (at := text.find(string.lower().strip())) >= 0]
    return min(found, default=None)


def by_gold(
    answers: Answers, rows: Sequence[QARow], decode: Decode, *, numeric: bool = False, seed: int = 0
) -> Answers:
    """The exact answers located again, with `span_uses_gold`: right ones by the gold string, wrong ones as they were.

    A row with a `wrong_answer` has its wrong ones located by that.

    Spans are kept by prompt in the order in which the split with `seed` visits the samples, so that samples with equal
    prompts share the span of the first of them, whatever they answered (the paper's cache).
    """
    cache: dict[str, tuple[int, int] | None] = {}
    exact: list[str | None] = list(answers.exact_answer)
    tokens: list[tuple[int, int] | None] = [None] * len(answers)
    visited = np.concatenate(paper_split(len(answers), seed=seed))
    for i in dict.fromkeys([*visited.tolist(), *range(len(answers))]):
        row, text = rows[i], answers.text[i]
        if row.options:
            pass  # by the option chosen
        elif answers.correct[i]:
            exact[i] = _number_in(text, row.answers) if numeric else _first_in(text, row.answers)
        elif row.wrong_answers:
            exact[i] = _first_in(text, row.wrong_answers)
        if not exact[i]:
            continue
        if answers.prompt[i] not in cache:
            ids = [*answers.prompt_ids[i], *answers.completion_ids[i]]
            cache[answers.prompt[i]] = paper_span(ids, len(answers.prompt_ids[i]), exact[i] or "", decode)
        tokens[i] = cache[answers.prompt[i]]
    method = [
        "gold" if right and span else m
        for right, span, m in zip(answers.correct, tokens, answers.exact_answer_method, strict=True)
    ]
    status = [
        s if s in ("empty", "too_long") else "ok" if span else "no_exact_answer"
        for s, span in zip(answers.status, tokens, strict=True)
    ]
    return replace(
        answers,
        exact_answer=exact,
        exact_answer_tokens=tokens,
        exact_answer_chars=None,
        exact_answer_method=[m if span else None for m, span in zip(method, tokens, strict=True)],
        status=status,
        span_uses_gold=True,
    )


def _first_in(completion: str, strings: Sequence[str]) -> str | None:
    """The one of `strings` that stands first in the completion, as it is written there."""
    text = completion.lower()
    found = [(at, len(string.strip())) for string in strings if (at := text.find(string.lower().strip())) >= 0]
    at, length = min(found, key=lambda place: place[0], default=(0, 0))
    return completion[at : at + length] or None


def _number_in(completion: str, answers: Sequence[str]) -> str | None:
    """The rounded number if it occurs anywhere, else the number as a decimal; as in `_number_forms` before them."""
    forms: list[str] = []
    for answer in answers:
        own, value = _read_number(answer)
        forms += own if value is None else (*own, str(round(value)), str(value))
    return next((form for form in forms if form in completion.lower()), None)


def paper_span(ids: Sequence[int], n_prompt: int, exact_answer: str, decode: Decode) -> tuple[int, int] | None:
    """First and last token of the shortest stretch of the completion whose text holds the answer's first occurrence.

    Case is ignored in finding it and kept in cutting it out, and word boundaries play no part. None where the paper's
    code stops with an assertion (the answer does not occur).
    """
    text = decode(ids[n_prompt:])
    begin = text.lower().find(exact_answer.lower().strip())
    wanted = text[begin : begin + len(exact_answer)] if begin >= 0 else ""
    if not wanted:
        return None
    first, stop = n_prompt, len(ids)
    while wanted in decode(ids[first : stop - 1]):
        stop -= 1
    while wanted in decode(ids[first + 1 : stop]):
        first += 1
    return first, stop - 1


def paper_split(
    n: int, *, seed: int = 0, n_samples: int | None = N_SAMPLES
) -> tuple[Int[np.ndarray, " train"], Int[np.ndarray, " held_out"]]:
    """One shuffled 80/20 split, neither stratified nor grouped, of `n_samples` of `n` rows drawn by shuffling.

    Raises DataError for fewer than two rows, of which none would be left on one side.
    """
    from sklearn.model_selection import train_test_split

    seed, indices = seed_number(seed), np.arange(n)
    if n_samples is not None:
        np.random.RandomState(seed).shuffle(indices)
        indices = indices[: whole_number("n_samples", n_samples, 2)]
    if len(indices) < 2:
        raise DataError(f"answers: expected at least 2 samples to split into train and held-out, got {len(indices)}")
    train, held_out = train_test_split(indices, test_size=0.2, random_state=seed)
    return train, held_out
