"""Solvers against scikit-learn, converged and with its defaults: CPU time, one BLAS thread on both sides.

    python benchmarks/probes.py            # 1,000 samples of 640 and 4,096 columns, drawn
    python benchmarks/probes.py --quick    # a fifth of the samples and columns, fewer scikit-learn fits
    python benchmarks/probes.py --run DIR  # cells of a finished run instead: real activations

A single fit meets the fastest of scikit-learn's solvers that converges by the rule held here: gradient at most 1e-6
times the samples, scores within 1e-4 of their standard deviation of the optimum (its Newton solver at tol=1e-10; its
L-BFGS where there are more columns than samples). scikit-learn's time for many label vectors is that of a few,
extrapolated. The whole grid with its permutations and controls is timed by `flow.py --gemma`.
"""

import argparse
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from operator import itemgetter
from typing import Any

import numpy as np
import torch
from measuring import (
    NO_PEER,
    Direction,
    Figure,
    cpu,
    one_thread,
    parser,
    print_figures,
    print_header,
    print_row,
    progress,
)
from scipy.special import expit
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from torch.utils.flop_counter import FlopCounterMode

from interp import open_run
from interp.controls.permutations import ridge_aucs
from interp.fitting.crossfit import cross_fit
from interp.fitting.estimators import ProbeSpec
from interp.fitting.newton import TOLERANCE
from interp.fitting.solver import cross_fit_logistic
from interp.fitting.standardiser import Standardiser
from interp.fitting.training import Cell
from interp.grids.columns import cell_columns
from interp.statistics.samples import Samples

FOLDS = 5
EXACT: dict[str, Any] = {"tol": 1e-10, "max_iter": 100_000}
DESIGNS = {"iid": 0.0, "correlated": 1.0, "steep": 3.0}
"""Powers of the spectra: variances fall as i^-power."""
PEERS: dict[str, tuple[Any, dict[str, Any]]] = {
    "lbfgs, float32": (np.float32, EXACT),
    "lbfgs, float64": (np.float64, EXACT),
    "newton-cholesky": (np.float64, EXACT | {"solver": "newton-cholesky"}),
}
first = itemgetter(0)


def steepness(n: int, width: int, power: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Features with variances i^-power, mixed unless power is 0 (iid), and labels that some of them tell; n samples."""
    x = rng.standard_normal((n, width)).astype(np.float32)
    if power:
        mix = rng.standard_normal((width, width)).astype(np.float32) / np.sqrt(width)
        x = (x * np.arange(1, width + 1, dtype=np.float32) ** (-power / 2)) @ mix
    signal = x[:, 0] + x[:, 1] + x.std() * rng.standard_normal(n)
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


@dataclass(frozen=True)
class Peer:
    """The fastest of scikit-learn's solvers that reaches the optimum, and the scores there."""

    name: str
    seconds: float
    score: np.ndarray
    loose: float
    """CPU seconds of its L-BFGS in float32, which stops early."""
    error: float
    """Largest error of a score of its L-BFGS in float64, over their standard deviation."""


def fastest_converged(x: np.ndarray, y: np.ndarray, fold: np.ndarray, repeats: int) -> Peer:
    """Five folds by every peer; one that misses the rule of the module's docstring does not count."""
    found = {}
    for name, (dtype, options) in PEERS.items():
        if "newton" in name and x.shape[1] > len(x):
            continue  # its Hessian alone takes minutes
        work = partial(one_by_one, x.astype(dtype), y[None], fold, **options)
        seconds, score = min((cpu(work) for _ in range(repeats)), key=first)
        found[name] = (seconds, score, largest_gradient(x.astype(dtype), y, fold, **options))
    optimum = found["newton-cholesky" if "newton-cholesky" in found else "lbfgs, float64"][1]
    error = {name: np.abs(score - optimum).max() / optimum.std() for name, (_, score, _) in found.items()}
    for name, (seconds, _, gradient) in found.items():
        progress(f"    {name:<16} {1000 * seconds:8.0f} ms, gradient / n {gradient:.1e}, score error {error[name]:.1e}")
    seconds, name = min(
        (seconds, name)
        for name, (seconds, _, gradient) in found.items()
        if gradient <= TOLERANCE and error[name] <= 1e-4
    )
    return Peer(name, seconds, optimum[0], found["lbfgs, float32"][0], error["lbfgs, float64"])


def real_cells(folder: str) -> Iterator[tuple[int, str, np.ndarray, np.ndarray, np.ndarray]]:
    """Layer, role, features, labels and folds of nine cells: three roles of the first, middle and last layer."""
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
                layer,
                role,
                x,
                run.probe["y"].values[used].astype(np.int64),
                run.probe["fold"].values[used],
            )


