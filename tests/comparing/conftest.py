"""Two grids of the same samples that differ where it was planted."""

import numpy as np
import pytest
import xarray as xr

from interp.grids.probes import probe_grid


@pytest.fixture(scope="module")
def grids() -> tuple[xr.Dataset, xr.Dataset]:
    """The first knows the answer at layer 1, role 1; the second at layer 2, role 0."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 300)
    first, second = rng.standard_normal((2, 300, 3, 3, 4))
    first[:, 1, 1, 0] += 2 * y
    second[:, 2, 0, 0] += 2 * y
    valid = np.ones((300, 3), dtype=bool)
    valid[12:, 2] = False
    one, two = probe_grid(first, y, valid=valid), probe_grid(second, y, valid=valid)
    return one, two.assign_attrs(kind="attention")
