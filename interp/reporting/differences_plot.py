"""The difference of two runs' probe grids as a picture: both grids, and where one is higher."""

from dataclasses import replace

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from interp.reporting.heatmap import difference_scale
from interp.reporting.plotting import grid_heatmap
from interp.reporting.three_heatmaps import FALSE_DISCOVERY_RATE, difference_key, draw_three
from interp.reporting.transfer_plot import shortened


def plot_differences(first: xr.Dataset, second: xr.Dataset, pair: xr.Dataset) -> Figure:
    """Of one `pair` of what `compare_runs` returned, and the two grids, whose layers and tokens are found by label."""
    grids = [
        grid.sel(layer=pair[f"{side}_layer"].values, token=pair["token"].values)
        for side, grid in (("first", first), ("second", second))
    ]
    left, middle = map(grid_heatmap, grids)
    # Layers that are compared stand in one row, under the label of the shallowest grid's.
    left, middle = (replace(one, layers=pair["layer"].values.tolist()) for one in (left, middle))
    cells = pair.transpose("layer", "token")
    delta = cells["delta"].values
    right = replace(left, values=delta, scale=difference_scale(delta, "ΔAUC"), counts=None, strips={})
    names = (shortened(pair["first"].item()), shortened(pair["second"].item()))
    with np.errstate(invalid="ignore"):
        significant = cells["q"].values < FALSE_DISCOVERY_RATE
    axes = draw_three((left, middle, right), significant, names=names, key=difference_key(names))
    figure = axes[0].figure.get_figure(root=True)
    assert isinstance(figure, Figure)
    return figure
