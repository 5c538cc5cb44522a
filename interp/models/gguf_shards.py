"""The shards of a GGUF model (`model-00001-of-0000N.gguf`), joined into the one file that they were cut from."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from interp.errors import ModelError
from interp.models.gguf_metadata import value
from interp.models.gguf_reader import open_reader

SHARD = re.compile(r"-(\d{5})-of-(\d{5})$")


def whole_stem(path: Path) -> str:
    """The name of the model that a file is, or is a shard of, without an ending."""
    return SHARD.sub("", path.stem)


def shard_paths(path: Path) -> list[Path]:
    """Every shard of the model that a file is one shard of, in order; the file alone where it is a whole model.

    Raises ModelError that names those that are not there.
    """
    found = SHARD.search(path.stem)
    if found is None or found[2] == "00001":
        return [path]
    shards = [
        path.with_name(f"{whole_stem(path)}-{i:05}-of-{found[2]}{path.suffix}") for i in range(1, int(found[2]) + 1)
    ]
    if missing := [shard.name for shard in shards if not shard.is_file()]:
        some = ", ".join(missing[:3]) + (" …" if len(missing) > 3 else "")
        raise ModelError(
            f"{path} is one of {len(shards)} shards, and {len(missing)} of them are not beside it: {some}; "
            f"put all of them into {path.parent}"
        )
    return shards


def open_shards(shards: Sequence[Path]) -> list[Any]:
    """A reader of every shard. Raises ModelError for files that are not all the shards of one model."""
    readers = [open_reader(shard) for shard in shards]
    if len(shards) > 1:
        _check_together(shards, readers)
    elif (count := value(readers[0], "split.count") or 1) > 1:
        raise ModelError(
            f"{shards[0]} is shard {value(readers[0], 'split.no') + 1} of {count} by its metadata: name the shards "
            f"NAME-00001-of-{count:05}.gguf and put them together"
        )
    return readers


def join(shards: Sequence[Path], readers: Sequence[Any], whole: Path, *, numbers: bool) -> None:
    """Write the one file that the shards were cut from: the first one's metadata and every tensor, bytes as they are.

    Without `numbers` the tensors are a hole of their size, which takes no room on most file systems.
    """
    first = readers[0]
    tensors = [(shard, tensor) for shard, reader in zip(shards, readers, strict=True) for tensor in reader.tensors]
    table, end = [], 0
    for _, tensor in tensors:
        *described, offset = tensor.field.parts
        table += [*described, np.array([end], offset.dtype)]
        end += _padded(tensor.n_bytes, first.alignment)
    with whole.open("wb") as file:
        head = np.array(first.data[: first.table])
        head[8:16] = np.array([len(tensors)], first.fields["GGUF.tensor_count"].parts[0].dtype).view(np.uint8)
        for part in (head, *table):
            file.write(part.tobytes())
        file.write(bytes(_padded(file.tell(), first.alignment) - file.tell()))
        if not numbers:
            file.truncate(file.tell() + end)
            return
        for shard, tensor in tensors:
            with shard.open("rb") as part:
                part.seek(int(tensor.data_offset))
                _copy(part, file, int(tensor.n_bytes))
            file.write(bytes(_padded(tensor.n_bytes, first.alignment) - int(tensor.n_bytes)))


def _check_together(shards: Sequence[Path], readers: Sequence[Any]) -> None:
    """Every shard says which it is (`split.no`, from 0) of how many, and all say how many tensors there are."""
    for at, (shard, reader) in enumerate(zip(shards, readers, strict=True)):
        said = value(reader, "split.no"), value(reader, "split.count")
        if said != (at, len(shards)):
            raise ModelError(
                f"{shard} is not shard {at + 1} of {len(shards)}, as its name says: its metadata have split.no "
                f"{said[0]} and split.count {said[1]}; give the files as they were published"
            )
    held, said_held = sum(len(reader.tensors) for reader in readers), value(readers[0], "split.tensors.count")
    if said_held is not None and held != said_held:
        raise ModelError(
            f"the {len(shards)} shards of {shards[0]} hold {held} tensors, and should hold {said_held} "
            "(split.tensors.count): they are of different models or versions"
        )


def _padded(size: int, alignment: int) -> int:
    return int(size) + -int(size) % int(alignment)


def _copy(source: Any, target: Any, size: int) -> None:
    while size:
        block = source.read(min(size, 1 << 24))
        if not block:
            raise ModelError(f"{source.name} ends before its tensors do: it was not copied whole")
        target.write(block)
        size -= len(block)
