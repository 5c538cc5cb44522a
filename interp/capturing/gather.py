"""The vectors that stand at each sample's positions, picked from a tensor over all tokens and pooled."""

import torch
from einops import repeat
from jaxtyping import Bool, Float, Int
from torch import Tensor

from interp.capturing.points import Points


def gather_roles(
    hidden: Float[Tensor, "sample token *width"], row: Int[Tensor, "sample point"], points: Points
) -> Float[Tensor, "sample role *width"]:
    """The vectors of every role, pooled where it names a span; `row`: where the points' tokens stand in `hidden`."""
    row, valid = row.to(hidden.device), points.positions.valid.to(hidden.device)
    return points.pooled(lambda columns: gather(hidden, row[:, columns], valid[:, columns]))


def gather(
    hidden: Float[Tensor, "sample token *width"], index: Int[Tensor, "sample role"], valid: Bool[Tensor, "sample role"]
) -> Float[Tensor, "sample role *width"]:
    """The vectors of `hidden` at each sample's token indices; NaN where a role is absent.

    A gather, not a one-hot product, which would turn an inf at an unselected token into NaN.
    """
    flat = hidden.flatten(2) if hidden.ndim > 2 else hidden[..., None]
    at = repeat(torch.where(valid, index, 0), "sample role -> sample role width", width=flat.shape[-1])
    picked = torch.take_along_dim(flat, at, dim=1).masked_fill(~valid[..., None], torch.nan)
    return picked.reshape(*index.shape, *hidden.shape[2:])
