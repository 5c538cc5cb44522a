"""The files of shards, and whether they are well: a tensor file and the marker that vouches for it (`shard_io.py`)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from interp.errors import RunError
from interp.storing.marker_check import file_size, fits
from interp.storing.remote import ShardPath, read_json
from interp.support.fingerprint import file_hash, json_hash
from interp.support.safetensors_stream import Specs


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
    crc32: str = ""
    """Of every tensor in the file's order, eight hexadecimal digits each; empty in shards of an earlier version."""
    check: str = ""
    """Of what else the marker says (`marker_check`); empty in shards of an earlier version."""


def finished_shards(folder: ShardPath, *, run: str | None = None) -> list[Shard]:
    """The finished shards in order, after a cheap check: marker readable, shard there and of the right size.

    Raises `RunError` for a damaged, missing or foreign one (of another run than `run`).
    """
    shards, problems = _examine(folder, run, checksums=False)
    if problems:
        raise RunError(problems[0])
    return shards


def verify_shards(folder: ShardPath, *, run: str | None = None, expected: int | None = None) -> list[str]:
    """Read every byte again; returns one sentence per shard that is damaged, missing or foreign, none if all is well.

    `expected` is the number of shards the run should have.
    """
    shards, problems = _examine(folder, run, checksums=True)
    named = " ".join(problems)
    there = {shard.index for shard in shards}
    for index in range(expected or 0):
        path = shard_path(folder, index)
        if index not in there and str(path) not in named:
            problems.append(f"{path}: missing; write it with `interp resume`")
    return problems


def shard_path(folder: ShardPath, index: int) -> ShardPath:
    """The tensors of a shard."""
    return folder / f"shard-{index:05}.safetensors"


def marker_path(folder: ShardPath, index: int) -> ShardPath:
    """Its marker, written last."""
    return folder / f"shard-{index:05}.json"


def marker_check(values: Mapping[str, Any]) -> str:
    """The checksum of a marker: of everything in it but the checksum."""
    return json_hash({name: value for name, value in values.items() if name != "check"})[:16]


def damaged(path: ShardPath, what: str) -> str:
    """A sentence about a shard that cannot be used, and what to do."""
    return f"{path}: damaged: {what}; remove it and {path.stem}.json, then write it again with `interp resume`"


def _examine(folder: ShardPath, run: str | None, *, checksums: bool) -> tuple[list[Shard], list[str]]:
    """Finished shards that are well, and a sentence for each that is not."""
    shards: list[Shard] = []
    problems: list[str] = []
    # By number of samples, one object, however many shards: the tensors, and the bytes of such a file.
    tensors: dict[int, tuple[dict[str, dict[str, Any]], int]] = {}
    markers: list[Any] = sorted(folder.glob("shard-*.json"))
    for marker in markers:
        path = marker.with_suffix(".safetensors")
        try:
            values = read_json(marker)
            whole = values.get("check", "") in ("", marker_check(values))
            values |= {"sample_ids": tuple(values["sample_ids"]), "roles": tuple(values["roles"])}
            shard = Shard(**values)
            sound = whole and marker_path(folder, shard.index) == marker and re.fullmatch("[0-9a-f]{64}", shard.sha256)
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            sound = None
        if not sound:
            problems.append(damaged(path, "its marker cannot be read"))
        elif run is not None and shard.run != run:
            problems.append(f"{path}: belongs to a run of another model, data or settings; choose another folder")
        elif not path.exists():
            problems.append(damaged(path, "it is missing, although its marker says that it was finished"))
        elif path.stat().st_size != shard.size:
            problems.append(damaged(path, f"expected {shard.size} bytes, it has {path.stat().st_size}"))
        elif checksums and file_hash(path) != shard.sha256:
            problems.append(damaged(path, "its bytes are not those that were written (sha256 differs)"))
        else:
            n = len(shard.sample_ids)
            if n not in tensors and fits(shard):
                like = _resized((shards or [shard])[0].tensors, n)
                tensors[n] = like, file_size(like)
            if (shard.tensors, shard.size) == tensors.get(n):
                shards.append(replace(shard, tensors=tensors[n][0]))
            elif not fits(shard) or shard.size != file_size(shard.tensors):
                problems.append(damaged(path, "its marker does not describe this file"))
            else:
                problems.append(damaged(path, "it holds other tensors than the shards before"))
    return shards, problems


def _resized(specs: Specs, n: int) -> dict[str, dict[str, Any]]:
    return {key: {"dtype": spec["dtype"], "shape": [n, *spec["shape"][1:]]} for key, spec in specs.items()}
