"""The model's own confidence, read off its output: log-probability, probability and entropy of an answer's tokens."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from interp.errors import DataError
from interp.experiments.detecting.given import Detector, Given
from interp.labelling.answers import Answers

Span = Callable[[Answers, int], tuple[int, int] | None]
"""First and last token of a sample, both inclusive, counted within the completion; None: there is none."""

Values = Float[np.ndarray, " token"]

REDUCTIONS: dict[str, Callable[[Values], float]] = {
    "mean": lambda values: float(values.mean()),
    "min": lambda values: float(values.min()),
    "max": lambda values: float(values.max()),
    "first": lambda values: float(values[0]),
    "last": lambda values: float(values[-1]),
}


def whole_answer(answers: Answers, i: int) -> tuple[int, int] | None:
    """The final answer (without a thought) with the token that stopped generation, as the paper's code has it."""
    start, end = len(answers.prompt_ids[i]), len(answers.completion_ids[i]) - 1
    if end < 0:
        return None
    if answers.final_answer_tokens is None:
        return 0, end
    span = answers.final_answer_tokens[i]
    if span is None:
        return None
    last = span[1] - start
    return span[0] - start, end if last == end - 1 and answers.finish[i] == "stop" else last


def exact_answer(answers: Answers, i: int) -> tuple[int, int] | None:
    """The exact answer's tokens."""
    span, start = answers.exact_answer_tokens[i], len(answers.prompt_ids[i])
    return None if span is None else (span[0] - start, span[1] - start)


def after_exact_answer(answers: Answers, i: int) -> tuple[int, int] | None:
    """The token after the exact answer; absent, never clamped, where the completion ends with it."""
    span = exact_answer(answers, i)
    if span is None or span[1] + 1 >= len(answers.completion_ids[i]):
        return None
    return span[1] + 1, span[1] + 1


def token_values(given: Given, of: str) -> list[list[float] | None]:
    """`logprobs` or `entropies` of every sample: as they were kept, or where some lack by one pass of the model."""
    kept = getattr(given.answers, of)
    if kept is not None and (given.load is None or None not in kept):
        return list(kept)
    return list(getattr(given.scored_answers, of))


def reduced(
    values: Sequence[Sequence[float] | None], answers: Answers, span: Span, reduce: Callable[[Values], float]
) -> Float[np.ndarray, " sample"]:
    """One number of every sample's tokens in a span; NaN where it has no such tokens, or nothing was kept of them."""
    out = np.full(len(answers), np.nan)
    for i, own in enumerate(values):
        at = span(answers, i)
        if own and at is not None and 0 <= at[0] <= at[1] < len(own):
            out[i] = reduce(np.asarray(own[at[0] : at[1] + 1], dtype=np.float64))
    return out


@dataclass(frozen=True)
class Number:
    """A number of every token, and what makes it higher where an answer is more likely right."""

    name: str
    family: str
    of: str
    """The field of Answers."""
    change: Callable[[Values], Values]
    """What is reduced, of the field's values."""
    sign: int
    reductions: tuple[str, ...]

    def detector(self, name: str, span: Span, reduction: str) -> Detector:
        """One number of a span: of the tokens' mean, their least, and so on."""

        def score(given: Given) -> Float[np.ndarray, " sample"]:
            values = token_values(given, self.of)
            found = reduced(values, given.answers, span, lambda own: REDUCTIONS[reduction](self.change(own)))
            if not np.isfinite(found).any():
                raise DataError(f"{name}: no sample has {self.of} of these tokens")
            return self.sign * found

        return Detector(name, self.family, score)

    def detectors(self) -> list[Detector]:
        """Over the answer, over the exact answer, and of the token after it."""
        spans = (("", whole_answer), ("exact_", exact_answer))
        found = [
            self.detector(f"{prefix}{self.name}_{reduction}", span, reduction)
            for prefix, span in spans
            for reduction in self.reductions
        ]
        return [*found, self.detector(f"after_exact_{self.name}", after_exact_answer, "first")]


def _as_it_is(values: Values) -> Values:
    return values


NUMBERS = (
    Number("logprob", "log-probability", "logprobs", _as_it_is, 1, tuple(REDUCTIONS)),
    Number("prob", "probability", "logprobs", np.exp, 1, tuple(REDUCTIONS)),
    # The less certain the model was, the less likely it is right: minus the mean, minus the largest …
    Number("entropy", "entropy", "entropies", _as_it_is, -1, ("mean", "max", "first")),
)

CONFIDENCE: tuple[Detector, ...] = tuple(detector for number in NUMBERS for detector in number.detectors())
"""Nothing is fitted: higher log-probability, and lower entropy, speak for a right answer."""
