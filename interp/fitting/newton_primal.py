"""Newton's method in as many dimensions as there are columns."""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from interp.fitting import newton
from interp.fitting.newton import (
    TARGET,
    Optimum,
    accuracy_needed,
    conjugate_gradients,
    gram,
    least_length,
    precision,
    step_left,
    step_length,
    step_square,
)

SLOW = 25
"""Iterations of one Newton step from which on a new preconditioner is sooner made than done without."""


class _Metric(NamedTuple):
    """I + Xᵀ diag(q) X = LLᵀ: the preconditioner, which is the identity in the coordinates v = Lᵀw."""

    q: Float[Tensor, "matrix sample"]
    root: Float[Tensor, "matrix width width"]
    """L."""
    images: Float[Tensor, "matrix width sample"]
    """F = XL⁻ᵀ, transposed: f = Fv."""

    @classmethod
    def of(cls, x: Float[Tensor, "matrix sample width"], q: Float[Tensor, "matrix sample"]) -> "_Metric":
        single = x.to(precision(float(q.max()), x))
        inner = gram((single * q.sqrt().to(single.dtype)[..., None]).mT)
        inner.diagonal(dim1=1, dim2=2).add_(1)
        root = torch.linalg.cholesky(inner)
        return cls(q.float(), root, torch.linalg.solve_triangular(root, single.mT, upper=False).float())

    def at(self, matrices: Bool[Tensor, " matrix"]) -> "_Metric":
        """That of some matrices."""
        return self if bool(matrices.all()) else _Metric(*(values[matrices] for values in self))

    def whitened(self, gradient: Float[Tensor, "matrix column width"]) -> Float[Tensor, "matrix column width"]:
        """A gradient by w as one by v."""
        return torch.linalg.solve_triangular(self.root, gradient.mT.to(self.root.dtype), upper=False).mT.float()

    def weights(self, v: Float[Tensor, "matrix column width"]) -> Float[Tensor, "matrix column width"]:
        """w of a v."""
        return torch.linalg.solve_triangular(self.root.mT, v.mT.to(self.root.dtype), upper=True).mT.double()

    def gradients(self, r: Tensor, r_b: Tensor, pull: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The preconditioned residual, its image, and the squared norm."""
        return r, r @ self.images, torch.linalg.vecdot(r, r) + r_b.square() / pull

    def square(self, v: Tensor, u: Tensor) -> Tensor:
        """w'w of a v and its image."""
        return (torch.linalg.vecdot(v, v) - torch.linalg.vecdot(self.q[:, None], u.square())).clamp_min(0)

    def curved(self, v: Tensor, u: Tensor, v_b: Tensor, weight: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The Hessian times a direction, and the direction's curvature."""
        bent = weight * u
        h_v = v + (bent - self.q[:, None] * (u - v_b[..., None])) @ self.images.mT
        h_b = bent.sum(-1)
        return h_v, h_b, torch.linalg.vecdot(v, h_v) + v_b * h_b


def solve_primal(
    x: Float[Tensor, "matrix sample width"],
    labels: Float[Tensor, "column sample"],
    strength: Float[Tensor, "column sample"],
    penalty: Float[Tensor, "matrix column width"] | None,
    C: float,
) -> Optimum:
    """The optima where matrices have fewer columns than rows, in the columns' space: two products per iteration.

    The same problems on each of the matrices: small ones take as many steps together as one alone. Penalties other than
    1 enter the gradient alone. The weights of a metric are equal until a step takes more than `SLOW` iterations, from
    then on the mean curvature of the columns: the optima of one label vector on several training parts are nearly the
    same.
    """
    w, b = labels.new_zeros(len(x), len(labels), x.shape[2]), labels.new_zeros(len(x), len(labels))
    f = labels.new_zeros(len(x), *labels.shape)
    metric = _Metric.of(x, labels.new_full(x.shape[:2], C / 8))
    decrement, least = torch.zeros_like(b), least_length(strength, x.shape[2], C)
    rows, columns = (torch.arange(size, device=labels.device) for size in (len(x), len(labels)))
    products, used = 0, 0
    for iteration in range(newton.MAX_NEWTON + 1):
        at, s, t = (rows[:, None], columns), strength[columns], labels[columns]
        p = torch.sigmoid(f[at])
        curvature = s * p * (1 - p)
        if used > SLOW:
            metric = _Metric.of(x, curvature.sum(1) / (s > 0).sum(0).clamp_min(1))
        pull = metric.q @ (s.float() / C).T
        error = s * (p - t)
        held = w[at] if penalty is None else penalty[at] * w[at]
        r, r_b = metric.whitened(held + error @ x), error.sum(-1).float()
        _, x_z, norm = metric.gradients(r, r_b, pull)
        products += 1
        square = step_square(norm, metric.square(r, x_z), x_z + (r_b / pull)[..., None], curvature)
        x_w = f[at] - b[at][..., None]
        relative = step_left(square, torch.linalg.vecdot(held, w[at]), curvature, x_w, least[columns])
        decrement[at] = relative
        go = relative > TARGET
        if iteration == newton.MAX_NEWTON or not bool(go.any()):
            break
        # Columns that have converged on every matrix drop out, and matrices on which all have; others stand still.
        kept, wanted = go.any(1), go.any(0)
        rows, columns, metric = rows[kept], columns[wanted], metric.at(kept)
        x = x if bool(kept.all()) else x[kept]
        go, r, r_b, x_z, norm, relative, pull, held, curvature = (
            values[kept][:, wanted] for values in (go, r, r_b, x_z, norm, relative, pull, held, curvature)
        )
        r, r_b, x_z, norm = r * go[..., None], r_b * go, x_z * go[..., None], norm * go
        v, _, d_b, used = conjugate_gradients(
            r,
            r_b,
            (r, x_z, norm),
            metric.gradients,
            metric.curved,
            curvature.float(),
            accuracy_needed(relative, TARGET),
            pull,
        )
        products += 2 * used
        d, d_b = metric.weights(v), d_b.double()
        u = d @ x.mT + d_b[..., None]
        linear, quadratic = torch.linalg.vecdot(held, d), torch.linalg.vecdot(d, d)
        at = (rows[:, None], columns)
        step = step_length(linear, quadratic, f[at], u, labels[columns], strength[columns])
        w[at] += step[..., None] * d
        b[at] += step * d_b
        f[at] += step[..., None] * u
    return Optimum(w, b, f, decrement, products)
