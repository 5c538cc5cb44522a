"""A run folder's activations as a Capture whose arrays stay on disk: a layer in memory at a time, or only a cell."""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from jaxtyping import Shaped
from torch import Tensor

from interp.capturing.activations import Capture
from interp.capturing.on_disk import OnDisk
from interp.capturing.positions import Positions
from interp.storing.array_key import picked, whole_key
from interp.storing.remote import ShardPath
from interp.storing.shard_io import QUESTION, ShardReader

KEPT_BYTES = 1 << 28
"""The layers asked for last are kept as far as they fit in; of a layer that does not, only the role asked for is read.

The attention metrics share as much again between them.
"""


@dataclass
class Stored(OnDisk):
    """One site or attention metric on the disk, indexed like the tensor it stands for."""

    reader: ShardReader
    name: str
    """`resid_post`, `attention.entropy` …; `embed` has no layer axis, `question_embed` no role axis either."""
    ids: tuple[str, ...]
    shape: tuple[int, ...]
    dtype: torch.dtype
    keep: int = KEPT_BYTES
    _kept: dict[int | None, Tensor] = field(default_factory=dict, repr=False)

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __repr__(self) -> str:
        """In one line: what it holds, and that it is not in memory."""
        axes = {3: ("samples", "roles", "width"), 4: ("samples", "layers", "roles", "width")}[self.ndim]
        if self.name.startswith("attention."):
            axes = ("samples", "layers", "heads", "roles")
        sizes = ", ".join(f"{axis} {size}" for axis, size in zip(axes, self.shape, strict=True))
        return f"Stored({self.name}: {sizes}; {str(self.dtype).removeprefix('torch.')}, on disk)"

    def of_samples(self, places: list[int]) -> "Stored":
        """The same array of some samples, in that order, still on the disk."""
        ids = tuple(self.ids[i] for i in places)
        return Stored(self.reader, self.name, ids, (len(ids), *self.shape[1:]), self.dtype, self.keep)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """All of it, in memory; bfloat16, which NumPy lacks, becomes float32."""
        whole = self[:]
        whole = whole.float() if whole.dtype == torch.bfloat16 else whole
        return whole.numpy() if dtype is None else whole.numpy().astype(dtype)

    def __getitem__(self, key: Any) -> Shaped[Tensor, "..."]:
        """What the tensor would give for `key`: ints, slices, `...`, masks, lists and arrays on any axis.

        One layer, as in `site[samples, layer, role]` or `metric[samples, layer, :, role]`, is read and kept, or only
        its role is read; of several, one after the other is read, and only what `key` names is held.
        """
        samples, *rest = whole_key(key, self.shape)
        if len(self.shape) < 4:  # embed, question_embed
            return self._layer(None, samples, rest)
        if isinstance(rest[0], int):
            return self._layer(rest[0], samples, rest[1:])
        entries = [picked(*pair) for pair in zip((samples, *rest), self.shape, strict=True)]
        rows, layers, *others = (wanted for wanted, _ in entries)
        block = torch.empty([len(wanted) for wanted, _ in entries], dtype=self.dtype)
        for place, layer in enumerate(layers.tolist()):
            part = self._layer(layer, rows, [slice(None)] * len(others))
            for axis, wanted in enumerate(others, start=1):
                part = part.index_select(axis, wanted)
            block[:, place] = part
        return block[tuple(within for _, within in entries)]

    def _layer(self, layer: int | None, samples: Any, rest: list[Any]) -> Shaped[Tensor, "..."]:
        """`rest`: the axes after the layer, `role width`, of a metric `head role`, of the question `width`."""
        whole = self._kept.get(layer)
        if whole is None:
            axis = 1 if self.name.startswith("attention.") else 0
            if len(rest) == 2 and isinstance(rest[axis], int) and self._layer_bytes > self.keep:
                part = read_padded(self.reader, self.name, layer, self.ids, role=self.reader.roles[rest[axis]])
                return part[(samples, rest[1 - axis])]
            whole = read_padded(self.reader, self.name, layer, self.ids)
            if room := self.keep // max(1, self._layer_bytes):
                before = [*self._kept.items()][-(room - 1) :] if room > 1 else []
                self._kept = {**dict(before), layer: whole}  # a new one: other threads read the old one
        return whole[(samples, *rest)]

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


def stored_capture(folder: ShardPath, ids: tuple[str, ...], positions: Positions, *, run: str | None = None) -> Capture:
    """The shards of a run as a `Capture` in the order of `ids`. Raises RunError if one is missing or damaged."""
    reader = ShardReader(folder, run=run)
    keys = [key.rpartition(".") for key in reader.keys]
    names = list(dict.fromkeys(name for name, _, layer in keys if layer.isdecimal()))
    layers = sorted({int(layer) for _, _, layer in keys if layer.isdecimal()})
    metrics = [name for name in names if name.startswith("attention.")]
    captured = torch.tensor([sample in reader.known for sample in ids], dtype=torch.bool)

    def stored(name: str, keep: int = KEPT_BYTES) -> Stored:
        spec = reader.shards[0].tensors[f"{name}.{layers[0]}" if name in names else name]
        axes = (len(layers),) if name in names else ()
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
        question_embed=stored(QUESTION) if QUESTION in reader.keys else None,
    )
