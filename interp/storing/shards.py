"""Which batches of capture make a shard, and which shards of a run are still to be made.

A shard takes consecutive batches until it holds `SHARD_SAMPLES`: tiny batches do not become thousands of files, and a
run that was killed repeats at most one shard. The plan of the batches fixes which samples stand in which shard, so a
resumed run writes the bytes an unbroken one would have written.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable
from uuid import uuid4

import torch
from torch import Tensor

from interp.capturing.activations import Capture
from interp.engines.units import Engine, Worker
from interp.errors import RunError
from interp.models.memory import Splits
from interp.storing.parcel import Parcel
from interp.storing.remote import RemotePath, ShardPath, make_folder, remove, write_chunks
from interp.storing.shard_files import Shard, damaged, finished_shards, shard_path
from interp.storing.shard_io import QUESTION, ShardWriter
from interp.support.progress import made_elsewhere

SHARD_SAMPLES = 64


@runtime_checkable
class Batches(Protocol):
    """Consecutive batches of capture (`interp.capturing.capture_unit.CaptureUnit`)."""

    @property
    def batches(self) -> tuple[str, ...]:
        """Their names."""

    @property
    def samples(self) -> int:
        """How many they hold together."""

    def __call__(self, worker: Worker) -> Iterator[Capture]:
        """Capture them, one after the other."""


@dataclass(frozen=True)
class ShardUnit:
    """A shard to be captured and written: a unit of work (`interp.engines.units.Unit`)."""

    capture: Batches
    number: int
    folder: ShardPath
    run: str
    roles: tuple[str, ...]
    seen: str | None
    """A file in the folder that the run has just written: who does not see it packs the shard; None: all see it."""

    @property
    def name(self) -> str:
        """By the file's name."""
        return shard_path(self.folder, self.number).name

    @property
    def batches(self) -> tuple[str, ...]:
        """Of the capture."""
        return self.capture.batches

    @property
    def samples(self) -> int:
        """Of the capture."""
        return self.capture.samples

    def __call__(self, worker: Worker) -> Shard | Parcel:
        """Write the shard where the run's folder is seen, else pack it for the run to write."""
        parts = list(self.capture(worker))
        tensors, ids, valid = joined(parts)
        writer = ShardWriter(self.folder, run=self.run, roles=self.roles, alone=False)
        there = self.seen is None or (self.folder / self.seen).exists()
        make = writer.write if there else writer.packed
        return make(self.number, tensors, ids, valid=valid, batches=len(parts))


def write_shards(
    folder: ShardPath,
    sizes: Sequence[int],
    cut: Callable[[int, int], Batches],
    *,
    run: str,
    roles: tuple[str, ...],
    engine: Engine,
    splits: Splits | None = None,
    alone: bool = True,
    progress: Callable[[int], None] | None = None,
) -> None:
    """Write every shard of a run that is not finished yet.

    `sizes`: how many samples each batch of the plan holds; `cut(first, stop)`: those batches as `engine` makes them.
    `alone=False`: others write into the folder at the same time. `progress` is called with the number of samples just
    captured, first with those of the shards that were there; a bar leaves out those that `engine` does not make.

    Raises RunError if the folder holds a damaged shard, or one of another run, or cannot be written.
    """
    make_folder(folder)
    writer = ShardWriter(folder, run=run, roles=roles, alone=alone)
    done, planned = {shard.index: shard for shard in finished_shards(folder, run=run)}, shard_ranges(sizes)
    for index, shard in done.items():
        if index >= len(planned) or shard.batches != planned[index][1] - planned[index][0]:
            raise RunError(damaged(shard_path(folder, index), "it holds other batches than the run's plan says"))
    made_elsewhere(progress, sum(sum(sizes[slice(*planned[i])]) for i in range(len(planned)) if not engine.makes(i)))
    if progress is not None:
        progress(sum(len(shard.sample_ids) for index, shard in done.items() if engine.makes(index)))
    seen = f".shard-{uuid4().hex}.tmp" if engine.distant and not isinstance(folder, RemotePath) else None
    if seen is not None:
        write_chunks(folder / seen, [])
    units = (
        ShardUnit(cut(first, stop), index, folder.absolute(), run, roles, seen)
        for index, (first, stop) in enumerate(planned)
        if index not in done
    )
    try:
        for _, made in engine.make(units, Splits() if splits is None else splits, progress):
            if isinstance(made, Parcel):
                writer.put(made)
    finally:
        if seen is not None:
            remove(folder / seen)


def shard_ranges(sizes: Sequence[int]) -> list[tuple[int, int]]:
    """Which consecutive batches make a shard, `first` and the one after the last: as many as fill it."""
    ranges, first, held = list[tuple[int, int]](), 0, 0
    for stop, size in enumerate(sizes, start=1):
        held += size
        if held >= SHARD_SAMPLES or stop == len(sizes):
            ranges.append((first, stop))
            first, held = stop, 0
    return ranges


def joined(parts: list[Capture]) -> tuple[dict[str, Tensor], tuple[str, ...], Tensor]:
    """The tensors of a shard by key, the ids of its samples, and which roles they have."""
    named = [list(_tensors(part)) for part in parts]
    tensors = {columns[0][0]: torch.cat([tensor for _, tensor in columns]) for columns in zip(*named, strict=True)}
    return tensors, tuple(id for part in parts for id in part.id), torch.cat([part.valid for part in parts])


def finished_batches(folder: ShardPath) -> int:
    """How many batches of capture the finished shards hold; 0 without a folder."""
    return sum(shard.batches for shard in finished_shards(folder))


def nonfinite_counts(folder: ShardPath) -> dict[str, int]:
    """{key: values at valid roles that are NaN or infinite} over all shards; only where there are any."""
    total: Counter[str] = Counter()
    for shard in finished_shards(folder):
        total.update(shard.nonfinite)
    return dict(sorted(total.items()))


def _tensors(part: Capture) -> Iterable[tuple[str, Tensor]]:
    for i, layer in enumerate(part.layers):
        for site, vectors in part.sites.items():
            yield f"{site}.{layer}", vectors[:, i]
        for metric, values in part.attention.items():
            yield f"attention.{metric}.{layer}", values[:, i]
    for name, embedded in (("embed", part.embed), (QUESTION, part.question_embed)):
        if embedded is not None:
            yield name, embedded[:]
