"""Many logistic probes on one matrix, solved together and exactly: folds, label permutations, control tasks, several C.

Every problem is scikit-learn's `LogisticRegression(C=C)`, min over w and b of |w|²/2 + C Σ logloss, on the columns
standardised within the training part; `newton_primal.py` or `newton_dual.py` finds the optimum, in the smaller space.
Convergence is tested on the coefficients handed back and reported per problem. The same problems on several matrices
(the cells of a grid) are solved together, too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from interp.errors import DataError
from interp.fitting.newton import Optimum, gram, has_converged
from interp.fitting.newton_direct import is_small, solve_direct
from interp.fitting.newton_dual import solve_dual
from interp.fitting.newton_primal import solve_primal
from interp.support.messages import shown

COMMON = 1e-2
"""Least variance of a feature within a part, relative to that over all samples, for the part to share their scale."""


@dataclass(frozen=True)
class Solution:
    """One probe per label vector, in the units of the features as they were given."""

    coef: Float[Tensor, "*matrix column width"]
    intercept: Float[Tensor, "*matrix column"]
    gradient: Float[Tensor, "*matrix column"]
    """Largest entry of the gradient at the solution (scaled features, sum of losses) per sample and max(1, C)."""
    converged: Bool[Tensor, "*matrix column"]
    """Which problems reached their optimum (`has_converged`); never those whose labels are of one class."""
    products: int
    """Products with the preconditioner: the work done for all columns together."""

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
    """A matrix of samples, standardised once for every label vector, training part and C that is solved on it.

    Or several of one shape, on each of which the same is solved: small ones together take little longer than one.
    """

    def __init__(self, x: Float[Tensor, "*matrix sample width"]) -> None:
        self.several = x.ndim > 2
        x = x if self.several else x[None]
        varies = x[:, 0] != x[:, -1]
        if not bool(varies.all()):  # only the others can be constant
            varies = (x != x[:, :1]).any(1)
        self.kept = varies.any(0)
        self.width = x.shape[2]
        self.varies = varies[:, self.kept]
        x = (x if bool(self.kept.all()) else x[:, :, self.kept]).to(torch.float64, copy=True)
        self.mean = x.mean(1)
        x -= self.mean[:, None]
        if not bool(self.varies.all()):  # constant in one matrix, but not in another: no weight comes from zeros
            x *= self.varies[:, None]
        self.scale = x.square().mean(1).sqrt()
        if not bool(self.scale.all()):
            # A spread below the rounding of the mean squares to zero: divide by the largest deviation instead of 0.
            self.scale = torch.where(self.scale > 0, self.scale, x.abs().amax(1))
            self.scale = torch.where(self.varies, self.scale, 1.0)
        x /= self.scale[:, None]
        self.x = x
        self._kernels: dict[tuple[int, torch.dtype], Tensor] = {}

    def _kernel(self, matrix: int, dtype: torch.dtype) -> Float[Tensor, "sample sample"]:
        """Inner products of the samples, computed once for all C."""
        if (matrix, dtype) not in self._kernels:
            self._kernels[matrix, dtype] = gram(self.x[matrix].to(dtype))
        return self._kernels[matrix, dtype]

    def solve(
        self,
        labels: Float[Tensor, "column sample"],
        part: Bool[Tensor, "column sample"] | None = None,
        *,
        C: float = 1.0,
    ) -> Solution:
        """The optimum for every label vector (1 and 0) on its part of the samples, standardised within that part.

        `part=None`: all samples. A part in which some feature varies so little that the common scale is none for it,
        or whose optimum is not reached together with the others, is solved by itself. NaN where a part holds one class
        only, or no feature varies in it.
        """
        labels = labels.double()
        inside = torch.ones_like(labels) if part is None else part.double()
        correct, size = (labels * inside).sum(1), inside.sum(1)
        solvable = (correct > 0) & (correct < size) & self.varies.any(1)[:, None]
        variance = None if part is None else self._variance(inside)
        together = solvable.all(0)
        if variance is not None:
            together &= (variance > COMMON).all(2).all(0)
        coef = self.x.new_full((len(self.x), len(labels), self.width), torch.nan)
        intercept, gradient = self.x.new_full((2, len(self.x), len(labels)), torch.nan)
        converged, products = torch.zeros_like(gradient, dtype=torch.bool), 0
        if bool(together.any()):
            penalty = None if variance is None else variance[:, together]
            (w, b, _, left, products), slope = self._optimum(labels[together], C * inside[together], penalty, C)
            coef[:, together], intercept[:, together] = self._as_given(w, b)
            gradient[:, together] = slope / (size[together] * max(1.0, C))
            converged[:, together] = has_converged(gradient[:, together], left)
        if part is not None:
            for i, k in torch.nonzero(solvable & ~converged).tolist():
                alone = Design(self.x[i, part[k]]).solve(labels[k, part[k]][None], C=C)
                coef[i, k], intercept[i, k] = self._as_given(alone.coef[0], alone.intercept[0], i)
                gradient[i, k], converged[i, k] = alone.gradient[0], alone.converged[0]
                products += alone.products
        if not self.several:
            coef, intercept, gradient, converged = coef[0], intercept[0], gradient[0], converged[0]
        return Solution(coef, intercept, gradient, converged, products)

    def _variance(self, inside: Float[Tensor, "column sample"]) -> Float[Tensor, "matrix column kept"]:
        """Variance of every feature within each part; 1 where a feature is the same in all samples of the matrix."""
        x, inside = self.x.float(), inside.float()  # to 1e-7 of the variance over all samples, and in half the time
        size = inside.sum(1, keepdim=True)
        variance = (inside @ x.square() / size - (inside @ x / size).square()).double()
        return variance if bool(self.varies.all()) else torch.where(self.varies[:, None], variance, 1.0)

    def _optimum(
        self,
        labels: Float[Tensor, "column sample"],
        strength: Float[Tensor, "column sample"],
        penalty: Float[Tensor, "matrix column kept"] | None,
        C: float,
    ) -> tuple[Optimum, Float[Tensor, "matrix column"]]:
        """In these matrices' units, and the largest entry of each gradient."""
        matrices, samples, width = self.x.shape
        if is_small(matrices * len(labels), samples, width):
            found = self._directly(labels, strength, penalty, C)
        elif 3 * width < 2 * samples:
            found = solve_primal(self.x, labels, strength, penalty, C)
        else:
            each = [
                solve_dual(x, partial(self._kernel, i), labels, strength, None if penalty is None else penalty[i], C)
                for i, x in enumerate(self.x)
            ]
            w, b, f, left = (torch.stack(values) for values in list(zip(*each, strict=True))[:4])
            found = Optimum(w, b, f, left, sum(one.products for one in each))
        error = strength * (torch.sigmoid(found.f) - labels)
        slope = error @ self.x
        if penalty is None:
            slope += found.w
        else:  # by weights of features scaled within the part
            slope = (penalty * found.w + slope) / penalty.sqrt()
        return found, torch.maximum(slope.abs().amax(2), error.sum(2).abs())

    def _directly(
        self,
        labels: Float[Tensor, "column sample"],
        strength: Float[Tensor, "column sample"],
        penalty: Float[Tensor, "matrix column kept"] | None,
        C: float,
    ) -> Optimum:
        """By factorisations, of every problem on every matrix."""
        matrices, columns = len(self.x), len(labels)
        if matrices == 1:
            x = self.x
        else:
            x = self.x.repeat_interleave(columns, 0)
            labels, strength = labels.repeat(matrices, 1), strength.repeat(matrices, 1)
        found = solve_direct(x, labels, strength, None if penalty is None else penalty.flatten(0, 1), C)
        w, b, f, left = (values.unflatten(0, (matrices, columns)) for values in found[:4])
        return Optimum(w, b, f, left, found.products)

    def _as_given(
        self, w: Float[Tensor, "*probe kept"], b: Float[Tensor, "*probe"], matrix: slice | int = slice(None)
    ) -> tuple[Float[Tensor, "*probe width"], Float[Tensor, "*probe"]]:
        """Weights and intercepts for the features as they were given: [matrix, column] of all, or one of a matrix."""
        scale, mean = self.scale[matrix], self.mean[matrix]
        if isinstance(matrix, slice):
            scale, mean = scale[:, None], mean[:, None]
        raw = w.new_zeros((*w.shape[:-1], self.width))
        raw[..., self.kept] = w / scale
        return raw, b - (raw[..., self.kept] * mean).sum(-1)


def cross_fit_logistic(
    x: Float[np.ndarray, "sample width"] | Float[Tensor, "sample width"],
    labels: Float[np.ndarray, "column sample"] | Int[np.ndarray, "column sample"] | Bool[np.ndarray, "column sample"],
    fold: Int[np.ndarray, " sample"],
    *,
    C: float | Sequence[float] = 1.0,
    device: str | torch.device = "cpu",
) -> OutOfFold:
    """Out-of-fold decision values of logistic probes for every label vector and every C (definitions: score).

    `x`: features of one cell, float16, bfloat16, float32 or float64, standardised here within each training part.
    `labels`: 0/1 vectors (labels, permutations of them, control tasks, one-vs-rest classes); folds are the same for
    all of them. Raises DataError for features that are not finite, labels other than 0/1, or lengths that differ.
    """
    strengths = [float(C)] if isinstance(C, (int, float)) else [float(value) for value in C]
    if not strengths or min(strengths) <= 0:
        raise DataError(f"C: expected positive numbers, got {shown(C)}")
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
