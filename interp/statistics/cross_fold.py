"""What the folds of a cell share: every sample is scored by one probe and trains the other four.

The variance of SPEC ("interval") takes the five probes as given, and the errors E_f = Â_f - A_f of their AUCs on new
samples as independent. They are not. Let D_f←g be how much E_f changes because fold g was trained on; given the other
folds, every E has mean 0 over its own test samples, so that exactly

    Cov(E_f, E_g) = E[D_f←g D_g←f].

To first order D_f←g is a sum over pairs of a test sample i of f and a training sample j of g, of terms d_ij that have
mean 0 in i and in j: only a pair with itself is correlated, and Σ_f≠g Cov(E_f, E_g) = E[Σ d_ij d_ji], i and j in
different folds (of different groups: sums over groups). The d_ij come from three steps:

1. Training on j moves the score of i by x_iᵀ H⁻¹ x_j r_j. H is the Hessian of the penalised loss without fold f, by
   Woodbury from that of all samples; r_j the residual of j at the probe without it, 1 + leverage times the fitted one.
2. A moved score moves the share of concordant pairs by the density of the other class at that score (a kernel of
   `BANDWIDTH` standard deviations within class).
3. Means over the fold's class and over the training samples are taken away: A_f itself moves by them.

With nothing to find d_ij = d_ji, and the sum is as large as SPEC's variance: the true one is twice that. With strong
signal or many samples for the features it vanishes. Cross-validation's dependence in general: Bates, Hastie &
Tibshirani 2021. No matrix of pairs is kept: Σ d_ij d_ji is the trace of a square, estimated from its products with
`DIRECTIONS` random sign vectors (Hutchinson 1989). Those are linear in the AUC, so that grids can be subtracted.
"""

import numpy as np
from jaxtyping import Float, Int
from scipy import linalg

BANDWIDTH = 0.3
DIRECTIONS = 8
FLAT = 1e-9
"""Least curvature: that of a sample of which the probe is certain."""
JITTER = 1e-13
"""Added to the inner products, relative to their trace, where there are fewer samples than features."""

Sketch = Float[np.ndarray, "sample side direction"]


def training_sketch(
    z: Float[np.ndarray, "sample width"],
    y: Int[np.ndarray, " sample"],
    fold: Int[np.ndarray, " sample"],
    group: Int[np.ndarray, " sample"],
    score: Float[np.ndarray, " sample"],
    *,
    residual: Float[np.ndarray, " sample"],
    curvature: Float[np.ndarray, " sample"],
    penalty: float,
) -> Sketch:
    """Products of the pair influences d with random signs: d·u (what a sample received) and dᵀ·u (what it gave).

    For a linear probe on standardised features z, at the minimum of penalty |w|²/2 + Σ loss: `residual` is minus the
    derivative of a sample's loss by its score, `curvature` the second derivative, means over the probes it trained;
    `score` is out-of-fold. Signs depend on the group's code alone, so that sketches of several cells fit together.
    """
    signs = np.random.default_rng(0).integers(0, 2, (int(group.max()) + 1, DIRECTIONS))[group] * 2.0 - 1
    curvature = np.maximum(curvature, FLAT)
    basis = _whitened(z, curvature, penalty)  # basisᵀ basis = z H⁻¹ zᵀ, H of all samples
    received, given = np.zeros((2, len(y), DIRECTIONS))
    without = {}  # of each fold: (I - Q V)⁻¹ of its samples, Q = z H⁻¹ zᵀ, which turns H into H without them
    removed = np.zeros(len(y))  # residual of a sample at the probe without it
    for f in np.unique(fold):
        inside = fold == f
        inner = basis[:, inside].T @ basis[:, inside]
        without[f] = linalg.inv(np.eye(len(inner)) - inner * curvature[inside], check_finite=False)
        leverage = (without[f] * inner).sum(1)
        removed[inside] = residual[inside] * (1 + curvature[inside] * leverage)
    pairs = sum(int((y[fold == f] == 1).sum()) * int((y[fold == f] == 0).sum()) for f in without)
    for f in without:
        test, train = np.flatnonzero(fold == f), np.flatnonzero(fold != f)
        if y[test].min() == y[test].max():
            continue
        own, other = basis[:, test], basis[:, train]
        slope = _auc_slope(score[test], y[test]) / pairs
        centred = signs[train] - signs[train].mean(0)
        received[test] = slope @ (without[f] @ (own.T @ (other @ (removed[train, None] * centred))))
        back = removed[train, None] * (other.T @ (own @ (without[f].T @ (slope.T @ signs[test]))))
        given[train] += back - back.mean(0)
    return np.stack([received, given], axis=1).astype(np.float32)  # sixteen numbers a sample and cell


def _whitened(
    z: Float[np.ndarray, "sample width"], curvature: Float[np.ndarray, " sample"], penalty: float
) -> Float[np.ndarray, "column sample"]:
    """B with Bᵀ B = z H⁻¹ zᵀ, the unpenalised intercept projected out of z."""
    z = z - (curvature @ z) / curvature.sum()
    if z.shape[1] > len(z):
        inner = z @ z.T
        inner[np.diag_indices_from(inner)] += JITTER * np.trace(inner)
        z = linalg.cholesky(inner, lower=True, overwrite_a=True, check_finite=False)
    hessian = (z.T * curvature) @ z
    hessian[np.diag_indices_from(hessian)] += penalty
    factor = linalg.cholesky(hessian, lower=True, overwrite_a=True, check_finite=False)
    return np.asarray(linalg.solve_triangular(factor, z.T, lower=True, check_finite=False))


def _auc_slope(
    score: Float[np.ndarray, " sample"], y: Int[np.ndarray, " sample"]
) -> Float[np.ndarray, "sample sample"]:
    """Derivative of each sample's share of the fold's concordant pairs by each sample's score, centred by class."""
    correct, wrong = np.flatnonzero(y == 1), np.flatnonzero(y == 0)
    width = BANDWIDTH * np.sqrt((score[correct].var() + score[wrong].var()) / 2)
    slope = np.zeros((len(y), len(y)))
    if width == 0:
        return slope
    density = np.exp(-(((score[correct, None] - score[wrong]) / width) ** 2) / 2) / (width * np.sqrt(2 * np.pi))
    slope[np.ix_(correct, wrong)], slope[np.ix_(wrong, correct)] = -density, density.T
    slope[correct, correct], slope[wrong, wrong] = density.sum(1), -density.sum(0)
    for members in (correct, wrong):
        slope[members] -= slope[members].mean(0)
        slope[members] *= len(members) / max(len(members) - 1, 1)  # what taking the mean away has taken of a product
    return slope


def shared_variance(sketch: Sketch, group: Int[np.ndarray, " sample"]) -> float:
    """Σ over pairs of groups of d_ij d_ji: what to add to SPEC's variance; never negative."""
    sums = np.zeros((int(group.max()) + 1, *sketch.shape[1:]))
    np.add.at(sums, group, sketch)
    return max(0.0, float((sums[:, 0] * sums[:, 1]).sum() / sketch.shape[2]))
