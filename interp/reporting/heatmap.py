"""A layer × column picture: prepared values, labels and masks, and how they are drawn on an Axes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from jaxtyping import Bool, Float
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import PolyCollection, QuadMesh
from matplotlib.colors import Normalize
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from interp.reporting.column_axis import TINY, ColumnAxis, label_step, text_width

ACCENT = "#d94801"  # the one colour for marks: reads on white and on navy, and to the colour-blind beside blue
FRAME = "0.35"
HATCH: dict[str, Any] = {"facecolor": "0.92", "edgecolor": "0.6", "hatch": "//////", "linewidth": 0.0}
FAR = 0.25
"""Share of half a two-sided scale beyond which a low value gets a mark: grey print has one colour for both sides."""


@dataclass(frozen=True)
class Scale:
    """What a colour means."""

    label: str
    cmap: str
    low: float
    high: float
    floor: float | None = None
    """Values below it get a mark of their own, because the colour map has no colour for them."""
    centre: float | None = None
    """Of a two-sided scale: values far below it get a mark, because grey print has one grey for both sides."""

    @property
    def norm(self) -> Normalize:
        """Maps a value to its place in the colour map."""
        return Normalize(self.low, self.high)


AUC = Scale("AUC", "Blues", 0.5, 1.0, floor=0.5)
TWO_SIDED = Scale("AUC (above 0.5: higher when correct)", "PuOr", 0.0, 1.0, centre=0.5)


def centred_scale(values: Float[np.ndarray, "layer column"]) -> Scale:
    """`TWO_SIDED`, but only as wide as the value farthest from 0.5 needs, in steps of 0.05."""
    farthest = float(np.nanmax(np.abs(values - 0.5), initial=0.05))
    bound = min(0.5, float(np.ceil(round(farthest / 0.05, 6))) * 0.05)
    return replace(TWO_SIDED, low=0.5 - bound, high=0.5 + bound)


def difference_scale(values: Float[np.ndarray, "layer column"], label: str) -> Scale:
    """A diverging scale centred at 0, as wide as the largest difference, in steps of 0.05 and at least ±0.1."""
    largest = float(np.nanmax(np.abs(values), initial=0.0))
    bound = max(0.1, float(np.ceil(round(largest / 0.05, 6))) * 0.05)
    return Scale(label, "PuOr", -bound, bound, centre=0.0)


@dataclass
class Heatmap:
    """One picture, prepared: row i is `layers[i]`, column j is `columns[j]`, NaN is undefined.

    `strips` are control rows of the same columns, drawn above the grid with a gap.
    """

    values: Float[np.ndarray, "layer column"]
    layers: Sequence[int]
    columns: Sequence[str]
    scale: Scale = AUC
    x_label: str = "Token"
    counts: Sequence[str] | None = None
    repeats: Sequence[str] | None = None
    """Per column the column that it mostly repeats, or an empty string."""
    strips: Mapping[str, Float[np.ndarray, " column"]] = field(default_factory=dict)
    thin: Bool[np.ndarray, "layer column"] | None = None
    """Cells that have too few of the samples to be the best one (definitions: best cell)."""

    @property
    def undefined(self) -> Bool[np.ndarray, "layer column"]:
        """Cells without a value."""
        return np.isnan(self.values)

    @property
    def below(self) -> Bool[np.ndarray, "layer column"]:
        """Cells under the colour map's floor."""
        return self._is_below(self.values)

    def _is_below(self, values: Any) -> Any:
        return values < (-np.inf if self.scale.floor is None else self.scale.floor)

    @property
    def best(self) -> tuple[int, int] | None:
        """Row and column of the highest value (the first of equals) that may be the best; None where there is none."""
        values = self.values if self.thin is None else np.where(self.thin, np.nan, self.values)
        if np.isnan(values).all():
            return None
        row, column = np.unravel_index(int(np.nanargmax(values)), values.shape)
        return int(row), int(column)

    @property
    def low_side(self) -> Bool[np.ndarray, "layer column"]:
        """Cells far below the centre of a two-sided scale."""
        if self.scale.centre is None:
            return np.zeros(self.values.shape, bool)
        low: Bool[np.ndarray, "layer column"] = self.values < self._far
        return low

    @property
    def _far(self) -> float:
        centre = self.scale.centre or 0.0
        return centre - FAR * (centre - self.scale.low)

    @property
    def axis(self) -> ColumnAxis:
        """What stands under the columns."""
        return ColumnAxis(self.columns, self.repeats, self.counts, upright=self.x_label == "Token")

    @property
    def strip_height(self) -> float:
        """In rows; in deep models more than one, so that the strip stays readable."""
        return max(1.0, 0.05 * len(self.layers))

    @property
    def top(self) -> float:
        """Upper edge of the picture in row units: the grid's own, or the strips'."""
        return -0.5 - self.strip_height * (len(self.strips) + 0.5) if self.strips else -0.5

    # ---- drawing -------------------------------------------------------------------------------------------------

    def draw(self, ax: Axes, *, outline_best: bool = True, mark_low: bool = True) -> QuadMesh:
        """Draw cells, marks, ticks and counts; returns the mappable for a colour bar.

        `mark_low=False` where other marks say the side of a two-sided scale.
        """
        n_rows, n_columns = self.values.shape
        ax.set(xlim=(-0.5, n_columns - 0.5), ylim=(n_rows - 0.5, self.top), xlabel=self.x_label, ylabel="Layer")
        mesh = self._cells(ax, self.values, np.arange(n_rows + 1) - 0.5)
        if self.strips:
            self._draw_strips(ax, np.stack(list(self.strips.values())))
        rows, columns = np.nonzero(self.below)
        ax.scatter(columns, rows, s=self._mark_size(ax), marker="v", color=ACCENT, linewidths=0, zorder=3)
        if mark_low:
            self.mark(ax, self.low_side, "o")
        if outline_best and self.best is not None:
            row, column = self.best
            for width, colour in ((3.0, "white"), (1.6, ACCENT)):  # a white halo keeps the outline visible on navy
                box = Rectangle(
                    (column - 0.5, row - 0.5), 1, 1, fill=False, edgecolor=colour, linewidth=width, zorder=4
                )
                ax.add_patch(box)
        self._label(ax)
        return mesh

    def mark(self, ax: Axes, cells: Bool[np.ndarray, "layer column"], marker: str) -> None:
        """Put a black marker with a white rim, which reads on any colour, into the cells of a mask."""
        rows, columns = np.nonzero(cells)
        size = self._mark_size(ax)
        size, face = (0.5 * size, "none") if marker == "o" else (size, None)
        side = np.sqrt(self._mark_size(ax))
        for width, colour in ((0.2 * side + 0.9, "white"), (0.1 * side + 0.3, "black")):
            style: dict[str, Any] = {"edgecolors": colour, "facecolors": face} if face else {"color": colour}
            ax.scatter(columns, rows, s=size, marker=marker, linewidths=width, zorder=3, **style)

    def best_key(self) -> list[tuple[Artist, str]]:
        """Legend entry of the outlined cell; empty where every cell is undefined."""
        if self.best is None:
            return []
        row, column = self.best
        text = f"highest: layer {self.layers[row]}, {self.columns[column]}, {self.values[row, column]:.2f}"
        return [(Patch(fill=False, edgecolor=ACCENT, linewidth=1.6), text)]

    def mark_key(self, *, low: bool = True) -> list[tuple[Artist, str]]:
        """Legend entries of the other marks that occur in the picture; `low=False` where it has no marks of sides."""
        entries: list[tuple[Artist, str]] = []
        if low and self.low_side.any():
            ring = Line2D([], [], color="black", marker="o", linestyle="", markersize=4, fillstyle="none")
            entries.append((ring, f"below {self._far:g}".replace("-", "−")))
        if self.below.any():
            marker = Line2D([], [], color=ACCENT, marker="v", linestyle="", markersize=4, markeredgewidth=0)
            entries.append((marker, f"{self.scale.label} below {self.scale.floor:g}"))
        if self.undefined.any() or any(np.isnan(strip).any() for strip in self.strips.values()):
            entries.append((Patch(**HATCH), "undefined"))
        return entries

    def repeat_note(self) -> str:
        """Which columns mostly repeat another one, as a footnote; empty if none does."""
        if not self.repeats or not any(self.repeats):
            return ""
        pairs = [f"{name} = {other}" for name, other in zip(self.columns, self.repeats, strict=True) if other]
        return "† mostly the same token: " + ", ".join(pairs)

    def _cells(self, ax: Axes, values: Float[np.ndarray, "row column"], edges: Float[np.ndarray, " edge"]) -> QuadMesh:
        """Coloured cells between the given row edges, hatched where undefined, with a frame around."""
        x = np.arange(values.shape[1] + 1) - 0.5
        masked = np.ma.masked_invalid(values)
        mesh = ax.pcolormesh(x, edges, masked, cmap=self.scale.cmap, norm=self.scale.norm)
        mesh.set(edgecolor="face", linewidth=0.3)  # closes the hairlines that viewers of SVG show between cells
        corners = [
            [(x[j], edges[i]), (x[j + 1], edges[i]), (x[j + 1], edges[i + 1]), (x[j], edges[i + 1])]
            for i, j in zip(*np.nonzero(np.isnan(values)), strict=True)
        ]
        if corners:
            ax.add_collection(PolyCollection(corners, **HATCH))
        frame = Rectangle((x[0], edges[0]), x[-1] - x[0], edges[-1] - edges[0], fill=False, edgecolor=FRAME)
        frame.set(linewidth=0.8, clip_on=False, zorder=2.5)
        ax.add_patch(frame)
        return mesh

    def _draw_strips(self, ax: Axes, strips: Float[np.ndarray, "strip column"]) -> None:
        """The control rows, with their numbers written in: what they explain of a cell's value is read at a glance."""
        edges = self.top + self.strip_height * np.arange(len(strips) + 1.0)
        centres = edges[:-1] + self.strip_height / 2
        self._cells(ax, strips, edges)
        ax.set_yticks(centres, list(self.strips), minor=True)
        colours = ScalarMappable(self.scale.norm, self.scale.cmap)
        narrow = self._cell_points(ax)[0] < 1.1 * text_width(".88", TINY)
        for strip, column in zip(*np.nonzero(~np.isnan(strips)), strict=True):
            value = strips[strip, column]
            brightness = np.dot(colours.to_rgba(value)[:3], (0.299, 0.587, 0.114))
            colour = ACCENT if self._is_below(value) else "white" if brightness < 0.55 else "0.1"
            style: dict[str, Any] = {"fontsize": TINY, "ha": "center", "va": "center_baseline", "color": colour}
            style |= {"rotation": 90, "va": "center"} if narrow else {}
            ax.text(column, centres[strip], f"{value:.2f}".replace("0.", "."), **style)

    def _label(self, ax: Axes) -> None:
        step = label_step(len(self.layers))
        ax.set_yticks(range(0, len(self.layers), step), [str(layer) for layer in self.layers[::step]])
        ax.spines[:].set_visible(False)
        self.axis.draw(ax)

    def _mark_size(self, ax: Axes) -> float:
        """Area in points² of a marker that fills 0.4 of the smaller side of a cell, at most 6 points wide."""
        return float(np.clip(0.4 * min(self._cell_points(ax)), 1.5, 6.0)) ** 2

    def _cell_points(self, ax: Axes) -> tuple[float, float]:
        """Width and height of a cell in points."""
        width, height = ax.get_position().size * ax.figure.get_figure(root=True).get_size_inches() * 72
        return width / len(self.columns), height / (len(self.layers) - 0.5 - self.top)
