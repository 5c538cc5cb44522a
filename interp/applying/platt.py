"""From a probe's score to a probability: Platt's sigmoid, fitted on scores the probe was not trained on, and its check.

The rule is that of scikit-learn's `CalibratedClassifierCV(method="sigmoid", ensemble=False)`: one sigmoid for all
out-of-fold scores. Every fold's probe has an offset of its own; the sigmoid is fitted over several of them, so that it
is as uncertain as the offset of the probe it will be used on.
"""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Int
from scipy.special import expit

BINS = 10


@dataclass(frozen=True)
class Platt:
    """P(correct) = sigmoid(slope · score + intercept) (Platt 1999)."""

    slope: float
    intercept: float

    @classmethod
    def fit(
        cls,
        score: Float[np.ndarray, " sample"],
        y: Int[np.ndarray, " sample"],
        *,
        count: Float[np.ndarray, " sample"] | None = None,
    ) -> "Platt":
        """Maximum likelihood with Platt's targets (n₊+1)/(n₊+2) and 1/(n₋+2), which keep it finite.

        `count`: how many samples of this score and label there are, one each by default.
        """
        count = np.ones(len(y)) if count is None else count
        n, n_correct = float(count.sum()), float(count @ y)
        target = np.where(y == 1, (n_correct + 1) / (n_correct + 2), 1 / (n - n_correct + 2))
        centre = float(count @ score / n)
        spread = float(np.sqrt(count @ (score - centre) ** 2 / n)) or 1.0
        design = np.stack([(score - centre) / spread, np.ones(len(y))], axis=1)
        share = float(count @ target / n)
        v = np.array([0.0, np.log(share / (1 - share))])

        def loss(at: np.ndarray) -> float:
            f = design @ at
            return float(count @ (np.logaddexp(0, f) - target * f))

        for _ in range(100):
            p = expit(design @ v)
            slope = design.T @ (count * (p - target))
            curvature = (design * (count * p * (1 - p))[:, None]).T @ design + 1e-12 * np.eye(2)
            step = np.linalg.solve(curvature, slope)
            size = 1.0
            while size > 1e-8 and loss(v - size * step) > loss(v):
                size /= 2
            v = v - size * step
            if slope @ step < 1e-12 * n:  # nothing is left but what this step itself squares away
                break
        return cls(float(v[0] / spread), float(v[1] - v[0] * centre / spread))

    def probability(self, score: Float[np.ndarray, "*sample"]) -> Float[np.ndarray, "*sample"]:
        """Probability that the answer is correct."""
        return expit(self.slope * score + self.intercept)


@dataclass(frozen=True)
class Reliability:
    """How far predicted probabilities are from what happened."""

    brier: float
    """Mean squared error of the probability."""
    brier_base: float
    """The same for the share of correct answers as everybody's probability."""
    ece: float
    """Expected calibration error over the bins; above 0 by chance alone."""
    predicted: Float[np.ndarray, " bin"] = field(repr=False)
    observed: Float[np.ndarray, " bin"] = field(repr=False)
    count: Int[np.ndarray, " bin"] = field(repr=False)


def reliability(
    probability: Float[np.ndarray, " sample"], y: Int[np.ndarray, " sample"], *, bins: int = BINS
) -> Reliability:
    """Brier score and expected calibration error in bins that hold equally many samples (in order of probability)."""
    order = np.argsort(probability, kind="stable")
    parts = np.array_split(order, min(bins, len(order)))
    predicted = np.array([probability[part].mean() for part in parts])
    observed = np.array([y[part].mean() for part in parts])
    count = np.array([len(part) for part in parts], dtype=np.int64)
    return Reliability(
        brier=float(((probability - y) ** 2).mean()),
        brier_base=float(((y.mean() - y) ** 2).mean()),
        ece=float((count * np.abs(predicted - observed)).sum() / len(y)),
        predicted=predicted,
        observed=observed,
        count=count,
    )
