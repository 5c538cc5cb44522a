"""The vectors that stand at each sample's positions, picked from a tensor over all tokens."""

import torch
from einops import repeat
from jaxtyping import Bool, Float, Int
from torch import Tensor


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
