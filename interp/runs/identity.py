"""What a run, and its answers alone, are known by: hashes of all that they depend on."""

from typing import Any

from interp.support.fingerprint import json_hash


def run_identity(record: dict[str, Any]) -> str:
    """What the shards of a run name as theirs: a hash of settings, versions, model and data."""
    return json_hash([record[key] for key in ("settings", "versions", "model", "data")])


ANSWERING = (
    "model",
    "data",
    "dataset",
    "columns",
    "device",
    "dtype",
    "limit",
    "seed",
    "batch_tokens",
    "threads",
    "max_new_tokens",
    "prompt_template",
    "chat",
    "chat_options",
    "prompt_date",
    "stop",
    "temperature",
    "top_p",
    "samples_per_question",
    "greedy_too",
    "processed_weights",
    "skip_unanswerable",
)
"""The settings that decide what a model answers; the others decide what is made of the answers."""


def answering_identity(record: dict[str, Any]) -> str:
    """What the answers of a run name as theirs: what they depend on, not how they are labelled."""
    given = record["settings"] if isinstance(record["settings"], dict) else {}  # else of a damaged file
    settings = {name: given.get(name) for name in ANSWERING}
    return json_hash([settings, *(record[key] for key in ("versions", "model", "data"))])
