"""The same bytes for any number of threads and workers: probes compute with one, a resumed run with as many as it had."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr
from threadpoolctl import threadpool_info

import interp
import interp.generating.generation as generation
from interp.demo import PROMPT_TEMPLATE, model_path, questions_path
from interp.errors import RunError
from interp.runs.run_folder import RunFolder, read_run_json
from interp.support.numerics import numerics
from interp.support.threads import one_thread, torch_threads


@pytest.fixture
def two_threads():
    """What a user's process has who sets nothing, on two cores."""
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(1)


def test_threads_are_as_before_also_after_an_error(two_threads) -> None:
    for threads in (torch_threads(1), one_thread()):
        with pytest.raises(ZeroDivisionError), threads:
            assert torch.get_num_threads() == 1
            raise ZeroDivisionError
        assert torch.get_num_threads() == 2
    with one_thread():
        assert {pool["num_threads"] for pool in threadpool_info()} == {1}
        with one_thread():
            pass
        assert {pool["num_threads"] for pool in threadpool_info()} == {1} and torch.get_num_threads() == 1
    assert torch.get_num_threads() == 2


def grids(x: np.ndarray, y: list[int], n_jobs: int) -> list[xr.Dataset]:
    """A grid and what is made of it, by so many workers."""
    grid = interp.probe_grid(x, y, roles=["a", "b"], n_jobs=n_jobs)
    return [
        grid,
        interp.permutation_test(grid, x, roles=["a", "b"], permutations=20, n_jobs=n_jobs),
        interp.permutation_test(grid, x, roles=["a", "b"], permutations=2, statistic="logistic", n_jobs=n_jobs),
    ]


def test_grids_depend_neither_on_workers_nor_on_threads(two_threads) -> None:
    rng = np.random.default_rng(0)
    y = (np.arange(100) % 2).tolist()
    x = (rng.standard_normal((100, 1, 2, 300)) + 0.15 * np.array(y)[:, None, None, None]).astype(np.float32)
    with torch_threads(1):
        alone = grids(x, y, 1)
    for n_jobs in (1, 2):  # in this process, which has two threads; in others
        for grid, expected in zip(grids(x, y, n_jobs), alone, strict=True):
            for name in expected.variables:  # to the last bit
                assert grid[name].values.tobytes() == expected[name].values.tobytes() or grid[name].dtype == object, (
                    name
                )
            xr.testing.assert_identical(grid, expected)
    assert torch.get_num_threads() == 2


def test_a_fitted_probe_depends_on_no_threads(two_threads) -> None:
    rng = np.random.default_rng(0)
    y = np.arange(100) % 2
    x = rng.standard_normal((100, 300)) + 0.15 * y[:, None]
    fitted = interp.fit_probe(x, y, layer=0, role="a")
    with torch_threads(1):
        again = interp.fit_probe(x, y, layer=0, role="a")
    assert fitted.direction.equal(again.direction) and (fitted.bias, fitted.low) == (again.bias, again.low)


OPTIONS = {
    "prompt_template": PROMPT_TEMPLATE,
    "limit": 40,
    "max_new_tokens": 6,
    "batch_tokens": 500,
    "permutations": 0,
    "controls": False,
    "roles": ("last_q", "-1"),
    "population": "all",
    "n_jobs": 1,
}


