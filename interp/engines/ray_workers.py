"""Workers of a Ray cluster, one replica of the model each: those that die are replaced, nodes that join are used."""

import logging
import os
import socket
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar

from interp.engines.replica import Replica, ReplicaWorker, differences
from interp.engines.units import Unit
from interp.errors import InterpError, RunError
from interp.models.memory import Splits

T = TypeVar("T")
TRIES = 3
"""How many workers may die of a unit before the run stops."""
WAIT = 0.2
"""Seconds after which it is looked whether a node has joined, and Ctrl-C is heard."""
REACHED = 5.0
"""Seconds in which a cluster's head takes a connection; Ray itself would try for minutes."""


@contextmanager
def ray_cluster(address: str | None) -> Iterator[Any]:
    """Package ray, connected to the cluster at `address` (None: RAY_ADDRESS, one that runs here, else a new one).

    A connection that was there is used, and left. Raises RunError without the package or the cluster.
    """
    try:
        import ray
    except ImportError as error:
        raise RunError("engine='ray' needs a package: pip install 'interp[ray]'") from error
    ours = not ray.is_initialized()
    if ours:
        try:
            own = address in (None, "local")
            _check_reached(address or os.environ.get("RAY_ADDRESS", ""))
            ray.init(
                address=address,
                log_to_driver=False,
                logging_level=logging.ERROR,  # else it speaks before the run does
                include_dashboard=False if own else None,
            )
        except Exception as error:  # of gRPC, the network or another version of ray: to the user it is one sentence
            said = (str(error).strip() or type(error).__name__).splitlines()[0]
            where = "of this machine" if address is None else f"at {address!r}"
            raise RunError(
                f"no Ray cluster {where} can be used: {said}; start one with `ray start --head`, and give its address "
                "(one that asks for a token: RAY_AUTH_MODE=token, and the same ~/.ray/auth_token on every machine)"
            ) from error
    try:
        yield ray
    finally:
        if ours:
            ray.shutdown()


def _check_reached(address: str) -> None:
    """Raise OSError for a `host:port` where nothing listens."""
    host, _, port = address.rpartition("://")[2].rpartition(":")
    if host and port.isdecimal():
        socket.create_connection((host.strip("[]"), int(port)), timeout=REACHED).close()


