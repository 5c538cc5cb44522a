"""What attention adds: the probe on a cell's vector with its attention metrics beside it, against the vector alone."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Float
from typing_extensions import Unpack

from interp.capturing.activations import Capture, captured_site
from interp.errors import DataError
from interp.grids.attention_columns import cell_metrics, check_transform, transformed_width, with_transform
from interp.grids.features import as_array
from interp.grids.of_run import takes_run
from interp.grids.probe_options import EstimatorOptions
from interp.grids.probes import probe_grid
from interp.grids.variables import GAIN_GRID, returns
from interp.support.accepted import GroupSource, LabelSource, Mask
from interp.support.public import public
from interp.support.shown_options import defaults_of, shows_options


@dataclass(frozen=True)
class WithAttention:
    """Vectors of a site, each with the attention metrics of its cell behind it; indexed `[samples, layer, role]`."""

    cap: Capture
    site: str
    transform: str

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """As if every metric were finite."""
        n, layers, roles, width = self.cap.sites[self.site].shape
        heads = sum(values.shape[2] for values in self.cap.attention.values())
        return n, layers, roles, width + transformed_width(heads, self.transform)

    def __getitem__(self, key: tuple[Any, int, int]) -> Float[np.ndarray, "sample width"]:
        """One cell, with the (metric, head) columns that are finite for every sample that has the role."""
        samples, layer, role = key
        vectors = as_array(self.cap.sites[self.site][samples, layer, role])
        metrics = np.concatenate(cell_metrics(self.cap, samples, layer, role), axis=1)
        has_role = as_array(self.cap.valid)[samples, role]
        finite = metrics[:, np.isfinite(metrics[has_role]).all(0)]
        return np.concatenate([vectors, with_transform(finite, self.transform)], axis=1)


@returns(GAIN_GRID)
@takes_run("cap", "y", "groups", "fold", "seed", "C", "probe", "site")
@public
@shows_options(EstimatorOptions, defaults_of(probe_grid))
def gain_grid(
    cap: Capture,
    y: LabelSource,
    groups: GroupSource | None = None,
    valid: Mask | None = None,
    *,
    site: str = "resid_post",
    transform: str = "with_log",
    **options: Unpack[EstimatorOptions],
) -> xr.Dataset:
    """A probe grid on vector and attention metrics; its AUC minus the other's is the gain (definitions: gain).

    `interp.compare_grids(gain_grid(cap, y), probe_grid(cap, y))` gives the gain of every cell with its interval.
    The metrics are read as in `attention_grid` (`transform`). Other arguments and errors are those of `probe_grid`;
    DataError if the capture holds no attention metrics.

    >>> from interp.demo import planted
    >>> cap, answers = planted()
    >>> both, alone = interp.gain_grid(cap, answers.correct), interp.probe_grid(cap, answers.correct)
    >>> interp.compare_grids(both, alone).names
    ('gain', 'probe')
    """
    check_transform(transform)
    if not isinstance(cap, Capture) or not cap.attention:
        raise DataError("attention: expected a Capture that holds attention metrics; capture the model with attention")
    site = captured_site(cap, site)
    name = f"{site}+attention"
    # It is indexed as an array is.
    both = replace(cap, sites={name: WithAttention(cap, site, transform)})  # type: ignore[dict-item]
    grid = probe_grid(both, y, groups, valid, site=name, embed=False, nested=False, **options)
    return grid.assign_attrs(kind="gain", transform=transform)
