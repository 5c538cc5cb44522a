"""What stands under a heat map: short names of the columns, brackets over those of one family, and their counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from jaxtyping import Int
from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.textpath import TextPath
from matplotlib.transforms import ScaledTranslation, blended_transform_factory

SMALL, TINY = "small", "x-small"
"""Sizes by matplotlib's own names, so that they follow the font size of the style in use."""
FAMILIES = {"exact_answer_": "exact answer"}
"""Columns whose names begin alike stand over one bracket, which says the beginning once."""
GAP = 3.0
"""Points between the edge of the cells, the counts, the names and the bracket."""


def points(size: str) -> float:
    """A size of matplotlib's in points, under the style in use."""
    return float(FontProperties(size=size).get_size_in_points())


def text_width(text: str, size: str = SMALL) -> float:
    """Points that a text takes, without drawing it."""
    return _width(text, points(size), tuple(rcParams["font.family"]))


@cache
def _width(text: str, size: float, _: tuple[str, ...]) -> float:
    """The same in the font in use: a figure has the same few names again and again."""
    return float(TextPath((0, 0), text, prop=FontProperties(), size=size).get_extents().width)


def label_step(count: int, first: int = 2, most: int = 24) -> int:
    """Label every `first`-th row (the paper: every second layer), doubled until the labels do not run together."""
    step = first
    while np.ceil(count / step) > most:
        step *= 2
    return step


def column_counts(n: Int[np.ndarray, "layer column"]) -> list[str]:
    """Samples behind each column; `≥k` where the layers of a column differ."""
    low, high = n.min(axis=0), n.max(axis=0)
    return [str(a) if a == b else f"≥{a}" for a, b in zip(low, high, strict=True)]


@dataclass(frozen=True)
class ColumnAxis:
    """Names that are tokens stand upright, with a dagger on those that mostly repeat another; numbers lie."""

    columns: Sequence[str]
    repeats: Sequence[str] | None = None
    counts: Sequence[str] | None = None
    upright: bool = True

    @property
    def families(self) -> list[tuple[int, int, str]]:
        """First and last column of each run of two or more columns of one family, and what its bracket says."""
        found = []
        for beginning, title in FAMILIES.items():
            inside = [name.startswith(beginning) for name in self.columns]
            edges = np.flatnonzero(np.diff([False, *inside, False]))
            found += [(int(a), int(b) - 1, title) for a, b in edges.reshape(-1, 2) if b - a > 1]
        return found

    @property
    def names(self) -> list[str]:
        """The names as written: what a bracket says is left out."""
        written = [str(name) for name in self.columns]
        for first, last, title in self.families:
            beginning = next(key for key, value in FAMILIES.items() if value == title)
            for column in range(first, last + 1):
                written[column] = written[column].removeprefix(beginning)
        return [f"{name} †" if other else name for name, other in zip(written, self._repeats, strict=True)]

    @property
    def count_note(self) -> str:
        """Said once where every column has as many samples; empty where a row of counts says it."""
        return f"n = {self.counts[0]} in every cell" if self.counts and not self._varied else ""

    @property
    def depth(self) -> float:
        """Points between the cells and the lowest of what stands under them."""
        return max([self._name_top + self._lengths.max(initial=0), *(low for *_, low in self._brackets)])

    def draw(self, ax: Axes) -> None:
        """Write everything under the cells of `ax`; the label of the axis moves below it."""
        ax.tick_params(axis="both", which="both", length=0, labelsize=SMALL)
        ax.tick_params(axis="x", pad=self._name_top)
        if self.upright:
            style: dict[str, Any] = {"rotation": 90, "ha": "right", "va": "center", "rotation_mode": "anchor"}
            ax.set_xticks(range(len(self.columns)), self.names, **style)
        else:
            step = label_step(len(self.columns), first=1)
            ax.set_xticks(range(0, len(self.columns), step), self.names[::step])
        if self.repeats:
            for label, other in zip(ax.get_xticklabels(), self.repeats, strict=True):
                label.set_color("0.45" if other else "black")
        for first, last, title, top, low in self._brackets:
            self._bracket(ax, (first, last), title, top)
            ax.xaxis.labelpad = max(ax.xaxis.labelpad, low - self._name_top - self._lengths.max() + GAP)
        if self._varied:
            self._count(ax)

    @property
    def _repeats(self) -> Sequence[str]:
        return self.repeats or [""] * len(self.columns)

    @property
    def _varied(self) -> bool:
        return bool(self.counts) and (len(set(self.counts or ())) > 1 or "≥" in (self.counts or ("",))[0])

    @property
    def _name_top(self) -> float:
        """Points between the cells and the names: room for the counts, which stand upright as the names do."""
        if not self._varied:
            return 1.5 * GAP
        longest = max(map(len, self.counts or ()))
        return 2 * GAP + points(TINY) * (0.66 * longest if self.upright else 1.0)

    @property
    def _lengths(self) -> np.ndarray:
        """Points that each name takes downwards."""
        if not self.upright:
            return np.full(len(self.columns), points(SMALL))
        return np.array([text_width(name) for name in self.names])

    @property
    def _brackets(self) -> list[tuple[int, int, str, float, float]]:
        """Each family with the points from the cells to its bracket, and to the end of its words."""
        out = []
        for first, last, title in self.families if self.upright else ():
            top = self._name_top + self._lengths.max() + 1.5 * GAP  # of all: the words may reach over the ends
            out.append((first, last, title, top, top + GAP + 1.2 * points(SMALL)))
        return out

    def _bracket(self, ax: Axes, ends: tuple[int, int], title: str, top: float) -> None:
        """A line under the names of a family, its ends turned up, and the family's name under it."""
        scale = ax.figure.dpi_scale_trans
        place = blended_transform_factory(ax.transData, ax.transAxes) + ScaledTranslation(0, -top / 72, scale)
        left, right = ends[0] - 0.4, ends[1] + 0.4
        ax.add_line(Line2D([left, right], [0, 0], color="0.35", linewidth=0.8, transform=place, clip_on=False))
        style: dict[str, Any] = {
            "xycoords": place,
            "textcoords": "offset points",
            "ha": "center",
            "va": "top",
            "fontsize": SMALL,
        }
        ax.annotate(title, ((left + right) / 2, 0), (0, -GAP / 2), annotation_clip=False, **style)

    def _count(self, ax: Axes) -> None:
        place: dict[str, Any] = {
            "xycoords": ("data", "axes fraction"),
            "textcoords": "offset points",
            "va": "top",
            "fontsize": TINY,
        }
        turned: dict[str, Any] = {"rotation": 90} if self.upright else {}
        for column, count in enumerate(self.counts or ()):
            ax.annotate(count, (column, 0), (0, -GAP), ha="center", color="0.3", **turned, **place)
        ax.annotate("n", (-0.5, 0), (-4, -GAP), ha="right", color="0.3", style="italic", **place)
