"""The causal grid as pictures: what donors did beside what the controls did, and the three grids side by side."""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from interp.reporting.canvas import Key, draw_colorbar, draw_frame
from interp.reporting.heatmap import TWO_SIDED, Heatmap, Scale

LEVEL = 0.05
TITLES = {
    "same_label": "a donor of the same label",
    "random_direction": "a random direction, as far",
    "scrambled_weights": "scrambled weights",
}
GRIDS = ("can be read\n(probe)", "is looked at\n(attention probe)", "matters\n(donors told from their effect)")


def plot_causal(found: xr.Dataset) -> Figure:
    """Share of the outcome's difference that each cell moves, and what the controls move there, in one unit."""
    effect = found["effect"].sel(direction="both").transpose("layer", "token").values
    controls = [str(name) for name in found["control"].values]
    values = [
        effect,
        *(found["control_effect"].sel(control=name).transpose("layer", "token").values for name in controls),
    ]
    scale = _share_scale(values)
    layers, tokens = found["layer"].values.tolist(), found["token"].values.tolist()
    figure, axes = _panels(len(values), len(layers), len(tokens))
    heads = ["the donor of the other label", *(TITLES[name] for name in controls)]
    for ax, value, head in zip(axes, values, heads, strict=True):
        heatmap = Heatmap(value, layers, tokens, scale)
        mesh = heatmap.draw(ax, outline_best=False)
        ax.set_title(head, fontsize=9, loc="left")
        if ax is axes[0] and "same_label" in controls:
            clear = found["over_p_corrected"].sel(control="same_label").transpose("layer", "token").values < LEVEL
            heatmap.mark(ax, clear, "x")
        else:
            ax.set_ylabel("")
    draw_colorbar(axes[-1], mesh, scale)
    cross = Line2D([], [], color="black", marker="x", linestyle="", markersize=5)
    key: Key = (
        [(cross, f"other than a donor of the same label, corrected p < {LEVEL:g}")] if "same_label" in controls else []
    )
    said = found.attrs
    notes = [f"outcome: {said['outcome']}; site {said['site']}; {said['n_pairs']} pairs; hatched: undefined"]
    draw_frame(figure, title="What a state put in from another sample does", key=key, notes=notes)
    return figure


def plot_beside(three: xr.Dataset) -> Figure:
    """The three grids in one unit, on the same samples."""
    layers, tokens = three["layer"].values.tolist(), three["token"].values.tolist()
    figure, axes = _panels(3, len(layers), len(tokens))
    for ax, name, head in zip(axes, three["grid"].values, GRIDS, strict=True):
        heatmap = Heatmap(three["auc"].sel(grid=name).values, layers, tokens, TWO_SIDED)
        mesh = heatmap.draw(ax)
        ax.set_title(head, fontsize=9, loc="left")
        if ax is not axes[0]:
            ax.set_ylabel("")
    draw_colorbar(axes[-1], mesh, TWO_SIDED)
    draw_frame(
        figure, title=f"Three grids of the same {three.attrs['n_samples']} samples", notes=["hatched: undefined"]
    )
    return figure


def _panels(n: int, n_layers: int, n_tokens: int) -> tuple[Figure, list[Axes]]:
    import matplotlib.pyplot as plt

    size = (1.4 + n * float(np.clip(0.2 * n_tokens, 2.2, 5.0)), 2.6 + float(np.clip(0.16 * n_layers, 1.4, 6.4)))
    figure = plt.figure(figsize=size, layout="constrained")
    return figure, list(np.atleast_1d(figure.subplots(1, n, sharex=True, sharey=True)))


def _share_scale(values: Sequence[np.ndarray]) -> Scale:
    largest = max((float(np.nanmax(np.abs(one), initial=0.0)) for one in values), default=0.0)
    bound = max(0.1, float(np.ceil(round(largest / 0.1, 6))) * 0.1)
    return Scale("share of the difference of the pairs", "PuOr", -bound, bound, centre=0.0)
