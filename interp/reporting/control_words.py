"""The best cell beside a control, in words."""

from collections.abc import Mapping, Sequence
from typing import Any

from interp.comparing.against_controls import EMBED, LOGPROBS
from interp.controls.control_table import TITLES
from interp.support.units import decimal


def control_sentences(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """What `against_controls` says: of the model's own log-probability, and of the strongest baseline if another."""
    told = next((row for row in rows if row["name"] in LOGPROBS), None)
    strongest = next((row for row in rows if row["name"] != EMBED), None)  # what it says of the embedding: `gain_text`
    subjects = {"The model's own": told, "The strongest control,": None if strongest is told else strongest}
    return [
        f"{subject} {title(row)[0].lower()}{title(row)[1:]} reaches AUC {_interval(row)}{_samples(row)}: "
        f"{gain_text(row)}."
        for subject, row in subjects.items()
        if row is not None
    ]


def _samples(row: Mapping[str, Any]) -> str:
    """On which samples, where these are not all that either of the two has."""
    if row.get("best_value") is None or row["n"] == max(row["own_n"], row["best_n"]):
        return ""
    return f" on the {row['n']} samples that both can score, where the best cell has {row['best_value']:.2f}"


def gain_text(row: Mapping[str, Any]) -> str:
    """Whether the best cell exceeds a baseline, with the paired difference, in words."""
    gain = row["difference"]
    if gain["value"] is None:
        return "the probe's best cell cannot be compared with it"
    if gain["low"] > 0:
        return f"the probe's best cell exceeds it by {_interval(gain)}"
    verb = "does not reach" if gain["high"] < 0 else "does not clearly exceed"
    return f"the probe's best cell {verb} it (difference {_interval(gain)})"


def title(row: Mapping[str, Any]) -> str:
    """The baseline in words, with its token where it has one."""
    name = "Embedding row" if row["name"] == EMBED else TITLES[row["name"]]
    return name if row["token"] == "all" else f"{name}, {row['token']}"


def _interval(numbers: Mapping[str, Any]) -> str:
    value, low, high = (decimal(numbers[key], 2) for key in ("value", "low", "high"))
    return f"{value} [{low}, {high}]"
