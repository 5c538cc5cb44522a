"""An opened run stands wherever a grid, or a Capture with its labels, is taken; what it has not come to it says."""

import csv
import json
import math
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from drawn import mesh
from matplotlib import pyplot as plt
from test_pipeline import make_rows

import interp
from interp.grids.of_run import grid_of
from interp.statistics.auc import Estimate

ROLE = "exact_answer_last"


@pytest.fixture(scope="module")
def run(llama_folder, tmp_path_factory) -> interp.Run:
    """Of other settings than the functions' defaults."""
    out = tmp_path_factory.mktemp("runs") / "first"
    options = {"permutations": 20, "C": 2.0, "folds": 4, "seed": 3, "roles": ("last_q", "exact_answer_first", ROLE)}
    return interp.run(model=llama_folder, data=make_rows(), out=out, n_jobs=1, **options)


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def test_the_comparison_is_one_and_holds_what_its_file_holds(run) -> None:
    stored = json.loads(run.folder.comparison.read_text(encoding="utf-8"))
    found = run.comparison
    assert isinstance(found, interp.Comparison)
    assert found == stored and {**found} == stored and list(found) == list(stored) and len(found) == len(stored)
    assert found["best"] == stored["best"] == found.best and found.get("nothing", 1) == 1 and "gain" in found
    assert found["controls"]["baselines"] == stored["controls"]["baselines"]
    assert isinstance(found["observations"], list) and isinstance(found.observations, pd.DataFrame)
    with pytest.raises(TypeError):
        found["best"] = {}
    axes = interp.plot_comparison(run.probe, run.attention, comparison=found)
    np.testing.assert_array_equal(mesh(axes[2]).get_array(), found.delta_auc["delta"])
    computed = interp.compare_grids(run.probe, run.attention)
    assert computed == {name: stored[name] for name in computed} and set(computed) < set(stored)


def test_what_reads_a_grid_reads_that_of_a_run_and_of_its_folder(run) -> None:
    folder = run.folder.path
    for same in (run, folder, str(folder)):
        xr.testing.assert_identical(grid_of(same), run.probe)
        pd.testing.assert_frame_equal(interp.observations(same), interp.observations(run.probe))
        np.testing.assert_array_equal(mesh(interp.plot_grid(same)).get_array(), run.probe["auc"])
    assert interp.selective(run).to_dict() == interp.selective(run.probe).to_dict()
    assert interp.plot_risk_coverage(run).get_title() == interp.plot_risk_coverage(interp.selective(run)).get_title()
    for axes in (interp.plot_comparison(run), interp.plot_comparison(str(folder))):
        np.testing.assert_array_equal(mesh(axes[2]).get_array(), run.comparison.delta_auc["delta"])
    with pytest.raises(interp.DataError, match="expected two grids, or a run"):
        interp.plot_comparison(run.probe)
    given = mesh(interp.plot_heads(run.capture, run.probe, ROLE, metric="to_self")).get_array()
    for ax in (interp.plot_heads(run, ROLE, metric="to_self"), interp.plot_heads(run, role=ROLE, metric="to_self")):
        np.testing.assert_array_equal(mesh(ax).get_array(), given)
    with pytest.raises(interp.DataError, match="role: expected one of "):
        interp.plot_heads(run)


def test_what_fits_probes_takes_capture_labels_folds_and_settings_of_a_run(run) -> None:
    """Another seed, C and number of folds than the defaults: all of them are the run's."""
    for made, kept in (
        (interp.probe_grid(run, n_jobs=1), run.probe),
        (interp.attention_grid(run, n_jobs=1), run.attention),
    ):
        own = made.drop_vars([]).map(lambda values: values)
        xr.testing.assert_equal(own, kept[list(own)])
        assert {name: made.attrs[name] for name in ("C", "folds", "seed", "site")} == {
            name: kept.attrs[name] for name in ("C", "folds", "seed", "site")
        }
    tested = interp.permutation_test(run, permutations=20, n_jobs=1)
    xr.testing.assert_equal(tested["p_corrected"], run.probe["p_corrected"])
    table = run.table()
    controls = interp.control_grid(run, n_jobs=1).table()
    rows = table[table["metric"].isin(controls["metric"])].query("metric != 'embed_auc'")
    pd.testing.assert_frame_equal(controls, rows.reset_index(drop=True))
    matched = interp.grid_table(interp.matched_width_grid(run, n_jobs=1).assign_attrs(kind="matched_width"))
    rows = table[table["metric"] == "matched_width_auc"].reset_index(drop=True)
    pd.testing.assert_frame_equal(matched, rows)
    gain = interp.compare_grids(interp.gain_grid(run, n_jobs=1), run).table().assign(metric="gain_auc")
    pd.testing.assert_frame_equal(gain, table[table["metric"] == "gain_auc"].reset_index(drop=True))


