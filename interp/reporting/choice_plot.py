"""The figure of choices: accuracy of every method, over all questions and by error type."""

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from interp.reporting.choice_words import choice_title
from interp.reporting.heatmap import ACCENT


def plot_choices(data: xr.Dataset) -> Figure:
    """A panel for all questions and one for each type with an accuracy; methods in the order of the first panel."""
    shown = [t for t in data["type"].values if np.isfinite(data["accuracy"].sel(type=t)).any()]
    first = data["accuracy"].sel(type=data["type"].values[0]).values
    order = np.argsort(np.nan_to_num(first, nan=-1.0), kind="stable")
    methods = [str(data["by"].values[i]) for i in order]
    size = (2.6 + 1.7 * max(1, len(shown)), 1.1 + 0.3 * len(methods))
    figure, axes = plt.subplots(1, max(1, len(shown)), figsize=size, layout="constrained", sharey=True, squeeze=False)
    for ax, name in zip(axes.flat, shown, strict=False):
        one = data.sel(type=name, by=methods)
        value, low, high = (one[key].values for key in ("accuracy", "low", "high"))
        colours = [ACCENT if method == "probe" else "#08519c" for method in methods]
        for y, colour in enumerate(colours):
            ax.plot([low[y], high[y]], [y, y], color=colour, linewidth=1.4)
            ax.plot(value[y], y, "o", color=colour, markersize=5)
        ax.set_title(f"{one['title'].item()}\n{int(one['n'])} questions", fontsize=8, loc="left")
        ax.set(xlim=(-0.03, 1.03), xticks=(0, 0.5, 1))
        ax.grid(axis="x", color="0.9")
        ax.tick_params(labelsize=8, length=2)
        ax.spines[["top", "right"]].set_visible(False)
    axes[0, 0].set_yticks(range(len(methods)), [choice_title(method) for method in methods])
    figure.supxlabel("Share of the questions whose chosen answer is right, 95 % interval", fontsize=8)
    return figure
