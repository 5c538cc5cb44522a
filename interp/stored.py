"""A run folder's activations as a Capture whose vectors stay on disk: one layer in memory at a time."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Shaped
from torch import Tensor

from interp.activations import Capture
from interp.positions import Positions
from interp.store import ShardReader


@dataclass
class StoredSite:
    """Vectors of one site, indexed like `Float[Tensor, "sample layer role width"]`; the last layer read is kept."""

    reader: ShardReader
    site: str
    ids: tuple[str, ...]
    shape: tuple[int, int, int, int]
    _kept: tuple[int, Any] = field(default=(-1, None), repr=False)

    def __getitem__(self, key: tuple[Any, ...]) -> Shaped[Tensor, "..."]:
        """`site[samples, layer]` or `site[samples, layer, role]`."""
        samples, layer, *role = key
        kept = self._kept  # read once: another thread may be about to replace it by another layer
        if kept[0] != layer:
            kept = self._kept = (layer, read_padded(self.reader, self.site, layer, self.ids))
        return kept[1][(samples, *role)]


def read_padded(
    reader: ShardReader, site: str, layer: int | None, ids: tuple[str, ...], *, role: str | None = None
) -> Shaped[Tensor, "sample ..."]:
    """`ShardReader.read` for all `ids`, NaN for samples that were not captured (too long, or without a token)."""
    there = set(reader.sample_ids)
    known = [i for i, sample in enumerate(ids) if sample in there]
    part = reader.read(site, layer=layer, role=role, samples=[ids[i] for i in known])
    if len(known) == len(ids):
        return part
    whole = part.new_full((len(ids), *part.shape[1:]), torch.nan)
    whole[known] = part
    return whole


def stored_capture(folder: Path, ids: tuple[str, ...], positions: Positions, *, run: str | None = None) -> Capture:
    """The shards of a run as a `Capture` in the order of `ids`. Raises RunError if one is missing or damaged."""
    reader = ShardReader(folder, run=run)
    keys = [key.split(".") for key in reader.keys]
    sites = list(dict.fromkeys(key[0] for key in keys if len(key) == 2))
    metrics = list(dict.fromkeys(key[1] for key in keys if key[0] == "attention"))
    layers = sorted({int(key[-1]) for key in keys if len(key) > 1})
    there = set(reader.sample_ids)
    captured = torch.tensor([sample in there for sample in ids])

    def shape(site: str) -> tuple[int, int, int, int]:
        _, roles, width = reader.shards[0].tensors[f"{site}.{layers[0]}"]["shape"]
        return len(ids), len(layers), roles, width

    return Capture(
        sites={site: StoredSite(reader, site, ids, shape(site)) for site in sites},
        embed=read_padded(reader, "embed", None, ids),
        attention={
            metric: torch.stack([read_padded(reader, f"attention.{metric}", layer, ids) for layer in layers], dim=1)
            for metric in metrics
        },
        valid=positions.valid & captured[:, None],
        index=positions.index,
        layers=tuple(layers),
        roles=positions.roles,
        id=ids,
    )
