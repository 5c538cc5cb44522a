"""A run folder's activations as a Capture whose arrays stay on disk: a layer in memory at a time, or only a cell."""

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Shaped
from torch import Tensor

from interp.capturing.activations import Capture
from interp.capturing.positions import Positions
from interp.runs.store import ShardReader

KEPT_BYTES = 1 << 28
"""A layer up to this size is kept until another is asked for; of a larger one only the role asked for is read.

The attention metrics share as much again between them.
"""


@dataclass
class Stored:
    """One site or attention metric on the disk, indexed like the tensor it stands for."""

    reader: ShardReader
    name: str
    """`resid_post`, `embed` (which has no layer axis), `attention.entropy` …"""
    ids: tuple[str, ...]
    shape: tuple[int, ...]
    dtype: torch.dtype
    keep: int = KEPT_BYTES
    _kept: tuple[int | None, Any] = field(default=(-1, None), repr=False)

    def __getitem__(self, key: tuple[Any, ...]) -> Shaped[Tensor, "..."]:
        """`site[samples, layer, role]`, `metric[samples, layer, :, role]`, `embed[samples, role]`; role may be `:`."""
        samples, *rest = key
        layer = rest.pop(0) if len(self.shape) == 4 else None
        kept = self._kept  # read once: another thread may be about to replace it by another layer
        if kept[0] != layer:
            role = rest[-1] if rest else None
            if isinstance(role, int) and self._layer_bytes > self.keep:
                part = read_padded(self.reader, self.name, layer, self.ids, role=self.reader.roles[role])
                return part[(samples, *rest[:-1])]
            kept = (layer, read_padded(self.reader, self.name, layer, self.ids))
            if self._layer_bytes <= self.keep:
                self._kept = kept
        return kept[1][(samples, *rest)]

    @property
    def _layer_bytes(self) -> int:
        n_layers = self.shape[1] if len(self.shape) == 4 else 1
        return math.prod(self.shape) // n_layers * self.dtype.itemsize


def read_padded(
    reader: ShardReader, site: str, layer: int | None, ids: tuple[str, ...], *, role: str | None = None
) -> Shaped[Tensor, "sample ..."]:
    """`ShardReader.read` for all `ids`, NaN for samples that were not captured (too long, or without a token)."""
    known = [i for i, sample in enumerate(ids) if sample in reader.known]
    part = reader.read(site, layer=layer, role=role, samples=[ids[i] for i in known])
    if len(known) == len(ids):
        return part
    whole = part.new_full((len(ids), *part.shape[1:]), torch.nan)
    whole[known] = part
    return whole


def stored_capture(folder: Path, ids: tuple[str, ...], positions: Positions, *, run: str | None = None) -> Capture:
    """The shards of a run as a `Capture` in the order of `ids`. Raises RunError if one is missing or damaged."""
    reader = ShardReader(folder, run=run)
    keys = [key.rpartition(".") for key in reader.keys]
    names = list(dict.fromkeys(name for name, _, layer in keys if layer.isdecimal()))
    layers = sorted({int(layer) for _, _, layer in keys if layer.isdecimal()})
    metrics = [name for name in names if name.startswith("attention.")]
    captured = torch.tensor([sample in reader.known for sample in ids], dtype=torch.bool)

    def stored(name: str, keep: int = KEPT_BYTES) -> Stored:
        spec = reader.shards[0].tensors[name if name == "embed" else f"{name}.{layers[0]}"]
        axes = () if name == "embed" else (len(layers),)
        return Stored(reader, name, ids, (len(ids), *axes, *spec["shape"][1:]), getattr(torch, spec["dtype"]), keep)

    return Capture(
        sites={name: stored(name) for name in names if name not in metrics},
        embed=stored("embed"),
        attention={name.removeprefix("attention."): stored(name, KEPT_BYTES // len(metrics)) for name in metrics},
        valid=positions.valid & captured[:, None],
        index=positions.index,
        layers=tuple(layers),
        roles=positions.roles,
        id=ids,
    )
