"""Answers that the model did not end: how many were cut off at `max_new_tokens`, of the right and of the wrong ones."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

NOTEWORTHY = 0.1
"""Share of the generated answers from which on a reader is warned."""


def length_stops(samples: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The records of samples.jsonl whose answer was generated and cut off at its length limit."""
    return [sample for sample in samples if was_generated(sample) and sample.get("finish") == "length"]


def was_generated(sample: Mapping[str, Any]) -> bool:
    """Whether the model answered here: a completion that the row brought has no log-probabilities, and no limit."""
    return sample.get("logprobs") is not None


def length_warnings(samples: Sequence[Mapping[str, Any]], max_new_tokens: int | None = None) -> list[str]:
    """What to do where `NOTEWORTHY` of the generated answers or more were cut off; none otherwise."""
    stopped, generated = length_stops(samples), sum(map(was_generated, samples))
    if not stopped or len(stopped) < NOTEWORTHY * generated:
        return []
    labels = [sample.get("correct") for sample in stopped]
    limit = "" if max_new_tokens is None else f" ({max_new_tokens} tokens)"
    return [
        f"{len(stopped)} of {generated} generated answers ({len(stopped) / generated:.0%}) were cut off by "
        f"--max-new-tokens{limit}: {labels.count(True)} right, {labels.count(False)} wrong, {labels.count(None)} "
        "without a label. An answer that was cut off may be called wrong before it has come to its point, and its "
        "columns -8 … -1 are not the end of an answer: give a larger --max-new-tokens, or a --stop text that ends it."
    ]
