"""What every cell says of right and of wrong samples: means, medians and shares, with intervals by group."""

from typing import Any

import numpy as np
from jaxtyping import Float, Int

from interp.statistics.group_bootstrap import share_interval
from interp.statistics.label_means import LABELS, means_by_label, medians_by_label

ANSWERS = ("given", "right")
CELL = ("answer", "label", "layer", "token")


def cell_variables(
    logprob: Float[np.ndarray, "answer sample layer role"],
    rank: Float[np.ndarray, "answer sample layer role"],
    y: Int[np.ndarray, " sample"],
    group: Int[np.ndarray, " sample"],
    *,
    seed: int = 0,
) -> dict[str, Any]:
    """Variables on (answer, label, layer, token), and in how many wrong samples the right answer stands higher."""
    n_answers, n, *cells = logprob.shape
    shape = (n_answers, len(LABELS), *cells)
    flat = {name: np.moveaxis(of, 1, -1).reshape(-1, n) for name, of in (("logprob", logprob), ("rank", rank))}

    def placed(values: np.ndarray) -> np.ndarray:
        return np.moveaxis(values.reshape(len(LABELS), n_answers, *cells), 0, 1)

    out: dict[str, Any] = {}
    mean, median = (
        means_by_label(flat["logprob"], y, group, seed=seed),
        medians_by_label(flat["rank"], y, group, seed=seed),
    )
    for name, found in (("mean_logprob", mean), ("median_rank", median)):
        out |= {name: (CELL, placed(found.value)), f"{name}_low": (CELL, placed(found.low))}
        out[f"{name}_high"] = (CELL, placed(found.high))
    out["n_read"] = (CELL, placed(mean.n).astype(np.int64))
    top = np.full((3, *shape), np.nan)
    for answer, label, layer, role in np.ndindex(*shape):
        own = rank[answer, :, layer, role]
        used = np.isfinite(own) & (y == 1 - label)
        top[:, answer, label, layer, role] = _share(own[used] == 0, group[used])
    out |= {f"top_share{end}": (CELL, values) for end, values in zip(("", "_low", "_high"), top, strict=True)}
    higher = np.full((3, *cells), np.nan)
    for layer, role in np.ndindex(*cells):
        given, right = (of[:, layer, role] for of in rank)
        used = np.isfinite(given) & np.isfinite(right) & (y == 0)
        higher[:, layer, role] = _share(right[used] < given[used], group[used])
    ends = zip(("", "_low", "_high"), higher, strict=True)
    return out | {f"right_above_given{end}": (("layer", "token"), values) for end, values in ends}


def _share(member: np.ndarray, group: np.ndarray) -> tuple[float, float, float]:
    """Of no samples undefined."""
    if not len(member):
        return (np.nan,) * 3
    found = share_interval(member, group)
    return found.value, found.low, found.high
