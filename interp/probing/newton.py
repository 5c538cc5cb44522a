"""Newton's method for many logistic problems on one matrix: float32 products inside, float64 residuals outside.

For each column t of labels: min over w, b of Σ p w²/2 + Σ s logloss(t, Xw + b), X centred. Strengths s are C in the
column's training part and 0 outside, penalties p the variances of the features within the part: that is |w|²/2 on
features standardised by the part, while all columns share one matrix. Newton's equations are solved by conjugate
gradients, preconditioned by I + Xᵀ diag(q) X with q the same for all columns, so that one factorisation serves them all
and an iteration for all of them is one or two matrix products. Converged columns drop out.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

TARGET = 5e-8
"""Where the iteration stops: the gradient, in the preconditioner's norm, relative to the gradient at 0."""
TARGET_THIN = 1e-8
"""The same for `solve_thin`, whose preconditioner may lie further above the curvature at the optimum."""
MAX_NEWTON, MAX_CG = 60, 80
TRUST = 1e-2
"""How far a gradient may fall, as tracked with penalties of 1 for others, before the scores are computed anew."""
SLOW = 25
"""Iterations of one Newton step from which on a new preconditioner is sooner made than done without."""
SAFE_IN_FLOAT32 = 1e6
"""Bound on the condition number up to which the preconditioner is factorised in float32."""


class Optimum(NamedTuple):
    """What an iteration ends with, for every column; `f` is Xw + b in float64 for this very w and b."""

    w: Float[Tensor, "column width"]
    b: Float[Tensor, " column"]
    f: Float[Tensor, "column sample"]
    products: int
    """Products with n x n or n x width matrices, for all columns together."""


def gram(x: Float[Tensor, "sample width"]) -> Float[Tensor, "sample sample"]:
    """XXᵀ; NumPy sees that the product is symmetric and computes half of it."""
    return torch.from_numpy(x.numpy() @ x.numpy().T) if x.device.type == "cpu" else x @ x.T


