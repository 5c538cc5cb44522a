"""The heads at one role: what every single head's attention metric tells of the answer."""

from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Int
from matplotlib.axes import Axes

from interp.capturing.activations import Capture
from interp.grids.cells import choose_samples
from interp.grids.of_run import RunLike
from interp.labelling.answers import Answers
from interp.reporting.by_label import labels_of
from interp.reporting.canvas import check_drawing, draw_colorbar, draw_head, figure_width, new_figure
from interp.reporting.heatmap import Heatmap, centred_scale
from interp.statistics.auc import why_undefined, within_fold_auc
from interp.support.accepted import CaptureOrRun, CellLabels, GroupSource
from interp.support.arguments import instance, one_of
from interp.support.arrays import in_order, whole_numbers_in_order
from interp.support.public import public


@public
def plot_heads(
    cap: CaptureOrRun,
    y: CellLabels | str | None = None,
    role: str | None = None,
    *,
    metric: str = "entropy",
    fold: Int[np.ndarray, " sample"] | None = None,
    groups: GroupSource | None = None,
    ax: Axes | None = None,
    width: float | int | str | None = None,
) -> Axes:
    """Draw the AUC of one attention metric at one role, layer × head, from what `capture` kept, or of a run.

    `plot_heads(run, role)` takes labels and folds of the run's probe grid, `plot_heads(cap, y, role)` those given.
    AUC within folds for "higher when correct" (definitions: the two grids). A metric may tell in either direction: the
    colours are centred at 0.5 and reach as far as the farthest head. `y` is 1, 0 or None per captured sample, an
    Answers, or a grid of them, whose labels and folds are taken; `fold` (-1: not in the population, whatever its `y`)
    defaults to the folds of docs/definitions.md over `y` and `groups`. `width` as in `plot_grid`.
    Raises DataError for an unknown role or metric.

    >>> from interp.demo import planted
    >>> cap, answers = planted()
    >>> grid = interp.probe_grid(cap, answers.correct)
    >>> ax = interp.plot_heads(cap, grid, "exact_answer_last", metric="entropy")
    >>> ax.get_xlabel()
    'Head'
    """
    if isinstance(cap, RunLike):
        if role is None:
            y, role = None, y
        y, cap = cap.probe if y is None else y, cap.capture
    check_drawing(ax, None)
    wide = figure_width(width)
    heatmap = heads_heatmap(cap, y, role, metric=metric, fold=fold, groups=groups)
    if ax is None:
        ax = new_figure(heatmap, width=wide).subplots()
    draw_colorbar(ax, heatmap.draw(ax, outline_best=False), heatmap.scale)
    draw_head(ax, title=f"{metric} at {role}, per head", key=heatmap.mark_key())
    return ax


def heads_heatmap(
    cap: Capture,
    y: Any,
    role: str | None,
    *,
    metric: str = "entropy",
    fold: Any = None,
    groups: Any = None,
) -> Heatmap:
    """What `plot_heads` draws, prepared."""
    instance("cap", cap, Capture, "it comes from interp.capture")
    role, metric = one_of("role", role, cap.roles), one_of("metric", metric, cap.attention)
    if isinstance(y, xr.Dataset):
        (y, fold), groups = labels_of(y, cap.id), None
    elif fold is not None and not isinstance(y, Answers):
        inside = whole_numbers_in_order("fold", fold) >= 0
        y = [label if here else None for label, here in zip(in_order("labels", y), inside, strict=False)]
    chosen = choose_samples(len(cap.id), y, groups, fold=fold, ids=cap.id)
    values = np.full(cap.attention[metric].shape[1:3], np.nan)
    for cell in np.ndindex(values.shape):
        here = cap.attention[metric][:, cell[0], :, cap.roles.index(role)][:, cell[1]].double().numpy(force=True)
        here = here[chosen.index]
        used = np.isfinite(here)
        label, held_out = chosen.samples.y[used], chosen.samples.fold[used]
        if not why_undefined(label, held_out):
            values[cell] = within_fold_auc(here[used], label, held_out)
    heads = [str(head) for head in range(values.shape[1])]
    return Heatmap(values, cap.layers, heads, centred_scale(values), x_label="Head")


def telling_metric(attention: xr.Dataset) -> tuple[str, str] | None:
    """The metric and the token of an attention grid where the mean over heads tells most, in either direction."""
    if "metric_auc" not in attention or bool(attention["metric_auc"].isnull().all()):
        return None
    auc = attention["metric_auc"].transpose("metric", "token", "layer")
    metric, token, _ = np.unravel_index(int(np.nanargmax(np.abs(auc.values - 0.5))), auc.shape)
    return str(auc["metric"].values[metric]), str(auc["token"].values[token])
