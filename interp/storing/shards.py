"""Which batches of capture make a shard, and which shards of a run are still to be made.

A shard takes consecutive batches until it holds `SHARD_SAMPLES`: tiny batches do not become thousands of files, and a
run that was killed repeats at most one shard. The plan of the batches fixes which samples stand in which shard, so a
resumed run writes the bytes an unbroken one would have written.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import torch
from torch import Tensor

from interp.capturing.activations import Capture
from interp.storing.shard_files import finished_shards
from interp.storing.shard_io import QUESTION, ShardWriter

SHARD_SAMPLES = 64

Batches = Iterator[tuple[list[int], Capture]]


def write_shards(
    folder: Path,
    capture_from: Callable[[int], Batches],
    *,
    run: str,
    roles: tuple[str, ...],
    progress: Callable[[int], None] | None = None,
) -> None:
    """Write every shard of a run that is not finished yet.

    `capture_from(n)` captures the batches of the run, in their order, from the n-th on. `progress` is called with the
    number of samples just captured, first with those of the shards that were there.

    Raises RunError if the folder holds a damaged shard, or one of another run, or cannot be written.
    """
    writer = ShardWriter(folder, run=run, roles=roles)
    done = {shard.index: shard for shard in finished_shards(folder, run=run)}
    if progress is not None:
        progress(sum(len(shard.sample_ids) for shard in done.values()))
    index = batch = 0
    while True:
        while index in done:
            batch, index = batch + done[index].batches, index + 1
        for parts in grouped(capture_from(batch), progress):
            tensors, ids, valid = joined(parts)
            shard = writer.write(index, tensors, ids, valid=valid, batches=len(parts))
            batch, index = batch + shard.batches, index + 1
            if index in done:  # only the shards before it were missing
                break
        else:
            return


def grouped(batches: Batches, progress: Callable[[int], None] | None = None) -> Iterator[list[Capture]]:
    """Consecutive batches, as many as make a shard."""
    parts: list[Capture] = []
    for samples, part in batches:
        parts.append(part)
        if progress is not None:
            progress(len(samples))
        if sum(len(part.id) for part in parts) >= SHARD_SAMPLES:
            yield parts
            parts = []
    if parts:
        yield parts


def joined(parts: list[Capture]) -> tuple[dict[str, Tensor], tuple[str, ...], Tensor]:
    """The tensors of a shard by key, the ids of its samples, and which roles they have."""
    named = [list(_tensors(part)) for part in parts]
    tensors = {columns[0][0]: torch.cat([tensor for _, tensor in columns]) for columns in zip(*named, strict=True)}
    return tensors, tuple(id for part in parts for id in part.id), torch.cat([part.valid for part in parts])


def finished_batches(folder: Path) -> int:
    """How many batches of capture the finished shards hold; 0 without a folder."""
    return sum(shard.batches for shard in finished_shards(folder))


def nonfinite_counts(folder: Path) -> dict[str, int]:
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
