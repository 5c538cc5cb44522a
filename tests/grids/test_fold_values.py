"""What a grid keeps of its folds: no rows of a table for it, and the same numbers through cuts, files and time."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from interp.comparing.best_cell import describe_best
from interp.comparing.compare import compare_grids
from interp.grids.fold_values import at_samples, of_folds, packed, unpacked, without_own_dims
from interp.grids.grid import grid_arrays, load_grid, save_grid
from interp.grids.probes import probe_grid

N, LAYERS, ROLES = 120, 3, 2


@pytest.fixture(scope="module")
def grid() -> xr.Dataset:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, N)
    x = rng.standard_normal((N, LAYERS, ROLES, 6))
    x[:, 1, 0, 0] += y
    return probe_grid(x, y, C=(0.1, 1.0), n_jobs=1)


def as_at_first(grid: xr.Dataset) -> xr.Dataset:
    """The layout of the first files: dims of their own for the folds, and for the sides and directions of the sketch."""
    fold = grid["fold"].values
    for name in ("choice_auc", "chosen_C"):
        by_fold = np.stack([grid[name].values[fold == f][0] for f in range(5)], axis=-1)
        grid = grid.assign({name: (("layer", "token", "held_out_fold"), by_fold)})
    dims = ("sample", "layer", "token", "side", "direction")
    sketch = np.frombuffer(grid["training"].values.tobytes(), "<f4").reshape(N, LAYERS, ROLES, 2, 8)
    return grid.assign(training=(dims, sketch)).assign_coords(held_out_fold=np.arange(5))


def test_a_table_of_a_grid_has_a_row_for_each_sample_and_cell(grid: xr.Dataset) -> None:
    assert set(grid.dims) == {"sample", "layer", "token"}
    assert len(grid.to_dataframe()) == N * LAYERS * ROLES


@given(hnp.arrays(np.float32, st.tuples(*[st.integers(0, 3)] * 2, st.just(2), st.just(8))))
def test_a_sketch_survives_its_bytes(sketch: np.ndarray) -> None:
    """Every number, NaN and −0 among them, and zeros at the end, which text drops."""
    values = packed(sketch)
    assert values.shape == sketch.shape[:2]
    again = unpacked(values.T.copy().T)
    assert again.tobytes() == sketch.astype("<f4").tobytes()


def test_numbers_of_folds_stand_at_their_samples() -> None:
    fold, values = np.array([4, 0, 2, 0, 4]), np.arange(12.0).reshape(2, 2, 3)
    spread = at_samples(values, fold)
    for sample, f in enumerate(fold):
        np.testing.assert_array_equal(spread[sample], values[..., (0, 2, 4).index(f)])
    np.testing.assert_array_equal(np.moveaxis(of_folds(spread, fold), 0, -1), values)


def test_files_of_the_first_layout_give_the_same_grid(grid: xr.Dataset, tmp_path) -> None:
    old = as_at_first(grid)
    assert old["choice_auc"].dims == ("layer", "token", "held_out_fold")
    xr.testing.assert_identical(without_own_dims(old)[list(grid)], grid)
    assert without_own_dims(grid) is grid
    save_grid(old, tmp_path / "old.nc")
    xr.testing.assert_identical(load_grid(tmp_path / "old.nc")[list(grid)], grid)
    joined = xr.concat([old, old], dim=xr.Variable("grid", ["one", "two"]), data_vars="all")
    for name in ("choice_auc", "training"):
        moved = without_own_dims(joined)[name].sel(grid="two").transpose(*grid[name].dims)
        np.testing.assert_array_equal(moved.values, grid[name].values)
    # Read by xarray alone, it is a grid too.
    with xr.open_dataset(tmp_path / "old.nc") as plain:
        assert describe_best(plain) == describe_best(grid)


def test_a_cut_grid_takes_with_it_what_belongs_to_its_cells(grid: xr.Dataset) -> None:
    """Any order and part of the axes: the sketch and the choice follow their labels."""
    samples, layers = np.flatnonzero(grid["fold"].values != 3)[::-1], [2, 1]
    part, whole = grid_arrays(grid.isel(sample=samples, layer=layers)), grid_arrays(grid)
    np.testing.assert_array_equal(part.training, whole.training[samples][:, layers])
    np.testing.assert_array_equal(part.choice, whole.choice[[0, 1, 2, 4]][:, layers])
    turned = grid_arrays(grid.transpose("token", "sample", "layer"))
    np.testing.assert_array_equal(turned.training, whole.training)
    renamed = grid.assign_coords(layer=[10, 11, 12])
    assert compare_grids(renamed, renamed).best["probe_1"]["cell"] == {"layer": 11, "token": "0"}
