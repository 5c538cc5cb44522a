"""Solver of many label vectors against scikit-learn at tol=1e-10: CPU time, one BLAS thread on both sides."""

import argparse
import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from interp.comparing.inference import within_fold_auc
from interp.probing.crossfit import Standardiser
from interp.probing.permutations import ridge_scores
from interp.probing.solver import cross_fit_logistic

N, FOLDS = 1000, 5


def cpu(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds of CPU time, and what came out."""
    start = time.process_time()
    out = work()
    return time.process_time() - start, out


def correlated(width: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Features with variances 1/i, mixed, and labels that some of them tell."""
    mix = rng.standard_normal((width, width)).astype(np.float32) / np.sqrt(width)
    x = (rng.standard_normal((N, width)).astype(np.float32) * np.arange(1, width + 1, dtype=np.float32) ** -0.5) @ mix
    signal = x[:, 0] + x[:, 1] + x.std() * rng.standard_normal(N)
    return x, (signal > np.median(signal)).astype(np.int64)


def one_by_one(x: np.ndarray, labels: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """The peer: a fit for every fold and label vector."""
    score = np.empty(labels.shape)
    for f in np.unique(fold):
        train = fold != f
        scaler = Standardiser.fit(x[train].astype(np.float64))
        a, b = scaler.apply(x[train]), scaler.apply(x[~train])
        for row, t in zip(score, labels, strict=True):
            row[~train] = LogisticRegression(tol=1e-10, max_iter=100_000).fit(a, t[train]).decision_function(b)
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
        x, y = correlated(width, rng)
        fold = rng.permutation(np.arange(N) % FOLDS)
        labels = np.stack([y, *(rng.permutation(y) for _ in range(100))])
        cross_fit_logistic(x, labels[:1], fold)  # first calls load libraries
        many, found = cpu(lambda x=x, labels=labels, fold=fold: cross_fit_logistic(x, labels, fold))
        single, _ = cpu(lambda x=x, labels=labels, fold=fold: cross_fit_logistic(x, labels[:1], fold))
        fits = 1 if quick else 5
        peer, expected = cpu(lambda x=x, labels=labels, fold=fold, fits=fits: one_by_one(x, labels[:fits], fold))
        peer /= fits
        name = "scikit-learn lbfgs tol=1e-10"
        figure(
            f"d={width}: 101 label vectors, times faster", 101 * peer / many, target, "higher", f"{name}, extrapolated"
        )
        figure(f"d={width}: 1 label vector, times faster", peer / single, alone, "higher", name)
        error = np.abs(found.score[0, :fits] - expected).max() / expected.std()
        figure(f"d={width}: largest score error / sd", error, 1e-4, "lower", name)
        figure(f"d={width}: share converged", float(found.converged.mean()), 1.0, "higher", "gradient <= 1e-6 n")
        if width == 640:
            thousand = np.stack([rng.permutation(y) for _ in range(1000)])
            features = x.astype(np.float64)
            seconds, _ = cpu(lambda a=features, t=thousand, f=fold: within_fold_auc(ridge_scores(a, t, f), t, f))
            figure("d=640: 1,000 ridge permutations of a cell, s", seconds, 1.5, "lower", "CPU seconds")
    for line in lines:
        print(json.dumps(line))


if __name__ == "__main__":
    with threadpool_limits(1):
        main()
