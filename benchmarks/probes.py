"""Solvers against scikit-learn, converged and with its defaults: CPU time, one BLAS thread on both sides.

    python benchmarks/probes.py            # some two minutes
    python benchmarks/probes.py --quick    # fewer scikit-learn fits to extrapolate from
    python benchmarks/probes.py --run DIR  # and cells of a finished run: real activations

A single fit meets the fastest of scikit-learn's solvers that converges by the rule held here: gradient at most 1e-6
times the samples, scores within 1e-4 of their standard deviation of the optimum (its Newton solver at tol=1e-10; its
L-BFGS where there are more columns than samples). The whole grid with its permutations and controls is timed by
`flow.py --gemma`.
"""

import argparse
import json
import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from operator import itemgetter
from typing import Any

import numpy as np
import torch
from scipy.special import expit
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits
from torch.utils.flop_counter import FlopCounterMode

from interp import open_run
from interp.probing.crossfit import Cell, cross_fit
from interp.probing.estimators import ProbeSpec
from interp.probing.permutations import cell_columns, ridge_scores
from interp.probing.solver import TOLERANCE, cross_fit_logistic
from interp.probing.standardiser import Standardiser
from interp.statistics.inference import within_fold_auc

N, FOLDS = 1000, 5
EXACT = {"tol": 1e-10, "max_iter": 100_000}
DESIGNS = {"iid": 0.0, "correlated": 1.0, "steep": 3.0}
"""Powers of the spectra: variances fall as i^-power."""
REPEATS = 3
PEERS = {
    "lbfgs, float32": (np.float32, EXACT),
    "lbfgs, float64": (np.float64, EXACT),
    "newton-cholesky": (np.float64, EXACT | {"solver": "newton-cholesky"}),
}
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
        a, b = scaler.apply(x[train]).astype(x.dtype), scaler.apply(x[~train]).astype(x.dtype)
        for row, t in zip(score, labels, strict=True):
            row[~train] = LogisticRegression(**options).fit(a, t[train]).decision_function(b)
    return score


def largest_gradient(x: np.ndarray, y: np.ndarray, fold: np.ndarray, **options: Any) -> float:
    """Of the peer's probe without fold 0: largest entry of its gradient over the number of samples."""
    train = fold != 0
    z = Standardiser.fit(x[train].astype(np.float64)).apply(x[train])
    probe = LogisticRegression(**options).fit(z.astype(x.dtype), y[train])
    w = probe.coef_[0].astype(np.float64)
    error = expit(z @ w + float(probe.intercept_[0])) - y[train]
    return float(max(np.abs(w + error @ z).max(), abs(error.sum())) / len(z))


def fastest_converged(x: np.ndarray, y: np.ndarray, fold: np.ndarray, repeats: int) -> tuple[float, str, np.ndarray]:
    """CPU seconds of five folds by the fastest peer that reaches the optimum, its name, and the scores there."""
    found = {}
    for name, (dtype, options) in PEERS.items():
        if "newton" in name and x.shape[1] > N:
            continue  # its Hessian alone takes minutes
        work = partial(one_by_one, x.astype(dtype), y[None], fold, **options)
        seconds, score = min((cpu(work) for _ in range(repeats)), key=first)
        found[name] = (seconds, score, largest_gradient(x.astype(dtype), y, fold, **options))
    optimum = found["newton-cholesky" if "newton-cholesky" in found else "lbfgs, float64"][1]
    for name, (seconds, score, gradient) in found.items():
        error = np.abs(score - optimum).max() / optimum.std()
        print(f"    {name:<16} {1000 * seconds:8.0f} ms   gradient / n {gradient:.1e}   score error / sd {error:.1e}")
    seconds, name = min(
        (seconds, name)
        for name, (seconds, score, gradient) in found.items()
        if gradient <= TOLERANCE and np.abs(score - optimum).max() <= 1e-4 * optimum.std()
    )
    return seconds, name, optimum[0]


