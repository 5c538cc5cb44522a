"""Workers of a real Ray cluster of several node processes: a node is killed in mid-run, another joins, the bytes stay."""

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

import interp
from interp.engines.ray_workers import RayWorkers
from interp.runs.opened_run import Run

ray = pytest.importorskip("ray")

COUNTRIES = ("France", "Spain", "Italy", "Kenya", "Peru")
OPTIONS = {"permutations": 0, "controls": False, "batch_tokens": 100, "max_new_tokens": 4, "n_jobs": 1}
NODE = {"num_cpus": 1, "object_store_memory": 100 << 20}


@pytest.fixture(scope="module")
def cluster():
    """Two nodes of one processor each; their processes find what the tests import."""
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join([str(Path(__file__).parents[2]), str(Path(__file__).parent)]))
        patch.setenv("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # ray's own warning of a change to come
        nodes = Cluster(initialize_head=True, head_node_args={**NODE, "include_dashboard": False})
        nodes.second = nodes.add_node(**NODE)
        yield nodes
        nodes.shutdown()


def rows() -> list[dict]:
    some = []
    for i in range(36):
        truth, said = COUNTRIES[i % 5], COUNTRIES[(i * 7 + i // 5) % 5]
        row = {"id": f"row-{i}", "question": f"Where is city {i}?", "answer": truth}
        some.append(row if i % 3 == 0 else row | {"completion": f" It is in {said}.", "correct": i % 4 == 0})
    return some


def files(folder: Path) -> dict[str, bytes]:
    """What does not say when it was made."""
    timed = ("run.json", "report.html")
    paths = (path for path in folder.rglob("*") if path.is_file() and path.name not in timed)
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def not_evaluated(journal, *rest, **options) -> Run:
    journal.write()
    return Run(journal.folder)


def test_a_run_on_a_cluster_of_which_a_node_is_killed_is_that_of_one_machine(
    cluster, llama_folder, tmp_path, monkeypatch
) -> None:
    """The second node dies with its worker as the run answers, a third joins and captures; one shard is shipped."""
    monkeypatch.setattr("interp.storing.shards.SHARD_SAMPLES", 6)
    # Grids are a function of these files; with report and all: benchmarks/scaling.py.
    monkeypatch.setattr("interp.running.pipeline._evaluate", not_evaluated)
    data = tmp_path / "rows.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows()), encoding="utf-8")
    asked = {"model": llama_folder, "data": data, **OPTIONS}
    whole = interp.run(out=tmp_path / "whole", **asked).folder.path

    class Watched(RayWorkers):
        def make(self, units, splits, advance=None):
            units = list(units)
            for place, made in enumerate(super().make(units, splits, advance)):
                if units[0].name == "answer 0" and place == 0:
                    self.until(2)
                    cluster.remove_node(cluster.second, allow_graceful=False)
                    cluster.second = cluster.add_node(**NODE)
                if units[0].name != "answer 0" and place == 0:
                    self.until(3)
                yield made

        def until(self, workers: int) -> None:
            """Wait until so many have loaded the model, as they do while others work."""
            while self.counts["workers"] < workers:
                self._begin_workers()
                ready, _ = ray.wait([*self._beginning], timeout=60)
                for task in ready:
                    self._begun(task)

    monkeypatch.setattr("interp.running.machines.RayWorkers", Watched)
    run = interp.run(out=tmp_path / "ray", engine="ray", address=cluster.address, **asked)
    assert files(run.folder.path) == files(whole)
    (session,) = run.record["engines"]
    assert session["engine"] == "ray" and session["workers"] >= 3 and session["lost"] >= 1 and not session["refused"]

    out = Path(shutil.copytree(whole, tmp_path / "stopped"))  # begun on one machine, gone on with on a cluster
    for path in sorted((out / "activations").iterdir())[:4]:
        path.unlink()
    monkeypatch.setattr("interp.running.machines.RayWorkers", RayWorkers)
    hidden = lambda unit: replace(unit, seen="a file that no worker sees")  # noqa: E731  (as on a disk of its own)
    make = RayWorkers.make
    monkeypatch.setattr(RayWorkers, "make", lambda self, units, *rest: make(self, map(hidden, units), *rest))
    resumed = interp.resume(out, engine="ray", address=cluster.address, n_jobs=1)
    assert files(resumed.folder.path) == files(whole)
