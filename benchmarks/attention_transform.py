"""How should a probe read attention metrics? Transforms compared on a finished run; intervals on simulated metrics.

    python benchmarks/attention_transform.py runs/gemma    # the table of docs/gemma.md, from the stored metrics
    python benchmarks/attention_transform.py               # simulated metrics, with and without signal
    python benchmarks/attention_transform.py --quick       # a few of them

Every transform is fitted without labels, on all samples of a cell; by `choice_auc` each is judged on folds that its
probes did not see, so that what is chosen without a fold is chosen without its labels.
"""

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from measuring import NO_PEER, Figure, one_thread, parser, print_figures, print_header, print_row
from scipy import special, stats

import interp
from interp.capturing.activations import Capture
from interp.fitting.crossfit import cross_fit, train
from interp.fitting.estimators import ProbeSpec
from interp.fitting.training import Cell
from interp.grids.attention_columns import cell_metrics, with_transform
from interp.statistics.auc import estimate_auc, within_fold_auc
from interp.statistics.folds import assign_folds
from interp.statistics.nested_choice import choice_auc
from interp.statistics.samples import Samples, group_signs

Columns = np.ndarray


def _rank(x: Columns) -> Columns:
    return (stats.rankdata(x, axis=0) - 0.5) / len(x)


def _log(x: Columns) -> Columns:
    return with_transform(x, "with_log")[:, x.shape[1] :]


def _beside(change: Callable[[Columns], Columns]) -> Callable[[Columns], Columns]:
    return lambda x: np.hstack([x, change(x)])


TRANSFORMS: dict[str, Callable[[Columns], Columns]] = {
    "as it is": lambda x: x,
    "rank": _rank,
    "normal score": lambda x: special.ndtri(_rank(x)),
    "logarithm": _log,
    "as it is, and rank": _beside(_rank),
    "as it is, and logarithm": _beside(_log),
}


def compare_transforms(run: interp.Run, *, quick: bool) -> Iterator[Figure]:
    """Every transform on the cells of a run's attention grid, by ridge probes that leave out two folds."""
    cap, grid = run.capture, run.attention
    place = {name: i for i, name in enumerate(cap.id)}
    index = np.array([place[name] for name in grid["sample"].values.tolist()])
    y, fold = grid["y"].values.astype(np.int64), grid["fold"].values.astype(np.int64)
    used = np.isfinite(grid["score"].transpose("layer", "token", "sample").values)
    cells = [cell for cell in np.argwhere(used.any(-1)).tolist() if not (quick and cell[0])]
    found: dict[str, list[np.ndarray]] = {name: [] for name in TRANSFORMS}
    for layer, role in cells:
        mask = used[layer, role]
        x = np.concatenate(cell_metrics(cap, index[mask], layer, role), axis=1).astype(np.float64)
        x = x[:, np.isfinite(x).all(0)]
        for name, transform in TRANSFORMS.items():
            found[name].append(choice_auc(transform(x), y[mask], fold[mask]))
    before = np.array(found["as it is"]).mean(1)
    places = range(len(np.unique(fold)))
    chosen = [max(found, key=lambda name: float(np.mean(found[name], axis=0)[k])) for k in places]
    print_header("metrics read", "mean AUC", "cells raised", "lowered", "most", "least", "chosen without a fold")
    for name, values in found.items():
        auc = np.array(values).mean(1)
        change = auc - before
        counts = (int((change > 0).sum()), int((change < 0).sum()))
        extremes = (f"{change.max():+.3f}", f"{change.min():+.3f}")
        print_row(name, f"{auc.mean():.4f}", *counts, *extremes, f"{chosen.count(name)} of {len(chosen)}")
        yield Figure(f"mean AUC, {name}", float(auc.mean()), NO_PEER)


def compare_probes(run: interp.Run, *, quick: bool) -> Iterator[Figure]:
    """The attention grid itself, without and with logarithms, each against the run's probe grid and single heads."""
    cap, probe = run.capture, run.probe
    at = {name: i for i, name in enumerate(cap.id)}
    index = [at[name] for name in probe["sample"].values.tolist()]
    y: list[int | None] = [None] * len(cap.id)
    fold, groups = np.full(len(cap.id), -1), list(map(str, range(len(cap.id))))
    for i, label, number, group in zip(index, *(probe[k].values.tolist() for k in ("y", "fold", "group")), strict=True):
        y[i], fold[i], groups[i] = int(label), int(number), group
    if quick:
        cap, probe = _one_layer(cap), probe.isel(layer=slice(1))
    print()
    columns = ("mean AUC", "best cell, nested", "probe higher", "attention higher", "mean ΔAUC", "a single head higher")
    print_header("attention probe reads", *columns)
    grids = {}
    for transform, name in (("none", "metrics as they are"), ("with_log", "logarithms too")):
        grid = grids[transform] = interp.attention_grid(cap, y, groups, fold=fold, transform=transform)
        compared = interp.compare_grids(probe, grid)
        delta = compared.delta_auc
        higher = [int(((delta["q"] < 0.05) & (sign * delta["delta"] > 0)).sum()) for sign in (1, -1)]
        nested = compared.best["attention"]["nested"]
        lost = sum(one > all_heads for one, all_heads in _single_heads(cap, grid, index))
        auc, mean = float(grid["auc"].mean()), float(delta["delta"].mean())
        interval = f"{nested['value']:.3f} [{nested['low']:.3f}, {nested['high']:.3f}]"
        print_row(name, f"{auc:.3f}", interval, *higher, f"{mean:+.3f}", lost)
        yield Figure(f"attention probe, {name}: mean AUC", auc, NO_PEER)
    change = (grids["with_log"]["auc"] - grids["none"]["auc"]).values
    yield Figure("cells raised by logarithms", int((change > 0).sum()), NO_PEER)
    yield Figure("cells lowered by logarithms", int((change < 0).sum()), NO_PEER)


