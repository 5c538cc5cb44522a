"""Solvers against scikit-learn, converged and with its defaults: CPU time, one BLAS thread on both sides."""

import argparse
import json
import time
import warnings
from collections.abc import Callable
from functools import partial
from operator import itemgetter
from typing import Any

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from interp.probing.crossfit import Cell, Standardiser, cross_fit
from interp.probing.estimators import ProbeSpec
from interp.probing.permutations import ridge_scores
from interp.probing.solver import cross_fit_logistic
from interp.statistics.inference import within_fold_auc

N, FOLDS = 1000, 5
EXACT = {"tol": 1e-10, "max_iter": 100_000}
DESIGNS = {"iid": 0.0, "correlated": 1.0, "steep": 3.0}
"""Powers of the spectra: variances fall as i^-power."""
REPEATS = 3
first = itemgetter(0)


def cpu(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds of CPU time, and what came out."""
    start = time.process_time()
    out = work()
    return time.process_time() - start, out


def steepness(width: int, power: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Features with variances i^-power, mixed unless power is 0 (iid), and labels that some of them tell."""
    x = rng.standard_normal((N, width)).astype(np.float32)
    if power:
        mix = rng.standard_normal((width, width)).astype(np.float32) / np.sqrt(width)
        x = (x * np.arange(1, width + 1, dtype=np.float32) ** (-power / 2)) @ mix
    signal = x[:, 0] + x[:, 1] + x.std() * rng.standard_normal(N)
    return x, (signal > np.median(signal)).astype(np.int64)


def one_by_one(x: np.ndarray, labels: np.ndarray, fold: np.ndarray, **options: Any) -> np.ndarray:
    """The peer: a fit for every fold and label vector."""
    score = np.empty(labels.shape)
    for f in np.unique(fold):
        train = fold != f
        scaler = Standardiser.fit(x[train].astype(np.float64))
        a, b = scaler.apply(x[train]), scaler.apply(x[~train])
        for row, t in zip(score, labels, strict=True):
            row[~train] = LogisticRegression(**options).fit(a, t[train]).decision_function(b)
    return score


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer scikit-learn fits to extrapolate from")
    quick = parser.parse_args().quick
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    lines = []

    def figure(name: str, value: float, target: float, better: str, peer: str) -> None:
        keys = ("benchmark", "figure", "value", "target", "better", "peer")
        lines.append(dict(zip(keys, ("probes", name, round(value, 3), target, better, peer), strict=True)))
        print(f"{name:<58} {value:10.3f}   target {target}")

    for width, target, alone in ((640, 25, 1), (4096, 80, 3)):
        x, y = steepness(width, 1.0, rng)
        fold = rng.permutation(np.arange(N) % FOLDS)
        labels = np.stack([y, *(rng.permutation(y) for _ in range(100))])
        cross_fit_logistic(x, labels[:1], fold)  # first calls load libraries
        many, found = cpu(lambda x=x, labels=labels, fold=fold: cross_fit_logistic(x, labels, fold))
        single, _ = cpu(lambda x=x, labels=labels, fold=fold: cross_fit_logistic(x, labels[:1], fold))
        fits = 1 if quick else 5
        peer, expected = cpu(
            lambda x=x, labels=labels, fold=fold, fits=fits: one_by_one(x, labels[:fits], fold, **EXACT)
        )
        peer /= fits
        name = "scikit-learn lbfgs tol=1e-10"
        figure(
            f"d={width}: 101 label vectors, times faster", 101 * peer / many, target, "higher", f"{name}, extrapolated"
        )
        figure(f"d={width}: 1 label vector in the batched solver, times faster", peer / single, alone, "higher", name)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # the defaults stop after 100 iterations
            loose, _ = cpu(lambda x=x, labels=labels, fold=fold, fits=fits: one_by_one(x, labels[:fits], fold))
        ratio = 101 * loose / fits / many
        figure(f"d={width}: 101 label vectors against defaults", ratio, 10, "higher", "scikit-learn defaults")
        error = np.abs(found.score[0, :fits] - expected).max() / expected.std()
        figure(f"d={width}: largest score error / sd", error, 1e-4, "lower", name)
        figure(f"d={width}: share converged", float(found.converged.mean()), 1.0, "higher", "gradient <= 1e-6 n")
        if width == 640:
            thousand = np.stack([rng.permutation(y) for _ in range(1000)])
            features = x.astype(np.float64)
            seconds, _ = cpu(lambda a=features, t=thousand, f=fold: within_fold_auc(ridge_scores(a, t, f), t, f))
            figure("d=640: 1,000 ridge permutations of a cell, s", seconds, 1.5, "lower", "CPU seconds")
    for width, least in ((640, 1.0), (4096, 3.0)):
        for design, power in DESIGNS.items():
            x, y = steepness(width, power, rng)
            fold = rng.permutation(np.arange(N) % FOLDS)
            cell = Cell(x, y, fold, ProbeSpec())
            ours, _ = min((cpu(lambda cell=cell: cross_fit(cell)) for _ in range(REPEATS)), key=first)
            work = partial(one_by_one, x, y[None], fold, **EXACT)
            peer, _ = min((cpu(work) for _ in range(1 if quick else REPEATS)), key=first)
            figure(
                f"d={width}, {design}: 5 folds alone, times faster", peer / ours, least, "higher", "tol=1e-10, float32"
            )
    for line in lines:
        print(json.dumps(line))


if __name__ == "__main__":
    with threadpool_limits(1):
        main()
