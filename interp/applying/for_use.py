"""The best cell of a run as a tool: its thresholds and risk-coverage curve, and a probe to keep."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
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


def use_sentences(comparison: Mapping[str, Any]) -> list[str]:
    """What the best cell is good for, from `comparison.json`."""
    use = comparison.get("for_use") or {}
    found = use.get("selective")
    if not found:
        return [use["reason"]] if use.get("reason") else []
    area, chance, oracle = found["aurc"]["value"], found["aurc_chance"], found["aurc_oracle"]
    at = int(np.abs(np.array(found["risk_coverage"]["coverage"]) - 0.5).argmin())
    rel = found["reliability"]
    sentences = [
        f"Answering only where the probe is surest: with half of the questions answered, "
        f"{100 * found['risk_coverage']['risk'][at]:.0f} % of the answers are wrong, against {100 * chance:.0f} % of "
        f"all. The area under the risk-coverage curve is {area:.3f} (at random {chance:.3f}, at best {oracle:.3f}).",
        f"Calibrated on the other folds, its probability has a Brier score of {rel['brier']:.3f} (the base rate alone: "
        f"{rel['brier_base']:.3f}) and an expected calibration error of {rel['ece']:.3f}.",
    ]
    return [*sentences, *([use["reason"]] if use.get("reason") else [])]
