"""What the folds of a cell share: every sample is scored by one probe and trains the other four.

The variance of given probes (definitions: interval) takes the errors E_f = Â_f - A_f of their AUCs on new samples
as independent. They are not. Let D_f←g be how much E_f changes because fold g was trained on; given the other
folds, every E has mean 0 over its own test samples, so that exactly

    Cov(E_f, E_g) = E[D_f←g D_g←f].

To first order D_f←g is a sum over pairs of a test sample i of f and a training sample j of g, of terms d_ij that have
mean 0 in i and in j: only a pair with itself is correlated, and Σ_f≠g Cov(E_f, E_g) = E[Σ d_ij d_ji], i and j in
different folds (of different groups: sums over groups). The d_ij come from three steps:

1. Training on j moves the score of i by x_iᵀ H⁻¹ x_j r_j. H is the Hessian of the penalised loss without fold f; r_j
   the residual of j at the probe without the group of j: the fitted one and what the group's leverage took from it.
2. A moved score moves the share of concordant pairs by the density of the other class at that score
   (`auc_slope.py`: a kernel of `BANDWIDTH` standard deviations within class).
3. Means over the fold's class (the groups other than that of i) and over the training samples are taken away: A_f
   itself moves by them.

With nothing to find d_ij = d_ji, and the sum is as large as that variance: the true one is twice that. With strong
signal or many samples for the features it vanishes. Cross-validation's dependence in general: Bates, Hastie &
Tibshirani 2021. No matrix of pairs is kept: Σ d_ij d_ji is the trace of a square, estimated from its products with
`DIRECTIONS` random sign vectors (Hutchinson 1989). Those are linear in the AUC, so that grids can be subtracted, if a
group has the same signs in both: they follow from its name (`group_signs`), whatever other groups there are.

The same holds where the probes score the samples of another data set, fold by fold of their own: i is of that set, j
trained the probes, and a pair returns (d_ji) only where the groups of both are in both sets (`Learned.sketch`).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy import linalg, sparse

from interp.statistics.auc_slope import AucSlope, sums_by_group
from interp.statistics.samples import Samples, fold_pairs, pairs_of

FLAT = 1e-9
"""Least curvature: that of a sample of which the probe is certain."""
SAFE_IN_FLOAT32 = 1e6
"""Bound on the condition number up to which Hessians are factorised in single precision."""
JITTER = 1e-13
"""Added to the inner products, relative to their trace, where there are fewer samples than features."""

Sketch = Float[np.ndarray, "sample side direction"]


def training_sketch(
    z: Float[np.ndarray, "sample width"],
    samples: Samples,
    score: Float[np.ndarray, " sample"],
    *,
    residual: Float[np.ndarray, " sample"],
    curvature: Float[np.ndarray, " sample"],
    penalty: float,
    scored: Bool[np.ndarray, " sample"] | None = None,
) -> Sketch:
    """Products of the pair influences d with random signs: d·u (what a sample received) and dᵀ·u (what it gave).

    For a linear probe on standardised features z, at the minimum of penalty |w|²/2 + Σ loss: `residual` is minus the
    derivative of a sample's loss by its score, `curvature` the second derivative, means over the probes it trained;
    `score` is out-of-fold. The samples' signs let sketches of cells and of grids fit together. `scored`: whole folds,
    where other probes score the others: what they received, and what all gave to them.
    """
    assert samples.signs is not None
    learned = Learned.of(z, samples, residual=residual, curvature=curvature, penalty=penalty)
    if scored is None:
        received, given = learned.sketch(learned.z, samples, score, samples.signs)
    else:
        received, test = np.zeros_like(samples.signs), samples.at(scored)
        share = pairs_of(test) / max(pairs_of(samples), 1)
        received[scored], given = learned.sketch(learned.z[scored], test, score[scored], samples.signs)
        received, given = share * received, share * given
    return np.stack([received, given], axis=1).astype(np.float32)  # sixteen numbers a sample and cell


@dataclass(frozen=True)
class Learned:
    """What each fold's probe learned from every sample of the other folds, to first order: it moves any score."""

    samples: Samples
    z: Float[np.ndarray, "sample column"]
    """The features, of more columns than samples as many as samples (`columns`)."""
    mean: Float[np.ndarray, " column"]
    without: dict[int, Float[np.ndarray, "column column"]]
    """L with L Lᵀ the Hessian without each fold."""
    removed: Float[np.ndarray, " sample"]
    """Residual of a sample at the probe without its group."""
    columns: Callable[[Float[np.ndarray, "other width"]], Float[np.ndarray, "other column"]]
    """Other samples' features as those of `z`."""

    @classmethod
    def of(
        cls,
        z: Float[np.ndarray, "sample width"],
        samples: Samples,
        *,
        residual: Float[np.ndarray, " sample"],
        curvature: Float[np.ndarray, " sample"],
        penalty: float,
    ) -> "Learned":
        """As in `training_sketch`."""
        fold, curvature = samples.fold, np.maximum(curvature, FLAT)
        z, mean, columns = _projected(z, curvature)
        trace = float(np.einsum("i,ij,ij->", curvature, z, z))
        single = z.astype(np.float32 if trace < SAFE_IN_FLOAT32 * penalty else np.float64, copy=False)
        without = _hessians_without(single, mean, curvature, fold, penalty)
        removed = residual.copy()
        for f, root in without.items():
            own = fold == f
            leverage = linalg.solve_triangular(
                root, (single[own] - mean.astype(single.dtype)).T, lower=True, overwrite_b=True, check_finite=False
            )
            removed[own] += curvature[own] * _group_leverage(leverage, residual[own], samples.group[own])
        return cls(samples, z, mean, without, removed, columns)

    def sketch(
        self,
        z: Float[np.ndarray, "test column"],
        test: Samples,
        score: Float[np.ndarray, " test"],
        signs: Float[np.ndarray, "sample direction"],
    ) -> tuple[Float[np.ndarray, "test direction"], Float[np.ndarray, "sample direction"]]:
        """What the `test` samples received and the training samples, with these `signs`, gave.

        Test samples of a fold are scored by the probe without that fold. Training samples whose group has no test
        sample are in no pair that returns: their signs may be 0, which spares noise.
        """
        assert test.signs is not None
        pairs, scored = pairs_of(test), [*fold_pairs(test.y, test.fold)]
        received, given = np.zeros_like(test.signs), np.zeros_like(signs)
        if not scored:
            return received, given
        train = self.samples.fold[:, None] != np.array(scored)
        removed = self.removed[:, None, None]
        # All folds' directions side by side: two products with all of z, and no copy of a part of it.
        push = removed * _within(train, np.broadcast_to(signs[:, None], (*train.shape, signs.shape[1])))
        moved = self._centred_z(push, transposed=True)
        pull = np.empty_like(moved)
        for i, f in enumerate(scored):
            inside = test.fold == f
            slope = AucSlope.of(score[inside], test.y[inside], test.group[inside])
            own = z[inside] - self.mean
            asked = own.T @ slope.transposed_times(test.signs[inside])
            solved = _solve(self.without[f], np.hstack([moved[:, i], asked])) / pairs
            there, pull[:, i] = np.hsplit(solved, [signs.shape[1]])
            received[inside] = slope.times(own @ there)
        given = _within(train, removed * self._centred_z(pull)).sum(1)
        return received, given

    def _centred_z(
        self, values: Float[np.ndarray, "_ fold direction"], *, transposed: bool = False
    ) -> Float[np.ndarray, "_ fold direction"]:
        """z without its mean, or its transpose, times values of every fold."""
        flat = values.reshape(len(values), -1)
        outwards = np.outer(self.mean, flat.sum(0)) if transposed else self.mean @ flat
        out = (self.z.T if transposed else self.z) @ flat - outwards
        return out.reshape(-1, *values.shape[1:])

    def pull(self, fold: int, push: Float[np.ndarray, " test"]) -> Float[np.ndarray, " column"]:
        """Where the probe without a fold would have to move, for its samples' scores to be pushed so."""
        own = self.z[self.samples.fold == fold] - self.mean
        return _solve(self.without[fold], (own.T @ push)[:, None])[:, 0]


