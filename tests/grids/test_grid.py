"""Grids: exact joins, unchanged files, tidy tables."""

import csv
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from interp.errors import DataError
from interp.grids.grid import check_grid, grid_arrays, join_grids, load_grid, save_grid
from interp.grids.grid_table import COLUMNS, run_rows, write_table
from interp.grids.probes import probe_grid


@pytest.fixture(scope="module")
def grids() -> tuple[xr.Dataset, xr.Dataset]:
    """A probe grid with an embedding row and an attention grid of the same samples, each with undefined cells."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 100)
    x = rng.standard_normal((100, 2, 3, 5))
    valid = np.ones((100, 3), dtype=bool)
    valid[15:, 2] = False
    options = {"valid": valid, "ids": [f"row {i}" for i in range(100)], "roles": ("last_q", "-8", "-1")}
    probe, attention = probe_grid(x, y, **options), probe_grid(x[..., :2], y, **options)
    for name in ("auc", "low", "high", "n", "n_correct", "reason"):
        probe[f"embed_{name}"] = probe[name].isel(layer=0, drop=True)
    cells = attention[["auc", "low", "high", "n", "n_correct", "reason"]]
    metric = xr.concat([cells, cells], dim=xr.Variable("metric", ["entropy", "to_self"]))
    attention = attention.assign({f"metric_{name}": metric[name] for name in metric.data_vars})
    attention = attention.assign(metric_mean=metric["auc"] * 3).assign_attrs(kind="attention")
    return probe, attention


def test_a_grid_survives_its_file(grids: tuple[xr.Dataset, xr.Dataset], tmp_path: Path) -> None:
    for number, grid in enumerate((*grids, join_grids(*grids))):
        save_grid(grid, tmp_path / f"{number}.nc")
        xr.testing.assert_identical(load_grid(tmp_path / f"{number}.nc"), grid)


def test_groups_share_a_file(grids: tuple[xr.Dataset, xr.Dataset], tmp_path: Path) -> None:
    save_grid(join_grids(*grids), tmp_path / "grid.nc")
    for name, grid in zip(("probe", "attention"), grids, strict=True):
        save_grid(grid, tmp_path / "grid.nc", group=name)
    xr.testing.assert_identical(load_grid(tmp_path / "grid.nc", group="attention"), grids[1])
    xr.testing.assert_identical(load_grid(tmp_path / "grid.nc"), join_grids(*grids))


def test_a_file_that_is_no_grid_is_refused(tmp_path: Path) -> None:
    (tmp_path / "grid.nc").write_text("layer,token")
    with pytest.raises(DataError, match="expected a grid written by interp"):
        load_grid(tmp_path / "grid.nc")


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
