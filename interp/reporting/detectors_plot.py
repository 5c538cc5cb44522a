"""Detectors side by side: a dot and its interval each, best first, those of one family together."""

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from interp.reporting.column_axis import SMALL

COLOURS = ("#08519c", "#d94801", "#238b45", "#6a51a3", "#a50f15", "#525252", "#b8860b", "#017a79")


def plot_detectors(found: xr.Dataset, *, ax: Axes | None = None) -> Axes:
    """AUC with its 95 % interval of every detector that has one; the line is chance, the band the probe's interval."""
    rows = ordered(found)
    if ax is None:
        height = 0.9 + 0.19 * (len(rows) + rows["family"].nunique() * 0.7)
        ax = plt.subplots(figsize=(6.4, height), layout="constrained")[1]
    place, ticks, labels = 0.0, [], []
    for number, (family, members) in enumerate(rows.groupby("family", sort=False)):
        colour = COLOURS[number % len(COLOURS)]
        at = place + np.arange(len(members))
        ax.hlines(at, members["low"], members["high"], color=colour, linewidth=1.4)
        ax.plot(members["auc"], at, "o", color=colour, markersize=4)
        ax.text(
            1.01, at.mean(), str(family), color=colour, fontsize=SMALL, va="center", transform=ax.get_yaxis_transform()
        )
        ticks += at.tolist()
        labels += members.index.tolist()
        place = at[-1] + 1.7
    if "probe" in rows.index:
        ax.axvspan(rows.loc["probe", "low"], rows.loc["probe", "high"], color="0.9", zorder=0)
    ax.axvline(0.5, color="0.35", linestyle="--", linewidth=0.9)
    ax.set(xlabel="AUC of right against wrong answers", title="Detectors on the same samples and folds")
    ax.set_yticks(ticks, labels, fontsize=SMALL)
    ax.set_ylim(place - 1.0, -0.7)
    low = float(np.nanmin([*rows["low"], 0.5]))
    ax.set_xlim(np.floor(low * 20) / 20 - 0.01, 1.01)
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(axis="x", color="0.92")
    ax.set_axisbelow(True)
    return ax


def ordered(found: xr.Dataset) -> pd.DataFrame:
    """Detectors that have an AUC: families by their best, then detectors by theirs."""
    rows = found[["auc", "low", "high"]].to_dataframe()[["family", "auc", "low", "high"]].dropna(subset=["auc"])
    top = rows.groupby("family")["auc"].transform("max")
    return rows.assign(top=top).sort_values(["top", "family", "auc"], ascending=[False, True, False], kind="stable")
