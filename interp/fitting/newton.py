"""Newton's method for many logistic problems on one matrix: what `newton_dual.py` and `newton_primal.py` share.

For each column t of labels: min over w, b of Σ p w²/2 + Σ s logloss(t, Xw + b), X centred. Strengths s are C in the
column's training part and 0 outside, penalties p the variances of the features within the part: that is |w|²/2 on
features standardised by the part, while all columns share one matrix. Newton's equations are solved by conjugate
gradients, preconditioned by I + Xᵀ diag(q) X with q the same for all columns, so that one factorisation serves them all
and an iteration for all of them is one or two matrix products, in float32; residuals are float64. Converged columns
drop out. With several matrices in front (`*matrix`) every product is one of as many.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

MAX_NEWTON, MAX_CG = 60, 80
TARGET = 1e-7
"""Where an iteration stops: `step_left`."""
TOLERANCE, ACCURACY = 1e-6, 1e-6
"""Largest entry of the gradient, and `step_left`, up to which a problem has converged."""
ENOUGH = 0.9
"""Share of the columns whose Newton step is accurate enough for all to be taken; the others take one more."""
ROUNDING = 1e-7
"""Least length of weights, relative to that of the first step if no two samples' gradients cancelled."""
SAFE_IN_FLOAT32 = 1e6
"""Bound on the condition number up to which the preconditioner is factorised in float32."""


class Optimum(NamedTuple):
    """What an iteration ends with, for every column; `f` is Xw + b in float64 for this very w and b."""

    w: Float[Tensor, "*matrix column width"]
    b: Float[Tensor, "*matrix column"]
    f: Float[Tensor, "*matrix column sample"]
    decrement: Float[Tensor, "*matrix column"]
    """Length of the Newton step that is left, relative to that of the weights (`step_left`)."""
    products: int
    """Products with n x n or n x width matrices, for all columns together."""


def has_converged(
    gradient: Float[Tensor, "*matrix column"], decrement: Float[Tensor, "*matrix column"]
) -> Bool[Tensor, "*matrix column"]:
    """Which problems have reached their optimum; NaN has not.

    `gradient`: its largest entry, of features scaled within the part, per training sample, and per C where C exceeds 1.
    """
    return (gradient <= TOLERANCE) & (decrement <= ACCURACY)


def gram(x: Float[Tensor, "*matrix sample width"]) -> Float[Tensor, "*matrix sample sample"]:
    """XXᵀ; NumPy sees that the product of one matrix is symmetric and computes half of it."""
    if x.device.type != "cpu":
        return x @ x.mT
    if x.ndim > 2:
        return torch.stack([gram(one) for one in x])
    return torch.from_numpy(x.numpy() @ x.numpy().T)


def precision(c: float, x: Float[Tensor, "*matrix sample width"]) -> torch.dtype:
    """In which I + cXXᵀ is factorised; its trace bounds its condition number (of several matrices, the worst)."""
    return torch.float32 if c * float(torch.linalg.matrix_norm(x).max()) ** 2 < SAFE_IN_FLOAT32 else torch.float64


def least_length(strength: Float[Tensor, "column sample"], width: int, C: float) -> Float[Tensor, " column"]:
    """Square of a length that weights of any use exceed, for standardised columns: below it is rounding."""
    return ROUNDING**2 * strength.square().sum(-1) / (1 / width + C / 4)


def step_left(
    square: Float[Tensor, "*matrix column"],
    held: Float[Tensor, "*matrix column"],
    weight: Float[Tensor, "*matrix column sample"],
    f: Float[Tensor, "*matrix column sample"],
    least: Float[Tensor, "*#matrix column"],
) -> Float[Tensor, "*matrix column"]:
    """Length of a Newton step (`square`: squared) relative to that of the weights, in the Hessian's norm.

    By so much, about, will the scores change relative to their standard deviation; 1 for more. The gradient does not
    tell: where the labels can be separated the objective is flat, and the flatter the larger C. `held` is w'Pw, `f` Xw.
    """
    length = (held + torch.linalg.vecdot(weight, f.square())).clamp_min(least)
    return (square / length).sqrt().clamp_max(1.0)


