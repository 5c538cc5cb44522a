"""A direction as a hook of TransformerLens: added to the vectors at some tokens, or projected out of them."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from interp.errors import DataError
from interp.support.accepted import HookPoint
from interp.support.arrays import read_whole_numbers
from interp.support.messages import shown

Hook = tuple[str, Callable[[Tensor, HookPoint], Tensor]]
"""A hook point's name and the function for it, as `fwd_hooks` of `run_with_hooks` takes them."""
Where = slice | int | Sequence[int] | Int[Tensor, " sample"]
"""Token positions: of all samples alike, or one for each sample."""


def added(hook_point: str, direction: Float[Tensor, " width"], alpha: float, position: Where) -> Hook:
    """A hook that adds `alpha` times the direction at length 1."""
    return _hook(hook_point, direction, lambda x, unit: x + alpha * unit, position)


def ablated(hook_point: str, direction: Float[Tensor, " width"], position: Where) -> Hook:
    """A hook that projects the direction out."""
    return _hook(hook_point, direction, lambda x, unit: x - (x @ unit)[..., None] * unit, position)


def _hook(hook_point: str, direction: Tensor, change: Callable[[Tensor, Tensor], Tensor], position: Where) -> Hook:
    index = position if isinstance(position, slice) else torch.from_numpy(read_whole_numbers("position", position))
    if isinstance(index, Tensor) and index.ndim > 1:
        raise DataError(f"position: expected a slice, one index, or one for each sample, got {shown(position)}")
    whole = direction / direction.norm()

    def edit(tensor: Tensor, hook: Any) -> Tensor:
        flat = tensor.reshape(*tensor.shape[:2], -1).clone()  # the heads of `z` side by side, as captured
        if flat.shape[-1] != len(whole):
            raise DataError(
                f"probe: expected vectors of width {len(whole)} at {hook_point}, got {flat.shape[-1]}: another model"
            )
        at: Any = (slice(None), index if isinstance(index, slice) else index.to(flat.device))
        if isinstance(index, Tensor) and index.ndim == 1:
            if len(index) != len(flat):
                raise DataError(f"position: expected one for each of {len(flat)} samples, got {len(index)}")
            at = (torch.arange(len(flat), device=flat.device), at[1])
        exact = torch.promote_types(flat.dtype, torch.float32)
        unit = whole.to(flat.device, exact)
        flat[at] = change(flat[at].to(exact), unit).to(flat.dtype)
        return flat.reshape(tensor.shape)

    return hook_point, edit
