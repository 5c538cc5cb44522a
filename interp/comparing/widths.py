"""Does attention differ from the states by more than dimension, and does it add to them?"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import xarray as xr

from interp.capturing.activations import Capture
from interp.comparing.delta import delta_grid, differences
from interp.grids.gain import gain_grid
from interp.grids.join import reordered
from interp.grids.probes import matched_width_grid
from interp.support.atomic import plain
from interp.support.units import decimal

ALPHA = 0.05


@dataclass(frozen=True)
class Widths:
    """Whether attention differs from the states by more than dimension, and whether it adds to them."""

    matched: xr.Dataset
    """The grid of `matched_width_grid`."""
    attention_minus_matched: xr.Dataset
    """`delta_grid` of the attention grid and that one."""
    gain: xr.Dataset
    """`delta_grid` of vector and attention together, and the vector alone."""

    def __repr__(self) -> str:
        """In one line: how large, and what attention adds on average."""
        mean = differences(self.gain, ("with_attention", "alone"))["mean_delta"]
        sizes = self.gain.sizes
        gain = "undefined" if mean is None else decimal(mean, sign=True)
        return f"Widths({sizes['layer']} layers, {sizes['token']} tokens; mean gain {gain})"

    def to_dict(self, delta: xr.Dataset) -> dict[str, Any]:
        """Plain values for JSON; `delta` is the probe grid minus the attention grid."""
        cells = self.attention_minus_matched
        delta = reordered(delta, {axis: cells.indexes[axis] for axis in ("layer", "token")})
        better = (delta["q"].values < ALPHA) & (delta["delta"].values > 0)
        q, value = (cells[name].values for name in ("q", "delta"))
        numbers = ("delta", "low", "high", "p", "q")
        return {
            "matched_width": {
                **differences(self.attention_minus_matched, ("attention", "matched")),
                "probe_better": int(better.sum()),
                "still_better": int((better & (q < ALPHA) & (value < 0)).sum()),
                **{name: plain(self.attention_minus_matched[name].values) for name in numbers},
            },
            "gain": {
                **differences(self.gain, ("with_attention", "alone")),
                **{name: plain(self.gain[name].values) for name in numbers},
            },
        }


def widths(
    cap: Capture,
    y: Any,
    grid: xr.Dataset,
    attention: xr.Dataset,
    *,
    site: str,
    progress: Callable[[int], None] | None = None,
    **shared: Any,
) -> Widths:
    """Both further grids beside the probe `grid`, on its samples and folds; `shared` are options of `probe_grid`."""
    options = {key: value for key, value in shared.items() if key != "probe"}
    matched = matched_width_grid(cap, y, attention, site=site, progress=progress, **options)
    transform = str(attention.attrs.get("transform", "none"))
    gain = gain_grid(cap, y, site=site, transform=transform, progress=progress, **shared)
    return Widths(matched, delta_grid(attention, matched), delta_grid(gain, grid))
