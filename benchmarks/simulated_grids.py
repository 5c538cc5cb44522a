"""Simulated grids whose truth is known, for `calibration.py`: each function makes one grid and says what held there.

Features of a cell are, given the label, normal with identity covariance, so that the AUC of a linear probe w on new
samples is Φ(w·δ / √2|w|), δ the distance of the class means.
"""

from typing import Any

import numpy as np
import xarray as xr
from scipy import stats

from interp.comparing.best_cell import describe_best
from interp.comparing.delta import delta_grid
from interp.controls.permutations import permutation_test
from interp.fitting.crossfit import cross_fit, train
from interp.fitting.estimators import ProbeSpec
from interp.fitting.training import Cell
from interp.grids.probes import probe_grid
from interp.statistics.auc import benjamini_hochberg, estimate_auc
from interp.statistics.folds import assign_folds
from interp.statistics.samples import Samples, group_signs

LAYERS, ROLES, N, WIDTH, P = 8, 6, 200, 32, 199
NARROW = 16
STRENGTHS = (0.60, 0.75, 0.85, 0.95)
GRID: dict[str, Any] = {"n_jobs": 1, "embed": False}


def distance(auc: float, width: int, rng: np.random.Generator) -> np.ndarray:
    """Class distance, in a random direction, at which the best linear probe has this AUC."""
    direction = rng.standard_normal(width)
    return np.sqrt(2) * stats.norm.ppf(auc) * direction / np.linalg.norm(direction)


def noise(rng: np.random.Generator, n: int, width: int, layers: int = LAYERS, roles: int = ROLES) -> np.ndarray:
    """Standard normal features whose layers resemble their neighbours, as a residual stream's do (correlation 0.8)."""
    x = rng.standard_normal((n, layers, roles, width))
    for layer in range(1, layers):
        x[:, layer] = 0.8 * x[:, layer - 1] + 0.6 * x[:, layer]
    return x


def ragged(rng: np.random.Generator, n: int) -> np.ndarray:
    """Which samples have the role: fewer and fewer towards the last column, as for short answers."""
    return rng.random((n, ROLES)) < np.linspace(1.0, 0.6, ROLES)


