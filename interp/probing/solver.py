"""Many logistic probes on one matrix, solved together and exactly: label permutations, control tasks, several C.

Every problem is scikit-learn's `LogisticRegression(C=C)`, min over w and b of |w|²/2 + C Σ logloss, on the columns
standardised within the training part; `newton.py` finds the optima. Convergence is tested on the coefficients handed
back and reported per problem.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from interp.errors import DataError
from interp.probing.newton import gram, solve_thin, solve_wide

TOLERANCE = 1e-6
"""A problem has converged when the largest entry of its gradient is at most this times the training samples."""


@dataclass(frozen=True)
class Solution:
    """One probe per label vector, in the units of the features as they were given."""

    coef: Float[Tensor, "column width"]
    intercept: Float[Tensor, " column"]
    gradient: Float[Tensor, " column"]
    """Largest entry of the gradient at the solution (standardised features, sum of losses) per training sample."""
    products: int
    """Products with the preconditioner: the work done for all columns together."""

    @property
    def converged(self) -> Bool[Tensor, " column"]:
        """Which problems reached their optimum; never those whose labels are of one class."""
        return self.gradient <= TOLERANCE

    def decision(self, x: Float[Tensor, "sample width"]) -> Float[Tensor, "column sample"]:
        """Decision values of new samples, on the device of `x`."""
        return self.coef.to(x.device) @ x.double().T + self.intercept.to(x.device)[:, None]


@dataclass(frozen=True)
class OutOfFold:
    """Every sample scored by the probes that have not seen its fold."""

    score: Float[np.ndarray, "strength column sample"]
    """NaN where a training part holds one class only, or no column that varies."""
    gradient: Float[np.ndarray, "strength column fold"]
    """As in `Solution`."""
    converged: Bool[np.ndarray, "strength column fold"]
    products: int


class Design:
    """A training matrix, standardised once for every label vector and every C that is solved on it."""

    def __init__(self, x: Float[Tensor, "sample width"]) -> None:
        x = x.double()
        self.kept = (x != x[:1]).any(0)
        self.width = x.shape[1]
        x = x if bool(self.kept.all()) else x[:, self.kept]
        self.mean = x.mean(0)
        self.x = x - self.mean
        scale = self.x.square().mean(0).sqrt()
        # A spread below the rounding of the mean squares to zero: divide by the largest deviation instead of 0.
        self.scale = torch.where(scale > 0, scale, self.x.abs().amax(0))
        self.x /= self.scale
        self._kernels: dict[torch.dtype, Tensor] = {}

    def standardise(self, x: Float[Tensor, "sample width"]) -> Float[Tensor, "sample kept"]:
        """Other samples in the units of the training part, constant columns dropped."""
        return (x.double()[:, self.kept] - self.mean) / self.scale

    def kernel(self, dtype: torch.dtype) -> Float[Tensor, "sample sample"]:
        """Inner products of the samples, computed once for all C."""
        if dtype not in self._kernels:
            self._kernels[dtype] = gram(self.x.to(dtype))
        return self._kernels[dtype]

    def solve(self, labels: Float[Tensor, "column sample"], *, C: float = 1.0) -> Solution:
        """The optimum for every label vector (1 and 0); NaN where a label vector holds one class only."""
        labels = labels.double()
        both = (labels.min(1).values == 0) & (labels.max(1).values == 1)
        columns = len(labels)
        coef = self.x.new_full((columns, self.width), torch.nan)
        intercept, gradient = self.x.new_full((2, columns), torch.nan)
        products = 0
        if self.x.shape[1] and bool(both.any()):
            thin = 2 * self.x.shape[1] < len(self.x)
            args = (labels[both], C)
            w, b, f, products = solve_thin(self.x, *args) if thin else solve_wide(self.x, self.kernel, *args)
            error = torch.sigmoid(f) - labels[both]
            slope = (w + C * (error @ self.x)).abs().amax(1)
            gradient[both] = torch.maximum(slope, (C * error.sum(1)).abs()) / len(self.x)
            raw = self.x.new_zeros((len(w), self.width))
            raw[:, self.kept] = w / self.scale
            coef[both] = raw
            intercept[both] = b - raw[:, self.kept] @ self.mean
        return Solution(coef, intercept, gradient, products)


def cross_fit_logistic(
    x: Float[np.ndarray, "sample width"] | Float[Tensor, "sample width"],
    labels: Float[np.ndarray, "column sample"] | Int[np.ndarray, "column sample"] | Bool[np.ndarray, "column sample"],
    fold: Int[np.ndarray, " sample"],
    *,
    C: float | Sequence[float] = 1.0,
    device: str | torch.device = "cpu",
) -> OutOfFold:
    """Out-of-fold decision values of logistic probes for every label vector and every C (SPEC: score).

    `x`: features of one cell, float16, bfloat16, float32 or float64, standardised here within each training part.
    `labels`: 0/1 vectors (labels, permutations of them, control tasks, one-vs-rest classes); folds are the same for
    all of them. Raises DataError for features that are not finite, labels other than 0/1, or lengths that differ.
    """
    strengths = [float(C)] if isinstance(C, (int, float)) else [float(value) for value in C]
    if not strengths or min(strengths) <= 0:
        raise DataError(f"C: expected positive numbers, got {C!r}")
    x = (x if isinstance(x, Tensor) else torch.from_numpy(np.ascontiguousarray(x))).detach().to(device)
    if len(fold) != len(x) or labels.shape[1] != len(x):
        raise DataError(
            f"solver: expected one fold and one label per sample ({len(x)}), got {len(fold)} and {labels.shape[1]}"
        )
    if not bool(torch.isfinite(x).all()):
        raise DataError("solver: features hold NaN or infinity; leave those samples out of the cell first")
    if not np.isin(labels, (0, 1)).all():
        raise DataError("solver: expected labels 0 and 1; recode the label vectors")
    targets = torch.from_numpy(np.asarray(labels, dtype=np.float64)).to(device)
    places = torch.from_numpy(np.asarray(fold)).to(device)
    numbers = np.unique(fold)
    score = np.full((len(strengths), *labels.shape), np.nan)
    gradient = np.full((len(strengths), len(labels), len(numbers)), np.nan)
    converged, products = np.zeros(gradient.shape, bool), 0
    for k, number in enumerate(numbers):
        train = places != int(number)
        design = Design(x[train])
        held_out = x[~train]
        for s, strength in enumerate(strengths):
            solution = design.solve(targets[:, train], C=strength)
            score[s][:, fold == number] = solution.decision(held_out).cpu().numpy()
            gradient[s, :, k] = solution.gradient.cpu().numpy()
            converged[s, :, k] = solution.converged.cpu().numpy()
            products += solution.products
    return OutOfFold(score, gradient, converged, products)
