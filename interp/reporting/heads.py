"""Every head on its own: what `plot_heads` draws, and which metric and token are worth it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Int

from interp.arguments import instance, one_of
from interp.capturing.activations import Capture
from interp.errors import DataError
from interp.reporting.heatmap import Heatmap, centred_scale
from interp.statistics.arrays import in_order, read_whole_numbers
from interp.statistics.folds import make_folds, read_labels
from interp.statistics.inference import why_undefined, within_fold_auc


def heads_heatmap(
    cap: Capture,
    y: object,
    role: str,
    *,
    metric: str = "entropy",
    fold: Int[np.ndarray, " sample"] | None = None,
    groups: Any = None,
) -> Heatmap:
    """What `plot_heads` draws, prepared."""
    instance("cap", cap, Capture, "it comes from interp.capture")
    role, metric = one_of("role", role, cap.roles), one_of("metric", metric, cap.attention)
    if isinstance(y, xr.Dataset):
        y, fold = _labels(y, cap.id)
    n, *axes, _ = cap.attention[metric].shape
    given = in_order("labels", y)
    if len(given) != n:
        raise DataError(f"labels: expected one for each of the {n} captured samples, got {len(given)}")
    if fold is not None:
        fold = read_whole_numbers("fold", in_order("fold", fold))
        if len(fold) != n:
            raise DataError(f"fold: expected one for each of the {n} captured samples, got {len(fold)}")
        given = [label if member else None for label, member in zip(given, fold >= 0, strict=True)]
    labels = read_labels(given, cap.id)
    fold = make_folds(labels, groups, ids=cap.id).fold if fold is None else fold
    values = np.full(axes, np.nan)
    for cell in np.ndindex(values.shape):
        here = cap.attention[metric][:, cell[0], :, cap.roles.index(role)][:, cell[1]].double().numpy(force=True)
        used = np.isfinite(here) & np.isfinite(labels)
        label = labels[used].astype(int)
        if not why_undefined(label, fold[used]):
            values[cell] = within_fold_auc(here[used], label, fold[used])
    heads = [str(head) for head in range(axes[1])]
    return Heatmap(values, cap.layers, heads, centred_scale(values), x_label="Head")


def telling_metric(attention: xr.Dataset) -> tuple[str, str] | None:
    """The metric and the token of an attention grid where the mean over heads tells most, in either direction."""
    if "metric_auc" not in attention or bool(attention["metric_auc"].isnull().all()):
        return None
    auc = attention["metric_auc"].transpose("metric", "token", "layer")
    metric, token, _ = np.unravel_index(int(np.nanargmax(np.abs(auc.values - 0.5))), auc.shape)
    return str(auc["metric"].values[metric]), str(auc["token"].values[token])


def _labels(grid: xr.Dataset, ids: Sequence[str]) -> tuple[np.ndarray, Int[np.ndarray, " sample"]]:
    """Labels and folds of a grid in the order of the captured samples; NaN and -1 for those that it lacks."""
    if lacking := [name for name in ("sample", "y", "fold") if grid.coords.get(name, grid).sizes.keys() != {"sample"}]:
        raise DataError(f"y: expected labels, or a grid that holds them; this Dataset has no {lacking[0]!r} by sample")
    place = {name: i for i, name in enumerate(grid["sample"].values.tolist())}
    at = np.array([place.get(name, -1) for name in ids], dtype=np.int64)
    inside = at >= 0
    return np.where(inside, grid["y"].values[at], np.nan), np.where(inside, grid["fold"].values[at], -1)
