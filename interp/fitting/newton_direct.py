"""Newton's method with a factorisation for every problem and step: the fastest where problems are few and small."""

import torch
from jaxtyping import Float
from torch import Tensor

from interp.fitting import newton
from interp.fitting.newton import Optimum, least_length, precision, step_left, step_length

TARGET = 1e-8
"""Where the iteration stops: `step_left`; smaller than that of the others, as steps here are exact."""
SMALL = 1.5e7
"""Multiplications of one step of all problems below which they are factorised; more are cheaper together, by
`newton_primal.py` or `newton_dual.py` (docs/solver.md: measured)."""


def is_small(columns: int, samples: int, width: int) -> bool:
    """Whether so many problems of that size are solved here."""
    return columns * samples * width * min(samples, width) < SMALL


def solve_direct(
    x: Float[Tensor, "#column sample width"],
    labels: Float[Tensor, "column sample"],
    strength: Float[Tensor, "column sample"],
    penalty: Float[Tensor, "column width"] | None,
    C: float,
) -> Optimum:
    """The optima by full Newton steps, each shortened where it would overshoot; `products` counts factorisations.

    `x`: one matrix for all columns of labels, or one for each.
    With more features than samples the Hessian P + XᵀWX is inverted through I + √W XP⁻¹Xᵀ √W. In float32 where the
    problem's condition allows it: residuals are float64, so that only the number of steps depends on it.
    """
    columns, (samples, width) = len(labels), x.shape[1:]
    shared = len(x) == 1
    ones = torch.ones_like(x[0, :1]) if penalty is None else penalty
    invert = _ByWidth(x, ones, precision(C / 4, x)) if width <= samples else _BySamples(x, ones, precision(C / 4, x))
    w, b, f = labels.new_zeros(columns, width), labels.new_zeros(columns), torch.zeros_like(labels)
    decrement, least = labels.new_zeros(columns), least_length(strength, width, C)
    active, products = torch.arange(columns, device=labels.device), 0
    for iteration in range(newton.MAX_NEWTON + 1):
        own = ones if penalty is None else ones[active]
        p = torch.sigmoid(f[active])
        error, weight = strength[active] * (p - labels[active]), strength[active] * p * (1 - p)
        held, rows = own * w[active], x if shared else x[active]
        told, across = _products(torch.stack([error, weight], 1), rows).unbind(1)
        g, g_b = held + told, error.sum(1)
        first, second = invert(weight, active, torch.stack([g, across], 2)).unbind(2)
        products += len(active)
        # The intercept by elimination; what is left of its curvature is a difference, never quite zero.
        total = weight.sum(1)
        left = torch.maximum(total - torch.linalg.vecdot(across, second), 1e-6 * total).clamp_min(1e-300)
        d_b = (torch.linalg.vecdot(across, first) - g_b) / left
        d = -first - d_b[:, None] * second
        length = -(torch.linalg.vecdot(g, d) + g_b * d_b)
        x_w, square = f[active] - b[active, None], torch.linalg.vecdot(held, w[active])
        decrement[active] = step_left(length.clamp_min(0), square, weight, x_w, least[active])
        go = decrement[active] > TARGET
        if iteration == newton.MAX_NEWTON or not bool(go.any()):
            break
        active, d, d_b, held = active[go], d[go], d_b[go], held[go]
        own = ones if penalty is None else ones[active]
        u = _products(d[:, None], (x if shared else x[active]).mT)[:, 0] + d_b[:, None]
        linear, quadratic = torch.linalg.vecdot(held, d), torch.linalg.vecdot(own * d, d)
        step = step_length(linear, quadratic, f[active], u, labels[active], strength[active])
        w[active] += step[:, None] * d
        b[active] += step * d_b
        f[active] += step[:, None] * u
    return Optimum(w, b, f, decrement, products)


def _products(left: Float[Tensor, "column row inner"], x: Float[Tensor, "#column inner out"]) -> Tensor:
    """Every column's rows times its matrix; one product where all have the same."""
    return (left.flatten(0, 1) @ x[0]).unflatten(0, left.shape[:2]) if len(x) == 1 else left @ x


class _ByWidth:
    """(P + XᵀWX)⁻¹ in as many dimensions as there are features."""

    def __init__(
        self, x: Float[Tensor, "#column sample width"], penalty: Float[Tensor, "#column width"], dtype: torch.dtype
    ):
        self.x, self.penalty = x.to(dtype), penalty.to(dtype)

    def __call__(
        self, weight: Float[Tensor, "active sample"], active: Tensor, right: Float[Tensor, "active width 2"]
    ) -> Float[Tensor, "active width 2"]:
        x = self.x if len(self.x) == 1 else self.x[active]
        hessian = _products(weight.to(x.dtype)[:, None, :] * x.mT, x)
        hessian.diagonal(dim1=1, dim2=2).add_(self.penalty if len(self.penalty) == 1 else self.penalty[active])
        return torch.cholesky_solve(right.to(x.dtype), torch.linalg.cholesky(hessian)).double()


class _BySamples:
    """The same in as many dimensions as there are samples."""

    def __init__(
        self, x: Float[Tensor, "#column sample width"], penalty: Float[Tensor, "#column width"], dtype: torch.dtype
    ):
        self.x, self.penalty = x.to(dtype), penalty.to(dtype)
        self.kernel = (self.x / self.penalty[:, None]) @ self.x.mT

    def __call__(
        self, weight: Float[Tensor, "active sample"], active: Tensor, right: Float[Tensor, "active width 2"]
    ) -> Float[Tensor, "active width 2"]:
        x, penalty, kernel = (one if len(one) == 1 else one[active] for one in (self.x, self.penalty, self.kernel))
        root = weight.to(x.dtype).sqrt()
        inner = root[:, :, None] * kernel * root[:, None, :]
        inner.diagonal(dim1=1, dim2=2).add_(1)
        scaled = right.to(x.dtype) / penalty[:, :, None]
        inside = torch.cholesky_solve(root[:, :, None] * (x @ scaled), torch.linalg.cholesky(inner))
        return (scaled - (x.mT @ (root[:, :, None] * inside)) / penalty[:, :, None]).double()
