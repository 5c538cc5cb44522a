"""What the token of a role attends to in one sample: layers and heads chosen or averaged, under the tokens' labels."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from jaxtyping import Float

from interp.errors import DataError, ModelError
from interp.support.arguments import one_of

MEAN = "mean"


def attention_array(
    rows: dict[str, Float[np.ndarray, "layer head token"]],
    tokens: pd.DataFrame,
    *,
    layer: Any,
    head: Any,
    one: bool,
) -> xr.DataArray:
    """`RunSample.attention`, from the rows of the roles that were asked for; `one`: of one role, which has no axis."""
    stacked = np.stack(list(rows.values()))
    if not np.isfinite(stacked).any():
        raise ModelError("the model shows no attention pattern at any layer: there is nothing to look at")
    labels = {name: (("position",), tokens[name].to_numpy()) for name in ("token_id", "text", "part")}
    array = xr.DataArray(
        stacked,
        dims=("token", "layer", "head", "position"),
        coords={
            "token": np.asarray(list(rows), dtype=object),
            "layer": np.arange(stacked.shape[1]),
            "head": np.arange(stacked.shape[2]),
            "position": tokens["position"].to_numpy(),
            **labels,
        },
        name="attention",
    )
    array = _chosen(_chosen(array, "head", head), "layer", layer)
    if not np.isfinite(array.values).any():
        raise ModelError(f"layer {layer} of the model shows no attention pattern")
    return array.isel(token=0) if one else array


def check_axis(name: str, value: Any, n: int) -> int | str | None:
    """A number of a layer or head, `mean` or None. Raises DataError for anything else."""
    return None if value is None else one_of(name, value, (MEAN, *range(n)))


def _chosen(array: xr.DataArray, axis: str, value: int | str | None) -> xr.DataArray:
    """All, one, or the mean of those that have a pattern."""
    if value is None:
        return array
    return array.mean(axis, skipna=True) if value == MEAN else array.sel({axis: value})


def absent(sample: str, roles: Sequence[str], reasons: dict[str, str]) -> DataError:
    """Why nothing can be shown of roles that the sample lacks."""
    told = "; ".join(f"{role}: {reasons.get(role) or 'not recorded why'}" for role in roles)
    return DataError(f"sample {sample!r} lacks {told}")