def step_square(
    norm: Float[Tensor, "*matrix column"],
    held: Float[Tensor, "*matrix column"],
    image: Float[Tensor, "*matrix column sample"],
    weight: Float[Tensor, "*matrix column sample"],
) -> Float[Tensor, "*matrix column"]:
    """The Newton step's squared length, from the preconditioned gradient: its `norm`, w'w and image in f.

    That of the best step in that direction: of the Newton step itself where the Hessian differs from the
    preconditioner by one factor along all of it, else less.
    """
    curvature = held.double() + torch.linalg.vecdot(weight, image.double().square())
    square = norm.double().square() / curvature.clamp_min(1e-300)
    return torch.where(norm >= 0, square, torch.inf)  # a norm below zero is rounding, and says nothing


def accuracy_needed(
    relative: Float[Tensor, "*matrix column"], goal: Float[Tensor, "*matrix column"] | float
) -> Float[Tensor, "*matrix column"]:
    """How far to reduce the residual of a Newton step: more, the nearer the optimum; no further than needed."""
    return torch.maximum(relative.sqrt(), 0.5 * goal / relative).clamp_max(0.3).float()


def conjugate_gradients(
    r: Float[Tensor, "*matrix column space"],
    r_b: Float[Tensor, "*matrix column"],
    first: tuple[Tensor, Tensor, Tensor],
    gradients: Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor, Tensor]],
    curved: Callable[[Tensor, Tensor, Tensor, Tensor], tuple[Tensor, Tensor, Tensor]],
    weight: Float[Tensor, "*matrix column sample"],
    accuracy: Float[Tensor, "*matrix column"],
    pull: Float[Tensor, "*matrix column"],
) -> tuple[
    Float[Tensor, "*matrix column space"], Float[Tensor, "*matrix column sample"], Float[Tensor, "*matrix column"], int
]:
    """Newton steps of all columns, each to its `accuracy`: in the solver's space, in f, in b; iterations.

    Columns whose residual is 0 stay where they are. A direction is kept with its image u = Xp + p_b. `first` is
    `gradients(r, r_b, pull)`; `pull` the curvature of the preconditioner along b.
    """
    z, x_z, norm = first
    goal, live = accuracy.square() * norm, norm > 0
    enough = ENOUGH * float(live.sum())
    z_b = r_b / pull
    pi, u, p_b = -z, -x_z - z_b[..., None], -z_b
    d, d_f, d_b = torch.zeros_like(pi), torch.zeros_like(u), torch.zeros_like(p_b)
    used = 0
    while used < MAX_CG:
        used += 1
        h, h_b, curvature = curved(pi, u, p_b, weight)
        step = torch.where((norm > 0) & (curvature > 0), norm / curvature, 0.0)
        wide = step[..., None]
        d += wide * pi
        d_f += wide * u
        d_b += step * p_b
        r, r_b = r + wide * h, r_b + step * h_b
        previous = norm
        z, x_z, norm = gradients(r, r_b, pull)
        if float(((norm <= goal) & live).sum()) >= enough:
            break
        beta = torch.where(previous > 0, norm / previous, 0.0).clamp_min(0)
        z_b = r_b / pull
        pi = beta[..., None] * pi - z
        u = beta[..., None] * u - x_z - z_b[..., None]
        p_b = beta * p_b - z_b
    return d, d_f, d_b, used


def step_length(
    linear: Float[Tensor, "*matrix column"],
    quadratic: Float[Tensor, "*matrix column"],
    f: Float[Tensor, "*matrix column sample"],
    u: Float[Tensor, "*matrix column sample"],
    t: Float[Tensor, "column sample"],
    strength: Float[Tensor, "column sample"],
) -> Float[Tensor, "*matrix column"]:
    """Length of each Newton step: 1, or less where the slope along it would turn up by more than half.

    Along the step w'(w + s d) = `linear` + s `quadratic`, and f moves by s·u. The objective is convex, so its slope
    only grows; its values, which lose all digits near the optimum, are not needed.
    """

    def slope(step: Tensor) -> Tensor:  # shapes in an inner signature would be made anew at every call
        error = strength * (torch.sigmoid(f + step[..., None] * u) - t)
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
