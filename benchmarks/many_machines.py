"""A run on many machines: what a shard costs besides its forward pass, and what saturates first on up to 64 GPUs.

    python benchmarks/many_machines.py            # 48 shards of a random Llama; 1, 2 and 4 workers
    python benchmarks/many_machines.py --quick    # 6 shards; 1 and 2 workers

A cluster of Ray on this machine captures shards that are shipped back, as from a disk that the run does not see, and
the same shards written by the workers (table 1). A worker says how long it was busy with a shard (*busy*: its forward
passes, packing or writing); what else passes is idle. The shards have to be the bytes of this process alone, and cells
of a grid fitted on the cluster those fitted here.

With the measured cost of the run's own process for a shard, table 2 simulates a run of Mistral 7B's shape on up to 64
GPUs, each a worker: a shard of 64 samples keeps a GPU busy (docs/scaling.md), then it is served, one at a time, by the
network of the run's machine, or by the store that all write to. No failures; every GPU begins with the model loaded.
"""

import argparse
import heapq
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from drawn_samples import random_hf_llama
from measuring import NO_PEER, Figure, one_thread, parser, print_figures, print_header, print_row
from ray.cloudpickle import dumps
from scale import ROLES, drawn

import interp
from interp.capturing.capture_unit import CaptureUnit
from interp.capturing.forward_pass import capture_plan
from interp.engines.ray_workers import RayWorkers, ray_cluster
from interp.engines.replica import Replica, facts
from interp.engines.units import Local, Worker
from interp.fitting.estimators import ProbeSpec
from interp.fitting.training import Cell
from interp.fitting.workers import cross_fit_cells
from interp.models.memory import Splits
from interp.running.machines import Machines
from interp.statistics.samples import Samples
from interp.storing.parcel import Parcel
from interp.storing.shard_files import finished_shards
from interp.storing.shard_io import ShardWriter
from interp.storing.shards import ShardUnit, shard_ranges, write_shards

BATCH_TOKENS = 8192
SAMPLE_SECONDS, SAMPLE_BYTES, SHARD = 53 / 10_000, 4.67e6, 64
"""Capture of Mistral 7B on one GPU, and what a sample takes on the disk (docs/scaling.md, computed)."""
GPUS = (1, 2, 4, 8, 16, 32, 64)
NETWORK, STORE = 1.25e9, 5e9
"""Bytes a second: 10 Gbit/s into the run's machine, and a shared store of 40 Gbit/s."""


@dataclass(frozen=True)
class Timed:
    """A unit that says how long its worker was busy."""

    unit: ShardUnit

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.unit, name)

    def __call__(self, worker: Worker) -> tuple[float, Any]:
        began = time.perf_counter()
        made = self.unit(worker)
        return time.perf_counter() - began, made


@dataclass
class Session:
    """What one pool of workers took for all shards."""

    seconds: float
    busy: list[float]
    sent: int
    """Bytes of a pickled unit, the median."""
    back: int
    """Bytes of a shipped shard, the median; of a written one its marker."""
    own: float
    """Seconds of the run's own process for a shard, besides waiting."""


def session(workers: RayWorkers, units: list[ShardUnit], folder: Path, run: str) -> Session:
    """All shards by these workers, which have loaded the model."""
    writer = ShardWriter(folder, run=run, roles=ROLES, alone=False)
    warm = units[: len(workers.workers)]  # one each: no two workers write a file at the same time
    list(workers.make(map(Timed, warm), Splits()))
    busy, back, own = [], [], 0.0
    began = time.perf_counter()
    for _, (took, made) in workers.make(map(Timed, units), Splits()):
        busy.append(took)
        got = time.process_time()
        if isinstance(made, Parcel):
            back.append(made.data.nbytes)
            writer.put(made)
        else:
            back.append(len(dumps(made)))
        own += time.process_time() - got
    seconds = time.perf_counter() - began
    return Session(seconds, busy, int(median(len(dumps(u)) for u in units)), int(median(back)), own / len(units))


def simulated(gpus: int, shards: int, busy: float, served: float) -> tuple[float, float]:
    """Seconds until all shards are made and served, one at a time in the order they come; and the GPUs' idle share."""
    free, server, last = [0.0] * gpus, 0.0, 0.0
    for _ in range(shards):
        done = heapq.heappop(free) + busy
        server = max(server, done) + served
        last = max(last, server)
        heapq.heappush(free, server)  # the next unit is handed out when this one is served
    return last, 1 - shards * busy / (gpus * last)


def cells_alike(ray: Any) -> bool:
    """Whether joblib's cells on the cluster are those of this process, to the last bit.

    Both ways are asked for the same cells in one order, which says what is solved together.
    """
    random = np.random.default_rng(0)
    x, y, fold = random.normal(size=(60, 8)).astype(np.float32), np.arange(60) % 2, np.arange(60) // 2 % 5
    cells = [[Cell(x * (1 + i), Samples.alone(y, fold), ProbeSpec())] for i in range(4)]
    with Machines(ray).cells():
        there = list(cross_fit_cells(cells, 1, n_jobs=2))
    here = list(cross_fit_cells(cells, 1, n_jobs=1))
    return all(a.score.tobytes() == b.score.tobytes() for (a,), (b,) in zip(there, here, strict=True))


