"""Newton's method in as many dimensions as there are samples."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from interp.fitting import newton
from interp.fitting.newton import Optimum, accuracy_needed, conjugate_gradients, precision, step_length

TARGET = 5e-8
"""Where the iteration stops: the gradient, in the preconditioner's norm, relative to the gradient at 0."""
TRUST = 1e-2
"""How far a gradient may fall, as tracked with penalties of 1 for others, before the scores are computed anew."""


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
    # Typical C·p(1-p) at the optimum, where most samples of so wide a matrix are nearly separated.
    c, ridge = C / 40, 0.1 / C
    trust = 0.0 if penalty is None else TRUST
    inverse = _inverse(c * kernel(precision(c, x)), 1 + c * ridge)

    def gradients(r: Tensor, r_b: Tensor, pull: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Mr, its image under K + ridge·I, and the squared norm."""
        z = r @ inverse
        k_z = (r - z) / c
        return z, k_z, torch.linalg.vecdot(r, k_z) + r_b.square() / pull

    def curved(pi: Tensor, u: Tensor, p_b: Tensor, weight: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The Hessian times a direction, and the direction's curvature."""
        bent = weight * u
        return pi + bent, bent.sum(1), torch.linalg.vecdot(pi + bent, u) - p_b * pi.sum(1)

    alpha, f = torch.zeros_like(labels), torch.zeros_like(labels)
    b, w = labels.new_zeros(columns), labels.new_zeros(columns, x.shape[1])
    pull = (strength.sum(1) * (c / C)).float()
    renewed, exact = torch.ones(2, columns, dtype=torch.bool, device=labels.device)  # f of this w: at all, in float64
    goal = torch.zeros_like(b)
    active, start, products = torch.arange(columns, device=labels.device), None, 0
    for iteration in range(newton.MAX_NEWTON + 1):
        p = torch.sigmoid(f[active])
        error = strength[active] * (p - labels[active])
        r, r_b = (alpha[active] + error).float(), error.sum(1).float()
        z, k_z, norm = gradients(r, r_b, pull[active])
        products += 1
        relative, start = _relative(norm, start, active)
        known = renewed[active]
        goal[active[known]] = (trust * relative[known]).clamp_min(TARGET)
        small = relative <= goal[active]
        last = iteration == newton.MAX_NEWTON
        settled = exact[active] & (relative <= TARGET)
        stale = active[~exact[active]]
        if len(stale) and (last or bool(small.all())):  # for all at once: such a product is dear
            final = last or bool((goal[stale] <= TARGET).all())
            matrix = x if final else x.float()
            weights = alpha[stale].to(matrix.dtype) @ matrix
            if penalty is not None:
                weights /= penalty[stale]
            w[stale], f[stale] = weights.double(), (weights @ matrix.T).double() + b[stale, None]
            renewed[stale], exact[stale] = True, final
        go = ~small
        if bool(go.any()) and not last:
            moved = active[go]
            weight = (strength[moved] * p[go] * (1 - p[go])).float()
            first = (z[go], k_z[go], norm[go])
            d, u, d_b, used = conjugate_gradients(
                r[go],
                r_b[go],
                first,
                gradients,
                curved,
                weight,
                accuracy_needed(relative[go], goal[moved]),
                pull[moved],
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
            renewed[moved] = exact[moved] = False
        active = active[~settled]
        if last or not len(active):
            break
    return Optimum(w, b, f, products)


def _inverse(matrix: Float[Tensor, "sample sample"], shift: float) -> Float[Tensor, "sample sample"]:
    """(matrix + shift·I)⁻¹ in float32; each of these is the largest thing in memory, so none is kept."""
    matrix.diagonal().add_(shift)
    root = torch.linalg.cholesky(matrix)
    del matrix
    return torch.cholesky_inverse(root).float()


def _relative(norm: Tensor, start: Tensor | None, active: Tensor) -> tuple[Tensor, Tensor]:
    """Gradient norm of the active columns relative to that at 0 (`start`, of all columns)."""
    norm = norm.clamp_min(0).sqrt().double()
    start = norm if start is None else start
    return norm / start[active].clamp_min(1e-300), start