def probe_directions(x: np.ndarray, score: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """The five fitted probes of a cell, read off their out-of-fold scores (exactly affine in the features)."""
    out = []
    for f in np.unique(fold):
        inside = fold == f
        design = np.column_stack([x[inside], np.ones(inside.sum())])
        out.append(np.linalg.lstsq(design, score[inside], rcond=None)[0][:-1])
    return np.array(out)


def fold_pairs(y: np.ndarray, fold: np.ndarray) -> np.ndarray:
    return np.array([(y[fold == f] == 1).sum() * (y[fold == f] == 0).sum() for f in np.unique(fold)])


def auc_parts(grid: xr.Dataset, x: np.ndarray, delta: np.ndarray) -> np.ndarray:
    """AUC of each fold's own probe on new samples, times its fold's weight (layer, role, fold)."""
    y, fold, score = grid["y"].values, grid["fold"].values, grid["score"].values
    weight = fold_pairs(y, fold) / fold_pairs(y, fold).sum()
    out = np.empty((*score.shape[1:], len(weight)))
    for cell in np.ndindex(score.shape[1:]):
        w = probe_directions(x[(slice(None), *cell)], score[(slice(None), *cell)], fold)
        out[cell] = weight * probe_auc(w, delta[cell])
    return out


def probe_auc(w: np.ndarray, delta: np.ndarray) -> np.ndarray:
    """AUC of the probes w (fold, width) on new samples whose class means are delta apart."""
    return stats.norm.cdf(w @ delta / np.sqrt(2) / np.linalg.norm(w, axis=1))


def true_auc(grid: xr.Dataset, x: np.ndarray, delta: np.ndarray) -> np.ndarray:
    """AUC of the grid's own fitted probes on new samples, the folds together (layer, role)."""
    return auc_parts(grid, x, delta).sum(-1)


# One simulated grid of every part. ------------------------------------------------------------------------------------


def null_grid(seed: int) -> dict[str, float]:
    """Nothing to find: is anything declared?"""
    rng = np.random.default_rng([1, seed])
    x, y = noise(rng, N, WIDTH), rng.integers(0, 2, N)
    return _declared(x, y, ragged(rng, N), seed)


def _declared(x: np.ndarray, y: np.ndarray, valid: np.ndarray, seed: int) -> dict[str, float]:
    x = x.astype(np.float32)
    grid = probe_grid(x, y, valid=valid, seed=seed, probe="ridge", **GRID)  # the statistic of the permutations
    grid = permutation_test(grid, x, permutations=P, seed=seed, n_jobs=1)
    best = describe_best(grid, seed=seed)
    corrected = grid["p_corrected"].values
    return {
        "corrected": float(np.nanmin(corrected) <= 0.05),
        "fdr": float(np.nanmin(grid["q"].values) <= 0.05),
        "uncorrected": float(np.nanmin(grid["p"].values) <= 0.05),
        "cell": float(corrected[4, 2] <= 0.05),
        "best": best["auc"],
        "nested": best["nested"]["value"],
        "nested_covers": float(best["nested"]["low"] <= 0.5 <= best["nested"]["high"]),
    }


def planted_grid(auc: float, seed: int) -> dict[str, float]:
    """One cell holds signal: is it found?"""
    rng = np.random.default_rng([2, round(100 * auc), seed])
    x, y = noise(rng, N, WIDTH), rng.integers(0, 2, N)
    x[:, 4, 2] += np.outer(y - 0.5, distance(auc, WIDTH, rng))
    return _declared(x, y, ragged(rng, N), seed)


def interval_grid(kind: str, seed: int) -> dict[str, np.ndarray]:
    """Do the intervals of AUC and ΔAUC contain what the fitted probes reach on new samples?"""
    rng = np.random.default_rng([3, sum(map(ord, kind)), seed])
    n = {"n = 1,000": 1000, "n = 100": 100}.get(kind, N)
    width = {"n = 100": 8}.get(kind, NARROW)
    y = (rng.random(n) < (0.2 if kind == "20 % correct" else 0.5)).astype(int)
    x = rng.standard_normal((n, 2, len(STRENGTHS), width))
    groups = None
    if kind == "groups of 1 to 4":  # of one question: alike in features, mostly alike in labels
        group = np.repeat(np.arange(n), rng.integers(1, 5, n))[:n]
        groups = [str(g) for g in group]
        y = np.where(rng.random(n) < 0.7, y[group], y)
        x = np.sqrt(0.5) * (x[group] + rng.standard_normal(x.shape))
    x[:, 1] = 0.6 * x[:, 0] + 0.8 * x[:, 1]
    # The second grid is as good in columns 0 and 2, worse in 1 and 3.
    aucs = np.array([STRENGTHS, (0.60, 0.65, 0.85, 0.90)])
    delta = np.array([[distance(auc, width, rng) for auc in row] for row in aucs])
    x += (y - 0.5)[:, None, None, None] * delta
    grids = [probe_grid(x[:, [i]], y, groups, seed=seed, nested=False, **GRID) for i in (0, 1)]
    truth = [true_auc(grid, x[:, [i]], delta[[i]]) for i, grid in enumerate(grids)]
    difference = delta_grid(*grids)
    inside = (difference["low"] <= truth[0] - truth[1]) & (truth[0] - truth[1] <= difference["high"])
    first = grids[0]
    return {
        "auc": ((first["low"] <= truth[0]) & (truth[0] <= first["high"])).values[0].astype(float),
        "delta": inside.values[0].astype(float),
        "truth": truth[0][0],
    }


def wide_cell(n: int, width: int, auc: float, seed: int) -> dict[str, float]:
    """As many features as half the samples, or more: the out-of-fold scores no longer give the probes away."""
    rng = np.random.default_rng([8, n, width, seed])
    y, delta = rng.integers(0, 2, n), distance(auc, width, rng)
    x = rng.standard_normal((n, width)) + np.outer(y - 0.5, delta)
    fold, group = assign_folds(y, seed=seed), np.arange(n)
    cell = Cell(x, Samples(y, fold, group, group_signs(list(map(str, group)))), ProbeSpec())
    probes = [train(cell, fold != f) for f in np.unique(fold)]
    w = np.array([probe.decision(np.eye(width)) - probe.decision(np.zeros((1, width))) for probe in probes])
    weight = fold_pairs(y, fold) / fold_pairs(y, fold).sum()
    truth, fit = float(weight @ probe_auc(w, delta)), cross_fit(cell)
    found = estimate_auc(fit.score, Samples(y, fold, group), training=fit.training)
    return {"auc": float(found.low <= truth <= found.high), "truth": truth}


def formula_error(seed: int) -> np.ndarray:
    """Truth by formula minus truth by 100,000 fresh samples, ten probes."""
    rng = np.random.default_rng([4, seed])
    y = rng.integers(0, 2, N)
    delta = np.array([[distance(auc, NARROW, rng) for auc in (0.75, 0.95)]])
    x = rng.standard_normal((N, 1, 2, NARROW)) + (y - 0.5)[:, None, None, None] * delta
    grid = probe_grid(x, y, seed=seed, **GRID)
    fold, errors = grid["fold"].values, []
    weight = fold_pairs(y, fold) / fold_pairs(y, fold).sum()
    for role in (0, 1):
        fresh_y = np.arange(100_000) % 2
        fresh = rng.standard_normal((100_000, NARROW)) + (fresh_y - 0.5)[:, None] * delta[0, role]
        scores = probe_directions(x[:, 0, role], grid["score"].values[:, 0, role], fold) @ fresh.T
        below = [np.searchsorted(np.sort(s[fresh_y == 0]), s[fresh_y == 1]).mean() / 50_000 for s in scores]
        errors.append(weight @ below - true_auc(grid, x, delta)[0, role])
    return np.abs(errors)


def duplicated_grid(seed: int) -> dict[str, float]:
    """Every question four times, its label random: nothing to learn but the question."""
    rng = np.random.default_rng([5, seed])
    question = np.repeat(np.arange(75), 4)
    y = rng.permutation(np.arange(75) % 2)[question]
    x = rng.standard_normal((75, 1, 8, 48))[question] + 0.1 * rng.standard_normal((300, 1, 8, 48))
    groups = [str(q) for q in question]
    aucs = [probe_grid(x, y, g, seed=seed, **GRID)["auc"].mean().item() for g in (groups, None)]
    return dict(zip(("grouped", "ungrouped"), aucs, strict=True))


def peak_grid(seed: int) -> dict[str, float]:
    """A hill whose top is layer 4, role 2: is the best of the fitted probes in the set?"""
    rng = np.random.default_rng([6, seed])
    y = rng.integers(0, 2, N)
    away = np.hypot((np.arange(LAYERS) - 4)[:, None] / 2, (np.arange(ROLES) - 2)[None] / 1.5)
    delta = np.array([[distance(auc, NARROW, rng) for auc in row] for row in 0.5 + 0.35 * np.exp(-(away**2) / 2)])
    x = noise(rng, N, NARROW) + (y - 0.5)[:, None, None, None] * delta
    grid = probe_grid(x, y, seed=seed, **GRID)
    parts, found = auc_parts(grid, x, delta), describe_best(grid, seed=seed)
    best = np.unravel_index(parts.sum(-1).argmax(), parts.shape[:2])
    places = {(cell["layer"], int(cell["token"])) for cell in found["peak_set"]}
    chosen = sum(parts[cell["layer"], int(cell["token"]), int(fold)] for fold, cell in found["chosen"].items())
    return {
        "best": float(tuple(map(int, best)) in places),
        "hill": float((4, 2) in places),
        "size": float(len(places)),
        "nested_covers": float(found["nested"]["low"] <= chosen <= found["nested"]["high"]),
    }


def alike_grids(width: int, seed: int) -> dict[str, float]:
    """Two grids equally good in truth: does any cell differ?

    The best probes are equally good. Fitted ones are not, by chance of their training samples, and a ΔAUC speaks of
    them: `p` and `q` ask for a difference, `p_fitted` and `q_fitted` for another one than theirs.
    """
    rng = np.random.default_rng([7, width, seed])
    y = rng.integers(0, 2, N)
    delta = np.array([[distance(0.75, width, rng) for _ in range(ROLES)] for _ in range(LAYERS)])
    if width == 1:
        delta = np.abs(delta)
    pair = [noise(rng, N, width) + (y - 0.5)[:, None, None, None] * delta for _ in range(2)]
    grids = [probe_grid(x, y, seed=seed, nested=False, **GRID) for x in pair]
    found = delta_grid(*grids)
    truth = np.subtract(*(true_auc(grid, x, delta) for grid, x in zip(grids, pair, strict=True)))
    se = (found["high"] - found["low"]).values / (2 * stats.norm.ppf(0.975))
    p = 2 * stats.norm.sf(np.abs(found["delta"].values - truth) / se)
    return {
        "p": float((found["p"] < 0.05).mean()),
        "q": float((found["q"] < 0.05).any()),
        "p_fitted": float((p < 0.05).mean()),
        "q_fitted": float((benjamini_hochberg(p) < 0.05).any()),
    }