def measured(shards: int, sizes: tuple[int, ...], width: int) -> Iterator[tuple[int, str, Session]]:
    """Every pool of workers, shipping and writing."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        hf_model, tokenizer = random_hf_llama(4, width, 8, mlp=3, n_ctx=2048)
        hf_model.save_pretrained(folder / "model")
        tokenizer.save_pretrained(folder / "model")
        model = interp.load_model(folder / "model")
        answers, positions = drawn(shards * SHARD)
        plan = capture_plan(model, answers, positions, batch_tokens=BATCH_TOKENS)
        batches = [len(batch) for batch in plan.batches]
        cut = partial(CaptureUnit.of, answers, positions, plan, ("resid_post",))
        write_shards(folder / "here", batches, cut, run="r", roles=ROLES, engine=Local(model))
        expected = [shard.sha256 for shard in finished_shards(folder / "here")]
        replica = Replica.of(folder / "model", model, device="cpu", dtype="float32", processed_weights=False, threads=1)
        with ray_cluster("local") as ray:
            for size in sizes:
                for how, seen in (("shipped", "nothing"), ("written", None)):
                    there = folder / f"{how}-{size}"
                    there.mkdir()
                    units = [
                        ShardUnit(cut(first, stop), index, there, "r", ROLES, seen)
                        for index, (first, stop) in enumerate(shard_ranges(batches))
                    ]
                    workers = RayWorkers(ray, replica, facts(model))
                    workers.room = lambda size=size: size  # type: ignore[method-assign, misc]
                    while len(workers.workers) < size:
                        workers._begin_workers()
                        for task in ray.wait([*workers._beginning])[0]:
                            workers._begun(task)
                    yield size, how, session(workers, units, there, "r")
                    workers.close()
                    assert [shard.sha256 for shard in finished_shards(there)] == expected
                    shutil.rmtree(there)
            assert cells_alike(ray)


def arguments() -> argparse.ArgumentParser:
    return parser(__doc__, quick="6 shards of a narrow model, 1 and 2 workers")


def main() -> None:
    args = arguments().parse_args()
    one_thread()
    shards, sizes, width = (6, (1, 2), 64) if args.quick else (48, (1, 2, 4), 256)
    os.environ["RAY_OVERRIDE_RESOURCES"] = '{"CPU": 8}'  # as many workers as are asked for, on whatever is here
    print_header("workers", "shards are", "shards a second", "busy, ms", "overhead, ms", "sent, kB", "back, kB", "idle")
    found: dict[tuple[int, str], Session] = {}
    for size, how, one in measured(shards, sizes, width):
        found[size, how] = one
        busy = sum(one.busy)
        overhead = (size * one.seconds - busy) / len(one.busy)
        print_row(
            str(size),
            how,
            f"{len(one.busy) / one.seconds:.1f}",
            f"{1000 * busy / len(one.busy):.0f}",
            f"{1000 * overhead:.0f}",
            f"{one.sent / 1000:,.0f}",
            f"{one.back / 1000:,.1f}",
            f"{1 - busy / (size * one.seconds):.0%}",
        )
    print()
    written = found[1, "written"]
    own = max(0.0, written.seconds - sum(written.busy)) / len(written.busy)
    busy, shard_bytes = SAMPLE_SECONDS * SHARD, SAMPLE_BYTES * SHARD
    cases = {
        "shipped to the run's machine": own + shard_bytes / NETWORK,
        "written to a shared store": own + shard_bytes / STORE,
        "nothing but the run's own process": own,
    }
    shards = 100_000 // SHARD
    print_header("GPUs", *(f"{name}: times one GPU (idle)" for name in cases))
    alone = shards * busy
    for gpus in GPUS:
        cells = []
        for served in cases.values():
            seconds, idle = simulated(gpus, shards, busy, served)
            cells.append(f"{alone / seconds:.1f} ({idle:.0%})")
        print_row(str(gpus), *cells)
    network, store, _ = ((busy + served) / served for served in cases.values())
    share = written.sent / found[1, "shipped"].back
    figures = [
        Figure("own_ms_per_shard", 1000 * own, NO_PEER, "lower"),
        Figure("gpus_until_network", network, "10 Gbit/s into one machine"),
        Figure("gpus_until_store", store, "40 Gbit/s into a store"),
        Figure("sent_over_back", share, "bytes of the shard", "lower", 1.0),
        Figure("cells_on_the_cluster_alike", 1.0, "cells fitted here", "higher", 1.0),
    ]
    print_figures("many_machines", figures)


if __name__ == "__main__":
    main()