def real_cells(folder: str) -> Iterator[tuple[str, np.ndarray, np.ndarray, np.ndarray]]:
    """Name, features, labels and folds of nine cells of a run: three roles of the first, middle and last layer."""
    run = open_run(folder)
    columns, score = (
        cell_columns(run.probe, run.capture),
        run.probe["score"].transpose("sample", "layer", "token").values,
    )
    for layer in (0, score.shape[1] // 2, score.shape[1] - 1):
        for role in ("last_q", "exact_answer_before_first", "exact_answer_last"):
            place = run.probe["token"].values.tolist().index(role)
            used = np.isfinite(score[:, layer, place])
            x = columns(used, layer, place).astype(np.float32)
            yield (
                f"layer {layer}, {role}",
                x,
                run.probe["y"].values[used].astype(np.int64),
                run.probe["fold"].values[used],
            )


def product_rate() -> float:
    """Operations per second of a float32 product of two N x N matrices."""
    a = torch.ones(N, N)
    seconds, _ = min((cpu(lambda: a @ a) for _ in range(10)), key=first)
    return 2 * N**3 / seconds


def operations(x: np.ndarray, labels: np.ndarray, fold: np.ndarray) -> float:
    """What the batched solver's matrix products take; its factorisations and element-wise work are not counted."""
    with FlopCounterMode(display=False) as counter:
        cross_fit_logistic(x, labels, fold)
    m = N - N // FOLDS
    return counter.get_total_flops() + FOLDS * 2 * m**2 * x.shape[1]  # inner products go through NumPy


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer scikit-learn fits to extrapolate from")
    parser.add_argument("--run", help="folder of a finished run, some of whose cells are fitted too")
    options = parser.parse_args()
    quick = options.quick
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    lines = []

    def figure(name: str, value: float, target: float, better: str, peer: str) -> None:
        keys = ("benchmark", "figure", "value", "target", "better", "peer")
        lines.append(dict(zip(keys, ("probes", name, float(f"{value:.3g}"), target, better, peer), strict=True)))
        print(f"{name:<58} {value:10.3g}   target {target}")

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
        share = operations(x, labels, fold) / many / product_rate()
        figure(f"d={width}: share of the float32 product rate", share, 0, "higher", "products counted; for information")
        figure(f"d={width}: share converged", float(found.converged.mean()), 1.0, "higher", "gradient <= 1e-6 n")
        if width == 640:
            thousand = np.stack([rng.permutation(y) for _ in range(1000)])
            features = x.astype(np.float64)
            seconds, _ = cpu(lambda a=features, t=thousand, f=fold: within_fold_auc(ridge_scores(a, t, f), t, f))
            figure("d=640: 1,000 ridge permutations of a cell, s", seconds, 1.5, "lower", "CPU seconds")

    def alone(name: str, x: np.ndarray, y: np.ndarray, fold: np.ndarray, least: float) -> None:
        cell = Cell(x, y, fold, ProbeSpec())
        ours, fit = min((cpu(lambda: cross_fit(cell)) for _ in range(REPEATS)), key=first)
        peer, peer_name, optimum = fastest_converged(x, y, fold, 1 if quick else REPEATS)
        figure(f"{name}: 5 folds alone, times faster", peer / ours, least, "higher", peer_name)
        error = np.abs(fit.score - optimum).max() / optimum.std()
        figure(f"{name}: largest score error / sd", error, 1e-4, "lower", "the optimum")

    for width, least in ((640, 1.0), (4096, 3.0)):
        for design, power in DESIGNS.items():
            x, y = steepness(width, power, rng)
            alone(f"d={width}, {design}", x, y, rng.permutation(np.arange(N) % FOLDS), least)
    for name, *cell in real_cells(options.run) if options.run else ():
        alone(name, *cell, least=1.0)
    for line in lines:
        print(json.dumps(line))


if __name__ == "__main__":
    with threadpool_limits(1):
        main()