@pytest.fixture(scope="module", autouse=True)
def undrawn():
    """Figures are other tests' business, and slow."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("interp.running.pipeline.draw", lambda *_: None)
        yield


def run_demo(out: Path) -> interp.Run:
    return interp.run(model=model_path(), data=questions_path(), out=out, **OPTIONS)


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> interp.Run:
    """A run of one thread that nothing happened to."""
    return run_demo(tmp_path_factory.mktemp("runs") / "whole")


@pytest.fixture(scope="module")
def stopped(tmp_path_factory) -> Path:
    """The same, broken off after its first batch of answers."""
    out, run, batches = tmp_path_factory.mktemp("runs") / "stopped", generation._generate_batch, []

    def once(*args):
        if batches:
            raise KeyboardInterrupt
        batches.append(1)
        return run(*args)

    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(generation, "_generate_batch", once)
        run_demo(out)
    return out


def test_a_run_resumed_in_a_process_of_other_threads_is_the_same(whole, stopped, two_threads, tmp_path, monkeypatch):
    folder, counted, one_pass = Path(shutil.copytree(stopped, tmp_path / "run")), [], generation.forward

    def counting(*args, **kwargs):
        counted.append(torch.get_num_threads())
        return one_pass(*args, **kwargs)

    monkeypatch.setattr(generation, "forward", counting)
    resumed = interp.resume(folder, n_jobs=1)
    assert set(counted) == {1} and torch.get_num_threads() == 2
    for name in ("samples.jsonl", "grid.csv", "comparison.json"):
        assert (folder / name).read_bytes() == (whole.folder.path / name).read_bytes(), name
    for shard in (whole.folder.activations).glob("*.safetensors"):
        assert (resumed.folder.activations / shard.name).read_bytes() == shard.read_bytes()
    record = resumed.settings
    assert record["numerics"]["model"] == numerics() | {"threads": 1}
    assert record["numerics"]["probes"]["threads"] == 1


def test_threads_are_given_back_by_a_resume_that_fails(stopped, two_threads, tmp_path, monkeypatch) -> None:
    folder = shutil.copytree(stopped, tmp_path / "run")
    monkeypatch.setattr("interp.running.pipeline.check_unchanged", None)
    with pytest.raises(TypeError):
        interp.resume(folder)
    assert torch.get_num_threads() == 2


class Went(Exception):
    """How far a resume came."""


def reach(monkeypatch, name: str) -> None:
    """A resume ends where it would call this function."""
    monkeypatch.setattr(f"interp.running.{name}", lambda *_, **__: (_ for _ in ()).throw(Went))


def changed(folder: Path, **numbers: object) -> Path:
    record = read_run_json(RunFolder(folder))
    record["numerics"]["model"] |= numbers
    record["state"] = "answering"
    (folder / "run.json").write_text(json.dumps(record))
    return folder


@pytest.mark.parametrize("key", ["processor", "instructions", "matmul_precision"])
def test_where_bytes_cannot_be_repeated_a_resume_is_refused(stopped, whole, tmp_path, monkeypatch, key) -> None:
    message = f"here it would get other last digits .{key} another then, .* now.; go on with it on a machine like"
    answering = changed(Path(shutil.copytree(stopped, tmp_path / "answering")), **{key: "another"})
    before = {path: path.read_bytes() for path in answering.iterdir() if path.is_file()}
    with pytest.raises(RunError, match=message):
        interp.resume(answering)
    assert before == {path: path.read_bytes() for path in answering.iterdir() if path.is_file()}

    # Every batch is there: probing goes on, and the record says where.
    measured = changed(Path(shutil.copytree(whole.folder.path, tmp_path / "measured")), **{key: "another"})
    reach(monkeypatch, "pipeline.analyse")
    with pytest.raises(Went):
        interp.resume(measured)
    made = read_run_json(RunFolder(measured))["numerics"]
    assert made["model"][key] == "another" and made["probes"][key] == numerics()[key]

    # One shard is not: the model has to run again.
    for path in sorted((measured / "activations").glob("shard-*"))[-2:]:
        path.unlink()
    with pytest.raises(RunError, match=message):
        interp.resume(measured)


def test_a_record_of_an_earlier_version_goes_on(stopped, two_threads, tmp_path, monkeypatch) -> None:
    folder = Path(shutil.copytree(stopped, tmp_path / "old"))
    record = read_run_json(RunFolder(folder))
    for key in ("numerics", "used", "asked", "given"):
        del record[key]
    (folder / "run.json").write_text(json.dumps(record))
    reach(monkeypatch, "measuring.generate_answers")
    with pytest.raises(Went):
        interp.resume(folder)
