"""Ridge probes on one matrix for many label vectors and training parts: what no label enters is computed once.

Columns are standardised over all samples, which uses no label: so the products of samples serve every training part,
whose matrix is the sum of its folds' matrices. The intercept is not penalised.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy import linalg


class _Sums(NamedTuple):
    """What ridge needs to know of the columns within one fold."""

    z: Float[np.ndarray, " width"]
    inner: Float[np.ndarray, "width width"]


@dataclass(frozen=True)
class FoldRidge:
    """Ridge on any folds together, of samples that stand fold by fold."""

    order: Int[np.ndarray, " sample"]
    """The samples as they were given, in the order in which they stand here."""
    parts: dict[int, slice]
    """Where each fold stands."""
    z: Float[np.ndarray, "sample width"]
    alpha: float
    sums: dict[int, _Sums]
    """Sums over each fold; empty where there are more columns than samples."""
    kernel: Float[np.ndarray, "#sample #sample"]
    """Products of the samples then; else empty."""

    @classmethod
    def of(
        cls, x: Float[np.ndarray, "sample width"], fold: Int[np.ndarray, " sample"], *, alpha: float = 1.0
    ) -> "FoldRidge":
        """What no label enters. `alpha`: the penalty of the weights, as scikit-learn's `RidgeClassifier` has it."""
        order = np.argsort(fold, kind="stable")
        numbers, starts = np.unique(fold[order], return_index=True)
        ends = np.append(starts[1:], len(fold))
        parts = {f: slice(*ab) for f, *ab in zip(numbers.tolist(), starts.tolist(), ends.tolist(), strict=True)}
        scale = x.std(0)
        varies = scale > 1e-12 * np.abs(x).max(0)
        z = x[order] if varies.all() else x[np.ix_(order, varies)]  # one copy, changed in place: the largest thing here
        z -= z.mean(0)
        z /= scale[varies]
        if z.shape[1] > z.shape[0]:
            return cls(order, parts, z, alpha, {}, z @ z.T)
        sums = {f: _Sums(z[at].sum(0), z[at].T @ z[at]) for f, at in parts.items()}
        return cls(order, parts, z, alpha, sums, np.zeros((1, 1)))

    def scores(
        self, target: Float[np.ndarray, "column sample"], held_out: Sequence[Sequence[int]]
    ) -> Iterator[Float[np.ndarray, "column out"]]:
        """For each of these sets of folds, the decision values of its samples by ridge on all other folds.

        `target` and what comes back stand as the samples do here. Products with targets have the targets' precision,
        everything else is float64.
        """
        told = {f: target[:, at].sum(1, dtype=np.float64) for f, at in self.parts.items()}
        product = self._by_columns(target) if self.sums else self._by_samples(target)
        for out in held_out:
            inside = [f for f in self.parts if f not in out]
            size = sum(self.parts[f].stop - self.parts[f].start for f in inside)
            mean = (np.sum([told[f] for f in inside], axis=0) / size).astype(target.dtype)
            yield product([f for f in self.parts if f in out], inside, size, mean) + mean[:, None]

    def _by_columns(self, target: Float[np.ndarray, "column sample"]) -> "_Values":
        """Decision values but for the intercept, in as many dimensions as there are columns."""
        z = self.z.astype(target.dtype, copy=False)
        told = {f: target[:, at] @ z[at] for f, at in self.parts.items()}

        def product(
            out: Sequence[int], inside: Sequence[int], size: int, mean: np.ndarray
        ) -> np.ndarray:  # shapes in an inner signature would be made anew at every call
            total = np.sum([self.sums[f].z for f in inside], axis=0)
            inner = np.sum([self.sums[f].inner for f in inside], axis=0) - np.outer(total, total) / size
            left = np.sum([told[f] for f in inside], axis=0) - np.outer(mean, total.astype(target.dtype))
            centre = total / size
            return self._product(left, inner, [z[self.parts[f]].T for f in out], centre)

        return product

    def _by_samples(self, target: Float[np.ndarray, "column sample"]) -> "_Values":
        """The same in as many dimensions as there are samples."""
        rows = np.arange(len(self.z))

        def product(out: Sequence[int], inside: Sequence[int], size: int, mean: np.ndarray) -> np.ndarray:
            train, test = (np.concatenate([rows[self.parts[f]] for f in folds]) for folds in (inside, out))
            inner, right = self.kernel[np.ix_(train, train)], self.kernel[np.ix_(train, test)]
            means = inner.mean(0)
            inner += means.mean() - means - means[:, None]
            right -= right.mean(0)  # nothing, but for rounding: the targets are centred
            centre = means - means.mean()
            return self._product(target[:, train] - mean[:, None], inner, [right], centre)

        return product

    def _product(
        self,
        left: Float[np.ndarray, "column inner"],
        inner: Float[np.ndarray, "inner inner"],
        right: Sequence[Float[np.ndarray, "inner _"]],
        centre: Float[np.ndarray, " inner"],
    ) -> Float[np.ndarray, "column out"]:
        """left (inner + alpha I)⁻¹ (right - centre): the inverse, in float64, goes to the side that has fewer vectors.

        `right` in blocks, which are not copied where they are the larger side.
        """
        inner[np.diag_indices_from(inner)] += self.alpha
        factor = linalg.cho_factor(inner, lower=True, overwrite_a=True, check_finite=False)

        def solved(vectors: np.ndarray) -> np.ndarray:
            return np.asarray(linalg.cho_solve(factor, vectors, check_finite=False)).astype(left.dtype, copy=False)

        if sum(block.shape[1] for block in right) <= len(left):
            return np.concatenate([left @ solved(block - centre[:, None]) for block in right], axis=1)
        weights = solved(left.T).T
        found = np.concatenate([weights @ block.astype(left.dtype, copy=False) for block in right], axis=1)
        return found - (weights @ centre.astype(left.dtype))[:, None]


_Values = Callable[[Sequence[int], Sequence[int], int, np.ndarray], np.ndarray]
