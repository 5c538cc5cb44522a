"""From features and labels to the cells of a grid: which samples take part, and one cross-fitted probe per cell."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from interp.errors import DataError
from interp.fitting.estimators import ProbeSpec
from interp.fitting.training import Cell, Trained
from interp.fitting.workers import cross_fit_cells
from interp.labelling.answers import Answers
from interp.statistics.auc import MIN_PER_CLASS, Estimate, estimate_auc, undefined
from interp.statistics.cross_fold import Sketch
from interp.statistics.folds import POPULATIONS, make_folds, read_groups, read_labels
from interp.statistics.samples import DIRECTIONS, Samples
from interp.support.arguments import one_of, seed_number
from interp.support.arrays import in_order, whole_numbers_in_order
from interp.support.axes import places


@dataclass(frozen=True)
class Population:
    """The samples of a grid in input order, and where they come from."""

    index: Int[np.ndarray, " sample"]
    """Where the samples stand in the arrays the caller gave."""
    samples: Samples
    groups: tuple[str, ...]
    """Names of the groups, per sample."""
    excluded: dict[str, int]

    @property
    def n_folds(self) -> int:
        """How many folds have samples."""
        return len(np.unique(self.samples.fold))


@dataclass(frozen=True)
class Fitted:
    """What a grid of cross-fitted probes left behind."""

    score: Float[np.ndarray, "sample layer role"]
    estimates: list[Estimate]
    """Layers outermost."""
    unconverged: int
    """Fits that stopped before their optimum, over all cells."""
    choice: Float[np.ndarray, "layer role fold"] | None = None
    """Every cell's AUC without each fold (`choice_auc`), NaN if undefined; None if not asked for."""
    training: Float[np.ndarray, "sample layer role side direction"] | None = None
    """How the folds' errors depend on each other (`training_sketch`), 0 where unused; None if the probe has none."""
    C: Float[np.ndarray, "layer role fold"] | None = None
    """The C of every fold's probe, where it was chosen among several."""
    probes: list[tuple[Trained, ...]] = field(default_factory=list)
    """Every cell's probes without each fold it has samples in, layers outermost; empty if they were not kept."""


def choose_samples(
    n: int,
    y: Any,
    groups: Any,
    *,
    fold: Any = None,
    has_exact_answer: Bool[np.ndarray, " sample"] | None = None,
    population: str = "exact_answer",
    folds: int = 5,
    seed: int = 0,
    ids: Any = None,
) -> Population:
    """The population and its folds: drawn as defined, or taken from `fold` (-1: not in the population).

    `y` and `groups` may be an Answers, whose labels and groups are found by id (of `y` both, where `groups` is None).
    Else they, as `fold` and `ids`, hold one entry per sample, read by order: lists, arrays, tensors or Series, whose
    index is ignored. Raises DataError if `fold` splits a group: its samples would stand on both sides.
    """
    ids = list(map(str, range(n) if ids is None else in_order("ids", ids)))
    y, groups = _by_id(y, groups, ids)
    given = in_order("labels", y)
    if len(given) != n:
        raise DataError(f"labels: expected one per sample ({n}), got {len(given)}")
    labels, seed = read_labels(given, ids), seed_number(seed)
    one_of("population", population, POPULATIONS)
    if fold is None:
        drawn = make_folds(
            y, groups, has_exact_answer=has_exact_answer, population=population, folds=folds, seed=seed, ids=ids
        )
        fold, group, excluded = drawn.fold, drawn.group, drawn.excluded
    else:
        fold = whole_numbers_in_order("fold", fold)
        group = tuple(map(str, range(n)) if groups is None else read_groups(groups))
        if len(fold) != n or len(group) != n:
            raise DataError(f"fold, groups: expected one per sample ({n}), got {len(fold)} and {len(group)}")
        if unlabelled := [ids[i] for i in np.flatnonzero((fold >= 0) & np.isnan(labels)).tolist()]:
            raise DataError(f"fold: {len(unlabelled)} samples have a fold but no label, first {unlabelled[0]}")
        _check_whole_groups(fold, group)
        excluded = {"no_fold": int((fold < 0).sum())}
    index = np.flatnonzero(fold >= 0)
    names = tuple(group[i] for i in index.tolist())
    samples = Samples.named(labels[index].astype(np.int64), fold[index], names, [ids[i] for i in index.tolist()])
    return Population(index, samples, names, excluded)


def _by_id(y: Any, groups: Any, ids: Sequence[str]) -> tuple[Any, Any]:
    """Labels and groups of these samples where they come as an Answers; anything else as it is.

    A sample past the model's context has no states, and so, as in a run, no label.
    """
    if isinstance(y, Answers) and groups is None:
        groups = y
    remedy = "give the answers that were captured, and name the samples of a bare array alike (ids=)"
    if isinstance(groups, Answers):
        groups = [groups.group[i] for i in places("answers", ids, groups.id, where="the answers", remedy=remedy)]
    if isinstance(y, Answers):
        at = places("answers", ids, y.id, where="the answers", remedy=remedy)
        y = [None if y.status[i] == "too_long" else y.correct[i] for i in at]
    return y, groups