def test_what_is_given_beside_a_run_goes_before_what_it_brings(run) -> None:
    other = interp.probe_grid(run, probe="mass-mean", n_jobs=1)
    assert other.attrs["probe"] == "mass-mean" and other["fold"].equals(run.probe["fold"])
    assert other.attrs["C"] == 1.0  # the run's C is its own estimator's
    cell = other["auc"].sel(layer=1, token=ROLE)
    assert interp.fit_probe(run, layer=1, role=ROLE, probe="mass-mean").auc == pytest.approx(float(cell), abs=1e-12)
    wrong = [None if y is None else not y for y in run.answers.correct]
    flipped = interp.probe_grid(run, wrong, C=1.0, n_jobs=1)
    np.testing.assert_array_equal(flipped["y"], 1 - run.probe["y"])
    assert flipped.attrs["C"] == 1.0


def test_runs_are_compared_by_object_folder_or_grid(run, tmp_path) -> None:
    second = tmp_path / "second"
    shutil.copytree(run.folder.path, second)
    expected = interp.compare_runs({"first": run.probe, "second": run.attention.assign_attrs(kind="probe")})
    for grids in ({"first": run, "second": second}, [run, str(second)], (run.folder.path, interp.open_run(second))):
        found = interp.compare_runs(grids)
        assert found["first"].values.tolist() == ["first"] and found["second"].values.tolist() == ["second"]
        assert (found["samples"] == "same").all() and float(found["mean_delta"][0]) == 0.0
    third = tmp_path / "other" / "second"
    shutil.copytree(second, third)
    assert interp.compare_runs([second, third])["first"].values.tolist() == [str(second)]  # named alike: the whole path
    table = interp.grid_table(expected)
    assert table["pair"].unique().tolist() == ["first − second"] and len(table) == expected["delta"].size
    np.testing.assert_array_equal(table["value"], expected["delta"].values.ravel())
    with pytest.raises(interp.DataError, match="is given twice"):
        interp.compare_runs([second, second])
    with pytest.raises(
        interp.DataError, match=r"expected {name: grid}, every grid under a name of its own, got \[Run, Dataset\]"
    ):
        interp.compare_runs([run, run.probe])
    with pytest.raises(
        interp.RunError, match=r"there is no grid.nc, as in the folder of a finished run; `interp status"
    ):
        interp.compare_runs([run, tmp_path])


def test_the_table_of_a_run_is_its_grid_csv_with_numbers(run) -> None:
    table = run.table()
    with run.folder.grid_csv.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert list(table) == list(rows[0]) and len(table) == len(rows)
    for (_, row), stored in zip(table.iterrows(), rows, strict=True):
        for name in ("token", "metric", "reason"):
            assert row[name] == stored[name]
        assert str(row["layer"]) == stored["layer"]
        for name in ("value", "low", "high", "p", "q", "p_corrected"):
            assert math.isnan(row[name]) if stored[name] == "" else row[name] == float(stored[name])
        assert [str(row[name]) for name in ("n", "n_correct")] == [stored[name] for name in ("n", "n_correct")]
    cells = table[~table["layer"].isin(["embed", "all"])].astype({"layer": int})
    assert cells["layer"].max() == 2 and table["n"].dtype == "Int64"
    for same in (run, str(run.folder.path)):
        pd.testing.assert_frame_equal(interp.grid_table(same), table)


def test_every_grid_has_the_rows_of_the_table(run) -> None:
    table = run.table()
    metrics = [str(name) for name in run.attention["metric"].values]
    for grid, names in (
        (run.probe, ["probe_auc"]),
        (run.attention, ["attention_auc", *metrics, *(f"{name}_auc" for name in metrics)]),
        (run.comparison.delta_auc, ["delta_auc"]),
    ):
        rows = table[table["metric"].isin(names)].reset_index(drop=True)
        pd.testing.assert_frame_equal(interp.grid_table(grid), rows)
    pd.testing.assert_frame_equal(run.comparison.table(), interp.grid_table(run.comparison.delta_auc))
    with pytest.raises(interp.DataError, match=r"select one: grid.sel\(grid=…\)"):
        interp.grid_table(interp.join_grids(run.probe, run.attention))
    with pytest.raises(interp.DataError, match="expected a grid, a difference of grids, a run or its folder"):
        interp.grid_table(run.probe[["score"]])


UNFINISHED = {
    "answering": ("samples", "answers", "positions", "capture", "probe", "attention", "comparison", "table"),
    "capturing": ("capture", "probe", "attention", "comparison", "table"),
    "probing": ("probe", "attention", "comparison", "table"),
    "reporting": ("probe", "attention", "comparison", "table"),
}