def solve_wide(
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
    matrix = c * kernel(_precision(c, x))
    matrix.diagonal().add_(1 + c * ridge)
    inverse = torch.cholesky_inverse(torch.linalg.cholesky(matrix)).float()

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
    fresh = torch.ones(columns, dtype=torch.bool, device=labels.device)
    goal = torch.zeros_like(b)
    active, start, products = torch.arange(columns, device=labels.device), None, 0
    for iteration in range(MAX_NEWTON + 1):
        p = torch.sigmoid(f[active])
        error = strength[active] * (p - labels[active])
        r, r_b = (alpha[active] + error).float(), error.sum(1).float()
        z, k_z, norm = gradients(r, r_b, pull[active])
        products += 1
        relative, start = _relative(norm, start, active)
        known = fresh[active]
        goal[active[known]] = (trust * relative[known]).clamp_min(TARGET)
        small = relative <= goal[active]
        last = iteration == MAX_NEWTON
        settled = known & (relative <= TARGET)
        stale = active[~fresh[active]]
        if len(stale) and (last or bool(small.all())):  # for all at once: a product in float64 is dear
            w[stale] = alpha[stale] @ x if penalty is None else alpha[stale] @ x / penalty[stale]
            f[stale] = w[stale] @ x.T + b[stale, None]
            fresh[stale] = True
        go = ~small
        if bool(go.any()) and not last:
            moved = active[go]
            weight = (strength[moved] * p[go] * (1 - p[go])).float()
            first = (z[go], k_z[go], norm[go])
            d, u, d_b, used = _conjugate_gradients(
                r[go], r_b[go], first, gradients, curved, weight, _accuracy(relative[go], goal[moved]), pull[moved]
            )
            products += used
            d, d_b = d.double(), d_b.double()
            k_d = u.double() - d_b[:, None] - ridge * d
            u = k_d + d_b[:, None]
            linear, quadratic = torch.linalg.vecdot(alpha[moved], k_d), torch.linalg.vecdot(d, k_d)
            step = _step(linear, quadratic, f[moved], u, labels[moved], strength[moved])
            alpha[moved] += step[:, None] * d
            f[moved] += step[:, None] * u
            b[moved] += step * d_b
            fresh[moved] = False
        active = active[~settled]
        if last or not len(active):
            break
    return Optimum(w, b, f, products)


class _Metric(NamedTuple):
    """I + Xᵀ diag(q) X = LLᵀ: the preconditioner, which is the identity in the coordinates v = Lᵀw."""

    q: Float[Tensor, " sample"]
    root: Float[Tensor, "width width"]
    """L."""
    images: Float[Tensor, "width sample"]
    """F = XL⁻ᵀ, transposed: f = Fv."""

    @classmethod
    def of(cls, x: Float[Tensor, "sample width"], q: Float[Tensor, " sample"]) -> "_Metric":
        single = x.to(_precision(float(q.max()), x))
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


def solve_thin(
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
    for iteration in range(MAX_NEWTON + 1):
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
        go = relative > TARGET_THIN
        if iteration == MAX_NEWTON or not bool(go.any()):
            break
        active, pull = active[go], pull[go]
        v, _, d_b, used = _conjugate_gradients(
            r[go],
            r_b[go],
            (first[0][go], first[1][go], first[2][go]),
            metric.gradients,
            metric.curved,
            curvature[go].float(),
            _accuracy(relative[go], TARGET_THIN),
            pull,
        )
        products += 2 * used
        d, d_b = metric.weights(v), d_b.double()
        u = d @ x.T + d_b[:, None]
        linear, quadratic = torch.linalg.vecdot(held[go], d), torch.linalg.vecdot(d, d)
        step = _step(linear, quadratic, f[active], u, labels[active], strength[active])
        w[active] += step[:, None] * d
        b[active] += step * d_b
        f[active] += step[:, None] * u
    return Optimum(w, b, f, products)


def _precision(c: float, x: Float[Tensor, "sample width"]) -> torch.dtype:
    """In which I + cXXᵀ is factorised; the trace, of columns with variance 1, bounds its condition number."""
    return torch.float32 if c * x.numel() < SAFE_IN_FLOAT32 else torch.float64


def _relative(norm: Tensor, start: Tensor | None, active: Tensor) -> tuple[Tensor, Tensor]:
    """Gradient norm of the active columns relative to that at 0 (`start`, of all columns)."""
    norm = norm.clamp_min(0).sqrt().double()
    start = norm if start is None else start
    return norm / start[active].clamp_min(1e-300), start


def _accuracy(relative: Float[Tensor, " column"], goal: Float[Tensor, " column"] | float) -> Float[Tensor, " column"]:
    """How far to reduce the residual of a Newton step: more, the nearer the optimum; no further than needed."""
    return torch.maximum(relative.sqrt(), 0.5 * goal / relative).clamp_max(0.3).float()


def _conjugate_gradients(
    r: Float[Tensor, "column space"],
    r_b: Float[Tensor, " column"],
    first: tuple[Tensor, Tensor, Tensor],
    gradients: Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor, Tensor]],
    curved: Callable[[Tensor, Tensor, Tensor, Tensor], tuple[Tensor, Tensor, Tensor]],
    weight: Float[Tensor, "column sample"],
    accuracy: Float[Tensor, " column"],
    pull: Float[Tensor, " column"],
) -> tuple[Float[Tensor, "column space"], Float[Tensor, "column sample"], Float[Tensor, " column"], int]:
    """Newton steps of all columns, each to its `accuracy`: in the solver's space, in f, in b; iterations.

    A direction is kept with its image u = Xp + p_b. `first` is `gradients(r, r_b, pull)`; `pull` the curvature of the
    preconditioner along b.
    """
    z, x_z, norm = first
    goal = accuracy.square() * norm
    z_b = r_b / pull
    pi, u, p_b = -z, -x_z - z_b[:, None], -z_b
    d, d_f, d_b = torch.zeros_like(pi), torch.zeros_like(u), torch.zeros_like(p_b)
    used = 0
    while used < MAX_CG:
        used += 1
        h, h_b, curvature = curved(pi, u, p_b, weight)
        step = torch.where((norm > 0) & (curvature > 0), norm / curvature, 0.0)
        wide = step[:, None]
        d += wide * pi
        d_f += wide * u
        d_b += step * p_b
        r, r_b = r + wide * h, r_b + step * h_b
        previous = norm
        z, x_z, norm = gradients(r, r_b, pull)
        if bool((norm <= goal).all()):
            break
        beta = torch.where(previous > 0, norm / previous, 0.0).clamp_min(0)
        z_b = r_b / pull
        pi = beta[:, None] * pi - z
        u = beta[:, None] * u - x_z - z_b[:, None]
        p_b = beta * p_b - z_b
    return d, d_f, d_b, used


def _step(
    linear: Float[Tensor, " column"],
    quadratic: Float[Tensor, " column"],
    f: Float[Tensor, "column sample"],
    u: Float[Tensor, "column sample"],
    t: Float[Tensor, "column sample"],
    strength: Float[Tensor, "column sample"],
) -> Float[Tensor, " column"]:
    """Length of each Newton step: 1, or less where the slope along it would turn up by more than half.

    Along the step w'(w + s d) = `linear` + s `quadratic`, and f moves by s·u. The objective is convex, so its slope
    only grows; its values, which lose all digits near the optimum, are not needed.
    """

    def slope(step: Float[Tensor, " column"]) -> Float[Tensor, " column"]:
        error = strength * (torch.sigmoid(f + step[:, None] * u) - t)
        return linear + step * quadratic + torch.linalg.vecdot(error, u)

    step = torch.ones_like(linear)
    first = slope(torch.zeros_like(linear)).abs()
    for _ in range(30):
        now = slope(step)
        over = now > 0.5 * first
        if not bool(over.any()):
            break
        step = torch.where(over, step * (first / (first + now)).clamp(0.1, 0.7), step)
    return step
