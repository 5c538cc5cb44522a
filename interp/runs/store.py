"""The shards of a run folder: safetensors files of about 64 samples, each vouched for by a marker written last.

`shard-00003.safetensors` holds one tensor per site and layer, in the model's own dtype:

    resid_post.7          [sample, role, width]      vectors of a site at a layer
    attention.entropy.7   [sample, head, role]       an attention metric at a layer
    embed                 [sample, role, d_model]    the control row
    question_embed        [sample, d_model]          mean input embedding of the question's tokens (none in old runs)
    valid                 [sample, role]             which roles the sample has

`shard-00003.json`, the marker, names the run, the samples, the tensors and the checksum. A shard without a marker does
not exist: a killed write leaves at most a temporary file or a shard without its marker, and both are written again.
"""

import hashlib
import json
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Shaped
from torch import Tensor

from interp.atomic import make_folder, remove, write_chunks, write_json
from interp.errors import RunError
from interp.runs.safetensors_stream import Specs, describe, layout, serialized

QUESTION = "question_embed"
"""The tensor that has neither layers nor roles; NaN on purpose where a question was not located."""


@dataclass(frozen=True)
class Shard:
    """What the marker of a finished shard says."""

    run: str
    """The identity of the run it belongs to (a hash of model, data and settings)."""
    index: int
    sample_ids: tuple[str, ...]
    roles: tuple[str, ...]
    tensors: dict[str, dict[str, Any]]
    """{key: {"dtype": …, "shape": […]}}"""
    nonfinite: dict[str, int]
    """{key: values at valid roles that are NaN or infinite}, such as float16 overflow; only where there are any."""
    size: int
    """Bytes of the shard."""
    sha256: str
    batches: int = 1
    """How many consecutive batches of capture it holds; `resume` counts on with it."""


class ShardWriter:
    """Writes the shards of one run into `folder`, which is created; temporary files of a killed writer are removed.

    Raises `RunError` if the folder holds shards of another run, or cannot be written.
    """

    def __init__(self, folder: Path, *, run: str, roles: Sequence[str]):
        self.folder, self.run, self.roles = folder, run, tuple(roles)
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
        if len(set(sample_ids)) != len(valid) or any(len(tensor) != len(valid) for tensor in tensors.values()):
            raise RunError(f"{_path(self.folder, index)}: {len(valid)} samples need as many different ids and rows")
        tensors = {**tensors, "valid": valid}
        nonfinite = {key: _count_nonfinite(key, tensor, valid) for key, tensor in sorted(tensors.items())}
        path = _path(self.folder, index)
        remove(_marker(self.folder, index))
        sha256 = write_chunks(path, serialized(tensors))
        shard = Shard(
            run=self.run,
            index=index,
            sample_ids=tuple(sample_ids),
            roles=self.roles,
            tensors=describe(tensors),
            nonfinite={key: count for key, count in nonfinite.items() if count},
            size=path.stat().st_size,
            sha256=sha256,
            batches=batches,
        )
        write_json(_marker(self.folder, index), asdict(shard))
        return shard


def finished_shards(folder: Path, *, run: str | None = None) -> list[Shard]:
    """The finished shards in order, after a cheap check: marker readable, shard there and of the right size.

    Raises `RunError` for a damaged, missing or foreign one (of another run than `run`).
    """
    shards, problems = _examine(folder, run, checksums=False)
    if problems:
        raise RunError(problems[0])
    return shards


def verify_shards(folder: Path, *, run: str | None = None, expected: int | None = None) -> list[str]:
    """Read every byte again; returns one sentence per shard that is damaged, missing or foreign, none if all is well.

    `expected` is the number of shards the run should have.
    """
    shards, problems = _examine(folder, run, checksums=True)
    named = " ".join(problems)
    there = {shard.index for shard in shards}
    for index in range(expected or 0):
        path = _path(folder, index)
        if index not in there and str(path) not in named:
            problems.append(f"{path}: missing; write it with `interp resume`")
    return problems