@pytest.mark.parametrize("state", UNFINISHED)
def test_what_a_run_has_not_come_to_says_how_to_go_on(run, tmp_path, state) -> None:
    folder = tmp_path / "run"
    shutil.copytree(run.folder.path, folder)
    record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    (folder / "run.json").write_text(json.dumps(record | {"state": state, "resume": f"interp resume {folder}"}))
    if state == "answering":
        (folder / "samples.jsonl").unlink()
    opened = interp.open_run(folder)
    for name in {name for names in UNFINISHED.values() for name in names}:
        if name not in UNFINISHED[state]:
            assert getattr(opened, name) is not None
            continue
        how = re.escape(f"go on with `interp.resume({str(folder)!r}, data=…)`")  # its rows were objects of Python
        with pytest.raises(interp.RunError, match=rf"is not finished \({state}\).*{how}"):
            getattr(opened, name)() if name == "table" else getattr(opened, name)
    with pytest.raises(interp.RunError, match="is not finished"):
        interp.selective(opened)
    with pytest.raises(interp.RunError, match="is not finished"):
        opened.activations(layer=0, role=ROLE) if "capture" in UNFINISHED[state] else opened.summary()
    # Another process finishes it: the same object knows.
    shutil.copytree(run.folder.path, folder, dirs_exist_ok=True)
    assert opened.comparison == run.comparison


@pytest.mark.parametrize("name", ["comparison.json", "grid.csv", "grid.nc", "samples.jsonl"])
def test_a_file_that_a_finished_run_has_lost_is_named(run, tmp_path, name) -> None:
    folder = tmp_path / "run"
    shutil.copytree(run.folder.path, folder)
    (folder / name).unlink()
    opened = interp.open_run(folder)
    read = {"comparison.json": lambda: opened.comparison, "grid.csv": opened.table, "grid.nc": lambda: opened.probe}
    with pytest.raises(interp.RunError, match=f"{name} is missing, though the run is finished"):
        read.get(name, lambda: opened.answers)()


@pytest.mark.parametrize(
    ("name", "text"), [("comparison.json", "{"), ("comparison.json", "[]"), ("grid.csv", "a\n1\n")]
)
def test_a_damaged_file_is_an_error_of_ours(run, tmp_path, name, text) -> None:
    folder = tmp_path / "run"
    shutil.copytree(run.folder.path, folder)
    (folder / name).write_text(text, encoding="utf-8")
    opened = interp.open_run(folder)
    with pytest.raises(interp.RunError, match=f"{name} does not hold"):
        opened.comparison if name == "comparison.json" else opened.table()


def test_every_object_says_what_it_is_in_a_line_or_two(run) -> None:
    selected = interp.selective(run)
    controls = interp.control_grid(run, n_jobs=1)
    objects = [
        run, run.answers, run.positions, run.positions.ledger, run.capture, run.capture.resid, run.capture.embed,
        run.capture.attention["entropy"], run.comparison, controls, selected, selected.reliability,
        interp.load_probe(run.folder.best_probe), controls.baselines["answer_length"]["all"],
        interp.load_rows(make_rows()), interp.plan(model=run.settings["settings"]["model"], data=make_rows(), time=False),
    ]  # fmt: skip
    for each in objects:
        text = repr(each)
        assert type(each).__name__ in text and len(text) < 320 and text.count("\n") < 2, text
        assert "row-" not in text and "array(" not in text and "tensor(" not in text, text
    assert "60" in repr(run.capture.resid) and "on disk" in repr(run.capture.resid)
    assert isinstance(controls.baselines["answer_length"]["all"], Estimate)


def test_part_of_a_run_is_the_same_part_of_its_answers_positions_and_capture(run) -> None:
    """A part of the activations stays on the disk, and gives the same grid as the whole restricted to it."""
    rng = np.random.default_rng(0)
    chosen = np.sort(rng.permutation(60)[:50])
    answers, cap, positions = run.answers[chosen], run.capture[chosen], run.positions[chosen]
    assert tuple(answers.id) == cap.id and len(cap) == len(positions) == 50
    assert type(cap.resid) is type(run.capture.resid) and cap.resid.shape == (50, *run.capture.resid.shape[1:])
    for whole, part in ((run.capture.resid, cap.resid), (run.capture.embed, cap.embed)):
        np.testing.assert_array_equal(np.asarray(part), np.asarray(whole)[chosen])
    assert positions.index.equal(run.positions.index[chosen]) and cap.valid.equal(run.capture.valid[chosen])
    loaded = interp.Capture.concat([run.capture])[chosen.tolist()]
    one, two = (interp.probe_grid(each, answers.correct, answers.group, n_jobs=1) for each in (cap, loaded))
    xr.testing.assert_identical(one, two)
    assert [part.id for part in run.capture[:2]] == [run.capture.id[:1], run.capture.id[1:2]]
    for part in (run.capture, run.positions):
        with pytest.raises(interp.DataError, match="sample 60 is outside the 60 samples"):
            part[60]


def test_folders_that_hold_no_run_are_refused(tmp_path) -> None:
    for function in (interp.observations, interp.selective, interp.plot_grid, interp.plot_risk_coverage):
        with pytest.raises(interp.RunError, match="there is no grid.nc"):
            function(tmp_path)
    with pytest.raises(interp.RunError, match="there is no grid.csv"):
        interp.grid_table(Path(tmp_path))
