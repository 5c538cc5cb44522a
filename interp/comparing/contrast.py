"""Contrast of two sets of roles on the same samples: the only way to claim that one kind of token carries more."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from interp.statistics.auc import (
    MIN_PER_CLASS,
    Estimate,
    auc_influence,
    normal_estimate,
    undefined,
    why_undefined,
)
from interp.statistics.samples import Samples


@dataclass(frozen=True)
class Contrast:
    """Mean AUC of the A cells minus mean AUC of the B cells, over the same samples."""

    difference: Estimate
    auc_a: float
    auc_b: float
    coincident: int
    """(sample, B role) entries left out because they name an A token of that sample."""
    left_out: tuple[tuple[int, int], ...]
    """B cells (layer, role) that are undefined on these samples."""


def contrast(
    score: Float[np.ndarray, "sample layer role"],
    samples: Samples,
    a: Sequence[int],
    b: Sequence[int],
    *,
    token: Int[np.ndarray, "sample role"] | None = None,
    training: Float[np.ndarray, "sample layer role side direction"] | None = None,
    min_per_class: int = MIN_PER_CLASS,
) -> Contrast:
    """Mean AUC of roles `a` minus mean AUC of roles `b`, averaged over the layers given (definitions: contrast).

    Over the samples in which all of `a` and at least one of `b` exist; `token` (each role's token index, negative
    where absent) lets B roles that name an A token of the same sample be left out. Scores are not refitted; the
    interval and the two-sided p come from the same influences, with what `training` (of the grid) adds. Layers without
    a single score are skipped.
    """
    a, b, y, fold = list(a), list(b), samples.y, samples.fold
    exists = np.isfinite(score).any(1)
    score_b = score[:, :, b].copy()
    same = np.zeros((len(y), len(b)), bool)
    if token is not None:
        same = exists[:, b] & (token[:, b, None] == token[:, None, a]).any(-1)
        score_b = np.where(same[:, None, :], np.nan, score_b)
    complete = exists[:, a].all(1) & (exists[:, b] & ~same).any(1)
    layers = np.flatnonzero(np.isfinite(score[:, :, a + b]).any((0, 2)))
    score_a = np.where(complete[:, None, None], score[:, :, a], np.nan)
    score_b = np.where(complete[:, None, None], score_b, np.nan)
    n, n_correct = int(complete.sum()), int(y[complete].sum())

    def mean_auc(
        side: np.ndarray, roles: list[int]
    ) -> tuple[float, np.ndarray, np.ndarray | None, list[tuple[int, int]]]:
        values, influences, trained, missing = [], [], [], []
        for layer in layers:
            for role in range(side.shape[2]):
                column = side[:, layer, role]
                used = np.isfinite(column)
                if why_undefined(y[used], fold[used], min_per_class):
                    missing.append((int(layer), role))
                    continue
                value, influence = auc_influence(column, y, fold, samples.group)
                values.append(value)
                influences.append(influence)
                if training is not None:
                    trained.append(np.where(used[:, None, None], training[:, layer, roles[role]], 0.0))
        if not values:
            return float("nan"), np.zeros(len(y)), None, missing
        mean_trained = np.mean(trained, axis=0) if trained else None
        return float(np.mean(values)), np.mean(influences, axis=0), mean_trained, missing

    auc_a, influence_a, trained_a, missing_a = mean_auc(score_a, a)
    auc_b, influence_b, trained_b, missing_b = mean_auc(score_b, b)
    left_out = tuple((layer, b[role]) for layer, role in missing_b)
    coincident = int(same[exists[:, a].all(1)].sum())
    if missing_a or np.isnan(auc_a) or np.isnan(auc_b):
        side = "A" if missing_a or np.isnan(auc_a) else "B"
        nothing = undefined(len(y), n, n_correct, f"set {side} has no AUC on the {n} samples that have both sets")
        return Contrast(nothing, auc_a, auc_b, coincident, left_out)
    shared = None if trained_a is None or trained_b is None else trained_a - trained_b
    estimate = normal_estimate(auc_a - auc_b, influence_a - influence_b, samples.group, n, n_correct, training=shared)
    return Contrast(estimate, auc_a, auc_b, coincident, left_out)