class ShardReader:
    """Reads from the finished shards of a run only what is asked for.

    Raises `RunError` if there are none, if one is damaged, missing or foreign, or if a sample stands in two.
    """

    def __init__(self, folder: Path, *, run: str | None = None):
        self.folder = folder
        self.shards = finished_shards(folder, run=run)
        if not self.shards:
            raise RunError(f"{folder}: holds no finished shard; capture them with `interp run` or `interp resume`")
        self.roles = self.shards[0].roles
        self.sample_ids = tuple(id for shard in self.shards for id in shard.sample_ids)
        self._layouts: dict[int, tuple[bytes, dict[str, int]]] = {}
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
        for shard in self.shards:
            rows = [(wanted[id], row) for row, id in enumerate(shard.sample_ids) if id in wanted]
            if rows:
                to, taken = (torch.tensor(column) for column in zip(*rows, strict=True))
                tensor = self._tensor(shard, key)
                out[to] = (tensor if role is None else tensor.select(axis, self.roles.index(role)))[taken]
        return out

    def _tensor(self, shard: Shard, key: str) -> Tensor:
        """One tensor, mapped into memory: only the pages that are used are read."""
        path, n = _path(self.folder, shard.index), len(shard.sample_ids)
        if n not in self._layouts:
            self._layouts[n] = layout(shard.tensors)
        head, starts = self._layouts[n]
        dtype, shape = getattr(torch, shard.tensors[key]["dtype"]), shard.tensors[key]["shape"]
        try:
            with path.open("rb") as file:
                if file.read(len(head)) != head:
                    raise RunError(_damaged(path, "its header is not the one that was written"))
                data = np.memmap(file, np.uint8, "c", starts[key], (math.prod(shape) * dtype.itemsize,))
        except (OSError, ValueError) as error:
            raise RunError(_damaged(path, str(error))) from error
        return torch.from_numpy(data).view(dtype).reshape(shape)


def _examine(folder: Path, run: str | None, *, checksums: bool) -> tuple[list[Shard], list[str]]:
    """Finished shards that are well, and a sentence for each that is not."""
    shards: list[Shard] = []
    problems: list[str] = []
    tensors: dict[int, dict[str, dict[str, Any]]] = {}  # by number of samples; one object, however many shards
    for marker in sorted(folder.glob("shard-*.json")):
        path = marker.with_suffix(".safetensors")
        try:
            values = json.loads(marker.read_bytes())
            values |= {"sample_ids": tuple(values["sample_ids"]), "roles": tuple(values["roles"])}
            shard = Shard(**values)
            sound = _marker(folder, shard.index) == marker and re.fullmatch("[0-9a-f]{64}", shard.sha256)
        except (OSError, ValueError, TypeError, KeyError):
            sound = None
        if not sound:
            problems.append(_damaged(path, "its marker cannot be read"))
        elif run is not None and shard.run != run:
            problems.append(f"{path}: belongs to a run of another model, data or settings; choose another folder")
        elif not path.exists():
            problems.append(_damaged(path, "it is missing, although its marker says that it was finished"))
        elif path.stat().st_size != shard.size:
            problems.append(_damaged(path, f"expected {shard.size} bytes, it has {path.stat().st_size}"))
        elif checksums and _sha256(path) != shard.sha256:
            problems.append(_damaged(path, "its bytes are not those that were written (sha256 differs)"))
        else:
            n = len(shard.sample_ids)
            like = tensors[n] if n in tensors else _resized((shards or [shard])[0].tensors, n)
            if shard.tensors == like:
                tensors[n] = like
                shards.append(replace(shard, tensors=like))
            else:
                problems.append(_damaged(path, "it holds other tensors than the shards before"))
    return shards, problems


def _resized(specs: Specs, n: int) -> dict[str, dict[str, Any]]:
    return {key: {"dtype": spec["dtype"], "shape": [n, *spec["shape"][1:]]} for key, spec in specs.items()}


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _count_nonfinite(key: str, tensor: Tensor, valid: Tensor) -> int:
    if key == "valid" or _role_axis(key) != 1:  # an undefined attention metric or question is NaN on purpose
        return 0
    return int((~tensor.isfinite() & valid.to(tensor.device)[..., None]).sum())


def _role_axis(key: str) -> int:
    """0: it knows no roles."""
    if key == QUESTION:
        return 0
    return 2 if key.startswith("attention.") else 1


def _path(folder: Path, index: int) -> Path:
    return folder / f"shard-{index:05}.safetensors"


def _marker(folder: Path, index: int) -> Path:
    return folder / f"shard-{index:05}.json"


def _damaged(path: Path, what: str) -> str:
    return f"{path}: damaged: {what}; remove it and {path.stem}.json, then write it again with `interp resume`"
