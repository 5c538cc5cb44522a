"""How should a probe read attention metrics? Transforms compared on a finished run; intervals on simulated metrics.

    python benchmarks/attention_transform.py runs/gemma    # the table of docs/gemma.md, from the stored metrics
    python benchmarks/attention_transform.py               # simulated metrics, with and without signal
    python benchmarks/attention_transform.py --quick       # a few of them

Every transform is fitted without labels, on all samples of a cell; by `choice_auc` each is judged on folds that its
probes did not see, so that what is chosen without a fold is chosen without its labels.
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy import special, stats

import interp
from interp.capturing.activations import Capture
from interp.probing.attention_columns import cell_metrics, with_transform
from interp.probing.choice import choice_auc
from interp.probing.crossfit import Cell, cross_fit, train
from interp.probing.estimators import ProbeSpec
from interp.statistics.cross_fold import group_signs
from interp.statistics.folds import assign_folds
from interp.statistics.inference import estimate_auc, within_fold_auc

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


def compare_transforms(run: Any, *, quick: bool) -> None:
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
    print(f"| {len(cells)} cells | mean AUC | cells raised | lowered | most | least |\n|---|---|---|---|---|---|")
    for name, values in found.items():
        auc = np.array(values).mean(1)
        change = auc - before
        counts = f"{(change > 0).sum()} | {(change < 0).sum()}"
        print(f"| {name} | {auc.mean():.4f} | {counts} | {change.max():+.3f} | {change.min():+.3f} |")
    chosen = [max(found, key=lambda name: float(np.mean(found[name], axis=0)[k])) for k in range(len(np.unique(fold)))]
    print(f"chosen without each fold: {', '.join(chosen)}")


def compare_probes(run: Any, *, quick: bool) -> None:
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
    grids = {name: interp.attention_grid(cap, y, groups, fold=fold, transform=name) for name in ("none", "with_log")}
    for name, grid in grids.items():
        compared = interp.compare_grids(probe, grid)
        best = {kind: compared.best[kind]["nested"] for kind in compared.names}
        nested = ", ".join(f"{kind} {b['value']:.3f} [{b['low']:.3f}, {b['high']:.3f}]" for kind, b in best.items())
        print(f"{name}: nested best {nested}; {compared.differences}")
    change = (grids["with_log"]["auc"] - grids["none"]["auc"]).values
    print(
        f"with_log - none: {(change > 0).sum()} of {np.isfinite(change).sum()} cells raised, "
        f"{(change < 0).sum()} lowered; mean {np.nanmean(change):+.4f}, "
        f"most {np.nanmax(change):+.3f}, least {np.nanmin(change):+.3f}"
    )
    for name, grid in grids.items():
        lost = [c for c in _single_heads(cap, grid, index) if c[0] > c[1]]
        print(f"{name}: in {len(lost)} cells the best single head, chosen on the other folds, has a higher AUC")


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


def simulate(grids: int, strength: float, transform: str, *, n: int = 200, fresh: int = 20_000) -> None:
    """Eight metrics over sixteen orders of magnitude, the label in one: mean AUC, and do intervals cover the truth?"""
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
        cell = Cell(x, y, fold, ProbeSpec(), group=np.arange(n), signs=group_signs([f"sample {i}" for i in range(n)]))
        fit = cross_fit(cell)
        found = estimate_auc(fit.score, y, fold, np.arange(n), training=fit.training)
        pairs = [(y[fold == f] == 1).sum() * (y[fold == f] == 0).sum() for f in range(5)]
        one = np.zeros(fresh, dtype=np.int64)
        parts = [within_fold_auc(train(cell, fold != f).decision(cell_new), new, one) for f in range(5)]
        truth = float(np.average(np.array(parts, dtype=float), weights=pairs))
        aucs.append(found.value)
        truths.append(truth)
        covered.append(found.low <= truth <= found.high)
    error = np.std(aucs, ddof=1) / np.sqrt(grids)
    share = np.mean(covered)
    print(
        f"{transform}, shift {strength:g}: mean AUC {np.mean(aucs):.3f} ± {error:.3f}, on new samples "
        f"{np.mean(truths):.3f}; the 95 % interval covers {share:.3f} ± {np.sqrt(share * (1 - share) / grids):.3f}"
    )
    if strength == 0:
        line = {"benchmark": "attention_transform", "figure": f"null_auc_{transform}", "value": round(np.mean(aucs), 3)}
        print(json.dumps({**line, "target": 0.5, "better": "nearer", "peer": "none: a known truth"}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", nargs="?", type=Path, help="folder of a finished run; none: simulated metrics")
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(1)
    if args.run:
        run = interp.open_run(args.run)
        compare_transforms(run, quick=args.quick)
        compare_probes(run, quick=args.quick)
        return
    for transform in ("none", "with_log"):
        for strength in (0.0, 3.0):
            simulate(4 if args.quick else 200, strength, transform)


if __name__ == "__main__":
    main()
