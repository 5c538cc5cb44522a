"""What stands around a picture: figure size, panels, colour bars, title and key; and saving it reproducibly."""

from collections.abc import Sequence
from pathlib import Path
from textwrap import wrap
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure, SubFigure

from interp.reporting.heatmap import SMALL, Heatmap, Scale
from interp.support.arguments import instance, one_text

Key = list[tuple[Artist, str]]
LEGEND: dict[str, Any] = {
    "fontsize": SMALL,
    "frameon": False,
    "handlelength": 1.1,
    "handleheight": 0.9,
    "handletextpad": 0.4,
    "columnspacing": 1.2,
    "borderpad": 0.0,
}


def check_drawing(ax: object, title: object) -> None:
    """Raise DataError unless `ax` is an Axes of matplotlib or None, and `title` a text or None."""
    if ax is not None:
        instance("ax", ax, Axes, "it comes from plt.subplots()")
    if title is not None:
        one_text("title", title)


def new_figure(heatmap: Heatmap, panels: int = 1) -> Figure:
    """An empty figure in which cells and labels of so many layers and columns stay readable."""
    import matplotlib.pyplot as plt  # only here: a user who brings an Axes may draw without pyplot

    n_rows, n_columns = heatmap.values.shape
    height = (2.1 if panels == 1 else 2.6) + float(np.clip(0.17 * n_rows, 1.6, 6.4)) + 0.25 * len(heatmap.strips)
    # Three panels fill the width of a page at their own size, so that no reader has to enlarge them.
    column, least = (0.36, 4.0) if panels == 1 else (0.22, 3.0)
    width = 1.5 + panels * float(np.clip(column * n_columns, least, 9.0))
    return plt.figure(figsize=(width, height), layout="constrained")


def three_panels(figure: Figure) -> tuple[np.ndarray, list[Axes]]:
    """Three Axes on shared axes, and two for the colour bars after the second and the third."""
    cells = figure.add_gridspec(1, 5, width_ratios=(1, 1, 0.035, 1, 0.035), wspace=0.02)
    first = figure.add_subplot(cells[0])
    axes = [first, *(figure.add_subplot(cells[i], sharex=first, sharey=first) for i in (1, 3))]
    return np.array(axes), [figure.add_subplot(cells[i]) for i in (2, 4)]


def draw_colorbar(ax: Axes, mesh: QuadMesh, scale: Scale, *, cax: Axes | None = None) -> None:
    """A colour bar at the right of `ax`, or on an Axes of its own."""
    bar = ax.figure.colorbar(mesh, ax=ax, cax=cax, pad=0.02, aspect=28)
    bar.set_label(scale.label, fontsize=9)
    bar.ax.tick_params(labelsize=8, length=2)
    bar.outline.set_visible(False)


def draw_head(ax: Axes, *, title: str | None, key: Key | None = None, notes: Sequence[str] = ()) -> None:
    """Title, notes and the key of the marks, stacked above the picture."""
    width = ax.get_position().width * ax.figure.get_figure(root=True).get_size_inches()[0] * 72
    lines = [line for note in notes if note for line in wrap(note, int(width / (0.5 * SMALL)))]
    offset = 3.0
    if key:
        handles, labels = zip(*key, strict=True)
        ax.legend(handles, labels, loc="lower left", bbox_to_anchor=(0, 1), ncols=len(key), borderaxespad=0.4, **LEGEND)
        offset += SMALL + 5
    if lines:
        place: dict[str, Any] = {"xycoords": "axes fraction", "textcoords": "offset points", "va": "bottom"}
        ax.annotate("\n".join(lines), (0, 1), (0, offset), fontsize=SMALL, color="0.3", **place)
        offset += (SMALL + 3) * len(lines)
    if title:
        ax.set_title(title, loc="left", fontsize=10, pad=offset + 2)


def draw_frame(figure: Figure, *, title: str | None, key: Key | None = None, notes: Sequence[str] = ()) -> None:
    """Title, key and notes of a whole figure of several panels."""
    if key:
        handles, labels = zip(*key, strict=True)
        figure.legend(handles, labels, loc="outside lower right", ncols=len(key), **LEGEND)
    if any(notes):
        figure.supxlabel("\n".join(filter(None, notes)), fontsize=SMALL, x=0.01, ha="left", color="0.3")
    if title:
        figure.suptitle(title, fontsize=11, x=0.01, ha="left")


def save_figure(figure: Figure | SubFigure, stem: str | Path) -> tuple[Path, Path]:
    """Write `stem`.png (160 dpi) and `stem`.svg; the same figure gives the same bytes (no date, fixed ids)."""
    png, svg = Path(f"{stem}.png"), Path(f"{stem}.svg")
    root = figure.get_figure(root=True)
    root.savefig(png, dpi=160, facecolor="white")
    with rc_context({"svg.hashsalt": "interp", "svg.fonttype": "none"}):  # text stays text: searchable, editable
        root.savefig(svg, facecolor="white", metadata={"Date": None})
    return png, svg
