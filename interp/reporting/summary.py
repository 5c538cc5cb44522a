"""What a run found, in a few lines of text: what a terminal shows when it has ended."""

from collections.abc import Mapping, Sequence
from typing import Any

import xarray as xr

from interp.reporting.notes import (
    filler_warnings,
    judge_sentence,
    length_warnings,
    place_warnings,
    special_warnings,
    template_sentences,
    thought_warnings,
)
from interp.reporting.opening import confidence_sentences, nonfinite_note, opening, small_class_note
from interp.support.units import decimal


def summary_lines(
    record: Mapping[str, Any], samples: Sequence[Mapping[str, Any]], probe: xr.Dataset, comparison: Mapping[str, Any]
) -> list[str]:
    """The summary, line by line; `record` is run.json, `samples` the lines of samples.jsonl."""
    counts = record["counts"]
    return [
        *_samples(record),
        opening(probe, comparison),
        *nonfinite_note(probe),
        *confidence_sentences(comparison.get("against_controls", [])),
        *template_sentences(counts),
        *_attention(comparison),
        *([] if counts.get("judge") is None else [judge_sentence(counts["judge"])]),
        *(f"Note: {note}" for note in _notes(record, samples, probe, comparison)),
    ]


def _samples(record: Mapping[str, Any]) -> list[str]:
    """What was asked, and what became of it."""
    counts = record["counts"]
    right = "none" if counts["accuracy"] is None else f"{counts['accuracy']:.0%}"
    lines = [
        f"{counts['samples']} samples, {right} right, {counts['population']} in the grids (labelled, with an exact "
        "answer)."
    ]
    if choice := record.get("used", {}).get("exact_answer_choice"):
        lines.append(choice)
    if left_out := record["data"].get("left_out"):
        reasons = ", ".join(f"{count} {reason}" for reason, count in left_out.items())
        lines.append(f"Questions without an answer, left out: {reasons}.")
    if nonfinite := counts.get("nonfinite"):
        lines.append(
            f"{sum(nonfinite.values())} numbers in {len(nonfinite)} stored tensors are NaN or infinite (first "
            f"{next(iter(nonfinite))}; all in run.json); their samples are left out of those cells."
        )
    if near_ties := counts.get("near_ties"):
        lines.append(
            f"At {near_ties} step(s) of generation two tokens were equally likely to within rounding: in batches "
            "of another size the answer may differ there (near_ties in samples.jsonl)."
        )
    return lines


def _attention(comparison: Mapping[str, Any]) -> list[str]:
    """What the attention grid reaches, and whether it looks like the probe grid."""
    cell, nested = comparison["best"]["attention"]["cell"], comparison["best"]["attention"]["nested"]
    if cell is None or nested["value"] is None:
        lines = ["attention grid: no cell is defined."]
    else:
        lines = [
            f"attention grid: best cell layer {cell['layer']}, {cell['token']}; chosen on other folds its AUC is "
            f"{nested['value']:.2f} [{nested['low']:.2f}, {nested['high']:.2f}]."
        ]
    between = comparison["correlation"]["raw"]["between"]
    return lines if between is None else [*lines, f"Correlation of the two grids over cells: {decimal(between, 2)}."]


def _notes(
    record: Mapping[str, Any], samples: Sequence[Mapping[str, Any]], probe: xr.Dataset, comparison: Mapping[str, Any]
) -> list[str]:
    counts = record["counts"]
    return [
        *record.get("notes", ()),
        *small_class_note(probe, comparison),
        *length_warnings(samples, record["settings"].get("max_new_tokens")),
        *thought_warnings(samples),
        *special_warnings(counts),
        *filler_warnings(record),
        *place_warnings(counts.get("place_check", ())),
    ]
