"""Positions that a caller says by hand, checked at the door: tokens or spans, lengths, names, and what is absent."""

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor

from interp.capturing.pool import POOLS
from interp.errors import DataError
from interp.support.accepted import Counts, Mask, Tokens
from interp.support.arguments import one_of, several_texts
from interp.support.arrays import read_mask, read_whole_numbers


def read_tokens(
    index: Tokens,
    n_tokens: Counts,
    *,
    roles: str | Sequence[str] | None,
    valid: Mask | None,
    n_prompt: Counts | None,
    pooling: str | Sequence[str],
) -> dict[str, Any]:
    """The fields of `Positions` from the arguments of `Positions.at`. Raises DataError for what does not fit."""
    at = torch.from_numpy(read_whole_numbers("index", index))
    at = at[:, None] if at.ndim == 1 else at
    pooled = at.ndim == 3 and at.shape[-1] == 2
    if at.ndim != 2 and not pooled:
        raise DataError(
            "index: expected ints `sample role`, `sample` for one role, or `sample role 2` for spans, got shape "
            f"{(*at.shape,)}"
        )
    first, last = at.unbind(-1) if pooled else (at, at)
    n = _per_sample("n_tokens", n_tokens, len(at))
    prompt = n if n_prompt is None else _per_sample("n_prompt", n_prompt, len(at))
    there = torch.ones_like(last, dtype=torch.bool) if valid is None else torch.from_numpy(read_mask("valid", valid))
    if there.numel() != last.numel() or there.ndim == 0 or len(there) != len(last):
        raise DataError(f"valid: expected the shape of index, {(*last.shape,)}, got {(*there.shape,)}")
    there, n_roles = there.reshape(last.shape), last.shape[1]
    names = tuple(map(str, range(n_roles))) if roles is None else several_texts("roles", roles)
    if len(set(names)) != n_roles or len(names) != n_roles:
        raise DataError(f"roles: expected {n_roles} different names, got {', '.join(names)}")
    for token in (first, last):
        outside = there & ((token < 0) | (token >= n[:, None]))
        if outside.any():
            sample, role = outside.nonzero()[0].tolist()
            raise DataError(
                f"index: {int(token[sample, role])} at sample {sample}, role {names[role]!r}, is outside the sample's "
                f"{int(n[sample])} tokens; count from 0 (the last is n_tokens - 1), and say by `valid` what is absent"
            )
    if (turned := there & (first > last)).any():
        sample, role = turned.nonzero()[0].tolist()
        raise DataError(
            f"index: the span of sample {sample}, role {names[role]!r}, ends at {int(last[sample, role])}, before it "
            f"begins at {int(first[sample, role])}; give first and last token, both inclusive"
        )
    nowhere = last.new_full((len(last), 2), -1)
    return {
        "index": torch.where(there, last, -1),
        "valid": there,
        "roles": names,
        "n_prompt": prompt,
        "n": n,
        "exact_answer": nowhere,
        "question": nowhere,
        "first": torch.where(there, first, -1) if pooled else None,
        "pooling": _pooling(pooling, n_roles) if pooled else (),
    }


def _per_sample(name: str, values: Any, n: int) -> Int[Tensor, " sample"]:
    """One number for each sample, or one for all; none below 0."""
    numbers = torch.from_numpy(read_whole_numbers(name, values))
    if (numbers < 0).any():
        raise DataError(f"{name}: expected numbers of tokens, got {int(numbers.min())}")
    if numbers.shape not in ((), (n,)):
        raise DataError(f"{name}: expected one number, or one per sample ({n}), got shape {(*numbers.shape,)}")
    return numbers.expand(n)


def _pooling(pooling: Any, n: int) -> tuple[str, ...]:
    """How each of so many roles is pooled."""
    given = several_texts("pooling", pooling)
    if len(given) not in (1, n):
        raise DataError(f"pooling: expected one of {', '.join(POOLS)}, or one per role ({n}), got {len(given)}")
    for how in given:
        one_of("pooling", how, POOLS)
    return given if len(given) == n else given * n
