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
2. A moved score moves the share of concordant pairs by the density of the other class at that score (a kernel of
   `BANDWIDTH` standard deviations within class).
3. Means over the fold's class (the groups other than that of i) and over the training samples are taken away: A_f
   itself moves by them.

With nothing to find d_ij = d_ji, and the sum is as large as that variance: the true one is twice that. With strong
signal or many samples for the features it vanishes. Cross-validation's dependence in general: Bates, Hastie &
Tibshirani 2021. No matrix of pairs is kept: Σ d_ij d_ji is the trace of a square, estimated from its products with
`DIRECTIONS` random sign vectors (Hutchinson 1989). Those are linear in the AUC, so that grids can be subtracted, if a
group has the same signs in both: they follow from its name (`group_signs`), whatever other groups there are.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy import linalg, sparse

from interp.statistics.samples import Samples

BANDWIDTH = 0.3
TAIL = 8.0
"""Widths (and frequencies) at which a Gaussian is 0: exp(-32)."""
FLAT = 1e-9
"""Least curvature: that of a sample of which the probe is certain."""
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
) -> Sketch:
    """Products of the pair influences d with random signs: d·u (what a sample received) and dᵀ·u (what it gave).

    For a linear probe on standardised features z, at the minimum of penalty |w|²/2 + Σ loss: `residual` is minus the
    derivative of a sample's loss by its score, `curvature` the second derivative, means over the probes it trained;
    `score` is out-of-fold. The samples' signs let sketches of cells and of grids fit together.
    """
    y, fold, group, signs = samples.y, samples.fold, samples.group, samples.signs
    assert signs is not None
    curvature = np.maximum(curvature, FLAT)
    z, mean = _projected(z, curvature)
    numbers = np.unique(fold)
    without = _hessians_without(z, mean, curvature, fold, penalty)
    removed = residual.copy()  # that of a sample at the probe without its group
    for f in numbers:
        inside = fold == f
        root = linalg.solve_triangular(
            without[f], (z[inside] - mean).T, lower=True, overwrite_b=True, check_finite=False
        )
        removed[inside] += curvature[inside] * _group_leverage(root, residual[inside], group[inside])
    pairs = sum(int((y[fold == f] == 1).sum()) * int((y[fold == f] == 0).sum()) for f in numbers)
    received, given = np.zeros((2, *signs.shape))
    for f in numbers:
        test, train = fold == f, fold != f
        if y[test].min() == y[test].max():
            continue
        slope = _AucSlope.of(score[test], y[test], group[test])
        push = np.zeros_like(signs)  # 0 in the fold: a product with all of z needs no copy of a part of it
        own = z[test] - mean
        push[train] = removed[train, None] * (signs[train] - signs[train].mean(0))
        received[test] = slope.times(own @ _solve(without[f], z.T @ push - np.outer(mean, push.sum(0)))) / pairs
        pull = _solve(without[f], own.T @ slope.transposed_times(signs[test])) / pairs
        back = removed[train, None] * (z @ pull - mean @ pull)[train]
        given[train] += back - back.mean(0)
    return np.stack([received, given], axis=1).astype(np.float32)  # sixteen numbers a sample and cell


def _projected(
    z: Float[np.ndarray, "sample width"], curvature: Float[np.ndarray, " sample"]
) -> tuple[Float[np.ndarray, "sample column"], Float[np.ndarray, " column"]]:
    """z, and what to take from it so that the unpenalised intercept is projected out.

    Of more features than samples, as many columns as samples; else z itself, since a copy is the largest thing here.
    """
    mean = (curvature @ z) / curvature.sum()
    if z.shape[1] <= len(z):
        return z, mean
    z = z - mean
    inner = z @ z.T
    inner[np.diag_indices_from(inner)] += JITTER * np.trace(inner)
    return linalg.cholesky(inner, lower=True, overwrite_a=True, check_finite=False), np.zeros(len(z))


def _hessians_without(
    z: Float[np.ndarray, "sample column"],
    mean: Float[np.ndarray, " column"],
    curvature: Float[np.ndarray, " sample"],
    fold: Int[np.ndarray, " sample"],
    penalty: float,
) -> dict[int, Float[np.ndarray, "column column"]]:
    """L with L Lᵀ the Hessian of the penalised loss without each fold."""
    parts = {}
    for f in np.unique(fold).tolist():
        own = z[fold == f] - mean
        parts[f] = (own.T * curvature[fold == f]) @ own
    hessian = np.sum(list(parts.values()), axis=0)
    hessian[np.diag_indices_from(hessian)] += penalty
    for f, part in parts.items():
        np.subtract(hessian, part, out=part)
        parts[f] = np.asarray(linalg.cholesky(part, lower=True, overwrite_a=True, check_finite=False))
    return parts


def _solve(
    root: Float[np.ndarray, "column column"], values: Float[np.ndarray, "column direction"]
) -> Float[np.ndarray, "column direction"]:
    return np.asarray(linalg.cho_solve((root, True), values, overwrite_b=True, check_finite=False))


