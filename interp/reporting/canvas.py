"""What stands around a picture: figure size, panels, colour bars, title and key; and saving it reproducibly."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from textwrap import wrap
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure, SubFigure

from interp.reporting.column_axis import SMALL, points, text_width
from interp.reporting.heatmap import Heatmap, Scale
from interp.support.arguments import instance, number, one_of, one_text
from interp.support.atomic import write_chunks

Key = list[tuple[Artist, str]]
WIDTHS = {"column": 3.25, "page": 6.75}
"""Inches: one column and both of a page of two columns, as ICML and ACL print them."""
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


def figure_width(value: float | int | str | None) -> float | None:
    """`width` in inches: a number, or a name of `WIDTHS`; None: as wide as the grid needs."""
    if value is None or isinstance(value, str):
        return None if value is None else WIDTHS[one_of("width", value, WIDTHS)]
    return number("width", value, low=1.0, high=100.0)


def new_figure(heatmap: Heatmap, panels: int = 1, *, width: float | None = None) -> Figure:
    """An empty figure in which cells and labels of so many layers and columns stay readable.

    `width` in inches; without one, as wide as the columns need. The height follows from the layers and the names.
    """
    import matplotlib.pyplot as plt  # only here: a user who brings an Axes may draw without pyplot

    n_rows, n_columns = heatmap.values.shape
    # In a given width, which is that of print, rows are as low as columns are narrow.
    row, lowest = (0.17, 1.6) if width is None else (0.11, 1.1)
    around = (0.95 if panels == 1 else 1.35) * points("medium") / 10 + heatmap.axis.depth / 72
    height = around + float(np.clip(row * n_rows, lowest, 6.4)) + 0.25 * len(heatmap.strips)
    if width is None:
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
    bar.set_label(scale.label, fontsize=SMALL)
    bar.ax.tick_params(labelsize=SMALL, length=2)
    bar.outline.set_visible(False)


def draw_head(ax: Axes, *, title: str | None, key: Key | None = None, notes: Sequence[str] = ()) -> None:
    """Title, notes and the key of the marks, stacked above the picture."""
    width = ax.get_position().width * ax.figure.get_figure(root=True).get_size_inches()[0] * 72
    line = points(SMALL)
    lines = [part for note in notes if note for part in wrap(note, max(20, int(width / (0.5 * line))))]
    offset = 3.0
    if key:
        handles, labels = zip(*key, strict=True)
        long = sum(text_width(label) + 3.5 * line for label in labels) > width + 0.25 * 72
        columns = 1 if long else len(key)
        style: dict[str, Any] = {"loc": "lower left", "bbox_to_anchor": (0, 1), "borderaxespad": 0.4, "ncols": columns}
        legend = ax.legend(handles, labels, **style, **LEGEND)
        legend.set_in_layout(not title)  # under a title it has its height, and may be wider than its panel
        offset += (line + 4) * (len(key) if long else 1)
    if lines:
        place: dict[str, Any] = {"xycoords": "axes fraction", "textcoords": "offset points", "va": "bottom"}
        ax.annotate("\n".join(lines), (0, 1), (0, offset), fontsize=SMALL, color="0.3", **place)
        offset += (line + 3) * len(lines)
    if title:
        ax.set_title(title, loc="left", fontsize="medium", pad=offset + 2)


def draw_frame(figure: Figure, *, title: str | None, key: Key | None = None, notes: Sequence[str] = ()) -> None:
    """Title, key and notes of a whole figure of several panels."""
    if key:
        handles, labels = zip(*key, strict=True)
        figure.legend(handles, labels, loc="outside lower right", ncols=len(key), **LEGEND)
    if any(notes):
        figure.supxlabel("\n".join(filter(None, notes)), fontsize=SMALL, x=0.01, ha="left", color="0.3")
    if title:
        figure.suptitle(title, fontsize="large", x=0.01, ha="left")


def save_figure(figure: Figure | SubFigure, stem: str | Path) -> tuple[Path, Path]:
    """Write `stem`.png (160 dpi) and `stem`.svg; the same figure gives the same bytes (no date, fixed ids)."""
    png, svg = Path(f"{stem}.png"), Path(f"{stem}.svg")
    root = figure.get_figure(root=True)
    pixels, vectors = BytesIO(), BytesIO()
    root.savefig(pixels, format="png", dpi=160, facecolor="white")
    with rc_context({"svg.hashsalt": "interp", "svg.fonttype": "none"}):  # text stays text: searchable, editable
        root.savefig(vectors, format="svg", facecolor="white", metadata={"Date": None})
    write_chunks(png, [pixels.getbuffer()])
    write_chunks(svg, [vectors.getbuffer()])
    return png, svg
