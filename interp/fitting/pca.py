"""The probe of matched width: logistic regression on the first principal components of each training part."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from jaxtyping import Bool, Float, Int

from interp.fitting.components import top_components
from interp.fitting.linear import Hyperplane
from interp.fitting.newton import has_converged
from interp.fitting.newton_direct import solve_direct
from interp.fitting.standardiser import Standardiser

Part = tuple[Int[np.ndarray, " sample"], Bool[np.ndarray, " sample"], float]
"""Labels, which samples they are learned on, and C."""
TOGETHER = 1e7
"""Numbers of the matrices that are solved at once: small ones gain by it, large ones only take memory."""


def pca_logistic(
    x: Float[np.ndarray, "sample width"], problems: Sequence[Part], *, components: int
) -> list[tuple[Hyperplane, Standardiser, bool]]:
    """StandardScaler, PCA and LogisticRegression(C) of scikit-learn in a row, for every problem.

    Beside each probe, on the columns that its part scales, whether it has converged. Components are not rescaled; they
    are of the part alone, so every problem has a matrix of its own.
    """
    step = max(1, int(TOGETHER // (len(x) * min(components, *x.shape))))
    chunks = [problems[start : start + step] for start in range(0, len(problems), step)]
    return [found for chunk in chunks for found in _solved(x, chunk, components)]


def _solved(
    x: Float[np.ndarray, "sample width"], problems: Sequence[Part], components: int
) -> Iterator[tuple[Hyperplane, Standardiser, bool]]:
    scalers, directions, points = [], [], []
    for _, part, _ in problems:
        scaler = Standardiser.fit(x[part])
        z = scaler.apply(x)
        found = top_components(z[part], components)
        scalers.append(scaler)
        directions.append(np.pad(found, ((0, min(components, *x.shape) - len(found)), (0, 0))))
        points.append(z @ directions[-1].T)
    inside = torch.from_numpy(np.stack([part for _, part, _ in problems])).double()
    strength = inside * torch.tensor([C for *_, C in problems], dtype=torch.float64)[:, None]
    labels = torch.from_numpy(np.stack([y for y, *_ in problems])).double()
    matrices = torch.from_numpy(np.stack(points)) * inside[:, :, None]  # no weight outside, and no large numbers
    w, b, f, decrement, _ = solve_direct(matrices, labels, strength, None, float(strength.max()))
    error = strength * (torch.sigmoid(f) - labels)
    slope = w + (error[:, None] @ matrices)[:, 0]
    gradient = torch.maximum(slope.abs().amax(1), error.sum(1).abs())
    reached = has_converged(gradient / (inside.sum(1) * strength.amax(1).clamp_min(1.0)), decrement).tolist()
    for own, basis, offset, scaler, end in zip(w, directions, b, scalers, reached, strict=True):
        yield Hyperplane(own.numpy() @ basis, float(offset)), scaler, end
