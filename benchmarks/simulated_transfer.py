"""Two simulated runs whose truth is known, for `calibration.py`: does what `transfer` says of them hold?

Given the label, features are normal with identity covariance and the baseline's score with variance 1, so that every
true AUC is known by formula (`simulated_grids.py`).
"""

from typing import Any

import numpy as np
import torch
import xarray as xr
from scipy import stats
from simulated_grids import distance, fold_pairs, probe_auc

from interp import Answers, Capture, transfer

N, WIDTH, ROLES = 200, 16, ("last_q", "exact_answer_first")
KINDS = {
    "own questions": 0.75,
    "own questions, nothing to find": 0.5,
    "the same questions": 0.75,
    "the same questions, nothing to find": 0.5,
}
"""AUC of the best probe of each run; the runs' directions have a cosine of 0.7."""
CONFIDENCE = 0.7
"""True AUC of the log-probability."""


def transfer_matrix(kind: str, nested: bool, seed: int) -> dict[str, np.ndarray]:
    """Do the intervals of AUC, of the difference from own probes and from the baseline contain the truth?

    Values are of the pairs a → b and b → a, then of both runs trained on "all".
    """
    rng = np.random.default_rng([11, sum(map(ord, kind)), seed])
    auc, same = KINDS[kind], kind.startswith("the same")
    first = distance(auc, WIDTH, rng)
    other = distance(auc, WIDTH, rng)
    other -= (other @ first) / max(first @ first, 1e-300) * first
    size = np.sqrt(first @ first)
    other *= size / max(np.sqrt(other @ other), 1e-300)
    deltas = {"a": first, "b": 0.7 * first + np.sqrt(1 - 0.49) * other}
    y = {name: rng.integers(0, 2, N) for name in deltas}
    noise = {name: rng.standard_normal((N, 1, len(ROLES), WIDTH)) for name in deltas}
    if same:  # the same questions, mostly answered alike, in states that are much alike
        y["b"] = np.where(rng.random(N) < 0.85, y["a"], y["b"])
        noise["b"] = 0.8 * noise["a"] + 0.6 * noise["b"]
    runs, x = {}, {}
    for k, (name, delta) in enumerate(deltas.items()):
        x[name] = noise[name] + (y[name] - 0.5)[:, None, None, None] * delta
        logprob = np.sqrt(2) * stats.norm.ppf(CONFIDENCE) * y[name] + rng.standard_normal(N)
        runs[name] = _run(x[name], y[name], logprob, first=0 if same else k * N)
    found = transfer(runs, cell=None if nested else (0, ROLES[0]), seed=seed, n_jobs=1, min_per_class=5)
    return _covers(found, x, deltas)


def _run(x: np.ndarray, y: np.ndarray, logprob: np.ndarray, *, first: int) -> tuple[Capture, Answers]:
    n, names = len(y), [f"q{first + i}" for i in range(len(y))]
    cap = Capture(
        sites={"resid_post": torch.from_numpy(x)},
        embed=None,
        attention={},
        valid=torch.ones(n, len(ROLES), dtype=torch.bool),
        index=torch.ones(n, len(ROLES), dtype=torch.long),
        layers=(0,),
        roles=ROLES,
        id=tuple(names),
    )
    fields: dict[str, Any] = {
        "id": names, "question": names, "group": names, "prompt": names, "prompt_ids": [[1]] * n,
        "completion_ids": [[2]] * n, "text": names, "finish": ["stop"] * n, "logprobs": [[value] for value in logprob],
        "correct": [bool(label) for label in y], "exact_answer": names, "exact_answer_method": ["candidates"] * n,
        "exact_answer_tokens": [(1, 1)] * n, "question_tokens": [None] * n, "status": ["ok"] * n,
    }  # fmt: skip
    return cap, Answers(**fields)


def _covers(found: xr.Dataset, x: dict[str, np.ndarray], deltas: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    truth = {(a, b): _truth(found, a, b, x[b], deltas[b]) for a in ("a", "b", "all") for b in deltas}
    pairs = [("a", "b"), ("b", "a"), ("all", "a"), ("all", "b")]
    out: dict[str, list[float]] = {name: [] for name in ("auc", "minus_own", "minus_logprob", "truth")}
    for train, test in pairs:
        one, true = found.sel(train=train, test=test), truth[train, test]
        for name, value in (
            ("auc", true),
            ("minus_own", true - truth[test, test]),
            ("minus_logprob", true - CONFIDENCE),
        ):
            low, high = (one[f"{name}_{end}" if name != "auc" else end].item() for end in ("low", "high"))
            out[name].append(float(low <= value <= high))
        out["truth"].append(true)
    return {name: np.array(values) for name, values in out.items()}


def _truth(found: xr.Dataset, train: str, test: str, x: np.ndarray, delta: np.ndarray) -> float:
    """AUC of the probes that scored the target, on new samples of it, weighted by the folds' pairs."""
    part = found.sel(train=train).sel(sample=found["run"] == test)
    fold, score = part["sample_fold"].values, part["score"].values
    roles = [ROLES.index(token) for token in found["cell_token"].sel(train=train, test=test).values]
    weight = fold_pairs(part["y"].values, fold) / fold_pairs(part["y"].values, fold).sum()
    total = 0.0
    for f, share in enumerate(weight):
        design = np.column_stack([x[fold == f, 0, roles[f]], np.ones((fold == f).sum())])
        w = np.linalg.lstsq(design, score[fold == f], rcond=None)[0][:-1]
        total += share * probe_auc(w[None], delta)[0]
    return float(total)
