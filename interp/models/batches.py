"""Batches of similar length under a token budget; their composition is part of a run's identity."""

from collections.abc import Hashable, Iterable, Sequence
from itertools import takewhile

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor


def plan_batches(
    lengths: Sequence[int],
    batch_tokens: int,
    *,
    together: Iterable[Hashable] | None = None,
    max_samples: int = 64,
) -> list[list[int]]:
    """Sample indices of each batch: sorted by length (stable), cut where padded tokens would pass `batch_tokens`.

    Samples with equal entries of `together` (their prompts) stand side by side, at the place of the longest.
    A batch holds at least one sample, at most `max_samples`. Deterministic: with another composition the last bits of
    the activations change. Of `together` only hashes are kept, so a generator of prompts never holds them all.
    """
    n, length = len(lengths), np.asarray(lengths, dtype=np.int64)
    keys = np.arange(n) if together is None else np.fromiter(map(hash, together), np.int64, n)
    _, first, group = np.unique(keys, return_index=True, return_inverse=True)
    group_length = np.zeros(len(first), dtype=np.int64)
    np.maximum.at(group_length, group, length)
    batches: list[list[int]] = []
    longest = 0
    # By the longest of the group, then the group's first sample, then length; the sort is stable.
    for i in np.lexsort((length, first[group], group_length[group])).tolist():
        longest = max(longest, lengths[i])
        if batches and len(batches[-1]) < max_samples and longest * (len(batches[-1]) + 1) <= batch_tokens:
            batches[-1].append(i)
        else:
            batches.append([i])
            longest = lengths[i]
    return batches


def common_prefix(sequences: Iterable[Sequence[int]]) -> list[int]:
    """The tokens that all sequences begin with; none if there is no sequence."""
    remaining = iter(sequences)
    prefix = list(next(remaining, ()))
    for sequence in remaining:
        start = list(sequence[: len(prefix)])
        if start != prefix:
            same = takewhile(lambda pair: pair[0] == pair[1], zip(prefix, start, strict=False))
            prefix = [token for token, _ in same]
    return prefix


def left_pad(
    sequences: Sequence[Sequence[int]], device: torch.device | str, pad: int = 0
) -> tuple[Int[Tensor, "sample token"], Int[Tensor, "sample token"]]:
    """Tokens padded on the left, and the attention mask (1: token, 0: padding)."""
    width = max(map(len, sequences))
    tokens = torch.tensor([[pad] * (width - len(s)) + list(s) for s in sequences], dtype=torch.long, device=device)
    mask = torch.tensor([[0] * (width - len(s)) + [1] * len(s) for s in sequences], dtype=torch.long, device=device)
    return tokens, mask
