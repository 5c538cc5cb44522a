"""The transfer matrix as a picture: AUC with its interval, and beside it the difference from the log-probability."""

from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Bool
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure

from interp.reporting.canvas import draw_colorbar, draw_frame
from interp.reporting.column_axis import SMALL
from interp.reporting.heatmap import AUC, Heatmap, Scale, difference_scale

LEVEL = 0.05
LONGEST = 28
"""Characters of a name that are shown."""


def plot_transfer(found: xr.Dataset) -> Figure:
    """Two matrices, what is trained on down, what is tested on across (`transfer`)."""
    import matplotlib.pyplot as plt

    n_rows, n_columns = found["auc"].shape
    names = [shortened(name) for name in found["train"].values]
    longest = 0.065 * max(map(len, names))
    size = (2 * (1.3 + longest + 0.85 * n_columns), 1.6 + 0.6 * longest + 0.5 * n_rows)
    figure = plt.figure(figsize=size, layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    _draw(left, found, "auc", "low", "high", AUC)
    minus = found["minus_logprob"].values
    scale = difference_scale(minus, "AUC minus that of the log-probability")
    clear = found["minus_logprob_q"].values < LEVEL
    _draw(right, found, "minus_logprob", "minus_logprob_low", "minus_logprob_high", scale, clear)
    left.set(title="AUC", ylabel="trained on")
    right.set(title="minus the exact answer's log-probability")
    for ax in (left, right):
        ax.title.set_fontsize(10)
    base = ", ".join(
        f"{shortened(name)} {value:.2f}"
        for name, value in zip(found["test"].values, found["logprob_auc"].values, strict=True)
        if np.isfinite(value)
    )
    notes = [f"log-probability alone: {base}" if base else "", f"bold: q < {LEVEL:g}; small: 95 % interval"]
    draw_frame(figure, title="Trained on one, tested on another", notes=notes)
    return figure


def shortened(name: object) -> str:
    """A name that fits beside a matrix."""
    text = str(name)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _draw(
    ax: Axes,
    found: xr.Dataset,
    value: str,
    low: str,
    high: str,
    scale: Scale,
    clear: Bool[np.ndarray, "train test"] | None = None,
) -> None:
    """One matrix, its numbers written in, with a line between the runs and the rows of several."""
    values = found[value].values
    heatmap = Heatmap(values, range(len(values)), [shortened(name) for name in found["test"].values], scale)
    mesh = heatmap.draw(ax, outline_best=False)
    ax.set_yticks(range(len(values)), [shortened(name) for name in found["train"].values])
    ax.set(xlabel="tested on", ylabel="")
    ax.axhline(found.sizes["test"] - 0.5, color="0.2", linewidth=1.2)
    colours, sign = ScalarMappable(scale.norm, scale.cmap), "" if scale is AUC else "+"
    for i, j in np.argwhere(np.isfinite(values)):
        brightness = np.dot(colours.to_rgba(values[i, j])[:3], (0.299, 0.587, 0.114))
        style: dict[str, Any] = {"ha": "center", "color": "white" if brightness < 0.55 else "0.1"}
        weight = "bold" if clear is not None and clear[i, j] else "normal"
        ax.text(j, i - 0.08, f"{values[i, j]:{sign}.2f}", fontsize=SMALL, va="center", weight=weight, **style)
        ends = f"{found[low].values[i, j]:{sign}.2f} … {found[high].values[i, j]:{sign}.2f}"
        ax.text(j, i + 0.26, ends, fontsize="xx-small", va="center", **style)
    draw_colorbar(ax, mesh, scale)
