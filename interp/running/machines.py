"""The machines that a run works on: this process alone, or a Ray cluster. No part of what a run is known by."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from interp.engines.ray_workers import RayWorkers, ray_cluster
from interp.engines.replica import Replica, facts
from interp.engines.units import Engine, Local
from interp.models.loading import HookedModel
from interp.planning.shapes import Shapes
from interp.reporting.machine_words import refused_worker
from interp.running.ahead import made_ahead
from interp.runs.run_record import Journal
from interp.runs.settings import Settings
from interp.support.numerics import recorded_threads
from interp.support.progress import say


@dataclass(frozen=True)
class Machines:
    """What `engine` and `address` name, once it is connected."""

    ray: Any = None
    """The package, connected to a cluster; None: this process alone."""

    @contextmanager
    def engine(self, journal: Journal, settings: Settings, source: Any, model: HookedModel) -> Iterator[Engine]:
        """Makes what of a run needs its model; what became of its workers is written into the record.

        Raises ModelError for a model that was given as an object, where workers have to load it by name.
        """
        if self.ray is None:
            yield Local(model)
            return
        threads = recorded_threads(journal.record.to_json())
        kind = {"device": settings.device, "dtype": settings.dtype, "processed_weights": settings.processed_weights}
        replica = Replica.of(source, model, threads=threads, **kind)  # type: ignore[arg-type]
        workers = RayWorkers(self.ray, replica, facts(model), on_refused=lambda why: say([refused_worker(why)]))
        try:
            yield workers
        finally:
            workers.close()
            session = {"engine": "ray", **workers.counts, "refused_because": sorted(set(workers.refused))}
            journal.know(engines=[*(journal.record.engines or ()), session])

    @contextmanager
    def ahead(self, shapes: Shapes, samples: int, roles: int, n_jobs: int | None) -> Iterator[None]:
        """Meanwhile what the probing and the report need is made, by processors of this machine that are idle."""
        with made_ahead(shapes, samples, roles, n_jobs=n_jobs if self.ray is None else 1):
            yield

    @contextmanager
    def cells(self) -> Iterator[None]:
        """Meanwhile joblib fits the cells of grids on the cluster, where it would have used several processes."""
        if self.ray is None:
            yield
            return
        import joblib
        from ray.util.joblib import register_ray

        register_ray()
        with joblib.parallel_config(backend="ray"):
            yield


@contextmanager
def machines(engine: str, address: str | None) -> Iterator[Machines]:
    """Connected for the time of the block."""
    if engine == "local":
        yield Machines()
        return
    with ray_cluster(address) as ray:
        yield Machines(ray)
