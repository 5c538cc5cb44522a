"""Vectors of the residual stream put through a model's own last modules, and what is kept of the logits."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from interp.models.architecture import model_info
from interp.models.backends.kinds import backend_of
from interp.models.memory import Splits
from interp.support.accepted import HookedModel

LOGITS = 1 << 25
"""Logits (vectors × vocabulary) that are held at once: 128 MiB in float32."""


@dataclass(frozen=True)
class Said:
    """What each vector says of the tokens that are asked for; NaN and -1 where the vector or the token is absent."""

    logprob: Float[np.ndarray, "asked ..."]
    rank: Float[np.ndarray, "asked ..."]
    """How many tokens have a higher logit."""
    top: Int[np.ndarray, "..."]
    """The token with the highest logit, of equal ones the first."""
    top_logprob: Float[np.ndarray, "..."]

    @classmethod
    def nothing(cls, asked: int, shape: tuple[int, ...]) -> "Said":
        """Of vectors along these axes, to be filled in."""
        logprob, rank = (np.full((asked, *shape), np.nan) for _ in range(2))
        return cls(logprob, rank, np.full(shape, -1), np.full(shape, np.nan))


def read_vectors(
    model: HookedModel, vectors: Float[Tensor, "vector d_model"], asked: Int[np.ndarray, "asked vector"]
) -> Said:
    """`asked`: token ids, -1 for none. Vectors that are not finite say nothing."""
    n, info = len(vectors), model_info(model)
    found = Said.nothing(len(asked), (n,))
    there = np.flatnonzero(torch.isfinite(vectors).all(1).numpy())
    size, splits = max(1, LOGITS // info.d_vocab), Splits()

    def one_pass(some: Sequence[int]) -> None:
        at = np.asarray(some)
        logits = backend_of(model).unembed(vectors[torch.from_numpy(at)].to(info.device, info.dtype))
        own = logits if logits.dtype == torch.float64 else logits.float()
        mass = own.logsumexp(-1)
        highest, top = own.max(-1)
        found.top[at], found.top_logprob[at] = top.cpu().numpy(), (highest - mass).double().cpu().numpy()
        for k, tokens in enumerate(asked):
            wanted = torch.from_numpy(tokens[at].clip(0)).to(own.device)[:, None]
            logit = own.gather(-1, wanted)
            absent = tokens[at] < 0
            for name, value in (("logprob", logit[:, 0] - mass), ("rank", (own > logit).sum(-1))):
                getattr(found, name)[k, at] = np.where(absent, np.nan, value.double().cpu().numpy())

    for start in range(0, len(there), size):
        some = there[start : start + size].tolist()
        splits.run(str(start), some, one_pass, too_large=lambda _: "out of memory on the logits of a single vector")
    return found


def first_of_equal(
    vectors: Float[Tensor, "sample role d_model"], index: Int[Tensor, "sample role"]
) -> Int[np.ndarray, "sample role"]:
    """For every role the first of the sample's roles with the same token and the same vector: one is read for both."""
    same: Bool[Tensor, "sample role role"] = index[:, :, None] == index[:, None, :]
    first = same.int().argmax(-1)
    equal = (vectors == vectors.gather(1, first[..., None].expand_as(vectors))).all(-1)
    own = torch.arange(index.shape[1]).expand_as(first)
    return torch.where(equal, first, own).numpy()
