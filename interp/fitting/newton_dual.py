"""Newton's method in as many dimensions as there are samples."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from interp.fitting import newton
from interp.fitting.newton import (
    TARGET,
    Optimum,
    accuracy_needed,
    conjugate_gradients,
    least_length,
    precision,
    step_left,
    step_length,
    step_square,
)

SLOW = 25
"""As in `newton_primal.py`; a new preconditioner is made if it would be less than a third."""
TRUST = 1e-2
"""How far the steps may shorten, as tracked with penalties of 1 for others, before the scores are computed anew."""


class _Metric(NamedTuple):
    """The preconditioner."""

    c: float
    inverse: Float[Tensor, "sample sample"]
    """M = (I + c(K + ridge·I))⁻¹."""

    @classmethod
    def of(
        cls,
        x: Float[Tensor, "sample width"],
        kernel: Callable[[torch.dtype], Float[Tensor, "sample sample"]],
        c: float,
        ridge: float,
    ) -> "_Metric":
        """That of one curvature for all samples."""
        return cls(c, _inverse(c * kernel(precision(c, x)), 1 + c * ridge))

    def gradients(self, r: Tensor, r_b: Tensor, pull: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Mr, its image under K + ridge·I, and the squared norm."""
        z = r @ self.inverse
        k_z = (r - z) / self.c
        return z, k_z, torch.linalg.vecdot(r, k_z) + r_b.square() / pull

    def curved(self, pi: Tensor, u: Tensor, p_b: Tensor, weight: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The Hessian times a direction, and the direction's curvature."""
        bent = weight * u
        return pi + bent, bent.sum(1), torch.linalg.vecdot(pi + bent, u) - p_b * pi.sum(1)


def solve_dual(
    x: Float[Tensor, "sample width"],
    kernel: Callable[[torch.dtype], Float[Tensor, "sample sample"]],
    labels: Float[Tensor, "column sample"],
    strength: Float[Tensor, "column sample"],
    penalty: Float[Tensor, "column width"] | None,
    C: float,
) -> Optimum:
    """The optima in as many dimensions as there are samples: w = Xᵀα / p, one n x n product per iteration.

    `kernel` gives K = XXᵀ in a precision. With M = (I + cK)⁻¹ the product K(Mr) = (r - Mr)/c is free. What lies in the
    null space of K (n > width, repeated samples) cannot be seen through K and would grow without bound: the inner
    solves therefore use K + ridge·I, which only shortens the Newton step; the residual they start from is that of K.
    With penalties other than 1 (None: all are) K stands for Xp⁻¹Xᵀ in the inner solves too.
    """
    columns = len(labels)
    ridge, trust = 0.1 / C, 0.0 if penalty is None else TRUST
    # Typical C·p(1-p) at the optimum, where most samples of so wide a matrix are nearly separated.
    metric = _Metric.of(x, kernel, C / 40, ridge)
    alpha, f = torch.zeros_like(labels), torch.zeros_like(labels)
    b, w = labels.new_zeros(columns), labels.new_zeros(columns, x.shape[1])
    exact = torch.ones(columns, dtype=torch.bool, device=labels.device)  # whether f is that of this w
    goal, decrement, least = torch.zeros_like(b), torch.zeros_like(b), least_length(strength, x.shape[1], C)
    active, products, used = torch.arange(columns, device=labels.device), 0, 0
    for iteration in range(newton.MAX_NEWTON + 1):
        p = torch.sigmoid(f[active])
        error = strength[active] * (p - labels[active])
        r, r_b = (alpha[active] + error).float(), error.sum(1).float()
        curvature, k_w = strength[active] * p * (1 - p), f[active] - b[active, None]
        if used > SLOW:
            mean = float((curvature.sum(1) * C / strength[active].sum(1)).mean())
            if 3 * mean < metric.c:
                metric = _Metric.of(x, kernel, mean, ridge)
        pull = (strength[active].sum(1) * (metric.c / C)).float()
        z, k_z, norm = metric.gradients(r, r_b, pull)
        products += 1
        image = k_z + (r_b / pull)[:, None]
        square = step_square(norm, torch.linalg.vecdot(z, k_z), image, curvature)
        relative = step_left(square, torch.linalg.vecdot(alpha[active], k_w), curvature, k_w, least[active])
        decrement[active] = relative
        known = exact[active]
        goal[active[known]] = (trust * relative[known]).clamp_min(TARGET)
        small = relative <= goal[active]
        last = iteration == newton.MAX_NEWTON
        settled = exact[active] & (relative <= TARGET)
        stale = active[~exact[active]]
        if len(stale) and (last or bool(small.all())):  # for all at once: such a product is dear
            w[stale] = alpha[stale] @ x if penalty is None else alpha[stale] @ x / penalty[stale]
            f[stale] = w[stale] @ x.T + b[stale, None]
            exact[stale] = True
        go = ~small
        if bool(go.any()) and not last:
            moved = active[go]
            first = (z[go], k_z[go], norm[go])
            d, u, d_b, used = conjugate_gradients(
                r[go],
                r_b[go],
                first,
                metric.gradients,
                metric.curved,
                curvature[go].float(),
                accuracy_needed(relative[go], goal[moved]),
                pull[go],
            )
            products += used
            d, d_b = d.double(), d_b.double()
            k_d = u.double() - d_b[:, None] - ridge * d
            u = k_d + d_b[:, None]
            linear, quadratic = torch.linalg.vecdot(alpha[moved], k_d), torch.linalg.vecdot(d, k_d)
            step = step_length(linear, quadratic, f[moved], u, labels[moved], strength[moved])
            alpha[moved] += step[:, None] * d
            f[moved] += step[:, None] * u
            b[moved] += step * d_b
            exact[moved] = False
        active = active[~settled]
        if last or not len(active):
            break
    return Optimum(w, b, f, decrement, products)


def _inverse(matrix: Float[Tensor, "sample sample"], shift: float) -> Float[Tensor, "sample sample"]:
    """(matrix + shift·I)⁻¹ in float32; each of these is the largest thing in memory, so none is kept."""
    matrix.diagonal().add_(shift)
    root = torch.linalg.cholesky(matrix)
    del matrix
    return torch.cholesky_inverse(root).float()
