"""Who is compared with whom: the population, its groups, and the folds that every cell, grid and control shares."""

import unicodedata
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from interp.errors import DataError
from interp.support.arguments import one_of, seed_number, whole_number
from interp.support.arrays import in_order, missing
from interp.support.messages import shown

POPULATIONS = ("exact_answer", "all")


@dataclass(frozen=True)
class Folds:
    """One fold per sample, drawn once and handed to everything that fits or scores a probe."""

    fold: Int[np.ndarray, " sample"]
    """0 … folds-1; -1: not in the population."""
    y: Int[np.ndarray, " sample"]
    """1 = correct, 0 = wrong; -1: not in the population."""
    group: tuple[str, ...]
    """Every sample's group, as text; samples of one group share a fold."""
    excluded: dict[str, int] = field(default_factory=dict)
    """How many samples are outside the population, by reason (`unlabelled`, `no_exact_answer`)."""

    @property
    def member(self) -> Bool[np.ndarray, " sample"]:
        """Which samples are in the population."""
        return self.fold >= 0


def normalise_question(text: str) -> str:
    """Question text as a group name: NFKC, case folded, white space collapsed (definitions: groups)."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def question_groups(questions: Sequence[str], groups: Sequence[str | None] | None = None) -> list[str]:
    """Group of every row: its own `group`, else its normalised question (definitions: groups)."""
    own = [None] * len(questions) if groups is None else groups
    return [
        normalise_question(question) if group is None else group for question, group in zip(questions, own, strict=True)
    ]


def read_groups(groups: Any) -> list[str]:
    """Every sample's group as text, in order. Raises DataError for a sample without one."""
    values = in_order("groups", groups)
    lacking = [i for i, value in enumerate(values) if missing(value)]
    if lacking:
        raise DataError(
            f"groups: {len(lacking)} of {len(values)} samples have no group, first number {lacking[0]} (from 0); "
            "give every sample a group (one of its own, if it belongs to nobody)"
        )
    return [str(value) for value in values]


def read_labels(y: Any, ids: Any = None) -> Float[np.ndarray, " sample"]:
    """Labels as 1.0 (correct), 0.0 (wrong) and NaN (None, NaN or NA: no label); anything else is a DataError."""
    values = in_order("labels", y)
    names = range(len(values)) if ids is None else in_order("ids", ids)
    if len(names) != len(values):
        raise DataError(f"ids: expected one per label ({len(values)}), got {len(names)}")
    out = np.full(len(values), np.nan)
    for i, value in enumerate(values):
        if missing(value):
            continue
        if not isinstance(value, int | float) or value not in (0, 1):
            raise DataError(
                f"labels: expected 0 (wrong), 1 (correct) or None, got {shown(value)} at sample {names[i]}; "
                "recode the labels before probing"
            )
        out[i] = float(value)
    return out


def assign_folds(
    y: Int[np.ndarray, " sample"],
    groups: Sequence[str] | None = None,
    *,
    folds: int = 5,
    seed: int = 0,
    strata: Int[np.ndarray, " sample"] | None = None,
) -> Int[np.ndarray, " sample"]:
    """Fold of every sample by `StratifiedGroupKFold(folds, shuffle=True, random_state=seed)` (definitions: folds).

    `groups=None`: every sample is its own group, 0 … n-1. `strata`: what is spread evenly over the folds; None: the
    labels. Raises DataError for a single class or fewer groups than folds.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    folds, seed = whole_number("folds", folds, 2), seed_number(seed)
    counts = np.bincount(y, minlength=2)
    if counts.min() == 0:
        kind = "correct" if counts[0] == 0 else "wrong"
        raise DataError(
            f"labels: all {len(y)} samples of the population are {kind}; a probe needs both correct and wrong answers"
        )
    names = np.arange(len(y)) if groups is None else np.asarray(groups, dtype=str)
    n_groups = len(np.unique(names))
    if n_groups < folds:
        raise DataError(
            f"groups: {n_groups} distinct groups for {folds} folds; give more questions, fewer folds or finer groups"
        )
    if counts.max() < folds:
        raise DataError(f"labels: {counts[1]} correct and {counts[0]} wrong samples are too few for {folds} folds")
    out = np.full(len(y), -1, dtype=np.int64)
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        # A class smaller than the number of folds: such cells are reported as undefined, with the count.
        warnings.filterwarnings("ignore", message="The least populated class", category=UserWarning)
        even = y if strata is None else strata
        for number, (_, held_out) in enumerate(splitter.split(np.zeros(len(y)), even, names)):
            out[held_out] = number
    return out


def make_folds(
    y: Any,
    groups: Any = None,
    *,
    has_exact_answer: Bool[np.ndarray, " sample"] | None = None,
    population: str = "exact_answer",
    folds: int = 5,
    seed: int = 0,
    ids: Any = None,
) -> Folds:
    """Population and folds (definitions: population, groups, folds).

    `y` holds 0, 1 or None for every sample; it, `groups` and `ids` are read by order, whatever index they bring.
    `population="exact_answer"` takes the labelled samples with an exact answer (all labelled ones when
    `has_exact_answer` is not given), `"all"` every labelled sample. Raises DataError for labels that are not 0/1, a
    single class, a sample without a group, or fewer groups than folds.
    """
    labels = read_labels(y, ids)
    one_of("population", population, POPULATIONS)
    group = list(map(str, range(len(labels)))) if groups is None else read_groups(groups)
    for name, values in (("groups", group), ("has_exact_answer", has_exact_answer), ("ids", ids)):
        if values is not None and len(values) != len(labels):
            raise DataError(f"{name}: expected one entry per label ({len(labels)}), got {len(values)}")
    labelled = ~np.isnan(labels)
    located = np.ones(len(labels), bool) if has_exact_answer is None or population == "all" else has_exact_answer
    member = labelled & located
    if not member.any():
        every = "population='all' (on the command line: --population all)"
        hint = f"choose another exact-answer method, or {every}" if labelled.any() else "give accepted answers"
        raise DataError(
            f"labels: none of {len(labels)} samples has both a label and an exact answer "
            f"({int(labelled.sum())} are labelled); nothing can be probed: {hint}"
        )
    own = None if groups is None else [group[i] for i in np.flatnonzero(member).tolist()]
    fold, out = np.full((2, len(labels)), -1, dtype=np.int64)
    out[member] = labels[member].astype(np.int64)
    fold[member] = assign_folds(out[member], own, folds=folds, seed=seed)
    return Folds(
        fold=fold,
        y=out,
        group=tuple(group),
        excluded={"unlabelled": int((~labelled).sum()), "no_exact_answer": int((labelled & ~located).sum())},
    )
