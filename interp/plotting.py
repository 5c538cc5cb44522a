"""The figures: a grid as the paper's heatmap, two grids and their difference, the heads of one role, profiles."""

from collections.abc import Sequence
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from jaxtyping import Bool, Int
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from interp.errors import DataError
from interp.folds import make_folds, read_labels
from interp.heatmap import ACCENT, AUC, SMALL, TWO_SIDED, Heatmap, Scale, column_counts, difference_scale
from interp.inference import why_undefined, within_fold_auc

if TYPE_CHECKING:
    from interp.activations import Capture
    from interp.compare import Comparison

GOLD_NOTE = "The exact answer was located with the sample's own accepted answers: its columns may leak the label."
GRID_NAMES = {"probe": "Probe", "attention": "Attention probe"}
GRID_COLOURS = {"probe": "#08519c", "attention": ACCENT}
ALPHA = 0.05  # false discovery rate of the marks in the difference


def plot_grid(
    grid: xr.Dataset,
    *,
    value: str = "auc",
    ax: Axes | None = None,
    title: str | None = None,
    embed: bool = True,
    colorbar: bool = True,
) -> Axes:
    """Draw one grid as the heatmap of Orgad et al. (2025, Fig. 2): layers down, tokens across, AUC from 0.5 to 1.0.

    `grid` has dims `layer` and `token`. Values under 0.5 get a triangle, undefined cells are hatched, the highest cell
    is outlined, n stands under the columns, a dagger marks columns that mostly repeat another one. The control row
    `embed`, where the grid has one, is drawn above layer 0. Raises DataError if `value` is not on (layer, token).
    """
    heatmap = grid_heatmap(grid, value=value, embed=embed)
    if ax is None:
        ax = _new_figure(heatmap).subplots()
    mesh = heatmap.draw(ax)
    if colorbar:
        ax.figure.colorbar(mesh, ax=ax, label=heatmap.scale.label, pad=0.02, aspect=28).outline.set_visible(False)
    _head(ax, heatmap, title=title, notes=[heatmap.repeat_note(), _gold_note(grid)])
    return ax


def plot_comparison(
    probe: xr.Dataset, attention: xr.Dataset, *, comparison: "Comparison | None" = None, title: str | None = None
) -> np.ndarray:
    """Draw probe grid, attention grid and their difference in one row on shared axes; returns the three Axes.

    With a `comparison` its ΔAUC is drawn and cells with q < 0.05 carry the sign of the difference (which a grey print
    loses); without one, the plain difference of the two AUCs. Raises DataError if layers, tokens or samples differ.
    """
    from interp.grid import join_grids

    join_grids(probe, attention)
    difference, significant = _difference(probe, attention, comparison)
    left, middle = grid_heatmap(probe), grid_heatmap(attention)
    scale = difference_scale(difference.values, "ΔAUC (probe − attention)")
    right = Heatmap(difference.values, left.layers, left.columns, scale, counts=None, repeats=left.repeats)
    figure = _new_figure(left, panels=3)
    axes = figure.subplots(1, 3, sharex=True, sharey=True)
    meshes = [left.draw(axes[0]), middle.draw(axes[1]), right.draw(axes[2], outline_best=False)]
    axes[2].set_ylim(axes[0].get_ylim())
    right.mark(axes[2], significant & (difference.values > 0), "+")
    right.mark(axes[2], significant & (difference.values < 0), "_")
    figure.colorbar(meshes[1], ax=axes[:2], label=AUC.label, pad=0.01, aspect=28).outline.set_visible(False)
    figure.colorbar(meshes[2], ax=axes[2], label=scale.label, pad=0.02, aspect=28).outline.set_visible(False)
    marks = f"+ probe higher, − attention higher: q < {ALPHA:g}" if comparison is not None else ""
    _head(axes[0], left, title=GRID_NAMES["probe"])
    _head(axes[1], middle, title=GRID_NAMES["attention"])
    _head(axes[2], right, title="Probe − attention", notes=[marks], best=False)
    for ax in axes[1:]:
        ax.set_ylabel("")
    notes = [note for note in (left.repeat_note(), _gold_note(probe)) if note]
    if notes:
        figure.supxlabel("\n".join(notes), fontsize=SMALL, x=0.01, ha="left", color="0.3")
    if title:
        figure.suptitle(title, fontsize=11)
    return axes


