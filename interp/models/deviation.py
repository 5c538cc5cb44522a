"""How far what a model computes in one way may lie from what it computes in another."""

from collections.abc import Callable

import torch
from torch import Tensor

from interp.errors import ModelError

TOLERANCE = {torch.float32: 1e-4, torch.float64: 1e-6, torch.float16: 2e-2, torch.bfloat16: 1e-1}
"""Relative to the largest entry of a layer: Gemma's residual stream reaches 8e4."""


def tolerance_of(dtype: torch.dtype) -> float:
    """The largest relative deviation that is still rounding."""
    return TOLERANCE.get(dtype, 1e-1)


def compare(ours: Tensor, theirs: Tensor, tolerance: float, what: str, then: str = "") -> None:
    """Raises ModelError that says `what`, the deviation, and `then` what to do."""
    deviation = relative_deviation(ours, theirs)
    if not deviation <= tolerance:
        raise ModelError(f"{what} (relative deviation {deviation:.2g}, tolerance {tolerance:g}){then}")


def relative_deviation(ours: Tensor, theirs: Tensor) -> float:
    """The largest difference, relative to the largest entry of `theirs`; infinite for other shapes."""
    if ours.shape != theirs.shape:
        return float("inf")
    ours, theirs = ours.float().cpu(), theirs.float().cpu()
    return ((ours - theirs).abs().max() / theirs.abs().max().clamp_min(1e-6)).item()


def deviates(ours: Tensor, theirs: Tensor, tolerance: float) -> bool:
    """Whether the deviation is more than rounding, or not a number."""
    return not relative_deviation(ours, theirs) <= tolerance


def keep(seen: dict[str, Tensor], name: str) -> Callable[[Tensor], None]:
    """A hook that keeps a copy of what it sees."""

    def kept(tensor: Tensor) -> None:
        seen[name] = tensor.detach().clone()

    return kept
