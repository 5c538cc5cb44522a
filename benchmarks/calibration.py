"""Do the intervals and tests hold what they promise? Simulated grids, through public functions.

Every line is a share (or mean) over simulated grids with its Monte-Carlo standard error, and its target where it has
one.

    python benchmarks/calibration.py            # two workers, one BLAS thread each
    python benchmarks/calibration.py --quick    # a grid of every part
    python benchmarks/calibration.py --only groups    # the parts whose name matches, by regular expression
"""

import argparse
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np
from joblib import Parallel, delayed, parallel_config
from measuring import Figure, one_thread, parser, print_figures, print_header, print_row, progress
from simulated_choices import KINDS as CHOICE_KINDS
from simulated_choices import choice_coverage
from simulated_controls import selective_grid
from simulated_detectors import GAINS, gain_of
from simulated_effects import KINDS as EFFECT_KINDS
from simulated_effects import effects
from simulated_grids import (
    NARROW,
    STRENGTHS,
    alike_grids,
    duplicated_grid,
    formula_error,
    interval_grid,
    null_grid,
    peak_grid,
    planted_grid,
    wide_cell,
)
from simulated_transfer import KINDS, transfer_matrix

TRUTH = "the truth that was simulated"


@dataclass(frozen=True)
class Line:
    """One row of the table; its target is met while low <= value <= high; a row without one only informs."""

    name: str
    values: np.ndarray
    low: float | None = None
    high: float = 1.0
    clusters: np.ndarray | None = None
    """Which simulated grid a value comes from, where a grid gives several."""

    @property
    def value(self) -> float:
        return float(self.values.mean())

    @property
    def error(self) -> float:
        """Monte-Carlo standard error, from the means of the simulated grids."""
        c = np.arange(len(self.values)) if self.clusters is None else self.clusters
        sums = np.bincount(c, self.values - self.value)
        return float(np.sqrt((sums**2).sum()) / len(self.values))

    @property
    def figure(self) -> Figure:
        """The line without its error."""
        return Figure(self.name, self.value, TRUTH, target=None if self.low is None else (self.low, self.high))

    def cells(self) -> tuple[str, ...]:
        """The line as a row of the table."""
        met = "" if self.low is None else "yes" if self.figure.met else "**no**"
        target = "" if self.low is None else f"{self.low:g} to {self.high:g}"
        return self.name, f"{self.value:.3f} ± {self.error:.3f}", target, met


@dataclass(frozen=True)
class Simulator:
    """Runs simulations on several workers with one BLAS thread each."""

    scale: float
    """Share of the grids to simulate."""
    workers: int

    def __call__(self, work: Callable[[int], Any], count: int) -> Any:
        """One result per seed, stacked by key."""
        seeds = range(max(1, round(count * self.scale)))
        with parallel_config(backend="loky", n_jobs=self.workers, inner_max_num_threads=1):
            found = Parallel(max_nbytes=None)(delayed(work)(seed) for seed in seeds)
        return _stacked(found)


def _stacked(found: list[Any]) -> Any:
    if isinstance(found[0], dict):
        return {key: np.array([result[key] for result in found]) for key in found[0]}
    return np.array(found)


COVERAGE = (0.93, 0.97)
SAMPLES = {"n = 200": 800, "groups of 1 to 4": 1000, "20 % correct": 800, "n = 100": 800, "n = 1,000": 300}
"""How the samples of `interval_grid` come, and how many grids: 760 give a standard error of 0.8 %."""


def parts() -> dict[str, Callable[[Simulator], Iterable[Line]]]:
    """What can be run by itself, in the order of the table."""
    return {
        "formula": _formula,
        "duplicates": _duplicates,
        **{f"intervals, {kind}": partial(_intervals, kind, count) for kind, count in SAMPLES.items()},
        "intervals, wide": _wide,
        "selectivity": _selectivity,
        "alike": _alike,
        "hill": _hill,
        "null": _null,
        "power": _power,
        **{f"gain, {kind}": partial(_gain, kind) for kind in GAINS},
        **{f"transfer, {kind}, {how}": partial(_transfer, kind, how) for kind in KINDS for how in TRAINED},
        **{f"choices, {kind}": partial(_choices, kind) for kind in CHOICE_KINDS},
        **{f"effects, {kind}": partial(_effects, kind) for kind in EFFECT_KINDS},
    }


