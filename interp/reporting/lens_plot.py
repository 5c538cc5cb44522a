"""The figures of the lens: ranks as heatmaps over layers and tokens, and what heads and MLPs add to the logit."""

from dataclasses import dataclass, replace

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import Normalize, SymLogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from interp.reporting.canvas import Key, draw_frame, new_figure
from interp.reporting.column_axis import SMALL
from interp.reporting.heatmap import Heatmap, Scale
from interp.reporting.lens_words import BEFORE, PREDICTS, columns_at

FALSE_DISCOVERY_RATE = 0.05
GREY = "0.6"
TICKS = (0, 1, 3, 10, 30, 100, 300, 1000, 3000, 10_000, 30_000, 100_000)
PANELS = (
    ("given", "right", "given answer, right samples"),
    ("given", "wrong", "given answer, wrong samples"),
    ("right", "wrong", "right answer, wrong samples"),
)


def plot_lens(lens: xr.Dataset) -> Figure:
    """Median rank in every cell, three panels on one scale (log of 1 + rank)."""
    ranks = lens["median_rank"]
    highest = max(1.0, float(np.nanmax(np.log10(1 + ranks.values), initial=1.0)))
    scale = Scale("median rank of the first token", "Blues_r", 0.0, highest)
    layers, tokens = lens["layer"].values.tolist(), lens["token"].values.tolist()
    maps = [
        Heatmap(
            np.log10(1 + ranks.sel(answer=answer, label=label).transpose("layer", "token").values),
            layers,
            tokens,
            scale,
        )
        for answer, label, _ in PANELS
    ]
    figure = new_figure(maps[0], panels=3)
    axes = figure.subplots(1, 3, sharey=True)
    ahead = columns_at(lens, PREDICTS, BEFORE)
    for ax, heatmap, (answer, label, title) in zip(axes, maps, PANELS, strict=True):
        mesh = heatmap.draw(ax, outline_best=False)
        n = int(lens["n_read"].sel(answer=answer, label=label).max())
        ax.set_title(f"{title} (n = {n})", fontsize=9, loc="left")
        for tick, token in zip(ax.get_xticklabels(), tokens, strict=True):
            tick.set_color("black" if token in ahead else GREY)
    for ax in axes[1:]:
        ax.set_ylabel("")
    bar = figure.colorbar(mesh, ax=axes, pad=0.01, aspect=28)
    bar.set_label(scale.label, fontsize=9)
    ticks = [rank for rank in TICKS if np.log10(1 + rank) <= highest]
    bar.set_ticks([float(np.log10(1 + rank)) for rank in ticks], labels=[f"{rank:,}" for rank in ticks])
    bar.ax.tick_params(labelsize=8, length=2)
    bar.outline.set_visible(False)
    bar.ax.invert_yaxis()
    undefined = next((key for heatmap in maps if (key := heatmap.mark_key())), [])
    note = "grey columns: some or all tokens are the answer or come behind it; there the rank is no prediction"
    draw_frame(figure, title="The lens: rank of the exact answer's first token", key=undefined, notes=[note])
    return figure


@dataclass(frozen=True)
class Signed(Scale):
    """A diverging scale that shows small and large numbers: logarithmic beyond a hundredth of the largest."""

    @property
    def norm(self) -> Normalize:
        """Maps a value to its place in the colour map."""
        return SymLogNorm(self.high / 100, vmin=self.low, vmax=self.high)


def plot_parts(found: xr.Dataset) -> Figure:
    """Layers down; heads (or attention, or the block) and the MLP across: means of right and wrong samples, apart."""
    mean, against = found.sel(contrast="given − mean"), found.sel(contrast="given − right")
    panels = [
        ("given − mean, right samples", mean["attribution_mean"].sel(label="right")),
        ("given − mean, wrong samples", mean["attribution_mean"].sel(label="wrong")),
        ("right less wrong", mean["attribution_difference"]),
        ("given − right, wrong samples", against["attribution_mean"].sel(label="wrong")),
    ]
    layers, columns, cells = _places(found)
    placed = [_placed(values, layers, columns, cells) for _, values in panels]
    bound = max(1e-6, max(float(np.nanmax(np.abs(values), initial=0.0)) for values in placed))
    scale = Signed("added to the difference of logits", "PuOr", -bound, bound)
    first = Heatmap(placed[0], layers, columns, scale, x_label="Head")
    figure = new_figure(replace(first, columns=["?"] * max(10, len(columns))), panels=3)
    width, height = figure.get_size_inches()
    figure.set_size_inches(float(width) * 4 / 3, float(height))
    axes = figure.subplots(1, 4, sharey=True)
    q = _placed(found["attribution_difference_q"], layers, columns, cells)
    clear = np.nan_to_num(q, nan=1.0) < FALSE_DISCOVERY_RATE
    for number, (ax, values, (title, _)) in enumerate(zip(axes, placed, panels, strict=True)):
        heatmap = replace(first, values=values)
        mesh = heatmap.draw(ax, outline_best=False)
        if number == 2:
            heatmap.mark(ax, clear & (values > 0), "+")
            heatmap.mark(ax, clear & (values < 0), "_")
        ax.set_title(title, fontsize=9, loc="left")
        _label(ax, columns)
    for ax in axes[1:]:
        ax.set_ylabel("")
    bar = figure.colorbar(mesh, ax=axes, pad=0.01, aspect=28)
    bar.set_label(scale.label, fontsize=9)
    bar.ax.tick_params(labelsize=8, length=2)
    bar.outline.set_visible(False)
    marker = Line2D([], [], color="black", marker="+", linestyle="", markersize=4)
    key: Key = [(marker, "+, −: right and wrong differ, q < 0.05")]
    outside = [name for name in found["component"].values.tolist() if name not in cells]
    shown = {name: mean["attribution_mean"].sel(component=name) for name in outside}
    sums = ", ".join(f"{name} {_two(of[0])} / {_two(of[1])}" for name, of in shown.items())
    notes = [f"not shown, right / wrong samples: {sums}", found.attrs["parts_reason"]]
    draw_frame(figure, title="What is added to the given answer's logit", key=key if clear.any() else None, notes=notes)
    return figure


def _two(value: xr.DataArray) -> str:
    return f"{round(float(value), 2) + 0.0:.2f}".replace("-", "−")


def _places(found: xr.Dataset) -> tuple[list[int], list[str], dict[str, tuple[int, str]]]:
    """Layers, columns, and of every component that belongs to a layer its cell."""
    of = zip(
        *(found[name].values.tolist() for name in ("component", "component_kind", "component_layer", "component_head")),
        strict=True,
    )
    cells = {name: (layer, str(head) if kind == "head" else kind) for name, kind, layer, head in of if layer >= 0}
    layers = sorted({layer for layer, _ in cells.values()})
    return layers, list(dict.fromkeys(column for _, column in cells.values())), cells


def _placed(
    values: xr.DataArray, layers: list[int], columns: list[str], cells: dict[str, tuple[int, str]]
) -> np.ndarray:
    out = np.full((len(layers), len(columns)), np.nan)
    for name, (layer, column) in cells.items():
        out[layers.index(layer), columns.index(column)] = float(values.sel(component=name))
    return out


def _label(ax: Axes, columns: list[str]) -> None:
    """Some heads by number, what is no head by its name."""
    heads = [k for k, name in enumerate(columns) if name.isdecimal()]
    step = max(1, -(-len(heads) // 8))
    shown = [*heads[::step], *(k for k, name in enumerate(columns) if not name.isdecimal())]
    ax.set_xticks(shown, [columns[k] for k in shown], fontsize=SMALL, rotation=90)
