"""Newton's method in as many dimensions as there are columns."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from interp.fitting import newton
from interp.fitting.newton import Optimum, accuracy_needed, conjugate_gradients, gram, precision, step_length

TARGET = 1e-8
"""As in `newton_dual.py`; smaller, because the preconditioner may lie further above the curvature at the optimum."""
SLOW = 25
"""Iterations of one Newton step from which on a new preconditioner is sooner made than done without."""


class _Metric(NamedTuple):
    """I + Xᵀ diag(q) X = LLᵀ: the preconditioner, which is the identity in the coordinates v = Lᵀw."""

    q: Float[Tensor, " sample"]
    root: Float[Tensor, "width width"]
    """L."""
    images: Float[Tensor, "width sample"]
    """F = XL⁻ᵀ, transposed: f = Fv."""

    @classmethod
    def of(cls, x: Float[Tensor, "sample width"], q: Float[Tensor, " sample"]) -> "_Metric":
        single = x.to(precision(float(q.max()), x))
        inner = gram((single * q.sqrt().to(single.dtype)[:, None]).T)
        inner.diagonal().add_(1)
        root = torch.linalg.cholesky(inner)
        return cls(q.float(), root, torch.linalg.solve_triangular(root, single.T, upper=False).float())

    def whitened(self, gradient: Float[Tensor, "column width"]) -> Float[Tensor, "column width"]:
        """A gradient by w as one by v."""
        return torch.linalg.solve_triangular(self.root, gradient.T.to(self.root.dtype), upper=False).T.float()

    def weights(self, v: Float[Tensor, "column width"]) -> Float[Tensor, "column width"]:
        """w of a v."""
        return torch.linalg.solve_triangular(self.root.T, v.T.to(self.root.dtype), upper=True).T.double()

    def gradients(self, r: Tensor, r_b: Tensor, pull: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The preconditioned residual, its image, and the squared norm."""
        return r, r @ self.images, torch.linalg.vecdot(r, r) + r_b.square() / pull

    def curved(self, v: Tensor, u: Tensor, v_b: Tensor, weight: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The Hessian times a direction, and the direction's curvature."""
        bent = weight * u
        h_v = v + (bent - self.q * (u - v_b[:, None])) @ self.images.T
        h_b = bent.sum(1)
        return h_v, h_b, torch.linalg.vecdot(v, h_v) + v_b * h_b


def solve_primal(
    x: Float[Tensor, "sample width"],
    labels: Float[Tensor, "column sample"],
    strength: Float[Tensor, "column sample"],
    penalty: Float[Tensor, "column width"] | None,
    C: float,
) -> Optimum:
    """The optima where the matrix has fewer columns than rows, in the columns' space: two products per iteration.

    Penalties other than 1 enter the gradient alone. The weights of the metric are equal until a step takes more than
    `SLOW` iterations, from then on the mean curvature of the columns: the optima of one label vector on several
    training parts are nearly the same.
    """
    columns = len(labels)
    w, b = labels.new_zeros(columns, x.shape[1]), labels.new_zeros(columns)
    f = torch.zeros_like(labels)
    metric = _Metric.of(x, labels.new_full((len(x),), C / 8))
    error = strength * (0.5 - labels)
    slope_at_0, slope_b_at_0 = error @ x, error.sum(1).float()
    active, products, used = torch.arange(columns, device=labels.device), 0, 0
    for iteration in range(newton.MAX_NEWTON + 1):
        p = torch.sigmoid(f[active])
        curvature = strength[active] * p * (1 - p)
        if used > SLOW:
            metric = _Metric.of(x, curvature.sum(0) / (strength[active] > 0).sum(0).clamp_min(1))
        pull = (strength[active].float() / C) @ metric.q
        start = metric.gradients(metric.whitened(slope_at_0[active]), slope_b_at_0[active], pull)[2]
        error = strength[active] * (p - labels[active])
        held = w[active] if penalty is None else penalty[active] * w[active]
        r, r_b = metric.whitened(held + error @ x), error.sum(1).float()
        first = metric.gradients(r, r_b, pull)
        products += 1
        relative = (first[2] / start.clamp_min(1e-30)).double().sqrt()
        go = relative > TARGET
        if iteration == newton.MAX_NEWTON or not bool(go.any()):
            break
        active, pull = active[go], pull[go]
        v, _, d_b, used = conjugate_gradients(
            r[go],
            r_b[go],
            (first[0][go], first[1][go], first[2][go]),
            metric.gradients,
            metric.curved,
            curvature[go].float(),
            accuracy_needed(relative[go], TARGET),
            pull,
        )
        products += 2 * used
        d, d_b = metric.weights(v), d_b.double()
        u = d @ x.T + d_b[:, None]
        linear, quadratic = torch.linalg.vecdot(held[go], d), torch.linalg.vecdot(d, d)
        step = step_length(linear, quadratic, f[active], u, labels[active], strength[active])
        w[active] += step[:, None] * d
        b[active] += step * d_b
        f[active] += step[:, None] * u
    return Optimum(w, b, f, products)
