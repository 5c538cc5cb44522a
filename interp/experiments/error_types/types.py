"""`error_types`: the error type of every question, how common each is, and where states tell it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from interp.capturing.activations import Capture
from interp.errors import DataError
from interp.experiments.drawn_questions import DrawnQuestion, Same, Tally, answer_keys, drawn_questions, tally
from interp.experiments.error_types.probing import Probed, probe_type
from interp.experiments.error_types.taxonomy import SUBTYPES, TYPES, Thresholds, subtypes
from interp.experiments.error_types.variables import ERROR_TYPES
from interp.fitting.estimators import ProbeSpec
from interp.grids.features import read_features
from interp.grids.of_run import RunLike, takes_run
from interp.grids.variables import returns
from interp.labelling.answers import Answers
from interp.statistics.auc import MIN_PER_CLASS, benjamini_hochberg
from interp.statistics.folds import POPULATIONS
from interp.statistics.group_bootstrap import share_interval
from interp.statistics.samples import group_codes
from interp.support.accepted import Probe
from interp.support.arguments import (
    MANY,
    flag,
    instance,
    job_count,
    one_of,
    progress_function,
    seed_number,
    several_texts,
    whole_number,
)
from interp.support.public import public
from interp.support.version import __version__

SHOWN = 3
"""Distinct answers that are named of every question."""


@returns(ERROR_TYPES)
@takes_run("answers", "cap", "correct", "seed", "C", "probe", "site", "population", "folds")
@public
def error_types(
    answers: Answers,
    cap: Capture,
    *,
    sampled: Answers | RunLike | None = None,
    merged: bool = True,
    consistent: float = 1 / 2,
    many: float = 1 / 3,
    close: float = 1 / 6,
    no_answer: str | Sequence[str] = ("NO ANSWER",),
    same: Same | None = None,
    correct: str = "contains",
    seed: int = 0,
    C: float | str | Sequence[float] = 1.0,
    probe: Probe = "logistic",
    site: str = "resid_post",
    population: str = "exact_answer",
    folds: int = 5,
    permutations: int = 200,
    min_per_class: int = MIN_PER_CLASS,
    n_jobs: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> xr.Dataset:
    """The error types of Orgad et al. (2025, section 5), the share of each, and a probe grid of each against the rest.

    `answers` (or a run) hold several drawn answers to each question; or `sampled` does, the Answers or run of the same
    rows, found by the rows' ids. Of n labelled draws of a question, all right ones are one answer, wrong ones are equal
    if their exact answers are (`answer_keys`); its types follow from the counts (definitions: error types). A question
    may be of several types, or of none. `merged=False` tells B1 from B2, C1 from C2, E1 from E2.

    Per type: its share of the questions with a 95 % Wilson interval; and `probe_grid` of "is of this type", on the
    greedy answers where there are any (as the paper), else on all samples, groups of questions never on both sides of a
    fold; its nested best cell, `permutations` and what tells the type without states. `progress` is called with the
    number of types just finished.

    Raises DataError where each question has one answer, there is only one question, or no question of `sampled` is in
    `answers`.

    >>> from interp.demo import planted
    >>> cap, answers = planted()
    >>> interp.error_types(answers, cap)
    Traceback (most recent call last):
        ...
    interp.errors.DataError: answers: each of 100 questions has one answer; draw several: samples_per_question=10, \
