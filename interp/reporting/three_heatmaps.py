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
    significant: Bool[np.ndarray, "layer token"] | None,
    *,
    names: tuple[str, str],
    key: Key,
    width: float | None = None,
    title: str | None = None,
    notes: Sequence[str] = (),
) -> np.ndarray:
    """First, second and their difference; returns the three Axes.

    Cells among `significant` carry the sign of the difference; None: it was not tested, and `key` says nothing of it.
    """
    left, middle, right = heatmaps
    # What the first panel says of the samples behind its columns is not said again where it is the same.
    middle, right = (replace(one, counts=None) if one.counts == left.counts else one for one in (middle, right))
    tested = significant is not None
    figure = new_figure(left, panels=3, width=width)
    axes, bars = three_panels(figure)
    meshes = [left.draw(axes[0]), middle.draw(axes[1]), right.draw(axes[2], outline_best=False, mark_low=not tested)]
    axes[0].set_ylim(len(left.layers) - 0.5, max(left.top, middle.top, key=abs))
    if significant is not None:
        right.mark(axes[2], significant & (right.values > 0), "+")
        right.mark(axes[2], significant & (right.values < 0), "_")
    draw_colorbar(axes[1], meshes[0], left.scale, cax=bars[0])
    draw_colorbar(axes[2], meshes[2], right.scale, cax=bars[1])
    one, two = names
    heads = (left.best_key(), middle.best_key(), key)
    for ax, name, entries in zip(axes, (one, two, f"{one} − {two}"), heads, strict=True):
        draw_head(ax, title=name, key=entries)
    for ax in axes[1:]:
        ax.tick_params(axis="y", which="both", labelleft=False)
        ax.set_ylabel("")
    for ax in (axes[0], axes[2]):
        ax.set_xlabel("")
    marks = [*left.mark_key(), *middle.mark_key(), *right.mark_key(low=not tested)]
    unique = [(handle, text) for text, handle in {text: handle for handle, text in marks}.items()]
    said = {
        name: heatmap.axis.count_note
        for name, heatmap in zip((one, two, f"{one} − {two}"), (left, middle, right), strict=True)
        if heatmap.axis.count_note
    }
    # What the first panel says alone is of all three; else each is of its own.
    alone = len(said) == 1 and left.axis.count_note
    counts = [note if alone else f"{name}: {note}" for name, note in said.items()]
    draw_frame(figure, title=title, key=unique, notes=[*counts, left.repeat_note(), *notes])
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
