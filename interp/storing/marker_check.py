"""Whether a shard's marker can be true: its tensors fit its samples and roles, and fill its file to the byte."""

import math
from typing import TYPE_CHECKING, Any

import torch

from interp.support.safetensors_stream import TYPES, Specs, layout

if TYPE_CHECKING:
    from interp.storing.shard_files import Shard

MOST_AXES = 3


def fits(shard: "Shard") -> bool:
    """Whether samples, roles and tensors are such at all, and belong together.

    A marker says how much memory reading takes, so that one which speaks of other sizes than its file has is not
    believed: compare its size with `file_size`.
    """
    texts = (*shard.sample_ids, *shard.roles, shard.run, shard.crc32, shard.check)
    counts = (shard.index, shard.size, shard.batches)
    if not all(isinstance(text, str) for text in texts) or not all(_count(number) for number in counts):
        return False
    if not isinstance(shard.tensors, dict) or not all(map(_described, shard.tensors.values())):
        return False
    n, roles = len(shard.sample_ids), len(shard.roles)
    shapes = {key: spec["shape"] for key, spec in shard.tensors.items()}
    return shapes.get("valid") == [n, roles] and all(shape[0] == n for shape in shapes.values())


def file_size(tensors: Specs) -> int:
    """Bytes of a file that holds such tensors."""
    values = (math.prod(spec["shape"]) * getattr(torch, spec["dtype"]).itemsize for spec in tensors.values())
    return len(layout(tensors)[0]) + sum(values)


def _described(spec: Any) -> bool:
    if not isinstance(spec, dict) or spec.keys() != {"dtype", "shape"} or spec["dtype"] not in [*TYPES]:
        return False
    shape = spec["shape"]
    return isinstance(shape, list) and 0 < len(shape) <= MOST_AXES and all(map(_count, shape))


def _count(number: Any) -> bool:
    return type(number) is int and 0 <= number < 1 << 62
