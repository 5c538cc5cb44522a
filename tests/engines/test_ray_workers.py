"""The pool of workers, on a cluster of this process: who dies, is refused, does not fit, and what then is done."""

import re
import socket
import sys
from dataclasses import dataclass, replace
from types import SimpleNamespace

import pytest

import interp
from interp.engines.asked import ENGINES, check_engine
from interp.engines.ray_workers import TRIES, RayWorkers, ray_cluster
from interp.engines.replica import Replica, ReplicaWorker, differences, facts
from interp.engines.units import Local, Worker
from interp.errors import DataError, ModelError, RunError
from interp.models.memory import Splits
from interp.running.machines import Machines, machines


@dataclass(frozen=True)
class Unit:
    number: int
    deaths: int = 0
    """How many of its workers die."""
    batches: tuple[str, ...] = ("x",)
    samples: int = 2

    @property
    def name(self) -> str:
        return f"unit {self.number}"

    def __call__(self, worker: Worker) -> int:
        if self.number < 0:
            raise RunError("the unit's own sentence")
        if not self.number % 5:
            worker.splits.sizes[f"batch {self.number}"] = [1, 1]
        return self.number * 10


class RayError(Exception):
    pass


class RayTaskError(RayError):
    def __init__(self, cause: Exception) -> None:
        self.cause = cause


class Died(RayError):
    pass


class Cluster:
    """What of ray the pool uses: nodes with resources, actors that answer at once, or die."""

    exceptions = SimpleNamespace(RayError=RayError, RayTaskError=RayTaskError, ActorDiedError=Died)

    def __init__(self, *nodes: dict, facts: list[dict], loads: int = 99) -> None:
        self.resources, self.facts, self.loads = list(nodes), facts, loads
        self.made: dict[int, int] = {}
        self.begun = self.killed = 0
        self.asked: list[dict] = []

    def nodes(self) -> list[dict]:
        return [{"Alive": True, "Resources": node} for node in self.resources] + [
            {"Alive": False, "Resources": {"CPU": 9}}
        ]

    def remote(self, kind: type) -> SimpleNamespace:
        assert kind is ReplicaWorker
        return SimpleNamespace(options=lambda **asked: SimpleNamespace(remote=lambda replica: self.begin(asked)))

    def begin(self, asked: dict) -> "Actor":
        self.asked.append(asked)
        self.begun += 1
        return Actor(self, self.begun - 1)

    def kill(self, actor: "Actor") -> None:
        self.killed += 1

    def wait(self, tasks, timeout):
        return list(tasks), []

    def get(self, task):
        return task()


class Actor:
    def __init__(self, cluster: Cluster, number: int) -> None:
        self.cluster, self.number = cluster, number
        self.facts, self.make = SimpleNamespace(remote=self._facts), SimpleNamespace(remote=self._make)

    def _facts(self):
        def loaded():
            if self.number >= self.cluster.loads:
                raise Died("killed as it loaded the model")
            return self.cluster.facts[min(self.number, len(self.cluster.facts) - 1)]

        return loaded

    def _make(self, unit: Unit, sizes: dict):
        def made():
            tries = self.cluster.made[unit.number] = self.cluster.made.get(unit.number, 0) + 1
            if tries <= unit.deaths:
                raise Died("killed")
            worker = Worker(None, Splits(dict(sizes)))
            try:
                return unit(worker), worker.splits.sizes
            except RunError as error:
                raise RayTaskError(error) from error

        return made


REPLICA = Replica("model", "cpu", "float32", False, 1, 0)
LIKE = {"weights": "w", "processor": "p"}


def pool(*nodes: dict, facts: tuple[dict, ...] = (LIKE,), replica: Replica = REPLICA, loads: int = 99) -> RayWorkers:
    return RayWorkers(Cluster(*nodes, facts=list(facts), loads=loads), replica, LIKE)


def made(workers: RayWorkers, units: list[Unit], splits: Splits | None = None) -> list[int]:
    return sorted(result for _, result in workers.make(units, splits or Splits()))


def test_every_unit_is_made_once_though_its_workers_die() -> None:
    workers, splits, written = pool({"CPU": 2}, {"CPU": 1}), Splits(), []
    splits.changed = lambda: written.append(1)
    units = [Unit(n, deaths=(TRIES - 1) * (n == 3)) for n in range(11)]
    assert made(workers, units, splits) == [n * 10 for n in range(11)]
    assert workers.counts == {"workers": 3 + TRIES - 1, "lost": TRIES - 1, "refused": 0}
    assert splits.sizes == {f"batch {n}": [1, 1] for n in (0, 5, 10)} and len(written) == 3
    assert workers.ray.asked[0] == {"num_cpus": 1.0, "num_gpus": 0, "max_restarts": 0}
    workers.close()
    assert workers.ray.killed == 3 and not workers.workers


def test_a_node_that_joins_is_used() -> None:
    workers = pool({"CPU": 1})
    making = workers.make(map(Unit, range(1, 9)), Splits())
    assert len([next(making) for _ in range(3)]) == 3 and workers.counts["workers"] == 1
    workers.ray.resources.append({"CPU": 2})
    assert len(list(making)) == 5 and workers.counts["workers"] == 3