def plot_heads(
    cap: "Capture",
    y: object,
    role: str,
    *,
    metric: str = "entropy",
    fold: Int[np.ndarray, " sample"] | None = None,
    groups: Sequence[str] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the AUC of one attention metric at one role, layer × head, from what `capture` kept.

    AUC within folds for "higher when correct" (SPEC: the two grids), 0 to 1 and centred at 0.5, because a single metric
    may tell in either direction. `fold` defaults to the folds of SPEC.md over `y` and `groups`.
    """
    heatmap = heads_heatmap(cap, y, role, metric=metric, fold=fold, groups=groups)
    if ax is None:
        ax = _new_figure(heatmap).subplots()
    mesh = heatmap.draw(ax, outline_best=False)
    ax.figure.colorbar(mesh, ax=ax, label=heatmap.scale.label, pad=0.02, aspect=28).outline.set_visible(False)
    _head(ax, heatmap, title=f"{metric} at {role}, per head", best=False)
    return ax


def save_figure(figure: Figure, stem: str | Path) -> tuple[Path, Path]:
    """Write `stem`.png (160 dpi) and `stem`.svg; the same figure gives the same bytes (no date, fixed ids)."""
    png, svg = Path(f"{stem}.png"), Path(f"{stem}.svg")
    figure.savefig(png, dpi=160, facecolor="white")
    with rc_context({"svg.hashsalt": "interp", "svg.fonttype": "none"}):
        figure.savefig(svg, facecolor="white", metadata={"Date": None})
    return png, svg


def grid_heatmap(grid: xr.Dataset, *, value: str = "auc", embed: bool = True) -> Heatmap:
    """What `plot_grid` draws, prepared: values, labels, counts, the control row and the marks."""
    if value not in grid:
        raise DataError(f"the grid has no {value!r}; it has {', '.join(sorted(map(str, grid.data_vars)))}")
    cells = grid[value]
    if set(cells.dims) != {"layer", "token"}:
        extra = [str(dim) for dim in cells.dims if dim not in ("layer", "token")]
        hint = f"; select one first: grid.sel({extra[0]}=…)" if extra else ""
        raise DataError(f"expected {value!r} on (layer, token), got {cells.dims}{hint}")
    cells = cells.transpose("layer", "token")
    layers, tokens = cells["layer"].values.tolist(), [str(name) for name in cells["token"].values]
    row = f"embed_{value}"
    return Heatmap(
        values=cells.values.astype(float),
        layers=layers,
        columns=tokens,
        scale=_scale(value, cells.values),
        counts=column_counts(grid["n"].transpose("layer", "token").values) if "n" in grid else None,
        repeats=_repeats(grid, tokens),
        strip=grid[row].values.astype(float) if embed and row in grid else None,
    )


def heads_heatmap(
    cap: "Capture",
    y: object,
    role: str,
    *,
    metric: str = "entropy",
    fold: Int[np.ndarray, " sample"] | None = None,
    groups: Sequence[str] | None = None,
) -> Heatmap:
    """What `plot_heads` draws, prepared. Raises DataError for an unknown role or metric, or labels that do not fit."""
    if role not in cap.roles:
        raise DataError(f"expected a role that was captured ({', '.join(cap.roles)}), got {role!r}")
    if metric not in cap.attention:
        raise DataError(f"expected a metric that was captured ({', '.join(cap.attention)}), got {metric!r}")
    labels = read_labels(y, cap.id)
    score = cap.attention[metric][..., cap.roles.index(role)].double().numpy(force=True)
    if len(labels) != len(score):
        raise DataError(f"expected one label for each of the {len(score)} captured samples, got {len(labels)}")
    fold = make_folds(labels, groups, ids=cap.id).fold if fold is None else fold
    values = np.full(score.shape[1:], np.nan)
    for cell in np.ndindex(values.shape):
        here = score[(slice(None), *cell)]
        used = np.isfinite(here) & np.isfinite(labels) & (fold >= 0)
        label = labels[used].astype(int)
        if not why_undefined(label, fold[used]):
            values[cell] = within_fold_auc(here[used], label, fold[used])
    heads = [str(head) for head in range(score.shape[2])]
    return Heatmap(values, cap.layers, heads, TWO_SIDED, x_label="Head")


def _scale(value: str, cells: np.ndarray) -> Scale:
    if value in ("auc", "low", "high"):
        return AUC
    if value.startswith("metric_"):
        return TWO_SIDED
    return difference_scale(cells, value)


def _repeats(grid: xr.Dataset, tokens: Sequence[str]) -> list[str] | None:
    return [str(other) for other in grid["coincides"].values] if "coincides" in grid else None


def _gold_note(grid: xr.Dataset) -> str:
    return GOLD_NOTE if grid.attrs.get("span_uses_gold") else ""


def _difference(
    probe: xr.Dataset, attention: xr.Dataset, comparison: "Comparison | None"
) -> tuple[xr.DataArray, Bool[np.ndarray, "layer token"]]:
    """ΔAUC and where it is significant after Benjamini-Hochberg."""
    if comparison is None:
        delta = (probe["auc"] - attention["auc"]).transpose("layer", "token")
        return delta, np.zeros(delta.shape, bool)
    delta = comparison.delta_auc["delta"].transpose("layer", "token")
    q = comparison.delta_auc["q"].transpose("layer", "token").values
    return delta, np.nan_to_num(q, nan=1.0) < ALPHA


def _new_figure(heatmap: Heatmap, panels: int = 1) -> Figure:
    """An empty figure sized so that cells and labels stay readable, whatever the number of layers and columns."""
    import matplotlib.pyplot as plt

    n_rows, n_columns = heatmap.values.shape
    height = 2.1 + float(np.clip(0.17 * n_rows, 1.6, 6.4)) + (0.25 if heatmap.strip is not None else 0.0)
    width = 1.5 + panels * max(3.0, (0.36 if panels == 1 else 0.3) * n_columns)
    return plt.figure(figsize=(width, height), layout="constrained")


def _head(ax: Axes, heatmap: Heatmap, *, title: str | None, notes: Sequence[str] = (), best: bool = True) -> None:
    """Title, notes and the key of the marks, stacked above the picture."""
    width = ax.get_position().width * ax.figure.get_figure(root=True).get_size_inches()[0] * 72
    lines = [line for note in notes if note for line in wrap(note, int(width / (0.5 * SMALL)))]
    offset = 3.0
    entries = heatmap.key() if best else heatmap.key()[1:]
    if entries:
        handles, labels = zip(*entries, strict=True)
        style = {"fontsize": SMALL, "frameon": False, "handlelength": 1.1, "handleheight": 0.9, "columnspacing": 1.2}
        pad = {"borderpad": 0.0, "borderaxespad": 0.4, "handletextpad": 0.4}
        ax.legend(handles, labels, loc="lower left", bbox_to_anchor=(0, 1), ncols=len(entries), **style, **pad)
        offset += SMALL + 5
    for line in reversed(lines):
        place: dict[str, Any] = {"xycoords": "axes fraction", "textcoords": "offset points"}
        ax.annotate(line, (0, 1), (0, offset), fontsize=SMALL, color="0.3", **place)
        offset += SMALL + 3
    if title:
        ax.set_title(title, loc="left", fontsize=10, pad=offset + 2)
