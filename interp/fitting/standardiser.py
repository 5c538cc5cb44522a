"""Features in units of a training part: mean 0, standard deviation 1."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int


@dataclass(frozen=True)
class Standardiser:
    """Mean and standard deviation (ddof 0) of a training part; columns whose values are all equal are dropped."""

    mean: Float[np.ndarray, " kept"]
    scale: Float[np.ndarray, " kept"]
    kept: Int[np.ndarray, " kept"]

    @classmethod
    def fit(cls, x: Float[np.ndarray, "sample width"]) -> "Standardiser":
        """Learn from the training part alone."""
        kept = np.flatnonzero(x.max(0) != x.min(0))
        varying = x if len(kept) == x.shape[1] else x.take(kept, axis=1)
        mean, scale = varying.mean(0), varying.std(0)
        if not scale.all():
            # A spread below the rounding of the mean squares to zero: divide by the largest deviation instead of 0.
            scale = np.where(scale > 0, scale, np.abs(varying - mean).max(0))
        return cls(mean, scale, kept)

    def apply(self, x: Float[np.ndarray, "sample width"]) -> Float[np.ndarray, "sample kept"]:
        """Standardised kept columns."""
        # A copy, changed in place: at scale a second one is the largest thing in memory.
        z = (
            x.copy() if len(self.kept) == x.shape[1] else x.take(self.kept, axis=1)
        )  # in the same memory order: same bits
        z -= self.mean
        z /= self.scale
        return z
