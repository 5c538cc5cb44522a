"""A probe grid and an attention grid of the same samples, with what either may hold."""

import numpy as np
import pytest
import xarray as xr

from interp.grids.probes import probe_grid


@pytest.fixture(scope="module")
def grids() -> tuple[xr.Dataset, xr.Dataset]:
    """A probe grid with an embedding row and an attention grid of the same samples, each with undefined cells."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 100)
    x = rng.standard_normal((100, 2, 3, 5))
    valid = np.ones((100, 3), dtype=bool)
    valid[15:, 2] = False
    options = {"valid": valid, "ids": [f"row {i}" for i in range(100)], "roles": ("last_q", "-8", "-1")}
    probe, attention = probe_grid(x, y, **options), probe_grid(x[..., :2], y, **options)
    for name in ("auc", "low", "high", "n", "n_correct", "reason"):
        probe[f"embed_{name}"] = probe[name].isel(layer=0, drop=True)
    cells = attention[["auc", "low", "high", "n", "n_correct", "reason"]]
    metric = xr.concat([cells, cells], dim=xr.Variable("metric", ["entropy", "to_self"]))
    attention = attention.assign({f"metric_{name}": metric[name] for name in metric.data_vars})
    attention = attention.assign(metric_mean=metric["auc"] * 3).assign_attrs(kind="attention")
    return probe, attention
