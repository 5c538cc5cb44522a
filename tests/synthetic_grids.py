"""Small grids with known scores, made without any model, for the tests of pictures and report."""

import numpy as np
import xarray as xr

from interp.statistics.auc import estimate_auc
from interp.statistics.samples import Samples

TOKENS = ("last_q", "exact_answer_first", "exact_answer_last", "-1")


def make_scores(*, layers: int = 6, n: int = 80, signal: float = 2.0, seed: int = 0, kind: str = "probe") -> xr.Dataset:
    """A grid whose scores tell right from wrong at (layer 3, exact_answer_first) only; column -1 is undefined."""
    rng = np.random.default_rng([seed, kind == "probe"])
    sample = np.arange(n)
    y, fold = sample % 2, sample // 2 % 5
    score = rng.normal(size=(n, layers, len(TOKENS)))
    score[:, 3, 1] += signal * y
    score[:, :, -1] = np.nan
    cells = [estimate_auc(score[:, i, j], Samples(y, fold, sample)) for i in range(layers) for j in range(len(TOKENS))]
    names = {"auc": "value", "low": "low", "high": "high", "n": "n", "n_correct": "n_correct", "reason": "reason"}
    grid = xr.Dataset(
        {
            name: (("layer", "token"), np.array([getattr(cell, field) for cell in cells]).reshape(layers, -1))
            for name, field in names.items()
        },
        coords={
            "layer": np.arange(layers),
            "token": np.array(TOKENS, dtype=object),
            "sample": np.array([f"s{i}" for i in sample], dtype=object),
            "y": ("sample", y),
            "fold": ("sample", fold),
            "group": ("sample", np.array([f"g{i}" for i in sample], dtype=object)),
        },
        attrs={"kind": kind, "site": "resid_post", "probe": "logistic", "C": 1.0, "folds": 5, "seed": 0},
    ).assign_attrs(min_per_class=10)
    grid = grid.assign(score=(("sample", "layer", "token"), score))
    if kind != "probe":
        return grid
    row = np.array([0.45, 0.53, 0.62, np.nan])
    counts = ("token", np.array([n, n, n, 0]))
    return grid.assign(
        embed_auc=("token", row), embed_low=("token", row - 0.05), embed_high=("token", row + 0.05), embed_n=counts
    )


def plain_grid(auc: np.ndarray, tokens: tuple[str, ...], *, n: np.ndarray | None = None) -> xr.Dataset:
    """A grid of given AUCs without samples: enough for a picture."""
    counts = np.full(auc.shape, 50) if n is None else n
    return xr.Dataset(
        {"auc": (("layer", "token"), auc), "n": (("layer", "token"), counts)},
        coords={"layer": np.arange(len(auc)), "token": list(tokens)},
        attrs={"kind": "probe"},
    )


def make_samples(grid) -> list[dict]:
    """One line per sample of the grid, then three that are not in it."""
    lines = [
        {
            "id": str(name),
            "question": f"Question {i}?",
            "completion": f"It is in Mali{i}, surely.",
            "correct": bool(y),
            "exact_answer": f"Mali{i}",
            "exact_answer_method": "candidates" if i % 4 else "pattern",
            "status": "ok" if i else "ambiguous",
        }
        for i, (name, y) in enumerate(zip(grid["sample"].values, grid["y"].values, strict=True))
    ]
    gone = {"question": "?", "completion": "No idea.", "exact_answer": None, "exact_answer_method": None}
    return [
        *lines,
        {**gone, "id": "a", "correct": False, "status": "no_exact_answer"},
        {**gone, "id": "b", "correct": None, "status": "no_exact_answer"},
        {**gone, "id": "c", "correct": None, "status": "empty"},
    ]
