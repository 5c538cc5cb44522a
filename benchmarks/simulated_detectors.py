"""Simulated baselines beside a probe grid, for `calibration.py`: what the probe adds to the best of them is known.

Given the label a baseline's score is normal, and independent of the features; so is the probe's, and the weighted sum
of both, so that its AUC on new samples follows from weights and distances.
"""

import numpy as np
import torch
from scipy import stats
from simulated_grids import GRID, NARROW, distance, fold_pairs, probe_directions

from interp.capturing.activations import Capture
from interp.comparing.best_cell import nested_choice
from interp.controls.scored import Scored, difference
from interp.demo.planted_signal import planted_answers
from interp.experiments.detecting.combined import best_baseline, combined
from interp.experiments.detecting.given import Given
from interp.grids.probes import probe_grid
from interp.statistics.auc import MIN_PER_CLASS

LAYERS, ROLES = 3, ("exact_answer_last", "last_q")
GAINS = {
    "the probe knows nothing": (0.5, (0.7, 0.7, 0.7, 0.7, 0.7, 0.7)),
    "neither knows anything": (0.5, (0.5,) * 6),
    "the baselines know nothing": (0.8, (0.5,) * 6),
    "both know something": (0.8, (0.75, 0.7, 0.65, 0.6, 0.55, 0.5)),
}
"""AUC of the best linear probe of one cell, and those of the baselines."""


def gain_of(kind: str, n: int, seed: int) -> dict[str, float]:
    """Does the interval of the gain contain what the fitted weights reach on new samples?"""
    rng = np.random.default_rng([21, sum(map(ord, kind)), n, seed])
    strength, aucs = GAINS[kind]
    y = rng.integers(0, 2, n)
    x = rng.standard_normal((n, LAYERS, len(ROLES), NARROW))
    delta = np.zeros((LAYERS, len(ROLES), NARROW))
    delta[1, 0] = distance(strength, NARROW, rng)
    x += (y - 0.5)[:, None, None, None] * delta
    apart = np.sqrt(2) * stats.norm.ppf(aucs)
    scores = {f"b{i}": (y - 0.5) * d + rng.standard_normal(n) for i, d in enumerate(apart)}
    given = _given(x, y, seed)
    best = best_baseline(given, scores)
    both = combined(given, scores, best)
    of_best = Scored.of(best.score, given.samples, chosen=best.of_each, min_per_class=MIN_PER_CLASS)
    of_both = Scored.of(
        both.score, given.samples, training=both.training, chosen=both.of_each, min_per_class=MIN_PER_CLASS
    )
    gain = difference(of_both, of_best, given.samples, min_per_class=MIN_PER_CLASS)
    truth, true_best = _truth(given, x, delta, scores, dict(zip(scores, apart, strict=True)), best.chosen, both.score)
    return {
        "se": gain.se,
        "covers": float(gain.low <= truth <= gain.high),
        "gain": gain.value,
        "truth": truth,
        "best_covers": float(of_best.low <= true_best <= of_best.high),
    }


def _given(x: np.ndarray, y: np.ndarray, seed: int) -> Given:
    answers, has = planted_answers(y), torch.ones(len(y), len(ROLES), dtype=torch.bool)
    cap = Capture(
        {"resid_post": torch.from_numpy(x)}, None, {}, has, has.long(), tuple(range(LAYERS)), ROLES, tuple(answers.id)
    )
    return Given.of(answers, cap, probe_grid(cap, answers, seed=seed, **GRID))


def _truth(
    given: Given,
    x: np.ndarray,
    delta: np.ndarray,
    scores: dict[str, np.ndarray],
    apart: dict[str, float],
    chosen: dict[int, str],
    both: np.ndarray,
) -> tuple[float, float]:
    """AUC of every fold's own weights on new samples minus that of its baseline, and the latter, the folds together."""
    y, fold = given.samples.y, given.samples.fold
    nested, cells = nested_choice(given.arrays)
    total = of_best = 0.0
    for i, f in enumerate(np.unique(fold)):
        layer, role = cells[nested.chosen[int(f)]]
        probe = given.arrays.score[:, layer, role]
        w = probe_directions(x[:, layer, role], probe, fold)[i]
        inside, name = fold == f, chosen[int(f)]
        design = np.column_stack([scores[name][inside], probe[inside], np.ones(inside.sum())])
        on_baseline, on_probe = np.linalg.lstsq(design, both[inside], rcond=None)[0][:2]
        far = on_baseline * apart[name] + on_probe * (w @ delta[layer, role])
        wide = np.sqrt(on_baseline**2 + on_probe**2 * (w @ w))
        weight = fold_pairs(y, fold)[i] / fold_pairs(y, fold).sum()
        alone = stats.norm.cdf(apart[name] / np.sqrt(2))
        total += weight * (stats.norm.cdf(far / wide / np.sqrt(2)) - alone)
        of_best += weight * alone
    return float(total), float(of_best)