def _within(
    train: Bool[np.ndarray, "sample fold"], values: Float[np.ndarray, "sample fold direction"]
) -> Float[np.ndarray, "sample fold direction"]:
    """Values minus their mean over each training part, and 0 outside it."""
    inside = np.where(train[:, :, None], values, 0.0)
    return np.where(train[:, :, None], inside - inside.sum(0) / train.sum(0)[:, None], 0.0)


def _projected(
    z: Float[np.ndarray, "sample width"], curvature: Float[np.ndarray, " sample"]
) -> tuple[
    Float[np.ndarray, "sample column"],
    Float[np.ndarray, " column"],
    Callable[[Float[np.ndarray, "other width"]], Float[np.ndarray, "other column"]],
]:
    """z, what to take from it so that the unpenalised intercept is projected out, and others' features alike.

    Of more features than samples, as many columns as samples; else z itself, since a copy is the largest thing here.
    """
    mean = (curvature @ z) / curvature.sum()
    if z.shape[1] <= len(z):
        return z, mean, lambda other: other
    z = z - mean
    inner = z @ z.T
    inner[np.diag_indices_from(inner)] += JITTER * np.trace(inner)
    root = linalg.cholesky(inner, lower=True, overwrite_a=True, check_finite=False)

    def columns(other: Float[np.ndarray, "other width"]) -> Float[np.ndarray, "other column"]:
        return linalg.solve_triangular(root, z @ (other - mean).T, lower=True, check_finite=False).T

    return root, np.zeros(len(z)), columns


