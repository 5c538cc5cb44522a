"""The counts of the questions, and what the probes of all types came to, as variables of one dataset."""

from typing import Any

import numpy as np

from interp.capturing.activations import Capture
from interp.experiments.drawn_questions import DrawnQuestion, Tally
from interp.experiments.error_types.probing import Probed
from interp.labelling.answers import Answers
from interp.statistics.auc import benjamini_hochberg

SHOWN = 3
"""Distinct answers that are named of every question."""


def question_variables(
    questions: list[DrawnQuestion],
    tallies: list[Tally],
    own: list[tuple[str, ...]],
    source: Answers,
    keys: list[str],
    is_type: np.ndarray,
) -> dict[str, Any]:
    """The counts of every question and its most frequent answers, under names that begin with `question_`."""
    top = []
    for question, counted in zip(questions, tallies, strict=True):
        shown = {keys[i]: str(source.exact_answer[i]) for i in reversed(question.draws) if keys[i]}
        rights = [keys[i] for i in question.draws if source.correct[i]]
        named = [(shown.get(rights[0], "?") + " (right)", counted.right)] if rights else []
        named += [(shown.get(key, "no answer"), times) for key, times in counted.wrong]
        named.sort(key=lambda one: -one[1])
        top.append("; ".join(f"{text} × {times}" for text, times in named[:SHOWN]))
    texts = {
        "group": [question.group for question in questions],
        "subtypes": [" ".join(some) for some in own],
        "answers": top,
    }
    counts = {
        "n": [counted.n for counted in tallies],
        "n_right": [counted.right for counted in tallies],
        "n_distinct": [counted.distinct for counted in tallies],
        "n_largest_wrong": [counted.largest_wrong for counted in tallies],
        "n_no_answer": [counted.none for counted in tallies],
        "n_unlabelled": [question.unlabelled for question in questions],
    }
    return {
        **{f"question_{name}": ("question", np.array(values, dtype=object)) for name, values in texts.items()},
        **{f"question_{name}": ("question", np.array(values, dtype=np.int64)) for name, values in counts.items()},
        "is_type": (("question", "type"), is_type),
    }


def controls_of(found: list[Probed]) -> list[str]:
    """Names of the controls of all types, each once."""
    return list(dict.fromkeys(name for one in found for name in one.controls))


def probed_variables(found: list[Probed], cap: Capture) -> dict[str, Any]:
    """What the probes of all types came to, a cell, a control or a type each."""
    shape, cell = (len(cap.layers), len(cap.roles)), ("type", "layer", "token")
    out: dict[str, Any] = {}
    for name in ("auc", "low", "high", "p_corrected"):
        values: list[Any] = [np.full(shape, np.nan) if one.cells is None else one.cells[name] for one in found]
        out[name] = (cell, np.stack(values))
    for name in ("n", "n_correct"):
        none = np.zeros(shape, dtype=np.int64)
        out[name] = (cell, np.stack([none if one.cells is None else one.cells[name] for one in found]))
    reasons = [np.full(shape, one.reason, dtype=object) if one.cells is None else one.cells["reason"] for one in found]
    out["reason"] = (cell, np.stack(reasons).astype(object))
    for name in ("auc", "low", "high"):
        out[f"best_{name}"] = ("type", np.array([one.best.get(name, np.nan) for one in found], dtype=np.float64))
    out["best_layer"] = ("type", np.array([one.best.get("layer", -1) for one in found], dtype=np.int64))
    out["best_token"] = ("type", np.array([one.best.get("token", "") for one in found], dtype=object))
    out["best_reason"] = ("type", np.array([one.reason for one in found], dtype=object))
    controls = controls_of(found)
    for name in ("auc", "low", "high", "delta", "delta_low", "delta_high", "p"):
        values = [[one.controls.get(control, {}).get(name, np.nan) for control in controls] for one in found]
        out[f"control_{name}"] = (("type", "control"), np.array(values, dtype=np.float64).reshape(len(found), -1))
    out["control_q"] = (("type", "control"), benjamini_hochberg(out["control_p"][1]))
    return out