temperature=1 (on the command line: --samples-per-question 10 --temperature 1)
    """
    instance("answers", answers, Answers, "they come from generate_answers")
    instance("cap", cap, Capture, "it comes from capture")
    merged, seed, n_jobs = flag("merged", merged), seed_number(seed), job_count(n_jobs)
    thresholds = Thresholds(consistent, many, close)
    none = several_texts("no_answer", no_answer)
    permutations = whole_number("permutations", permutations, 0, MANY)
    min_per_class = whole_number("min_per_class", min_per_class, 1)
    ProbeSpec(probe, C=C, seed=seed)
    one_of("population", population, POPULATIONS)
    folds, progress = whole_number("folds", folds, 2), progress_function(progress)
    read_features(cap, site=site)
    source = sampled.answers if isinstance(sampled, RunLike) else answers if sampled is None else sampled
    instance("sampled", source, Answers, "they come from generate_answers, or from a run")
    questions = drawn_questions(source)
    if len(questions) < 2:
        raise DataError("answers: there is one question only; types are shares of many questions")
    keys = answer_keys(source, correct=correct, same=same, no_answer=none)
    tallies = [tally(question, source, keys) for question in questions]
    names = TYPES if merged else SUBTYPES
    own = [subtypes(counted, thresholds) if counted.n > 1 else () for counted in tallies]
    is_type = membership(own, tallies, list(names))
    known = is_type[:, 0] >= 0
    if not known.any():
        raise DataError("answers: no question has two labelled answers; label them by another rule")
    groups = group_codes([question.group for question in questions])
    shares = [share_interval(column[known] == 1, groups[known]) for column in is_type.T]
    probed_at = probed_samples(answers, {question.row for question in questions})
    of_row = {question.row: number for number, question in enumerate(questions)}
    question_of = {answers.id[i]: of_row[row_of(answers, i)] for i in probed_at}
    options: Mapping[str, Any] = {
        **{"seed": seed, "C": C, "probe": probe, "site": site, "population": population, "folds": folds},
        **{"min_per_class": min_per_class, "permutations": permutations, "n_jobs": n_jobs},
    }
    found: list[Probed] = []
    for column in is_type.T:
        found.append(probe_type(answers, cap, question_of, column, **options))
        if progress is not None:
            progress(1)
    draws = [counted.n for counted in tallies]
    return xr.Dataset(
        {
            **_question_variables(questions, tallies, own, source, keys, is_type),
            "share": ("type", np.array([one.value for one in shares])),
            "share_low": ("type", np.array([one.low for one in shares])),
            "share_high": ("type", np.array([one.high for one in shares])),
            "n_of_type": ("type", (is_type == 1).sum(0)),
            **_probed_variables(found, cap),
        },
        coords={
            "type": np.array(list(names), dtype=object),
            "title": ("type", np.array(list(names.values()), dtype=object)),
            "question": np.array([question.row for question in questions], dtype=object),
            "layer": np.asarray(cap.layers, dtype=np.int64),
            "token": np.array(cap.roles, dtype=object),
            "control": np.array(_controls(found), dtype=object),
        },
        attrs={
            "kind": "error types",
            "n_questions": int(known.sum()),
            "n_undefined": int((~known).sum()),
            "n_untyped": int((known & (is_type != 1).all(1)).sum()),
            "n_several": int(((is_type == 1).sum(1) > 1).sum()),
            "n_unlabelled": sum(question.unlabelled for question in questions),
            "n_not_probed": len(questions) - len(set(question_of.values())),
            "draws_least": min(draws),
            "draws_most": max(draws),
            "n_probed": len(question_of),
            "probed": "greedy answers" if _greedy(answers, probed_at) else "all samples",
            **dict(zip(("at_consistent", "at_many", "at_close"), thresholds.counts(max(draws)), strict=True)),
            "methods": ", ".join(sorted({str(method) for method in source.exact_answer_method if method})),
            **{name: getattr(thresholds, name) for name in ("consistent", "many", "close")},
            **{"seed": seed, "probe": str(probe), "site": site, "permutations": permutations},
            **{"min_per_class": min_per_class, "interp_version": __version__},
        },
    )


def row_of(answers: Answers, i: int) -> str:
    """The id of the row that a sample answers."""
    return answers.id[i] if answers.row is None else answers.row[i]


def membership(own: list[tuple[str, ...]], tallies: list[Tally], types: list[str]) -> np.ndarray:
    """Per question and type 1 or 0, -1 where a question has fewer than two labelled draws; `B` holds B1 and B2."""
    found = np.array([[any(one.startswith(name) for one in some) for name in types] for some in own], dtype=np.int64)
    found[[counted.n < 2 for counted in tallies]] = -1
    return found


def probed_samples(answers: Answers, rows: set[str]) -> list[int]:
    """Samples of these rows: the greedy ones where there are any, else all. Raises DataError if there is none."""
    there = [i for i in range(len(answers)) if row_of(answers, i) in rows]
    if not there and answers.row is None:  # draws that are known by their prompt only
        first = {tuple(ids): answers.id[i] for i, ids in reversed(list(enumerate(answers.prompt_ids)))}
        there = [i for i in range(len(answers)) if first[tuple(answers.prompt_ids[i])] in rows]
    if not there:
        raise DataError(
            f"sampled: none of its {len(rows)} rows is among the answers, first {min(rows)!r}; give a run of the same "
            "questions, whose rows have the same ids"
        )
    greedy = [i for i in there if answers.draw is not None and answers.draw[i] is None]
    return greedy or there


def _greedy(answers: Answers, at: list[int]) -> bool:
    return answers.draw is not None and all(answers.draw[i] is None for i in at)


def _question_variables(
    questions: list[DrawnQuestion],
    tallies: list[Tally],
    own: list[tuple[str, ...]],
    source: Answers,
    keys: list[str],
    is_type: np.ndarray,
) -> dict[str, Any]:
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


def _controls(found: list[Probed]) -> list[str]:
    return list(dict.fromkeys(name for one in found for name in one.controls))


def _probed_variables(found: list[Probed], cap: Capture) -> dict[str, Any]:
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
    controls = _controls(found)
    for name in ("auc", "low", "high", "delta", "delta_low", "delta_high", "p"):
        values = [[one.controls.get(control, {}).get(name, np.nan) for control in controls] for one in found]
        out[f"control_{name}"] = (("type", "control"), np.array(values, dtype=np.float64).reshape(len(found), -1))
    out["control_q"] = (("type", "control"), benjamini_hochberg(out["control_p"][1]))
    return out