def _hessians_without(
    z: Float[np.ndarray, "sample column"],
    mean: Float[np.ndarray, " column"],
    curvature: Float[np.ndarray, " sample"],
    fold: Int[np.ndarray, " sample"],
    penalty: float,
) -> dict[int, Float[np.ndarray, "column column"]]:
    """L with L Lᵀ the Hessian of the penalised loss without each fold."""
    parts = {}
    root, mean = np.sqrt(curvature).astype(z.dtype), mean.astype(z.dtype)
    for f in np.unique(fold).tolist():
        own = z[fold == f] - mean
        own *= root[fold == f, None]
        parts[f] = own.T @ own
    hessian = np.sum(list(parts.values()), axis=0)
    hessian[np.diag_indices_from(hessian)] += np.asarray(penalty, dtype=z.dtype)
    for f, part in parts.items():
        np.subtract(hessian, part, out=part)
        parts[f] = np.asarray(linalg.cholesky(part, lower=True, overwrite_a=True, check_finite=False))
    return parts


def _solve(
    root: Float[np.ndarray, "column column"], values: Float[np.ndarray, "column direction"]
) -> Float[np.ndarray, "column direction"]:
    values = values.astype(root.dtype, copy=False)
    return np.asarray(linalg.cho_solve((root, True), values, overwrite_b=True, check_finite=False), dtype=np.float64)


def _group_leverage(
    root: Float[np.ndarray, "column sample"], residual: Float[np.ndarray, " sample"], group: Int[np.ndarray, " sample"]
) -> Float[np.ndarray, " sample"]:
    """How far training on its group with these residuals has moved each sample's score; `root` is L⁻¹ zᵀ."""
    code = np.unique(group, return_inverse=True)[1].ravel()
    weight = sparse.csr_array((residual, code, np.arange(len(code) + 1)))  # one entry a sample, at its group
    moved = np.zeros(len(code))
    for start in range(0, len(root), 256):  # a block of columns: copies stay small
        rows = root[start : start + 256]
        moved += np.einsum("ij,ij->j", rows, (rows @ weight)[:, code])
    return moved


def shared_variance(sketch: Sketch, group: Int[np.ndarray, " sample"]) -> float:
    """Σ over pairs of groups of d_ij d_ji: what to add to the variance of given probes; never negative."""
    sums = sums_by_group(sketch, group)
    return max(0.0, float((sums[:, 0] * sums[:, 1]).sum() / sketch.shape[2]))