@dataclass
class RayWorkers:
    """An engine: as many workers as the cluster has room for, each with the model, loaded once."""

    distant: ClassVar[bool] = True
    ray: Any
    replica: Replica
    like: Mapping[str, Any]
    """`facts` of the run's own model: a worker that would get other bytes is not used."""
    workers: dict[Any, bool] = field(default_factory=dict, repr=False)
    """Those that were found to be like the run's own model."""
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("workers", "lost", "refused"), 0))
    """How many there were, died, and were refused: what `run.json` says of the engine."""
    refused: list[str] = field(default_factory=list)
    """Why each of them was."""
    on_refused: Callable[[str], object] = field(default=str, repr=False)
    """Told why, when it happens."""
    _beginning: dict[Any, Any] = field(default_factory=dict, repr=False)
    _died_early: int = 0
    """Workers that died, one after the other, as they loaded the model."""

    def makes(self, number: int) -> bool:
        """Every unit."""
        return True

    def make(
        self, units: Iterable[Unit[T]], splits: Splits, advance: Callable[[int], None] | None = None
    ) -> Iterator[tuple[Unit[T], T]]:
        """As `Engine.make`, in the order in which the workers finish.

        Raises RunError for a unit of which several workers died, or where none can be used; an error of the unit's own
        as it is.
        """
        left, tries = iter(units), dict[int, int]()
        again: deque[Unit[T]] = deque()
        running: dict[Any, tuple[Any, Unit[T]]] = {}
        idle = deque(self.workers)
        following = next(left, None)
        while following is not None or again or running:
            if following is not None or again:
                self._begin_workers()
            while idle and (following is not None or again):
                unit = again.popleft() if again else following
                assert unit is not None
                if unit is following:
                    following = next(left, None)
                worker = idle.popleft()
                known = {name: splits.sizes[name] for name in unit.batches if name in splits.sizes}
                running[worker.make.remote(unit, known)] = (worker, unit)
            if not running and not self.workers:
                self._check_any()
            finished, _ = self.ray.wait([*running, *self._beginning], timeout=WAIT)
            for task in finished:
                if task in self._beginning:
                    if (worker := self._begun(task)) is not None:
                        idle.append(worker)
                    continue
                worker, unit = running.pop(task)
                try:
                    result, sizes = self.ray.get(task)
                except self.ray.exceptions.RayTaskError as error:
                    raise (error.cause if isinstance(error.cause, InterpError) else error) from None
                except self.ray.exceptions.RayError as error:
                    self._lost(worker)
                    tries[unit.number] = tries.get(unit.number, 0) + 1
                    if tries[unit.number] == TRIES:
                        raise RunError(
                            f"{unit.name}: {TRIES} workers died while they made it, the last with "
                            f"{type(error).__name__}; more memory for a worker, or a smaller batch_tokens in a new "
                            "run, may help (what was finished is kept)"
                        ) from error
                    again.append(unit)
                    continue
                idle.append(worker)
                if new := {name: parts for name, parts in sizes.items() if splits.sizes.get(name) != parts}:
                    splits.sizes.update(new)
                    splits.changed()
                if advance is not None:
                    advance(unit.samples)
                yield unit, result

    def close(self) -> None:
        """End the workers, so that their memory is free for what comes next."""
        for worker in [*self.workers, *self._beginning.values()]:
            self.ray.kill(worker)
        self.workers.clear()
        self._beginning.clear()

    @property
    def need(self) -> dict[str, float]:
        """What one replica takes of a node: its GPUs, all on one node, else a processor for each thread."""
        if self.replica.gpus:
            return {"GPU": float(self.replica.gpus), "CPU": 1.0}
        return {"CPU": float(self.replica.threads)}

    def room(self) -> int:
        """How many replicas the nodes that are alive have room for."""
        nodes = [node["Resources"] for node in self.ray.nodes() if node["Alive"]]
        return sum(min(int(node.get(what, 0) // amount) for what, amount in self.need.items()) for node in nodes)

    def _begin_workers(self) -> None:
        """Begin as many as there is room for; one that was refused keeps its place, so that it is not asked again."""
        taken = len(self.workers) + len(self._beginning) + len(self.refused)
        kind = self.ray.remote(ReplicaWorker)
        for _ in range(self.room() - taken):
            worker = kind.options(num_cpus=self.need["CPU"], num_gpus=self.need.get("GPU", 0), max_restarts=0).remote(
                self.replica
            )
            self._beginning[worker.facts.remote()] = worker

    def _begun(self, task: Any) -> Any:
        """The worker that has loaded its model, if its bytes would be the run's."""
        worker = self._beginning.pop(task)
        try:
            there = self.ray.get(task)
        except self.ray.exceptions.RayTaskError as error:  # the model cannot be loaded there
            return self._refuse(worker, str(error.cause))
        except self.ray.exceptions.ActorDiedError as error:
            cause = getattr(error, "cause", None) or getattr(error, "error_msg", None) or error
            if "ModelError" in str(cause) or "__init__" in str(cause):
                return self._refuse(worker, str(cause).strip().splitlines()[-1])
            return self._lost_early(worker)
        except self.ray.exceptions.RayError:
            return self._lost_early(worker)
        if other := differences(self.like, there):
            self.ray.kill(worker)
            return self._refuse(worker, f"it would get other last digits ({other})")
        self.workers[worker], self._died_early = True, 0
        self.counts["workers"] += 1
        return worker

    def _refuse(self, worker: Any, why: str) -> None:
        self.counts["refused"] += 1
        self.refused.append(why)
        self.on_refused(why)

    def _lost_early(self, worker: Any) -> None:
        self._died_early += 1
        self._lost(worker)

    def _lost(self, worker: Any) -> None:
        self.workers.pop(worker, None)
        self.counts["lost"] += 1

    def _check_any(self) -> None:
        """Raise RunError where no worker is there, and none can come."""
        if self.refused and not self._beginning:
            raise RunError(f"no worker of the Ray cluster can be used: {self.refused[0]}")
        if self._died_early >= TRIES:
            raise RunError(
                f"{TRIES} workers of the Ray cluster died while they loaded the model, and none is left: give a worker "
                "more memory, then go on (what was finished is kept)"
            )
        if not self.room():
            wanted = " and ".join(f"{amount:g} {what}" for what, amount in self.need.items())
            raise RunError(
                f"no node of the Ray cluster has room for the model, which takes {wanted}: add one, then go on (what "
                "was finished is kept)"
            )
