"""How the grid of the paper's code differs from a run's own, in words."""

import math

import numpy as np
import xarray as xr

from interp.support.units import decimal


def paper_sentences(grid: xr.Dataset) -> list[str]:
    """A sentence for each: labels and places, best cells, their correlation, and the solver (grid of `paper_run`)."""
    paper, own = grid["auc"], grid["default"]
    both = np.isfinite(paper.values) & np.isfinite(own.values)
    lines = [
        f"of {grid.attrs['samples']} samples {grid.attrs['relabelled']} have another label, "
        f"{grid.attrs['moved']} their exact answer at other tokens"
    ]
    for name, one, name2, other in (("paper's code", paper, "default", own), ("default", own, "paper's code", paper)):
        if np.isfinite(one.values).any():
            at = one.stack(cell=("layer", "token")).idxmax("cell").item()
            where = {"layer": at[0], "token": at[1]}
            there = f"{float(one.sel(where)):.3f} ({name2} {_number(float(other.sel(where)))})"
            lines.append(f"{name}: best cell layer {at[0]}, {at[1]}, AUC {there}")
    if both.sum() > 1:
        difference = np.where(both, paper - own, 0.0)
        layer, token = np.unravel_index(np.abs(difference).argmax(), difference.shape)
        mean, largest = (decimal(d, sign=True) for d in (difference[both].mean(), difference[layer, token]))
        lines.append(
            f"over {both.sum()} cells: correlation {_number(np.corrcoef(paper.values[both], own.values[both])[0, 1])}, "
            f"mean difference {mean}, largest {largest} at layer {int(grid['layer'][layer])}, "
            f"{grid['token'].values[token]}"
        )
    early = int(grid["unconverged"].sum())
    lines.append(f"the paper's solver stopped early in {early} of {grid['unconverged'].size} cells")
    return lines


def _number(value: float) -> str:
    return "undefined" if math.isnan(value) else decimal(value)
