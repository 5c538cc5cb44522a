"""The features behind a grid's cells: a loop over labels as the oracle, with every axis of the grid in another order."""

import numpy as np
import pytest
import torch
import xarray as xr

from interp.capturing.activations import Capture
from interp.errors import DataError
from interp.grids.columns import cell_columns

N, LAYERS, HEADS, WIDTH = 9, (0, 2, 5), 2, 4
ROLES = ("last_q", "exact_answer_first", "-1")
IDS = tuple(f"s{i}" for i in range(N))
RNG = np.random.default_rng(0)
X = RNG.standard_normal((N, len(LAYERS), len(ROLES), WIDTH)).astype(np.float32)
Z = RNG.standard_normal((N, len(LAYERS), len(ROLES), 6)).astype(np.float32)
METRICS = {
    name: RNG.uniform(0, 1, (N, len(LAYERS), HEADS, len(ROLES))).astype(np.float32) for name in ("entropy", "to_self")
}
METRICS["entropy"][4, 1, 0, 2] = np.nan
CAPTURE = Capture(
    sites={"resid_post": torch.from_numpy(X), "z": torch.from_numpy(Z)},
    embed=None,
    attention={name: torch.from_numpy(values) for name, values in METRICS.items()},
    valid=torch.ones(N, len(ROLES), dtype=torch.bool),
    index=torch.ones(N, len(ROLES), dtype=torch.int64),
    layers=LAYERS,
    roles=ROLES,
    id=IDS,
)


def grid(**attrs) -> xr.Dataset:
    """Fewer layers, roles and samples than the Capture, in another order."""
    return xr.Dataset(
        coords={"layer": [5, 0], "token": ["-1", "last_q"], "sample": ["s7", "s4", "s0", "s8"]}, attrs=attrs
    )


def places(found: xr.Dataset, sample: str, layer: int, role: int) -> tuple[int, int, int]:
    """Where a cell and a sample stand in the arrays, by label."""
    return IDS.index(sample), LAYERS.index(found["layer"].values[layer]), ROLES.index(found["token"].values[role])


@pytest.mark.parametrize(("site", "array"), [("resid_post", X), ("z", Z)])
def test_columns_are_those_of_the_labels(site, array):
    of = grid(kind="probe", site=site)
    columns = cell_columns(of, CAPTURE)
    used = np.array([True, False, True, True])
    for layer, role in np.ndindex(2, 2):
        wanted = [array[places(of, sample, layer, role)] for sample in ("s7", "s0", "s8")]
        assert np.array_equal(columns(used, layer, role), wanted)
        assert np.array_equal(columns(np.array([3, 0]), layer, role), [wanted[2], wanted[0]])
    assert columns.width == array.shape[-1]


def test_a_bare_array_is_found_by_the_names_it_is_given():
    of = grid(kind="probe", site="resid_post")
    columns = cell_columns(of, X[::-1], layers=LAYERS, roles=ROLES, ids=IDS[::-1])
    for layer, role in np.ndindex(2, 2):
        wanted = [X[places(of, sample, layer, role)] for sample in of["sample"].values]
        assert np.array_equal(columns(np.ones(4, bool), layer, role), wanted)


@pytest.mark.parametrize("transform", ["none", "with_log"])
def test_attention_columns_are_every_head_of_every_metric_that_is_finite(transform):
    of = grid(kind="attention", transform=transform)
    columns = cell_columns(of, CAPTURE)
    assert columns.width == 2 * HEADS * (1 if transform == "none" else 2)
    of = of.assign_coords(layer=[5, 2])  # the layer with a value that is not finite, at -1 only
    columns = cell_columns(of, CAPTURE)
    for layer, role in np.ndindex(2, 2):
        wanted = []
        for sample in of["sample"].values:
            i, at, column = places(of, sample, layer, role)
            heads = [(name, head) for name in METRICS for head in range(HEADS)]
            if (layer, role) == (1, 0):
                heads.remove(("entropy", 0))
            values = np.array([METRICS[name][i, at, head, column] for name, head in heads])
            wanted.append(np.concatenate([values, np.log(values)]) if transform == "with_log" else values)
        np.testing.assert_allclose(columns(np.ones(4, bool), layer, role), wanted, rtol=1e-6)


def test_a_grid_from_before_transforms_reads_the_metrics_as_they_are():
    assert cell_columns(grid(kind="attention"), CAPTURE)(np.ones(4, bool), 0, 0).shape == (4, 2 * HEADS)


def test_what_the_data_lack_is_named_with_what_to_do():
    remedy = "; give the data of the grid, and with a bare array the same layers=, roles= and ids= as to probe_grid"
    of = grid(kind="probe", site="resid_post")
    with pytest.raises(DataError) as error:
        cell_columns(of.assign_coords(layer=[5, 1]), CAPTURE)
    assert str(error.value) == f"layers: 1 of 2 are not in the data, first 1; there are 0, 2, 5{remedy}"
    with pytest.raises(DataError, match="samples: 2 of 4 are not in the data, first 's7'; there are s0, s1, s2, s3"):
        cell_columns(of, CAPTURE[:7])
    with pytest.raises(DataError, match="roles: 2 of 2 are not in the data"):
        cell_columns(of, X, layers=LAYERS, roles=("a", "b", "c"), ids=IDS)