def _check_whole_groups(fold: Int[np.ndarray, " sample"], group: Sequence[str]) -> None:
    """Raise DataError if a group has samples in two folds: a probe would be scored on what it was fitted on."""
    of: dict[str, set[int]] = {}
    for name, number in zip(group, fold.tolist(), strict=True):
        if number >= 0:
            of.setdefault(name, set()).add(number)
    if split := [name for name, numbers in of.items() if len(numbers) > 1]:
        numbers = ", ".join(map(str, sorted(of[split[0]])))
        raise DataError(
            f"fold: {len(split)} of {len(of)} groups are split over folds, first {split[0]!r} (folds {numbers}); "
            "give all samples of a group the same fold, or leave out `fold`"
        )


def probe_attrs(spec: ProbeSpec, population: Population, min_per_class: int) -> dict[str, Any]:
    """What a grid's attributes say of how its probes were fitted."""
    return {
        "probe": spec.name,
        "C": spec.strengths[0],
        "folds": population.n_folds,
        "seed": spec.seed,
        "min_per_class": min_per_class,
    }


def fit_cells(
    columns: Callable[[int, int], Float[np.ndarray, "sample width"]],
    used: Bool[np.ndarray, "sample layer role"],
    samples: Samples,
    spec: Callable[[int, int], ProbeSpec],
    *,
    min_per_class: int = MIN_PER_CLASS,
    n_jobs: int | None = None,
    size: int = 0,
    nested: bool = True,
    keep: bool = False,
    progress: Callable[[int], None] | None = None,
) -> Fitted:
    """Cross-fit the probe `spec(layer, role)` on the features `columns(layer, role)` of the `used` samples.

    `size`: how many numbers that is in all, which decides whether workers pay. `nested`: whether every cell is also
    judged without each fold, by which the best one may be chosen; `keep`: whether the fitted probes are kept.
    """
    n, n_layers, n_roles = used.shape

    def cells() -> Iterator[list[Cell]]:
        for layer in range(n_layers):
            for role in range(n_roles):
                mask = used[:, layer, role]
                x = columns(layer, role)[mask]
                yield [Cell(x, samples.at(mask), spec(layer, role), min_per_class, nested, keep)]

    largest = size // max(1, n_layers * n_roles)
    fits, estimates = [], []
    score = np.full((n_layers * n_roles, n), np.nan)
    training = None
    found = cross_fit_cells(cells(), size, largest=largest, n_jobs=n_jobs, progress=progress)
    for number, ((fit,), mask) in enumerate(zip(found, used.reshape(n, -1).T, strict=True)):
        # Estimated here while the workers fit the next ones.
        fits.append(fit)
        score[number, mask] = fit.score
        shared = None
        if fit.training is not None:
            if training is None:
                training = np.zeros((n, n_layers * n_roles, 2, DIRECTIONS), dtype=np.float32)
            training[mask, number] = fit.training
            shared = training[:, number]
        estimates.append(cell_estimate(score[number], mask, samples, fit.reason, shared, min_per_class))
    score = np.ascontiguousarray(score.T).reshape(n, n_layers, n_roles)
    if training is not None:
        training = training.reshape(n, n_layers, n_roles, 2, DIRECTIONS)
    numbers = np.unique(samples.fold)
    choice, chosen = np.full((2, n_layers, n_roles, len(numbers)), np.nan)
    for fit, (layer, role) in zip(fits, np.ndindex(n_layers, n_roles), strict=True):
        there = np.isin(numbers, samples.fold[used[:, layer, role]])
        if fit.choice is not None:
            choice[layer, role, there] = fit.choice
        if fit.C:
            chosen[layer, role, there] = fit.C
    return Fitted(
        score,
        estimates,
        sum(fit.unconverged for fit in fits),
        choice if nested else None,
        training,
        chosen if any(fit.C for fit in fits) else None,
        [fit.probes for fit in fits] if keep else [],
    )


def cell_estimates(
    score: Float[np.ndarray, "sample layer role"],
    used: Bool[np.ndarray, "sample layer role"],
    samples: Samples,
    reasons: Sequence[str],
    *,
    min_per_class: int,
) -> list[Estimate]:
    """Estimate of every cell whose scores were not trained on these samples, layers outermost."""
    return [
        cell_estimate(score[:, layer, role], used[:, layer, role], samples, reason, None, min_per_class)
        for (layer, role), reason in zip(np.ndindex(*score.shape[1:]), reasons, strict=True)
    ]


def cell_estimate(
    score: Float[np.ndarray, " sample"],
    used: Bool[np.ndarray, " sample"],
    samples: Samples,
    reason: str,
    training: Sketch | None,
    min_per_class: int,
) -> Estimate:
    """Estimate of one cell; with a reason it is undefined but keeps its counts."""
    if reason:
        return undefined(len(samples), int(used.sum()), int(samples.y[used].sum()), reason)
    return estimate_auc(score, samples, training=training, min_per_class=min_per_class)
