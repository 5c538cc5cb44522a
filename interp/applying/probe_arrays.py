"""A fitted probe as a row of a table, and as an xarray Dataset."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr

if TYPE_CHECKING:
    from interp.applying.fitted_probe import FittedProbe

FACTS = ("layer", "role", "site", "probe", "model", "auc", "low", "high", "bias")


def probe_row(probe: "FittedProbe") -> pd.DataFrame:
    """`FittedProbe.to_dataframe`."""
    counts = {name: probe.protocol.get(name) for name in ("n", "n_correct", "C", "folds", "seed", "population")}
    thresholds = {f"threshold_{rate}": at for rate, at in probe.thresholds.items()}
    return pd.DataFrame([{name: getattr(probe, name) for name in FACTS} | counts | thresholds])


def probe_dataset(probe: "FittedProbe") -> xr.Dataset:
    """`FittedProbe.to_xarray`."""
    vectors = {name: ("width", getattr(probe, name).numpy(force=True)) for name in ("direction", "mean", "scale")}
    return xr.Dataset(
        {
            **vectors,
            "bias": probe.bias,
            "fold_direction": (("fold", "width"), probe.fold_direction.numpy(force=True)),
            "fold_bias": ("fold", probe.fold_bias.numpy(force=True)),
        },
        coords={"fold": np.arange(len(probe.fold_bias))},
        attrs={name: getattr(probe, name) for name in FACTS if name != "bias"},
    )
