"""Grids as datasets: unchanged files, arrays in one order, tidy tables."""

import csv
import resource
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from interp.errors import DataError, RunError
from interp.grids.grid import check_grid, grid_arrays, load_grid, save_grid, save_grids
from interp.grids.grid_table import COLUMNS, run_rows, write_table
from interp.grids.join import join_grids


def test_a_grid_survives_its_file(grids: tuple[xr.Dataset, xr.Dataset], tmp_path: Path) -> None:
    for number, grid in enumerate((*grids, join_grids(*grids))):
        save_grid(grid, tmp_path / f"{number}.nc")
        xr.testing.assert_identical(load_grid(tmp_path / f"{number}.nc"), grid)


def test_groups_share_a_file(grids: tuple[xr.Dataset, xr.Dataset], tmp_path: Path) -> None:
    save_grids({None: join_grids(*grids), "probe": grids[0], "attention": grids[1]}, tmp_path / "grid.nc")
    xr.testing.assert_identical(load_grid(tmp_path / "grid.nc", group="attention"), grids[1])
    xr.testing.assert_identical(load_grid(tmp_path / "grid.nc"), join_grids(*grids))
    with xr.open_dataset(tmp_path / "grid.nc", engine="h5netcdf", group="probe") as read:  # as anyone would
        xr.testing.assert_allclose(read["auc"], grids[0]["auc"])


def test_a_grid_that_cannot_be_written_leaves_the_old_file(
    grids: tuple[xr.Dataset, xr.Dataset], tmp_path: Path
) -> None:
    path = tmp_path / "grid.nc"
    save_grid(grids[0], path)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))  # as a disk that is full after 1,000 bytes
    try:
        with pytest.raises(RunError, match="grid.nc: cannot be written: File too large; choose another folder"):
            save_grid(grids[1], path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [file.name for file in tmp_path.iterdir()] == ["grid.nc"]
    xr.testing.assert_identical(load_grid(path), grids[0])


def test_a_file_that_is_no_grid_is_refused(tmp_path: Path) -> None:
    (tmp_path / "grid.nc").write_text("layer,token")
    with pytest.raises(DataError, match="expected a grid written by interp"):
        load_grid(tmp_path / "grid.nc")


def test_arrays_behind_a_grid_do_not_depend_on_the_order_of_its_dims(grids: tuple[xr.Dataset, xr.Dataset]) -> None:
    probe, _ = grids
    turned = probe.transpose("token", "layer", "sample", ...)
    np.testing.assert_array_equal(grid_arrays(turned).score, grid_arrays(probe).score)
    np.testing.assert_array_equal(grid_arrays(turned).auc, grid_arrays(probe).auc)
    check_grid(turned)


def test_the_table_has_every_cell_once_and_gives_back_every_digit(
    grids: tuple[xr.Dataset, xr.Dataset], tmp_path: Path
) -> None:
    probe, attention = grids
    probe = probe.assign(p=probe["auc"] / 7, q=probe["auc"] / 3)
    write_table(run_rows(probe, attention), tmp_path / "grid.csv")
    text = (tmp_path / "grid.csv").read_bytes()
    assert b"\r" not in text and text.startswith(",".join(COLUMNS).encode())
    rows = list(csv.DictReader(text.decode().splitlines()))
    keys = [(row["layer"], row["token"], row["metric"]) for row in rows]
    assert len(set(keys)) == len(keys) == 3 + 6 + 6 + 2 * 2 * 6
    by_key = dict(zip(keys, rows, strict=True))
    for layer in (0, 1):
        for token in ("last_q", "-8"):
            row, cell = by_key[str(layer), token, "probe_auc"], probe.sel(layer=layer, token=token)
            for column, name in (("value", "auc"), ("low", "low"), ("high", "high"), ("p", "p"), ("q", "q")):
                assert float(row[column]) == cell[name].item()
            assert (row["n"], row["n_correct"]) == (str(cell["n"].item()), str(cell["n_correct"].item()))
    undefined = by_key["0", "-1", "attention_auc"]
    assert undefined["value"] == undefined["low"] == "" and "at least 10 of each needed" in undefined["reason"]
    assert by_key["embed", "-8", "probe_auc"]["value"] == by_key["0", "-8", "probe_auc"]["value"]
    assert float(by_key["1", "last_q", "to_self"]["value"]) == 3 * float(by_key["1", "last_q", "to_self_auc"]["value"])
