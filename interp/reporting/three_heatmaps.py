"""Two grids and their difference in one row: shared axes, one scale for both grids, a sign where they differ."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Bool
from matplotlib.lines import Line2D

from interp.reporting.canvas import Key, draw_colorbar, draw_frame, draw_head, new_figure, three_panels
from interp.reporting.heatmap import Heatmap

FALSE_DISCOVERY_RATE = 0.05


def draw_three(
    heatmaps: tuple[Heatmap, Heatmap, Heatmap],
    significant: Bool[np.ndarray, "layer token"],
    *,
    names: tuple[str, ...],
    key: Key,
    title: str | None = None,
    notes: Sequence[str] = (),
) -> np.ndarray:
    """First, second and their difference, whose cells among `significant` carry its sign; returns the three Axes."""
    left, middle, right = (replace(heatmap, upright=True) for heatmap in heatmaps)
    figure = new_figure(left, panels=3)
    axes, bars = three_panels(figure)
    meshes = [left.draw(axes[0]), middle.draw(axes[1]), right.draw(axes[2], outline_best=False)]
    axes[0].set_ylim(len(left.layers) - 0.5, max(left.top, middle.top, key=abs))
    right.mark(axes[2], significant & (right.values > 0), "+")
    right.mark(axes[2], significant & (right.values < 0), "_")
    draw_colorbar(axes[1], meshes[0], left.scale, cax=bars[0])
    draw_colorbar(axes[2], meshes[2], right.scale, cax=bars[1])
    one, two = names
    keys = (left.best_key(), middle.best_key(), key)
    for ax, name, entries in zip(axes, (one, two, f"{one} − {two}"), keys, strict=True):
        draw_head(ax, title=name, key=entries)
    for ax in axes[1:]:
        ax.tick_params(axis="y", which="both", labelleft=False)
        ax.set_ylabel("")
    marks = {text: handle for heatmap in (left, middle, right) for handle, text in heatmap.mark_key()}
    draw_frame(figure, title=title, key=[(handle, text) for text, handle in marks.items()], notes=notes)
    return axes


def difference_key(names: tuple[str, str]) -> Key:
    """Legend entries of the signs in the difference."""
    return [
        (
            Line2D([], [], color="black", marker=marker, linestyle="", markersize=5),
            f"{name} higher, q < {FALSE_DISCOVERY_RATE:g}",
        )
        for marker, name in zip("+_", names, strict=True)
    ]