def _formula(simulate: Simulator) -> Iterable[Line]:
    error = simulate(formula_error, 50).max(1)
    yield Line("truth by formula minus by 100,000 fresh samples, largest", error, 0, 0.005)


def _duplicates(simulate: Simulator) -> Iterable[Line]:
    dup = simulate(duplicated_grid, 60)
    yield Line("duplicated questions, random labels, folds by question: mean AUC", dup["grouped"], 0.49, 0.51)
    yield Line("duplicated questions, random labels, ungrouped folds: mean AUC", dup["ungrouped"], 0.92, 1)


def _intervals(kind: str, count: int, simulate: Simulator) -> Iterable[Line]:
    found = simulate(partial(interval_grid, kind), count)
    for column, _ in enumerate(STRENGTHS):
        truth = found["truth"][:, column].mean()
        yield Line(f"95 % interval of AUC covers, {kind}, AUC {truth:.2f}", found["auc"][:, column], *COVERAGE)
    for name, columns in (("equal", [0, 2]), ("unequal", [1, 3])):
        inside = found["delta"][:, columns]
        grids = np.repeat(np.arange(len(inside)), len(columns))
        yield Line(f"95 % interval of ΔAUC covers, {kind}, {name} grids", inside.ravel(), *COVERAGE, grids)


def _wide(simulate: Simulator) -> Iterable[Line]:
    for n, width, auc, count in ((100, 640, 0.99, 400), (500, 300, 0.90, 120)):
        wide = simulate(partial(wide_cell, n, width, auc), count)
        name = f"95 % interval of AUC covers, n = {n}, {width} features, AUC {wide['truth'].mean():.2f}"
        yield Line(name, wide["auc"], *COVERAGE)


def _selectivity(simulate: Simulator) -> Iterable[Line]:
    found = simulate(selective_grid, 800)
    for row, what in enumerate(("answers not in the features", "answers in the features")):
        for column in range(2):
            name = f"95 % interval of selectivity covers, {what}, {found['truth'][:, row, column].mean():.2f}"
            yield Line(name, found["covers"][:, row, column], *COVERAGE)


def _alike(simulate: Simulator) -> Iterable[Line]:
    same = simulate(partial(alike_grids, 1), 60)
    yield Line("equally good grids, the same direction: cells with p < 0.05", same["p"], 0.035, 0.065)
    yield Line("equally good grids, the same direction: any cell with q < 0.05", same["q"], 0, 0.08)
    anew = simulate(partial(alike_grids, NARROW), 300)
    name = "equally good grids, probes learned anew"
    yield Line(f"{name}: cells with p < 0.05 against the probes' own difference", anew["p_fitted"], 0.035, 0.065)
    yield Line(f"{name}: any cell with q < 0.05 against it", anew["q_fitted"], 0, 0.08)
    yield Line(f"{name}: cells with p < 0.05", anew["p"])
    yield Line(f"{name}: any cell with q < 0.05", anew["q"])


def _hill(simulate: Simulator) -> Iterable[Line]:
    peak = simulate(peak_grid, 600)
    yield Line("95 % peak set holds the best fitted probe", peak["best"], 0.95)
    yield Line("95 % peak set holds the top of the hill", peak["hill"], 0.95)
    yield Line("cells in the peak set, of 48", peak["size"])
    yield Line("95 % interval of the nested best cell covers, a hill", peak["nested_covers"], *COVERAGE)