def _one_layer(cap: Capture) -> Capture:
    sites = {name: values[:, :1] for name, values in cap.sites.items()}
    attention = {name: values[:, :1] for name, values in cap.attention.items()}
    return Capture(**{**vars(cap), "sites": sites, "attention": attention, "layers": cap.layers[:1]})


def _single_heads(cap: Capture, grid: Any, index: list[int]) -> list[tuple[float, float]]:
    """In every cell: AUC of one head's metric, chosen with its direction on the other folds, and of the probe."""
    y, fold = grid["y"].values.astype(np.int64), grid["fold"].values.astype(np.int64)
    out = []
    for layer, role in np.argwhere(np.isfinite(grid["auc"].transpose("layer", "token").values)).tolist():
        used = np.isfinite(grid["score"].transpose("layer", "token", "sample").values[layer, role])
        x = np.concatenate(cell_metrics(cap, np.array(index)[used], layer, role), axis=1).astype(np.float64)
        x, labels, part = x[:, np.isfinite(x).all(0)], y[used], fold[used]
        score = np.empty(len(labels))
        for f in np.unique(part):
            train_part = part != f
            columns = x[train_part].T
            auc = np.array([within_fold_auc(c, labels[train_part], part[train_part]) for c in columns])
            best = int(np.abs(auc - 0.5).argmax())
            score[~train_part] = x[~train_part, best] * np.sign(auc[best] - 0.5)
        out.append((float(within_fold_auc(score, labels, part)), float(grid["auc"].values[layer, role])))
    return out


def simulate(
    grids: int, strength: float, transform: str, *, n: int = 200, fresh: int = 20_000
) -> tuple[float, float, float, float]:
    """Eight metrics over sixteen decades, the label in one: mean AUC, its error, the AUC on new samples, coverage."""
    aucs, truths, covered = [], [], []
    for seed in range(grids):
        rng = np.random.default_rng([9, seed])

        def metrics(labels: np.ndarray, rng: np.random.Generator = rng) -> Columns:
            exponent = rng.normal(-8, 2, (len(labels), 8))
            exponent[:, 3] += strength * labels
            return with_transform(np.minimum(10.0**exponent, 1.0), transform)

        y, new = rng.integers(0, 2, n), rng.integers(0, 2, fresh)
        fold = assign_folds(y, None, folds=5, seed=seed)
        x, cell_new = metrics(y), metrics(new)
        cell = Cell(x, Samples(y, fold, np.arange(n), group_signs([f"sample {i}" for i in range(n)])), ProbeSpec())
        fit = cross_fit(cell)
        found = estimate_auc(fit.score, Samples(y, fold, np.arange(n)), training=fit.training)
        pairs = [(y[fold == f] == 1).sum() * (y[fold == f] == 0).sum() for f in range(5)]
        one = np.zeros(fresh, dtype=np.int64)
        parts = [within_fold_auc(train(cell, fold != f).decision(cell_new), new, one) for f in range(5)]
        truth = float(np.average(np.array(parts, dtype=float), weights=pairs))
        aucs.append(found.value)
        truths.append(truth)
        covered.append(found.low <= truth <= found.high)
    error = float(np.std(aucs, ddof=1) / np.sqrt(grids))
    return float(np.mean(aucs)), error, float(np.mean(truths)), float(np.mean(covered))


def simulated(grids: int) -> Iterator[Figure]:
    """Metrics without and with signal, read in both ways."""
    print_header("metrics read", "decades that the label moves", "mean AUC", "on new samples", "interval covers")
    for transform in ("none", "with_log"):
        for strength in (0.0, 3.0):
            auc, error, truth, covered = simulate(grids, strength, transform)
            off = np.sqrt(covered * (1 - covered) / grids)
            print_row(
                transform, f"{strength:g}", f"{auc:.3f} ± {error:.3f}", f"{truth:.3f}", f"{covered:.3f} ± {off:.3f}"
            )
            yield Figure(f"coverage, {transform}, {strength:g}", covered, NO_PEER, "higher")


def arguments() -> argparse.ArgumentParser:
    options = parser(__doc__, quick="one layer of a run, or four simulated grids")
    options.add_argument("run", nargs="?", type=Path, help="folder of a finished run; none: simulated metrics")
    return options


def main() -> None:
    args = arguments().parse_args()
    one_thread()
    if args.run:
        run = interp.open_run(args.run)
        figures = [*compare_transforms(run, quick=args.quick), *compare_probes(run, quick=args.quick)]
    else:
        figures = list(simulated(4 if args.quick else 200))
    print_figures("attention_transform", figures)


if __name__ == "__main__":
    main()
