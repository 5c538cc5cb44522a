"""Do intervals cover where little says how scores vary: few groups, or few samples of a class in each fold?

    python benchmarks/few_groups.py             # 200 cells of noise a design
    python benchmarks/few_groups.py --quick     # 12

Cells of four columns that know nothing, though those of a group are alike; folds by the package's own rule, logistic
probes, `training_sketch` as in a run. The true AUC is 0.5, and 95 % intervals should hold it in 0.95 of the cells.
"""

import argparse

import numpy as np
from jaxtyping import Int
from measuring import NO_PEER, Figure, one_thread, parser, print_figures, print_header, print_row, progress

from interp.errors import DataError
from interp.fitting.crossfit import cross_fit
from interp.fitting.estimators import ProbeSpec
from interp.fitting.training import Cell
from interp.statistics.auc import Estimate, estimate_auc
from interp.statistics.folds import assign_folds
from interp.statistics.samples import Samples

DESIGNS = {
    "120 samples, 5 groups": (np.arange(120) % 5, 60, 5),
    "120 samples, 6 groups": (np.arange(120) % 6, 60, 5),
    "120 samples, 10 groups": (np.arange(120) % 10, 60, 5),
    "120 samples, 20 groups": (np.arange(120) % 20, 60, 5),
    "120 samples, 40 groups": (np.arange(120) % 40, 60, 5),
    "120 samples, own groups": (np.arange(120), 60, 5),
    "100 samples, a group of 70": (np.maximum(0, np.arange(100) - 69), 50, 5),
    "200 samples, 10 right": (np.arange(200), 10, 5),
    "200 samples, 10 right, 10 folds": (np.arange(200), 10, 10),
    "100 samples, 50 folds": (np.arange(100), 50, 50),
}
"""Groups, right answers, folds."""
COLUMNS = 4


def arguments() -> argparse.ArgumentParser:
    return parser(__doc__, quick="12 cells a design")


def cell_of_noise(seed: int, group: Int[np.ndarray, " sample"], right: int, folds: int) -> Estimate | None:
    """The estimate of one drawn cell; None where its labels give no folds, or it is undefined."""
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.arange(len(group)) < right).astype(np.int64)
    names = [f"{one:05d}" for one in group]
    try:
        fold = assign_folds(y, names, folds=folds, seed=0)
    except DataError:
        return None
    x = rng.standard_normal((len(y), COLUMNS)) + rng.standard_normal((group.max() + 1, COLUMNS))[group]
    cell = Cell(x.astype(np.float32), Samples.named(y, fold, names), ProbeSpec())
    fit = cross_fit(cell)
    found = estimate_auc(fit.score, cell.samples, training=fit.training)
    return None if found.reason else found


def main() -> None:
    repeats = 12 if arguments().parse_args().quick else 200
    one_thread()
    print_header("design", "covers 0.5", "mean width", "cells")
    figures = []
    for name, design in DESIGNS.items():
        progress(name)
        found = [one for seed in range(repeats) if (one := cell_of_noise(seed, *design)) is not None]
        covers = np.mean([one.low <= 0.5 <= one.high for one in found])
        error = np.sqrt(covers * (1 - covers) / len(found))
        width = np.mean([one.high - one.low for one in found])
        print_row(name, f"{covers:.3f} ± {error:.3f}", f"{width:.2f}", str(len(found)))
        figures.append(Figure(f"{name}: coverage", float(covers), NO_PEER, better="higher"))
    print_figures("few_groups", figures)


if __name__ == "__main__":
    main()