def _null(simulate: Simulator) -> Iterable[Line]:
    null = simulate(null_grid, 1000)
    yield Line("null grids with a cell at corrected p <= 0.05", null["corrected"], 0.035, 0.065)
    yield Line("null grids with a cell at q <= 0.05", null["fdr"], 0, 0.065)
    yield Line("null grids with a cell at uncorrected p <= 0.05", null["uncorrected"])
    yield Line("null grids: AUC of the best cell as seen", null["best"])
    yield Line("null grids: AUC of the best cell, nested", null["nested"], 0.49, 0.51)
    yield Line("95 % interval of the nested best cell covers, null grids", null["nested_covers"], *COVERAGE)


def _power(simulate: Simulator) -> Iterable[Line]:
    for auc in (0.65, 0.70, 0.75, 0.80, 0.85):
        found = simulate(partial(planted_grid, auc), 30)
        yield Line(f"power: a cell of true AUC {auc:.2f} found at corrected p <= 0.05", found["cell"])


def _gain(kind: str, simulate: Simulator) -> Iterable[Line]:
    found = simulate(partial(gain_of, kind, 200), 300)
    yield Line(f"95 % interval of the gain over the best baseline covers, {kind}", found["covers"], *COVERAGE)
    yield Line(f"95 % interval of the AUC of the best baseline covers, {kind}", found["best_covers"], *COVERAGE)
    yield Line(f"gain over the best baseline less the truth, {kind}", found["gain"] - found["truth"], -0.01, 0.01)


TRAINED = ("one cell", "nested best cell")


def _transfer(kind: str, how: str, simulate: Simulator) -> Iterable[Line]:
    found = simulate(partial(transfer_matrix, kind, how != TRAINED[0]), 300)
    for columns, row in (([0, 1], "another run"), ([2, 3], "all runs")):
        grids = np.repeat(np.arange(len(found["auc"])), len(columns))
        truth = found["truth"][:, columns].mean()
        for name, what in (("auc", "AUC"), ("minus_own", "AUC less own"), ("minus_logprob", "AUC less baseline")):
            title = f"95 % interval of {what} covers, trained on {row}, {kind}, {how}, AUC {truth:.2f}"
            yield Line(title, found[name][:, columns].ravel(), *COVERAGE, grids)


def _choices(kind: str, simulate: Simulator) -> Iterable[Line]:
    found = simulate(partial(choice_coverage, kind), 2000)
    for key, what in (
        ("accuracy_probe", "an accuracy"),
        ("difference_probe", "a difference of accuracies, a probe's choice less a random one's"),
        ("difference_noise", "a difference of accuracies, a choice by noise less a random one's"),
    ):
        yield Line(f"95 % interval of {what} covers, {kind}", found[key], *COVERAGE)


def _effects(kind: str, simulate: Simulator) -> Iterable[Line]:
    # The test is exact only where a block's change is as likely as its negative.
    level = (0.035, 0.065) if kind == "symmetric" else (None, 1.0)
    for blocks in (16, 32, 100):
        found = simulate(partial(effects, kind, blocks), 2500)
        yield Line(f"no effect, {kind}, {blocks} blocks: a cell at corrected p <= 0.05", found["any"], *level)
        yield Line(f"95 % interval of an effect covers, {kind}, {blocks} blocks", found["covers"], *COVERAGE)


def arguments() -> argparse.ArgumentParser:
    options = parser(__doc__, quick="a grid of every part")
    options.add_argument("--only", default="", metavar="PATTERN", help=f"of the parts: {'; '.join(parts())}")
    options.add_argument("--workers", type=int, default=2, metavar="N", help="processes (default: 2)")
    return options


def main() -> None:
    args = arguments().parse_args()
    one_thread()
    start, done = perf_counter(), []
    chosen = [part for name, part in parts().items() if re.search(args.only, name)]
    if not chosen:
        raise SystemExit(f"--only {args.only}: no such part; there are {'; '.join(parts())}")

    simulate = Simulator(0.0004 if args.quick else 1.0, args.workers)
    print_header("figure", "value", "target", "met")
    for line in (line for part in chosen for line in part(simulate)):
        done.append(line)
        print_row(*line.cells())
        progress(f"{perf_counter() - start:6.0f} s, line {len(done)}: {line.name}")
    print_figures("calibration", (line.figure for line in done))


if __name__ == "__main__":
    main()
