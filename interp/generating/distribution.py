"""What the model's own next-token distribution says: log-probabilities and entropy, from logits, in nats."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

LOGITS = 1 << 21
"""Logits that are looked at together: every intermediate array has at most so many numbers, or those of one row."""


def rows_together(d_vocab: int) -> int:
    """Rows of logits whose distributions are computed at once."""
    return max(1, LOGITS // d_vocab)


@dataclass(frozen=True)
class Distribution:
    """Next-token distributions at temperature 1, one a row."""

    likeliest: Int[Tensor, " row"]
    """The token with the largest logit; which of several equal ones is torch's choice."""
    below: Float[Tensor, "row d_vocab"]
    """Logits minus the largest of their row."""
    log_mass: Float[Tensor, " row"]
    """Of `below`: log-probabilities are `below - log_mass`."""
    entropy: Float[Tensor, " row"]
    """−Σ p ln p, in nats: 0 where one token is certain, ln d_vocab where all are alike."""

    @classmethod
    @torch.inference_mode()
    def of(cls, logits: Float[Tensor, "row d_vocab"]) -> "Distribution":
        """Of float32 logits, which are not changed; of a token that cannot come (−∞) p ln p is 0."""
        best = logits.max(-1, keepdim=True)
        below = logits - best.values
        mass = below.exp()
        total = mass.sum(-1)
        # ln p = below - ln total, so the entropy needs no logarithm per token. 0 · −∞ is the only NaN left out: a logit
        # that is NaN makes the total NaN too.
        return cls(best.indices[:, 0], below, total.log(), total.log() - (mass * below).nansum(-1) / total)
