"""The shards of a run folder: safetensors files of about 64 samples, each vouched for by a marker written last.

`shard-00003.safetensors` holds one tensor per site and layer, in the model's own dtype:

    resid_post.7          [sample, role, width]      vectors of a site at a layer
    attention.entropy.7   [sample, head, role]       an attention metric at a layer
    embed                 [sample, role, d_model]    the control row
    question_embed        [sample, d_model]          mean input embedding of the question's tokens (none in old runs)
    valid                 [sample, role]             which roles the sample has

`shard-00003.json`, the marker, names the run, the samples, the tensors and the checksums, its own too. A shard without
a marker does not exist: a killed write leaves at most a temporary file or a shard without its marker, and both are
written again.
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from zlib import crc32

import numpy as np
import torch
from jaxtyping import Bool, Shaped
from torch import Tensor

from interp.errors import RunError
from interp.storing.parcel import Parcel
from interp.storing.remote import ShardPath, make_folder, remove, write_chunks, write_json
from interp.storing.shard_files import Shard, damaged, finished_shards, marker_check, marker_path, shard_path
from interp.support.safetensors_stream import describe, layout, serialized

QUESTION = "question_embed"
"""The tensor that has neither layers nor roles; NaN on purpose where a question was not located."""


class ShardWriter:
    """Writes the shards of one run into `folder`.

    The folder is created, and temporary files of a killed writer are removed; neither where others write beside this
    one (`alone=False`). Raises `RunError` if the folder holds shards of another run, or cannot be written.
    """

    def __init__(self, folder: ShardPath, *, run: str, roles: Sequence[str], alone: bool = True):
        self.folder, self.run, self.roles = folder, run, tuple(roles)
        if alone:
            make_folder(folder)
            finished_shards(folder, run=run)
            for left_over in folder.glob(".shard-*.tmp"):
                remove(left_over)

    def write(
        self,
        index: int,
        tensors: Mapping[str, Shaped[Tensor, "sample ..."]],
        sample_ids: Sequence[str],
        *,
        valid: Bool[Tensor, "sample role"],
        batches: int = 1,
    ) -> Shard:
        """Put shard `index` on the disk, then its marker; both replace what an unfinished write left.

        Raises `RunError` if they cannot be written; shards finished before stay as they are.
        """
        described, sums = self._described(index, tensors, sample_ids, valid, batches), list[str]()
        path = shard_path(self.folder, index)
        remove(marker_path(self.folder, index))
        sha256 = write_chunks(path, _summed(serialized({**tensors, "valid": valid}), sums))
        return self._vouched(described, sha256, sums)

    def packed(
        self,
        index: int,
        tensors: Mapping[str, Shaped[Tensor, "sample ..."]],
        sample_ids: Sequence[str],
        *,
        valid: Bool[Tensor, "sample role"],
        batches: int = 1,
    ) -> Parcel:
        """The same shard for another process to `put`."""
        described = self._described(index, tensors, sample_ids, valid, batches)
        sums: list[str] = []
        data = b"".join(_summed(serialized({**tensors, "valid": valid}), sums))
        return Parcel(described, np.frombuffer(data, np.uint8), tuple(sums))

    def put(self, parcel: Parcel) -> Shard:
        """`write` of a shard that another process packed."""
        path = shard_path(self.folder, parcel.shard.index)
        remove(marker_path(self.folder, parcel.shard.index))
        return self._vouched(parcel.shard, write_chunks(path, [parcel.data.data]), parcel.sums)

    def _vouched(self, described: Shard, sha256: str, sums: Sequence[str]) -> Shard:
        """Write the marker of a file that is there; the sums but the first, of the header, which is known."""
        size = shard_path(self.folder, described.index).stat().st_size
        shard = replace(described, size=size, sha256=sha256, crc32="".join(sums[1:]))
        shard = replace(shard, check=marker_check(asdict(shard)))
        write_json(marker_path(self.folder, shard.index), asdict(shard))
        return shard

    def _described(
        self,
        index: int,
        tensors: Mapping[str, Shaped[Tensor, "sample ..."]],
        sample_ids: Sequence[str],
        valid: Bool[Tensor, "sample role"],
        batches: int,
    ) -> Shard:
        """What its marker says, but for size and checksum of a file that is not there yet."""
        if len(set(sample_ids)) != len(valid) or any(len(tensor) != len(valid) for tensor in tensors.values()):
            raise RunError(
                f"{shard_path(self.folder, index)}: {len(valid)} samples need as many different ids and rows"
            )
        tensors = {**tensors, "valid": valid}
        nonfinite = {key: _count_nonfinite(key, tensor, valid) for key, tensor in sorted(tensors.items())}
        return Shard(
            run=self.run,
            index=index,
            sample_ids=tuple(sample_ids),
            roles=self.roles,
            tensors=describe(tensors),
            nonfinite={key: count for key, count in nonfinite.items() if count},
            size=0,
            sha256="",
            batches=batches,
        )


class ShardReader:
    """Reads from the finished shards of a run only what is asked for.

    Raises `RunError` if there are none, if one is damaged, missing or foreign, or if a sample stands in two.
    """

    def __init__(self, folder: ShardPath, *, run: str | None = None):
        self.folder = folder
        self.shards = finished_shards(folder, run=run)
        if not self.shards:
            raise RunError(f"{folder}: holds no finished shard; capture them with `interp run` or `interp resume`")
        self.roles = self.shards[0].roles
        self.sample_ids = tuple(id for shard in self.shards for id in shard.sample_ids)
        self._layouts: dict[int, tuple[bytes, dict[str, int]]] = {}
        self._sound = {key: bytearray(len(self.shards)) for key in self.shards[0].tensors}
        """Which shards' tensors were read and are as they were written: each is looked at once."""
        self.known = frozenset(self.sample_ids)
        """The samples there are."""
        if twice := [id for id, count in Counter(self.sample_ids).items() if count > 1]:
            raise RunError(f"{folder}: sample {twice[0]!r} stands in two shards; they belong to different runs")

    @property
    def keys(self) -> tuple[str, ...]:
        """The tensors there are."""
        return tuple(self.shards[0].tensors)

    def read(
        self,
        site: str,
        *,
        layer: int | None = None,
        role: str | None = None,
        samples: Sequence[str] | None = None,
    ) -> Shaped[Tensor, "sample ..."]:
        """`site` at a layer (None: what has no layer, as `embed`), at one role or at all, in the order of `samples`.

        `samples` are ids (default: all, as `sample_ids` lists them). Returns [sample, role, width], for
        `attention.<metric>` [sample, head, role], without the role axis if `role` is given, in the stored dtype;
        `question_embed`, which knows no role, [sample, width].

        Raises `RunError` for a site, layer, role or sample that the store does not hold, or a shard that is damaged.
        """
        key = site if layer is None else f"{site}.{layer}"
        if key not in self.keys:
            raise RunError(f"{self.folder}: there is no {key!r}; it holds {', '.join(self.keys)}")
        if role is not None and role not in self.roles:
            raise RunError(f"{self.folder}: there is no role {role!r}; it holds {', '.join(self.roles)}")
        axis = _role_axis(key)
        if role is not None and not axis:
            raise RunError(f"{self.folder}: {key!r} has one vector per sample, for all roles; leave the role out")
        samples = self.sample_ids if samples is None else samples
        if unknown := [id for id in samples if id not in self.known]:
            raise RunError(f"{self.folder}: holds no activations of sample {unknown[0]!r}")

        wanted = {id: row for row, id in enumerate(samples)}
        if len(wanted) < len(samples):
            raise RunError(
                f"{self.folder}: expected every sample once, got {len(samples)} ids of {len(wanted)} samples"
            )
        spec = self.shards[0].tensors[key]
        shape = [size for dim, size in enumerate(spec["shape"]) if dim > 0 and (role is None or dim != axis)]
        out = torch.empty((len(wanted), *shape), dtype=getattr(torch, spec["dtype"]))
        for place, shard in enumerate(self.shards):
            rows = [(wanted[id], row) for row, id in enumerate(shard.sample_ids) if id in wanted]
            if rows:
                to, taken = (torch.tensor(column) for column in zip(*rows, strict=True))
                tensor = self._tensor(place, key)
                out[to] = (tensor if role is None else tensor.select(axis, self.roles.index(role)))[taken]
        return out

    def _tensor(self, place: int, key: str) -> Tensor:
        """One tensor of a shard, mapped into memory: after its first use only the pages that are used are read.

        Of a shard at a URL its bytes, which are read again at every use.
        """
        shard = self.shards[place]
        path, n = shard_path(self.folder, shard.index), len(shard.sample_ids)
        if n not in self._layouts:
            self._layouts[n] = layout(shard.tensors)
        head, starts = self._layouts[n]
        dtype, shape = getattr(torch, shard.tensors[key]["dtype"]), shard.tensors[key]["shape"]
        start, size = starts[key], math.prod(shape) * dtype.itemsize
        try:
            if isinstance(path, Path):
                with path.open("rb") as file:
                    begin = file.read(len(head))
                    data: np.ndarray = np.memmap(file, np.uint8, "c", start, (size,))
            else:
                begin, data = head, np.frombuffer(bytearray(path.read_bytes(start, start + size)), np.uint8)
        except (OSError, ValueError) as error:
            raise RunError(damaged(path, str(error))) from error
        if begin != head:
            raise RunError(damaged(path, "its header is not the one that was written"))
        if shard.crc32 and not self._sound[key][place]:
            at = 8 * list(starts).index(key)
            if f"{crc32(data.data):08x}" != shard.crc32[at : at + 8]:
                raise RunError(damaged(path, f"its tensor {key} is not as it was written"))
            self._sound[key][place] = 1
        return torch.from_numpy(data).view(dtype).reshape(shape)


def _summed(chunks: Iterable[memoryview], sums: list[str]) -> Iterator[memoryview]:
    """The chunks, with the CRC-32 of each added to `sums`."""
    for chunk in chunks:
        sums.append(f"{crc32(chunk):08x}")
        yield chunk


def _count_nonfinite(key: str, tensor: Tensor, valid: Tensor) -> int:
    if key == "valid" or _role_axis(key) != 1:  # an undefined attention metric or question is NaN on purpose
        return 0
    return int((~tensor.isfinite() & valid.to(tensor.device)[..., None]).sum())


def _role_axis(key: str) -> int:
    """0: it knows no roles."""
    if key == QUESTION:
        return 0
    return 2 if key.startswith("attention.") else 1
