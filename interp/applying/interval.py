"""A number and its interval, from resampled groups."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from interp.statistics.auc import LEVEL


@dataclass(frozen=True)
class Interval:
    """A number and its 95 % interval from resampled groups."""

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Float[np.ndarray, " resample"]) -> "Interval":
        """The first value is the sample's own; the others are resamples."""
        known = np.sort(values[1:][~np.isnan(values[1:])])
        if len(known) == 0:
            return cls(float(values[0]), float("nan"), float("nan"))
        # Order statistics, not interpolated: a threshold may be infinite.
        low, high = (known[round(q * (len(known) - 1))] for q in ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
        return cls(float(values[0]), float(low), float(high))
