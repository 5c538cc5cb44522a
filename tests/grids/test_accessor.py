"""`grid.cells`: what plot_grid, grid_table and the comparison say, on the Dataset itself, however it came to be."""

import subprocess
import sys

import matplotlib.pyplot as plt
import numpy as np
import pytest
import xarray as xr

import interp
from interp.comparing.best_cell import describe_best
from interp.demo import planted
from interp.errors import DataError
from interp.grids.accessor import Cells
from interp.grids.grid import load_grid, save_grid
from interp.support.later import later


@pytest.fixture(scope="module")
def grid() -> xr.Dataset:
    cap, answers = planted()
    return interp.probe_grid(cap, answers.correct)


def test_the_best_cell_is_the_highest_and_that_of_a_comparison(grid) -> None:
    best = grid.cells.best()
    cells = grid.auc.to_series()
    assert (best.layer, best.token) == cells.idxmax() and best.auc == cells.max()
    assert best.n == grid.n.sel(best.cell) and best.low == grid.low.sel(best.cell)
    told = describe_best(grid)
    assert best.nested_auc == told["nested"]["value"] and best.nested_high == told["nested"]["high"]
    assert best.peak_set.to_dict("records") == told["peak_set"]


def test_the_grid_s_own_seed_and_fewest_samples_are_used() -> None:
    cap, answers = planted()
    other = interp.probe_grid(cap, answers.correct, seed=7, min_per_class=12)
    expected = describe_best(other, seed=7, min_per_class=12)
    best = other.cells.best()
    assert best.peak_set.to_dict("records") == expected["peak_set"]
    assert best.nested_low == expected["nested"]["low"]


def test_the_table_and_the_picture_are_those_of_the_functions(grid) -> None:
    assert grid.cells.to_dataframe().equals(interp.grid_table(grid))
    for value in ("auc", "low"):
        ours, theirs = grid.cells.plot(value, title="t"), interp.plot_grid(grid, value=value, title="t")
        assert ours.get_title(loc="left") == theirs.get_title(loc="left") == "t"
        shown = [ax.collections[0].get_array() for ax in (ours, theirs)]
        np.testing.assert_array_equal(*shown)
    ax = plt.figure().subplots()
    assert grid.cells.plot(ax=ax, colorbar=False) is ax
    plt.close("all")


def test_a_grid_from_a_file_has_it_too(grid, tmp_path) -> None:
    save_grid(grid, tmp_path / "grid.nc")
    assert load_grid(tmp_path / "grid.nc").cells.best().cell == grid.cells.best().cell
    assert xr.open_dataset(tmp_path / "grid.nc", engine="h5netcdf").cells.best().cell == grid.cells.best().cell


def test_it_is_there_in_a_process_that_only_read_a_grid(grid, tmp_path) -> None:
    """And `import interp` alone brings neither xarray nor matplotlib."""
    save_grid(grid, tmp_path / "grid.nc")
    code = (
        "import sys, interp\n"
        "assert not {'xarray', 'pandas', 'matplotlib', 'torch'} & set(sys.modules), 'import interp is cheap'\n"
        "from interp.grids.grid import load_grid\n"
        "assert 'matplotlib' not in sys.modules and 'interp.reporting.plotting' not in sys.modules\n"
        f"grid = load_grid({str(tmp_path / 'grid.nc')!r})\n"
        "print(grid.cells.best().cell)\n"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.strip() == str(grid.cells.best().cell)


def test_xarray_s_interpolation_is_its_own(grid) -> None:
    assert grid.auc.interp(layer=[0.5]).dims == ("layer", "token") and callable(grid.interp)


def test_what_is_no_grid_is_refused(grid) -> None:
    for ask in (xr.Dataset().cells.best, grid.drop_vars("score").cells.best, grid.isel(layer=0).cells.best):
        with pytest.raises(DataError, match="grid"):
            ask()
    with pytest.raises(DataError, match="grid: expected a grid"):
        xr.Dataset().cells.to_dataframe()
    with pytest.raises(DataError, match="value"):
        grid.cells.plot("acu")
    with pytest.raises(DataError, match="no option 'titel'; did you mean 'title'"):
        grid.cells.plot(titel="x")
    assert isinstance(grid.cells, Cells)


def test_a_name_of_a_later_room() -> None:
    assert later("reporting.plotting.plot_grid") is interp.plot_grid
