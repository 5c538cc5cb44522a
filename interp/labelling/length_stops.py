"""Answers that the model did not end: those that were cut off at `max_new_tokens`."""

from collections.abc import Iterable, Mapping
from typing import Any


def length_stops(samples: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The records of samples.jsonl whose answer was generated and cut off at its length limit."""
    return [sample for sample in samples if was_generated(sample) and sample.get("finish") == "length"]


def was_generated(sample: Mapping[str, Any]) -> bool:
    """Whether the model answered here: a completion that the row brought has no log-probabilities, and no limit."""
    return sample.get("logprobs") is not None
