"""The figures of error types: their shares as bars, and the grid of each type."""

import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from interp.reporting.column_axis import ColumnAxis, label_step
from interp.reporting.heatmap import AUC, HATCH

COLUMNS = 3


def plot_shares(data: xr.Dataset) -> Figure:
    """Share of the questions that are of each type, with its interval; a question may be of several."""
    names = [f"{t}  {title}" for t, title in zip(data["type"].values, data["title"].values, strict=True)]
    share, low, high = (100 * data[name].values for name in ("share", "share_low", "share_high"))
    figure, ax = plt.subplots(figsize=(6.4, 0.8 + 0.34 * len(names)), layout="constrained")
    ax.barh(names, share, color="#9ecae1", edgecolor="#08519c", linewidth=0.6)
    ax.errorbar(share, names, xerr=np.stack([share - low, high - share]).clip(0), fmt="none", ecolor="0.2", capsize=2)
    for y, (value, count) in enumerate(zip(high, data["n_of_type"].values, strict=True)):
        ax.annotate(str(int(count)), (value, y), (5, 0), textcoords="offset points", va="center", fontsize=8)
    ax.invert_yaxis()
    ax.set(xlim=(0, min(112.0, 8 + float(high.max()))), xlabel="Share of the questions (%), and how many")
    ax.spines[["top", "right"]].set_visible(False)
    return figure


def plot_type_grids(data: xr.Dataset) -> Figure:
    """AUC of each type against the rest in every cell; a type that is undefined everywhere is hatched."""
    types, layers, tokens = (data[name].values for name in ("type", "layer", "token"))
    rows = -(-len(types) // COLUMNS)
    size = (1.2 + COLUMNS * float(np.clip(0.22 * len(tokens), 2.0, 5.0)), rows * (1.9 + 0.11 * len(layers)))
    figure, axes = plt.subplots(
        rows, COLUMNS, figsize=size, layout="constrained", sharex=True, sharey=True, squeeze=False
    )
    mesh = None
    for number, ax in enumerate(axes.flat):
        if number >= len(types):
            ax.set_visible(False)
            continue
        one = data.isel(type=number)
        values = one["auc"].transpose("layer", "token").values
        ax.set_facecolor(HATCH["facecolor"])
        ax.patch.set(hatch=HATCH["hatch"], edgecolor=HATCH["edgecolor"])
        mesh = ax.imshow(values, cmap=AUC.cmap, norm=AUC.norm, aspect="auto", interpolation="nearest")
        best = float(one["best_auc"])
        head = (
            f"{best:.2f} [{float(one['best_low']):.2f}, {float(one['best_high']):.2f}]" if best == best else "undefined"
        )
        ax.set_title(f"{types[number]}  {one['title'].item()}\n{head}", fontsize=8, loc="left")
        step = label_step(len(layers))
        ax.set_yticks(range(0, len(layers), step), layers[::step], fontsize=7)
        if number + COLUMNS >= len(types):
            ColumnAxis([str(token) for token in tokens]).draw(ax)
        else:
            ax.tick_params(length=0, labelbottom=False)
    for ax in axes[:, 0]:
        ax.set_ylabel("Layer", fontsize=8)
    if mesh is not None:
        bar = figure.colorbar(mesh, ax=axes, pad=0.01, aspect=30)
        bar.set_label("AUC, this type against the rest", fontsize=8)
        bar.ax.tick_params(labelsize=7)
    return figure
