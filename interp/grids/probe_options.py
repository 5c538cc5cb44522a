"""The options that other grids share with `probe_grid`, by name and type."""

from collections.abc import Callable, Sequence
from typing import TypedDict

import numpy as np
import xarray as xr
from jaxtyping import Int

from interp.support.accepted import FoldNumbers, Probe


class ProbeOptions(TypedDict, total=False):
    """Said in `probe_grid`."""

    folds: int
    seed: int
    C: float | str | Sequence[float]
    population: str
    fold: FoldNumbers | None
    layers: Sequence[int] | None
    roles: Sequence[str] | None
    ids: Sequence[str] | None
    min_per_class: int
    n_jobs: int | None
    progress: Callable[[int], None] | None


class SitedOptions(ProbeOptions, total=False):
    """Those of a grid on a Capture's `site`."""

    site: str


class EstimatorOptions(ProbeOptions, total=False):
    """Those of a grid whose estimator is chosen."""

    probe: Probe
    components: int | Int[np.ndarray, "layer role"] | xr.DataArray
