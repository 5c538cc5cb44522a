"""Batches of similar length under a token budget; their composition is part of a run's identity."""

from collections.abc import Sequence
from itertools import takewhile

import torch
from jaxtyping import Int
from torch import Tensor


def plan_batches(lengths: Sequence[int], batch_tokens: int, *, max_samples: int = 64) -> list[list[int]]:
    """Sample indices of each batch: sorted by length (stable), cut where padded tokens would pass `batch_tokens`.

    A batch holds at least one sample, at most `max_samples`. Deterministic: with another composition the last bits of
    the activations change.
    """
    order = sorted(range(len(lengths)), key=lambda i: lengths[i])
    batches: list[list[int]] = []
    for i in order:
        # Sorted by length: the sample to be added is the longest of its batch.
        fits = batches and len(batches[-1]) < max_samples and lengths[i] * (len(batches[-1]) + 1) <= batch_tokens
        if fits:
            batches[-1].append(i)
        else:
            batches.append([i])
    return batches


def common_prefix(sequences: Sequence[Sequence[int]]) -> list[int]:
    """The tokens that all sequences begin with."""
    # Of sorted sequences the first and the last differ earliest.
    first, last = min(map(list, sequences)), max(map(list, sequences))
    equal = takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False))
    return [token for token, _ in equal]


def left_pad(
    sequences: Sequence[Sequence[int]], device: torch.device | str, pad: int = 0
) -> tuple[Int[Tensor, "sample token"], Int[Tensor, "sample token"]]:
    """Tokens padded on the left, and the attention mask (1: token, 0: padding)."""
    width = max(len(sequence) for sequence in sequences)
    tokens = torch.tensor([[pad] * (width - len(s)) + list(s) for s in sequences], dtype=torch.long, device=device)
    mask = torch.tensor([[0] * (width - len(s)) + [1] * len(s) for s in sequences], dtype=torch.long, device=device)
    return tokens, mask