def test_a_unit_that_kills_every_worker_stops_the_run_and_is_named() -> None:
    with pytest.raises(RunError, match=f"unit 7: {TRIES} workers died while they made it, the last with Died"):
        made(pool({"CPU": 2}), [Unit(1), Unit(7, deaths=99)])


def test_an_error_of_the_unit_itself_is_told_as_it_is() -> None:
    with pytest.raises(RunError, match="^the unit's own sentence$"):
        made(pool({"CPU": 1}), [Unit(-1)])


def test_a_worker_that_would_get_other_digits_is_not_used() -> None:
    told: list[str] = []
    workers = pool({"CPU": 2}, facts=(LIKE | {"processor": "q"}, LIKE))
    workers.on_refused = told.append
    assert made(workers, [Unit(n) for n in range(4)]) == [0, 10, 20, 30]
    assert told == ["it would get other last digits (processor p here, q there)"] and workers.counts["workers"] == 1
    workers = pool({"CPU": 1}, facts=({**LIKE, "weights": "v"},))
    with pytest.raises(RunError, match=r"no worker of the Ray cluster can be used: it would .*weights w here, v there"):
        made(workers, [Unit(1)])


def test_workers_that_die_as_they_load_are_not_begun_for_ever() -> None:
    with pytest.raises(RunError, match=f"{TRIES} workers of the Ray cluster died while they loaded the model"):
        made(pool({"CPU": 1}, loads=0), [Unit(1)])


@pytest.mark.parametrize(
    ("replica", "needs"),
    [(replace(REPLICA, threads=64), "64 CPU"), (replace(REPLICA, device="spread", gpus=8), "8 GPU and 1 CPU")],
)
def test_a_model_that_no_node_has_room_for_is_said_to_be_one(replica: Replica, needs: str) -> None:
    with pytest.raises(RunError, match=f"no node of the Ray cluster has room for the model, which takes {needs}"):
        made(pool({"CPU": 16, "GPU": 4}, replica=replica), [Unit(1)])
    workers = pool({"CPU": 64, "GPU": 8}, {"CPU": 64, "GPU": 9}, replica=replica)
    assert workers.room() == 2 and made(workers, [Unit(1)]) == [10]  # one replica a node, on all of its GPUs


def test_a_replica_makes_units_and_knows_what_its_bytes_depend_on(llama, llama_folder) -> None:
    replica = Replica.of(llama_folder, llama, device="cpu", dtype="float32", processed_weights=False, threads=1)
    worker = ReplicaWorker(replica)
    assert worker.facts() == facts(llama) and not differences(facts(llama), worker.facts())
    assert worker.make(Unit(5), {"batch 4": [2]}) == (50, {"batch 4": [2], "batch 5": [1, 1]})
    assert differences({"a": 1, "b": 2}, {"a": 1, "b": 3}) == "b 2 here, 3 there"


@pytest.mark.usefixtures("as_users_run_it")
def test_without_a_cluster_this_process_makes_the_units() -> None:
    with machines("local", None) as there, there.engine(None, None, None, "the model") as engine, there.cells():
        assert engine == Local("the model") and there == Machines()


def test_what_no_worker_can_load_is_refused_before_anything_is_begun(llama, llama_folder, tmp_path) -> None:
    with pytest.raises(
        RunError, match=r"loads the model in every worker, by its name or path, and got a (Hooked|TransformerB)"
    ):
        interp.run(model=llama, data=[], out=tmp_path / "out", engine="ray")
    with pytest.raises(ModelError, match="by its name or path"):
        Replica.of(llama, llama, device="cpu", dtype="float32", processed_weights=False, threads=1)
    for name in ENGINES:
        check_engine(name, None, llama_folder)
    with pytest.raises(DataError, match="engine: expected"):
        interp.run(model="m", data=[], out=tmp_path / "out", engine="dask")
    with pytest.raises(DataError, match="address: is that of a Ray cluster, and the engine is 'local'"):
        interp.run(model="m", data=[], out=tmp_path / "out", address="host:6379")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("address", ["127.0.0.1:{}", "ray://localhost:{}", "127.0.0.1:{}0000000", "[::1]:{}"])
def test_a_cluster_where_nothing_listens_is_said_to_be_none_at_once(address, monkeypatch) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # not listening: nothing else does either
        address = address.format(bound.getsockname()[1])
        init: list[str] = []
        fake = SimpleNamespace(is_initialized=lambda: False, init=lambda **given: init.append(given["address"]))
        monkeypatch.setitem(sys.modules, "ray", fake)
        said = f"no Ray cluster at '{re.escape(address)}' can be used: "
        with pytest.raises(RunError, match=said), ray_cluster(address):
            pass
        monkeypatch.setenv("RAY_ADDRESS", address)
        with pytest.raises(RunError, match="no Ray cluster of this machine can be used: "), ray_cluster(None):
            pass
        assert init == []


def test_without_the_package_the_extra_is_named(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(RunError, match=r"pip install 'interp\[ray\]'"), ray_cluster(None):
        pass
