"""Batches of similar length under a token budget; their composition is part of a run's identity."""

from collections.abc import Hashable, Sequence
from itertools import takewhile

import torch
from jaxtyping import Int
from torch import Tensor


def plan_batches(
    lengths: Sequence[int],
    batch_tokens: int,
    *,
    together: Sequence[Hashable] | None = None,
    max_samples: int = 64,
) -> list[list[int]]:
    """Sample indices of each batch: sorted by length (stable), cut where padded tokens would pass `batch_tokens`.

    Samples with equal entries of `together` (their prompts) stand side by side, at the place of the longest.
    A batch holds at least one sample, at most `max_samples`. Deterministic: with another composition the last bits of
    the activations change.
    """
    groups: dict[Hashable, list[int]] = {}
    for i in range(len(lengths)):
        groups.setdefault(i if together is None else together[i], []).append(i)
    ordered = sorted(groups.values(), key=lambda group: max(lengths[i] for i in group))
    batches: list[list[int]] = []
    longest = 0
    for i in (i for group in ordered for i in sorted(group, key=lambda i: lengths[i])):
        longest = max(longest, lengths[i])
        if batches and len(batches[-1]) < max_samples and longest * (len(batches[-1]) + 1) <= batch_tokens:
            batches[-1].append(i)
        else:
            batches.append([i])
            longest = lengths[i]
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
    width = max(map(len, sequences))
    tokens = torch.tensor([[pad] * (width - len(s)) + list(s) for s in sequences], dtype=torch.long, device=device)
    mask = torch.tensor([[0] * (width - len(s)) + [1] * len(s) for s in sequences], dtype=torch.long, device=device)
    return tokens, mask
