"""Shards as capture would write them, for the tests of the store."""

import torch

from interp.storing.shard_io import ShardWriter

ROLES = ("last_q", "-1")


def shard(ids, dtype=torch.bfloat16, layers=2, seed=0):
    """Tensors of one shard as capture gives them: views of stacked tensors, NaN where a role is absent."""
    generator = torch.Generator().manual_seed(seed)
    valid = torch.rand(len(ids), 2, generator=generator) < 0.8
    resid = torch.randn(len(ids), layers, 2, 5, generator=generator).to(dtype)
    resid = torch.where(valid[:, None, :, None], resid, torch.nan)
    entropy = torch.rand(len(ids), layers, 3, 2, generator=generator)
    tensors = {"embed": resid[:, 0] * 2}
    for layer in range(layers):
        tensors |= {f"resid_post.{layer}": resid[:, layer], f"attention.entropy.{layer}": entropy[:, layer]}
    return tensors, ids, valid


def write(folder, shards, run="run-a", **options):
    """Write one shard per list of ids; returns the tensors written."""
    writer = ShardWriter(folder, run=run, roles=ROLES)
    written = []
    for index, ids in enumerate(shards):
        tensors, ids, valid = shard(ids, seed=index, **options)
        writer.write(index, tensors, ids, valid=valid)
        written.append(tensors | {"valid": valid})
    return written
