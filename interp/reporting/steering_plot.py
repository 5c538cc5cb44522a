"""Dose and response: the change of the outcome along each direction, over the band of directions that mean nothing."""

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from interp.reporting.canvas import draw_frame
from interp.reporting.heatmap import ACCENT

COLOURS = {"probe": ACCENT, "mean_difference": "#08519c"}
WORDS = {"probe": "probe", "mean_difference": "difference of means"}
BANDS = {
    "random": ("0.75", "random directions, 95 %"),
    "arbitrary_labels": ("0.88", "probes of arbitrary labels, 95 %"),
}


def plot_doses(found: xr.Dataset) -> Figure:
    """A panel for the wrong and one for the right samples."""
    import matplotlib.pyplot as plt

    figure = plt.figure(figsize=(9.6, 3.4), layout="constrained")
    axes = figure.subplots(1, 2, sharey=True)
    dose = found["dose"].values
    for ax, among in zip(axes, ("wrong", "right"), strict=True):
        one = found.sel(among=among)
        for name in ("arbitrary_labels", "random"):
            colour, label = BANDS[name]
            ends = (one[f"placebo_{end}"].sel(placebo=name).values for end in ("low", "high"))
            ax.fill_between(dose, *ends, color=colour, linewidth=0, label=label, zorder=1)
        for direction in one["direction"].values:
            row, colour = one.sel(direction=direction), COLOURS[direction]
            bars = np.stack([row["change"] - row["low"], row["high"] - row["change"]]).clip(0)
            style = {"marker": "o", "markersize": 3, "linewidth": 1.2, "capsize": 2, "zorder": 3}
            ax.errorbar(dose, row["change"], yerr=bars, color=colour, label=WORDS[direction], **style)
            ax.axhline(float(row["ablated"]), color=colour, linestyle=":", linewidth=1, zorder=2)
        ax.axhline(0, color="0.4", linewidth=0.6, zorder=0)
        ax.set_title(f"{among} samples", fontsize=9, loc="left")
        ax.set_xlabel("dose (standard deviations)")
        ax.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("change of the outcome")
    key = [(handle, label) for handle, label in zip(*axes[1].get_legend_handles_labels(), strict=True)]
    said = found.attrs
    notes = [f"outcome: {said['outcome']}; layer {said['layer']}, {said['role']}; dotted: the direction taken out"]
    draw_frame(figure, title="Pushed towards right (above 0) and wrong answers", notes=notes)
    figure.legend(*zip(*key, strict=True), loc="outside right upper", fontsize=8, frameon=False)
    return figure
