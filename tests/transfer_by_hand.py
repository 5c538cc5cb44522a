"""Every cell of a transfer matrix once more from the run folders: NumPy and scikit-learn, nothing of interp.

python tests/transfer_by_hand.py runs/transfer/transfer.nc runs/first runs/second …
"""

import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr
from safetensors.torch import load_file
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.preprocessing import StandardScaler

FOLDS = 5


@dataclass
class Folder:
    """The population of a run folder: vectors are NaN where a sample lacks the role."""

    name: str
    x: np.ndarray
    """sample layer role width"""
    y: np.ndarray
    group: list[str]
    logprob: np.ndarray
    roles: list[str]
    layers: list[int]
    fold: np.ndarray | None = None


def read(folder: Path) -> Folder:
    lines = [json.loads(line) for line in (folder / "samples.jsonl").read_text(encoding="utf-8").splitlines()]
    lines = [line for line in lines if line["fold"] is not None]
    roles = list(lines[0]["positions"])
    vectors: dict[str, np.ndarray] = {}
    for path in sorted((folder / "activations").glob("shard-*.safetensors")):
        tensors = load_file(path)
        names = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))["sample_ids"]
        layers = sorted(int(key.split(".")[1]) for key in tensors if key.startswith("resid_post."))
        block = np.stack([tensors[f"resid_post.{layer}"].float().numpy() for layer in layers], axis=1)
        vectors |= dict(zip(names, block, strict=True))
    x = np.stack([vectors[line["id"]] for line in lines]).astype(np.float64)
    has = np.array([[token is not None for token in line["positions"].values()] for line in lines])
    x[~has[:, None, :].repeat(x.shape[1], 1)] = np.nan
    logprob = []
    for line in lines:
        span, start = line["exact_answer_tokens"], len(line["prompt_ids"])
        values = line["logprobs"][span[0] - start : span[1] - start + 1] if span and line["logprobs"] else []
        logprob.append(np.mean(values) if values else np.nan)
    y = np.array([int(line["correct"]) for line in lines])
    return Folder(folder.name, x, y, [line["group"] for line in lines], np.array(logprob), roles, layers)


def draw_folds(runs: list[Folder], seed: int = 0) -> None:
    """One draw over all samples, runs in the order of their names; label and run are spread evenly."""
    strata = np.concatenate([2 * k + run.y for k, run in enumerate(runs)])
    groups = np.array([group for run in runs for group in run.group])
    fold = np.empty(len(strata), int)
    for f, (_, test) in enumerate(
        StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed).split(strata, strata, groups)
    ):
        fold[test] = f
    for run, start in zip(runs, np.cumsum([0, *(len(run.y) for run in runs)]), strict=False):
        run.fold = fold[start : start + len(run.y)]


def auc(score: np.ndarray, y: np.ndarray, fold: np.ndarray) -> float:
    """Pairs of one fold, one by one."""
    won = pairs = 0.0
    for f in range(FOLDS):
        inside = (fold == f) & np.isfinite(score)
        right, wrong = score[inside & (y == 1)], score[inside & (y == 0)]
        difference = right[:, None] - wrong[None]
        won += (difference > 0).sum() + 0.5 * (difference == 0).sum()
        pairs += difference.size
    return won / pairs


def scores(sources: list[Folder], target: Folder, layer: int, role: int) -> np.ndarray:
    """The target's scores by logistic regressions on the sources' samples of the other folds."""
    x, y, fold = (
        np.concatenate(parts) for parts in zip(*((s.x[:, layer, role], s.y, s.fold) for s in sources), strict=True)
    )
    known = np.isfinite(x).all(1)
    out = np.full(len(target.y), np.nan)
    for f in range(FOLDS):
        train = known & (fold != f)
        scaler = StandardScaler().fit(x[train])
        probe = LogisticRegression(tol=1e-10, max_iter=10_000, solver="newton-cholesky").fit(
            scaler.transform(x[train]), y[train]
        )
        test = (target.fold == f) & np.isfinite(target.x[:, layer, role]).all(1)
        if test.any():
            out[test] = probe.decision_function(scaler.transform(target.x[test, layer, role]))
    return out


def choice(run: Folder, layer: int, role: int, f: int) -> float:
    """AUC of a cell without fold f: ridge probes that leave out f and the fold that they are judged on."""
    known = np.isfinite(run.x[:, layer, role]).all(1)
    x, y, fold = run.x[known, layer, role], run.y[known], run.fold[known]
    z = StandardScaler().fit_transform(x)
    score = np.full(len(y), np.nan)
    for g in (g for g in range(FOLDS) if g != f):
        train = (fold != f) & (fold != g)
        score[fold == g] = Ridge(alpha=1.0).fit(z[train], y[train]).predict(z[fold == g])
    return auc(score, y, fold)


def matrix(runs: list[Folder], cells: list[tuple[int, int]]) -> dict[tuple[str, str], float]:
    """AUC of every pair and of both rows of several runs, with the source's best cell, chosen without each fold."""
    judged = {run.name: np.array([[choice(run, *cell, f) for cell in cells] for f in range(FOLDS)]) for run in runs}
    rows = [(run.name, lambda _, run=run: [run]) for run in runs]
    rows += [("all others", lambda target: [run for run in runs if run is not target]), ("all", lambda _: runs)]
    found = {}
    for name, sources_of in rows:
        for target in runs:
            sources = sources_of(target)
            best = np.mean([judged[run.name] for run in sources], axis=0).argmax(1)
            score = np.full(len(target.y), np.nan)
            for number in set(best.tolist()):
                inside = np.isin(target.fold, np.flatnonzero(best == number))
                score[inside] = scores(sources, target, *cells[number])[inside]
            found[name, target.name] = auc(score, target.y, target.fold)
    return found


def largest_errors(path: Path, folders: list[Path]) -> dict[str, float]:
    """How far matrix, grid and baseline of `transfer` lie from these, at most."""
    stored = xr.load_dataset(path)
    runs = sorted(map(read, folders), key=lambda run: run.name)
    draw_folds(runs, int(stored.attrs["seed"]))
    layers, roles = stored["layer"].values.tolist(), [str(role) for role in stored["token"].values]
    places = [(runs[0].layers.index(layer), runs[0].roles.index(role)) for layer in layers for role in roles]
    grid = stored["grid_auc"].values.reshape(len(runs), len(runs), -1)
    errors = {"grid": 0.0, "matrix": 0.0, "baseline": 0.0, "undefined": float(np.isnan(grid).sum())}
    defined = [k for k in range(len(places)) if np.isfinite(grid[..., k]).all()]
    for k in defined:
        for (i, source), (j, target) in ((a, b) for a in enumerate(runs) for b in enumerate(runs)):
            found = auc(scores([source], target, *places[k]), target.y, target.fold)
            errors["grid"] = max(errors["grid"], abs(found - grid[i, j, k]))
    for (train, test), value in matrix(runs, [places[k] for k in defined]).items():
        errors["matrix"] = max(errors["matrix"], abs(value - float(stored["auc"].sel(train=train, test=test))))
    for run in runs:
        if np.isfinite(run.logprob).any():
            value = auc(run.logprob, run.y, run.fold)
            errors["baseline"] = max(errors["baseline"], abs(value - float(stored["logprob_auc"].sel(test=run.name))))
    return errors


if __name__ == "__main__":
    print(largest_errors(Path(sys.argv[1]), [Path(folder) for folder in sys.argv[2:]]))
