"""Controls against their definitions, and what they say of signals planted in a grid."""

import dataclasses

import numpy as np
import pytest
import xarray as xr
from planted_controls import MEMORISED, NOISE, ROLE, SHARED, STRINGS, N, planted

from interp.controls.control_table import Controls
from interp.controls.controls import CELL_CONTROLS, control_grid
from interp.errors import DataError
from interp.grids.probes import probe_grid


@pytest.fixture(scope="module")
def found() -> tuple[xr.Dataset, Controls]:
    x, answers, grid = planted()
    return grid, control_grid(x, answers, grid, roles=ROLE, n_jobs=1)


def value(controls: Controls, name: str, layer: int) -> float:
    return float(controls.cells["auc"].sel(control=name).isel(layer=layer, token=0))


def test_a_probe_that_memorises_answers_is_found_out(found: tuple[xr.Dataset, Controls]) -> None:
    grid, controls = found
    assert float(grid["auc"][MEMORISED, 0]) > 0.95
    assert value(controls, "control_task", MEMORISED) > 0.9
    assert abs(value(controls, "selectivity", MEMORISED)) < 0.1
    assert 0.3 < value(controls, "held_out", MEMORISED) < 0.7
    assert controls.baselines["answer_identity"]["all"].value > 0.95


def test_a_signal_common_to_all_answers_passes_the_controls(found: tuple[xr.Dataset, Controls]) -> None:
    grid, controls = found
    assert float(grid["auc"][SHARED, 0]) > 0.95
    assert value(controls, "held_out", SHARED) > 0.95
    assert value(controls, "selectivity", SHARED) > 0.3
    interval = controls.cells.sel(control="selectivity").isel(layer=SHARED, token=0)
    assert float(interval["low"]) > 0.2


def test_selectivity_is_the_grid_less_the_control_task(found: tuple[xr.Dataset, Controls]) -> None:
    grid, controls = found
    less = grid["auc"] - controls.cells["auc"].sel(control="control_task", drop=True)
    np.testing.assert_allclose(controls.cells["auc"].sel(control="selectivity"), less, atol=1e-12)


def test_shuffled_labels_and_random_vectors_tell_nothing(found: tuple[xr.Dataset, Controls]) -> None:
    _, controls = found
    assert all(abs(value(controls, "shuffled", layer) - 0.5) < 0.12 for layer in (MEMORISED, SHARED, NOISE))
    assert abs(controls.baselines["random_vectors"]["all"].value - 0.5) < 0.12
    assert abs(value(controls, "held_out", NOISE) - 0.5) < 0.12


def test_every_control_is_in_the_table_and_the_summary(found: tuple[xr.Dataset, Controls]) -> None:
    grid, controls = found
    assert controls.baselines["position"]["exact_answer_first"].value == 1.0  # planted in the token index
    rows = controls.rows()
    cells = {(row["layer"], row["metric"]): row for row in rows if row["layer"] != "all"}
    names = {"control_task_auc", "held_out_auc", "shuffled_auc", "selectivity"}
    assert set(cells) == {(layer, name) for layer in range(3) for name in names}
    assert cells[SHARED, "held_out_auc"]["value"] == value(controls, "held_out", SHARED)
    assert cells[SHARED, "held_out_auc"]["n"] == N
    whole = {row["metric"].removesuffix("_auc") for row in rows if row["layer"] == "all"}
    assert whole == set(controls.baselines)
    lines = controls.lines(grid)
    assert len(lines) == len(CELL_CONTROLS) + len(controls.baselines)
    best = int(grid["auc"].argmax("layer")[0])
    assert lines[0]["note"] == f"layer {best}, exact_answer_first"
    assert lines[0]["value"] == value(controls, "control_task", best)
    assert [line["name"] for line in lines if "unit" in line] == ["Selectivity (AUC minus control task)"]
    table, summary = controls.table(), controls.summary(grid)
    assert table[["layer", "token", "metric"]].to_dict("records") == [
        {key: row[key] for key in ("layer", "token", "metric")} for row in rows
    ]
    np.testing.assert_array_equal(table["value"], [row["value"] for row in rows])
    assert table["value"].dtype == float and summary["name"].tolist() == [line["name"] for line in lines]
    np.testing.assert_array_equal(summary["value"], [np.nan if x["value"] is None else x["value"] for x in lines])
    assert set(summary["unit"]) == {"AUC", "AUC difference"}
    assert controls.notes["answer_strings"] == controls.notes["answer_components"] == STRINGS


def test_one_answer_for_all_leaves_its_controls_undefined_with_reasons() -> None:
    x, answers, grid = planted()
    same = dataclasses.replace(answers, exact_answer=["Paris"] * N)
    controls = control_grid(x, same, grid, roles=ROLE, n_jobs=1)
    reasons = controls.cells["reason"].isel(layer=SHARED, token=0)
    assert np.isnan(controls.cells["auc"].sel(control=["control_task", "selectivity", "held_out"])).all()
    assert reasons.sel(control="selectivity").item().startswith("control task: ")
    assert reasons.sel(control="held_out").item() == controls.notes["held_out_reason"] != ""
    assert np.isfinite(value(controls, "shuffled", SHARED))


def test_samples_that_are_not_among_the_answers_are_an_error() -> None:
    x, answers, grid = planted()
    renamed = dataclasses.replace(answers, id=[f"t{i}" for i in range(N)])
    with pytest.raises(DataError, match="answers: 360 of 360 are not in the answers, first '0'"):
        control_grid(x, renamed, grid, roles=ROLE, n_jobs=1)


def test_selectivity_is_paired(monkeypatch) -> None:
    """A control task with the grid's own labels is the grid's own probe: nothing differs, and it is certain of that."""
    x, answers, grid = planted()
    monkeypatch.setattr("interp.controls.controls.control_labels", lambda *_, **__: grid["y"].values)
    cells = control_grid(x, answers, grid, roles=ROLE, n_jobs=1).cells.sel(control="selectivity")
    # Solved together with other labels, and so to other last digits.
    assert (cells["auc"] == 0).all() and (abs(cells["low"]) < 1e-5).all() and (abs(cells["high"]) < 1e-5).all()


def test_a_role_that_no_sample_has_is_undefined_in_every_control() -> None:
    x, answers, grid = planted()
    valid = np.stack([np.ones(N, dtype=bool), np.zeros(N, dtype=bool)], axis=1)
    grid = probe_grid(np.repeat(x, 2, axis=2), grid["y"].values, valid=valid, roles=["here", "nowhere"], n_jobs=1)
    finished: list[int] = []
    options = {"roles": ["here", "nowhere"], "n_jobs": 1}
    controls = control_grid(np.repeat(x, 2, axis=2), answers, grid, progress=finished.append, **options)
    assert controls.cells["auc"].sel(token="here").notnull().all()
    assert controls.cells["auc"].sel(token="nowhere").isnull().all()
    assert (controls.cells["reason"].sel(token="nowhere") != "").all()
    assert sum(finished) == grid["auc"].size
