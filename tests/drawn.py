"""Reads back from an Axes what was drawn where, as (row, column) of the cells."""

import numpy as np
from matplotlib.collections import PathCollection, PolyCollection, QuadMesh
from matplotlib.colors import to_rgba
from matplotlib.patches import Rectangle

from interp.reporting.heatmap import ACCENT


def mesh(ax) -> QuadMesh:
    """The grid's cells (the strip's have one row)."""
    return max((c for c in ax.collections if type(c) is QuadMesh), key=lambda c: c.get_array().shape[0])


def marked(ax, colour) -> set[tuple[float, float]]:
    """(row, column) of the markers of one colour."""
    points = [c for c in ax.collections if isinstance(c, PathCollection)]
    rgba = to_rgba(colour)
    return {
        (y, x)
        for c in points
        if len(c.get_facecolor()) and np.allclose(c.get_facecolor(), rgba)
        for x, y in c.get_offsets()
    }


def hatched(ax) -> set[tuple[float, float]]:
    """(row, column) of the hatched cells."""
    found = [c for c in ax.collections if isinstance(c, PolyCollection)]
    assert all(c.get_hatch() for c in found)
    centres = [path.vertices[:4].mean(axis=0) for c in found for path in c.get_paths()]
    return {(float(y), float(x)) for x, y in centres}


def outlined(ax) -> set[tuple[float, float]]:
    """(row, column) of the outlined cells."""
    rgba = to_rgba(ACCENT)
    boxes = [p for p in ax.patches if isinstance(p, Rectangle) and p.get_edgecolor() == rgba]
    return {(p.get_y() + p.get_height() / 2, p.get_x() + p.get_width() / 2) for p in boxes}


def texts(ax) -> list[str]:
    return [" ".join(text.get_text().split()) for text in ax.texts]