def product_rate(n: int) -> float:
    """Operations per second of a float32 product of two n × n matrices."""
    a = torch.ones(n, n)
    seconds, _ = min((cpu(lambda: a @ a) for _ in range(10)), key=first)
    return 2 * n**3 / seconds


def operations(x: np.ndarray, labels: np.ndarray, fold: np.ndarray) -> float:
    """What the batched solver's matrix products take; its factorisations and element-wise work are not counted."""
    with FlopCounterMode(display=False) as counter:
        cross_fit_logistic(x, labels, fold)
    m = len(x) - len(x) // FOLDS
    return counter.get_total_flops() + FOLDS * 2 * m**2 * x.shape[1]  # inner products go through NumPy


# The tables -----------------------------------------------------------------------------------------------------------


class Probes:
    """The tables, printed as they are measured, and the figures."""

    def __init__(self, *, quick: bool) -> None:
        self.n, self.widths = (200, (128, 819)) if quick else (1000, (640, 4096))
        self.fits, self.repeats = (1, 1) if quick else (5, 3)
        self.rng = np.random.default_rng(0)
        self.figures: list[Figure] = []

    def figure(self, name: str, value: float, peer: str, better: Direction, target: float | None = None) -> Figure:
        self.figures.append(Figure(name, value, peer, better, target))
        return self.figures[-1]

    def many_label_vectors(self) -> None:
        """The labels and 100 permutations of them; 1,000 permutations by ridge."""
        print_header(
            "columns", "faster than `tol=1e-10`", "target", "one vector alone", "target", "faster than the defaults",
            "target", "share of the float32 product rate", "largest score error / sd", "1,000 ridge permutations",
        )  # fmt: skip
        for width, least, alone in zip(self.widths, (25, 80), (1, 3), strict=True):
            x, y = steepness(self.n, width, 1.0, self.rng)
            fold = self.rng.permutation(np.arange(self.n) % FOLDS)
            labels = np.stack([y, *(self.rng.permutation(y) for _ in range(100))])
            cross_fit_logistic(x, labels[:1], fold)  # first calls load libraries
            many, found = cpu(partial(cross_fit_logistic, x, labels, fold))
            single, _ = cpu(partial(cross_fit_logistic, x, labels[:1], fold))
            peer, expected = cpu(partial(one_by_one, x, labels[: self.fits], fold, **EXACT))
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)  # the defaults stop after 100 iterations
                loose, _ = cpu(partial(one_by_one, x, labels[: self.fits], fold))
            peer, loose = peer / self.fits, loose / self.fits
            exact, d = "scikit-learn lbfgs tol=1e-10", f"d={width}"
            faster = self.figure(
                f"{d}: 101 label vectors, times faster", 101 * peer / many, f"{exact}, extrapolated", "higher", least
            )
            one = self.figure(
                f"{d}: 1 label vector in the batched solver, times faster", peer / single, exact, "higher", alone
            )
            name = f"{d}: 101 label vectors against defaults"
            defaults = self.figure(name, 101 * loose / many, "scikit-learn defaults", "higher", 10)
            error = np.abs(found.score[0, : self.fits] - expected).max() / expected.std()
            self.figure(f"{d}: largest score error / sd", error, exact, "lower", 1e-4)
            share = operations(x, labels, fold) / many / product_rate(self.n)
            self.figure(f"{d}: share of the float32 product rate", share, "a float32 product", "higher")
            converged = float(found.converged.mean())
            self.figure(f"{d}: share converged", converged, "gradient <= 1e-6 n", "higher", 1.0)
            thousand = np.stack([self.rng.permutation(y) for _ in range(1000)])
            ridge, _ = cpu(partial(ridge_aucs, x.astype(np.float64), thousand == 1, fold))
            bound = 1.5 if width == 640 else None
            self.figure(f"{d}: 1,000 ridge permutations of a cell, s", ridge, NO_PEER, "lower", bound)
            ratios = [cell for made in (faster, one, defaults) for cell in (f"{made.value:.3g}", made.target_cell())]
            print_row(f"{width:,}", *ratios, f"{share:.2f}", f"{error:.0e}", f"{ridge:.2f} s")

    def alone(
        self, name: str, x: np.ndarray, y: np.ndarray, fold: np.ndarray, least: float | None
    ) -> tuple[Figure, float, Peer]:
        """One cell: how many times faster its five folds are, the largest error of a score, and the peer."""
        cell = Cell(x, Samples.alone(y, fold), ProbeSpec())
        progress(name)
        ours, fit = min((cpu(lambda: cross_fit(cell)) for _ in range(3)), key=first)
        peer = fastest_converged(x, y, fold, self.repeats)
        faster = self.figure(f"{name}: 5 folds alone, times faster", peer.seconds / ours, peer.name, "higher", least)
        error = np.abs(fit.score - peer.score).max() / peer.score.std()
        self.figure(f"{name}: largest score error / sd", error, "the optimum", "lower", 1e-4)
        return faster, float(error), peer

    def designs(self) -> None:
        """Drawn features, from white to steep."""
        header = ("columns", "features", "the peer's time / ours", "target", "the peer", "its ms")
        print_header(*header, "L-BFGS float32, ms (not converged)", "largest score error / sd")
        for width, least in zip(self.widths, (1.0, 3.0), strict=True):
            for design, power in DESIGNS.items():
                x, y = steepness(self.n, width, power, self.rng)
                fold = self.rng.permutation(np.arange(self.n) % FOLDS)
                faster, error, peer = self.alone(f"d={width}, {design}", x, y, fold, least)
                cells = (f"{width:,}", design, f"{faster.value:.3g}", faster.target_cell(), peer.name)
                print_row(*cells, f"{1000 * peer.seconds:,.0f}", f"{1000 * peer.loose:,.0f}", f"{error:.0e}")

    def of_run(self, folder: str) -> None:
        """Cells of a finished run."""
        header = ("role", "layer", "the peer's time / ours", "the peer", "largest score error / sd")
        print_header(*header, "that of scikit-learn's L-BFGS, float64, `tol=1e-10`")
        for layer, role, x, y, fold in real_cells(folder):
            faster, error, peer = self.alone(f"layer {layer}, {role}", x, y, fold, 1.0)
            print_row(f"`{role}`", layer, f"{faster.value:.2g}", peer.name, f"{error:.0e}", f"{peer.error:.0e}")


def arguments() -> argparse.ArgumentParser:
    options = parser(__doc__, quick="a fifth of the samples and columns, fewer scikit-learn fits")
    options.add_argument("--run", metavar="DIR", help="nine cells of a finished run instead")
    return options


def main() -> None:
    args = arguments().parse_args()
    one_thread()
    probes = Probes(quick=args.quick)
    if args.run:
        probes.of_run(args.run)
    else:
        probes.designs()
        print()
        probes.many_label_vectors()
    print_figures("probes", probes.figures)


if __name__ == "__main__":
    main()
