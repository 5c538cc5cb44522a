"""Two grids joined: every value kept, matched by name, and never an inner join."""

import numpy as np
import pytest
import xarray as xr

from interp.errors import DataError
from interp.grids.join import join_grids


def test_joined_grids_keep_every_value(grids: tuple[xr.Dataset, xr.Dataset]) -> None:
    joined = join_grids(*grids)
    assert joined["grid"].values.tolist() == ["probe", "attention"]
    for name, grid in zip(("probe", "attention"), grids, strict=True):
        for variable in ("auc", "low", "n", "reason", "score"):
            np.testing.assert_array_equal(joined[variable].sel(grid=name), grid[variable])
    assert joined["auc"].dims == ("grid", "layer", "token")
    assert joined.attrs["probe_kind"] == "probe" and joined.attrs["attention_kind"] == "attention"
    assert joined.attrs["folds"] == 5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda g: g.isel(layer=[0]), r"layer labels differ \(2 and 1; only in the first: 1; only in the second: none"),
        (lambda g: g.assign_coords(token=["last_q", "-8", "-2"]), "only in the first: -1; only in the second: -2"),
        (lambda g: g.isel(sample=slice(5, None)), "sample labels differ .100 and 95; only in the first: row 0, row 1"),
        (lambda g: g.assign_coords(fold=("sample", np.roll(g["fold"].values, 1))), "fold differs at"),
        (lambda g: g.assign_coords(y=("sample", 1 - g["y"].values)), "y differs at 100 samples, first 'row 0'"),
        (lambda g: g.drop_vars("score"), "grid: missing score"),
        (lambda g: xr.concat([g, g], "layer"), "the labels of layer must exist and be unique"),
    ],
)
def test_grids_that_do_not_match_are_an_error_and_never_an_inner_join(
    grids: tuple[xr.Dataset, xr.Dataset], change: object, message: str
) -> None:
    probe, attention = grids
    with pytest.raises(DataError, match=message):
        join_grids(probe, change(attention))  # type: ignore[operator]


def test_grids_in_another_order_are_joined_by_name(grids: tuple[xr.Dataset, xr.Dataset]) -> None:
    probe, attention = grids
    turned = attention.isel(layer=[1, 0], token=[2, 0, 1], sample=slice(None, None, -1))
    xr.testing.assert_identical(join_grids(probe, turned), join_grids(probe, attention))
