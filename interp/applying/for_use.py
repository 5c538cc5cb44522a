"""The best cell of a run as a tool: its thresholds and risk-coverage curve, and a probe to keep."""

from dataclasses import dataclass
from typing import Any

import xarray as xr

from interp.applying.abstention import Selective, selective
from interp.applying.fitted_probe import FittedProbe
from interp.applying.probe_fit import fit_probe
from interp.errors import DataError


@dataclass(frozen=True)
class ForUse:
    """The best cell as a tool, or why there is none."""

    selective: Selective | None
    probe: FittedProbe | None
    reason: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"reason": self.reason, "selective": None if self.selective is None else self.selective.to_dict()}


def for_use(data: Any, y: Any, grid: xr.Dataset, *, site: str, **options: Any) -> ForUse:
    """Thresholds of the nested best cell, the probe of the grid's highest; `options` are those of `fit_probe`."""
    try:
        found = selective(grid)
    except DataError as error:
        return ForUse(None, None, str(error))
    try:
        fitted = fit_probe(data, y, layer=found.layer, role=found.token, site=site, **options)
    except DataError as error:
        return ForUse(found, None, f"no probe was saved: {error}")
    return ForUse(found, fitted)