def _group_leverage(
    root: Float[np.ndarray, "column sample"], residual: Float[np.ndarray, " sample"], group: Int[np.ndarray, " sample"]
) -> Float[np.ndarray, " sample"]:
    """How far training on its group with these residuals has moved each sample's score; `root` is L⁻¹ zᵀ."""
    code = np.unique(group, return_inverse=True)[1].ravel()
    weight = sparse.csr_array((residual, (np.arange(len(code)), code)))
    moved = np.zeros(len(code))
    for start in range(0, len(root), 256):  # a block of columns: copies stay small
        rows = root[start : start + 256]
        moved += np.einsum("ij,ij->j", rows, (rows @ weight)[:, code])
    return moved


@dataclass(frozen=True)
class _AucSlope:
    """Derivative of each sample's share of the fold's concordant pairs by each sample's score, centred by class.

    Products with this matrix of pairs, without the matrix: on an interval a Gaussian is a short sum of cosines, and the
    cosine of a difference is a product. The cost is linear in the samples.
    """

    classes: tuple[Int[np.ndarray, " wrong"], Int[np.ndarray, " correct"]]
    group: Int[np.ndarray, " sample"]
    waves: Float[np.ndarray, "sample wave"]
    weight: Float[np.ndarray, " wave"]

    @classmethod
    def of(
        cls, score: Float[np.ndarray, " sample"], y: Int[np.ndarray, " sample"], group: Int[np.ndarray, " sample"]
    ) -> "_AucSlope":
        """The slope at the scores of one fold."""
        classes = np.flatnonzero(y == 0), np.flatnonzero(y == 1)
        width = BANDWIDTH * np.sqrt((score[classes[0]].var() + score[classes[1]].var()) / 2)
        if width == 0:
            return cls(classes, group, np.zeros((len(y), 0)), np.zeros(0))
        order = np.argsort(score, kind="stable")
        place = np.empty(len(y))
        # Across a gap of TAIL widths no kernel reaches: a wider one would only add cosines.
        place[order] = np.append(0.0, np.cumsum(np.minimum(np.diff(score[order]) / width, TAIL)))
        period = place.max() + TAIL
        wave = 2 * np.pi / period * np.arange(int(TAIL * period / (2 * np.pi)) + 1)
        weight = np.exp(-(wave**2) / 2) / (period * width) * np.where(wave > 0, 2.0, 1.0)
        angle = place[:, None] * wave
        return cls(classes, group, np.hstack([np.cos(angle), np.sin(angle)]), np.tile(weight, 2))

    def times(self, values: Float[np.ndarray, "sample direction"]) -> Float[np.ndarray, "sample direction"]:
        """The product with the matrix."""
        return self._centred(self._moved(values, sign=-1))

    def transposed_times(self, values: Float[np.ndarray, "sample direction"]) -> Float[np.ndarray, "sample direction"]:
        """The product with the transposed matrix."""
        return self._moved(self._centred(values, transposed=True), sign=1)

    def _moved(
        self, values: Float[np.ndarray, "sample direction"], *, sign: int
    ) -> Float[np.ndarray, "sample direction"]:
        """± (density · own value + `sign` · Σ over the other class of kernel · value), minus for wrong samples."""
        out = np.empty_like(values)
        columns = np.column_stack([np.ones(len(values)), values])
        for side, own, other in ((-1, *self.classes), (1, *self.classes[::-1])):
            across = self.waves[own] @ (self.weight[:, None] * (self.waves[other].T @ columns[other]))
            out[own] = side * (across[:, :1] * values[own] + sign * across[:, 1:])
        return out

    def _centred(
        self, values: Float[np.ndarray, "sample direction"], *, transposed: bool = False
    ) -> Float[np.ndarray, "sample direction"]:
        """Each value minus the mean of the other groups of its class, whose own noise is another; 0 without others."""
        out = np.zeros_like(values)
        for members in self.classes:
            own, group = values[members], self.group[members]
            others = (len(members) - np.bincount(group)[group])[:, None]
            if not others.all():
                continue
            counted = own / others if transposed else own
            rest = counted.sum(0) - _sums(counted, group)[group]
            out[members] = own - (rest if transposed else rest / others)
        return out


def _sums(values: Float[np.ndarray, "sample ..."], group: Int[np.ndarray, " sample"]) -> Float[np.ndarray, "group ..."]:
    sums = np.zeros((int(group.max()) + 1, *values.shape[1:]))
    np.add.at(sums, group, values)
    return sums


def shared_variance(sketch: Sketch, group: Int[np.ndarray, " sample"]) -> float:
    """Σ over pairs of groups of d_ij d_ji: what to add to the variance of given probes; never negative."""
    sums = _sums(sketch, group)
    return max(0.0, float((sums[:, 0] * sums[:, 1]).sum() / sketch.shape[2]))
