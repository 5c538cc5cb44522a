"""Tensors as a stream of bytes in the safetensors format, so that a shard is never held in memory a second time."""

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

# Only types that any reader of the format knows; the names of torch on the left.
TYPES = {"float64": "F64", "float32": "F32", "float16": "F16", "bfloat16": "BF16", "bool": "BOOL"}

Specs = Mapping[str, Mapping[str, Any]]
"""{key: {"dtype": "bfloat16", "shape": [64, 15, 640]}}"""


def describe(tensors: Mapping[str, Tensor]) -> dict[str, dict[str, Any]]:
    """Type and shape of each tensor, in the order of the keys."""
    return {
        key: {"dtype": str(tensor.dtype).removeprefix("torch."), "shape": list(tensor.shape)}
        for key, tensor in sorted(tensors.items())
    }


def layout(specs: Specs, metadata: Mapping[str, str] | None = None) -> tuple[bytes, dict[str, int]]:
    """The first bytes of a file that holds such tensors, and where in the file each of them begins.

    Wide types come first, so that every tensor is aligned; the order does not depend on that of `specs`
    (https://huggingface.co/docs/safetensors).
    """
    item = {key: getattr(torch, spec["dtype"]).itemsize for key, spec in specs.items()}
    header: dict[str, Any] = {"__metadata__": dict(metadata)} if metadata else {}
    starts, end = {}, 0
    for key in sorted(specs, key=lambda key: (-item[key], key)):
        dtype, shape = specs[key]["dtype"], specs[key]["shape"]
        starts[key], end = end, end + math.prod(shape) * item[key]
        header[key] = {"dtype": TYPES[dtype], "shape": shape, "data_offsets": [starts[key], end]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    head = len(text).to_bytes(8, "little") + text
    return head, {key: start + len(head) for key, start in starts.items()}


def serialized(tensors: Mapping[str, Tensor]) -> Iterator[memoryview]:
    """The bytes of a safetensors file, one tensor at a time (the library's own writer copies all of them first)."""
    head, starts = layout(describe(tensors))
    yield memoryview(head)
    for key in starts:
        flat = tensors[key].detach().cpu().flatten().clone(memory_format=torch.contiguous_format)
        yield flat.view(torch.uint8).numpy().data
