"""What a run takes on the disk and in memory, computed from shapes before anything is run."""

import json
import math
import os
import shutil
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from interp.capturing.attention import METRICS
from interp.errors import RunError
from interp.planning.shapes import Shapes
from interp.statistics.samples import DIRECTIONS
from interp.storing.shard_files import Shard
from interp.storing.shard_io import QUESTION
from interp.storing.shards import SHARD_SAMPLES
from interp.support.safetensors_stream import layout
from interp.support.units import gigabytes

SPARE = 1 << 26
"""Room for everything in a run folder that is not an activation, in bytes."""


def shard_specs(shapes: Shapes, sites: Sequence[str], roles: Sequence[str], n: int) -> dict[str, dict[str, Any]]:
    """Type and shape of every tensor in a shard of `n` samples (the layout of `interp.storing.shard_io`)."""
    specs: dict[str, dict[str, Any]] = {}
    for layer in range(shapes.n_layers):
        for site in sites:
            specs[f"{site}.{layer}"] = {"dtype": shapes.dtype, "shape": [n, len(roles), shapes.width(site)]}
        for metric in METRICS:
            specs[f"attention.{metric}.{layer}"] = {"dtype": "float32", "shape": [n, shapes.n_heads, len(roles)]}
    specs["embed"] = {"dtype": shapes.dtype, "shape": [n, len(roles), shapes.d_model]}
    specs[QUESTION] = {"dtype": "float32", "shape": [n, shapes.d_model]}
    specs["valid"] = {"dtype": "bool", "shape": [n, len(roles)]}
    return specs


def sample_bytes(shapes: Shapes, sites: Sequence[str], n_roles: int) -> int:
    """Bytes that one sample adds to a shard.

    roles × (item × (layers × Σ widths of the sites + d_model) + 4 × layers × metrics × heads + 1) + 4 × d_model
    """
    vectors = shapes.itemsize * (shapes.n_layers * sum(map(shapes.width, sites)) + shapes.d_model)
    return n_roles * (vectors + 4 * shapes.n_layers * len(METRICS) * shapes.n_heads + 1) + 4 * shapes.d_model


def disk_bytes(shapes: Shapes, sites: Sequence[str], roles: Sequence[str], shards: Sequence[Sequence[str]]) -> int:
    """Bytes of `activations/`, markers included; `shards` are the ids of the samples of each."""
    per_sample, total = sample_bytes(shapes, sites, len(roles)), 0
    heads: dict[int, tuple[int, dict[str, Any]]] = {}
    for index, ids in enumerate(shards):
        if len(ids) not in heads:
            specs = shard_specs(shapes, sites, roles, len(ids))
            heads[len(ids)] = len(layout(specs)[0]), specs
        head, specs = heads[len(ids)]
        size = head + per_sample * len(ids)
        total += size + _marker_bytes(Shard("0" * 64, index, tuple(ids), tuple(roles), specs, {}, size, "0" * 64))
    return total


def most_bytes(shapes: Shapes, sites: Sequence[str], roles: Sequence[str], ids: Sequence[str]) -> int:
    """Bytes that `activations/` takes at most, whatever the lengths of the answers and so the shards turn out to be.

    What a shard adds to its samples is counted for as many shards as there can be, each as if it were the largest.
    Counts of numbers that are not finite, which markers also hold, are left out.
    """
    most, largest = math.ceil(len(ids) / SHARD_SAMPLES), 2 * SHARD_SAMPLES - 1
    specs = shard_specs(shapes, sites, roles, largest)
    head, per_sample = len(layout(specs)[0]), sample_bytes(shapes, sites, len(roles))
    marker = Shard("0" * 64, 10**5, (), tuple(roles), specs, {}, head + per_sample * largest, "0" * 64, largest)
    listed = sum(len(json.dumps(id, ensure_ascii=False).encode()) + len(",\n  ") for id in ids)
    return per_sample * len(ids) + listed + most * (head + _marker_bytes(marker) + len("\n "))


def _marker_bytes(marker: Shard) -> int:
    """With its checksums: eight characters a tensor and sixteen of its own."""
    summed = replace(marker, crc32="0" * 8 * len(marker.tensors), check="0" * 16)
    return len(json.dumps(asdict(summed), ensure_ascii=False, indent=1).encode()) + 1


def memory_bytes(
    shapes: Shapes, sites: Sequence[str], n_roles: int, *, batch_tokens: int, longest: int, samples: int
) -> dict[str, int]:
    """Peak memory of capture and of probing with one worker, each with what is held beside it; an estimate.

    *weights*: parameters × item. *capturing*: the weights, the hidden states of a batch (about 8 d_model + 3 d_mlp
    numbers a token), three copies of one layer's pattern, and two copies of a shard. *probing*: four times one cell in
    float64, the layer that is kept, and of every cell three times the out-of-fold scores and twice the sketch of what
    the folds share.
    """
    weights = shapes.n_params * shapes.itemsize
    width = max(1, min(batch_tokens, longest))
    rows = max(1, batch_tokens // width)
    hidden = batch_tokens * (8 * shapes.d_model + 3 * shapes.d_mlp) * shapes.itemsize
    pattern = 3 * 4 * shapes.n_heads * rows * width * width
    shard = 2 * (2 * SHARD_SAMPLES) * sample_bytes(shapes, sites, n_roles)
    cell = 8 * samples * shapes.width(sites[0])
    cells = (shapes.n_layers + 1) * n_roles
    kept = samples * cells * (3 * 8 + 2 * 4 * 2 * DIRECTIONS)
    return {
        "weights": weights,
        "capturing": weights + hidden + pattern + shard,
        "probing": 4 * cell + (1 << 29) + kept,
    }


def free_bytes(out: Path) -> int:
    """Free room where a folder is or would be made."""
    place = out.absolute()
    while not os.path.exists(place):  # which is False for a name that no file system takes
        place = place.parent
    return shutil.disk_usage(place).free


def check_room(out: Path, shapes: Shapes, sites: Sequence[str], n_roles: int, samples: int) -> None:
    """Raise RunError if the activations of so many samples cannot fit."""
    needed, free = samples * sample_bytes(shapes, sites, n_roles) + SPARE, free_bytes(out)
    if needed > free:
        raise RunError(
            f"{out}: the activations of {samples} samples need {gigabytes(needed)}, but {gigabytes(free)} are free; "
            "make room, choose another folder, or ask for fewer rows (limit) or sites"
        )
