"""The probe of matched width: logistic regression on the first principal components of a training part."""

import numpy as np
import torch
from jaxtyping import Float, Int

from interp.fitting.components import top_components
from interp.fitting.linear import Hyperplane
from interp.fitting.newton_direct import solve_direct


def pca_logistic(
    z: Float[np.ndarray, "sample width"], y: Int[np.ndarray, " sample"], *, components: int, C: float
) -> tuple[Hyperplane, float]:
    """scikit-learn's PCA and LogisticRegression(C) in a row, as one direction; the components are not rescaled.

    `z`: columns of mean 0. Beside the probe, the largest entry of its gradient per sample.
    """
    directions = top_components(z, components)
    points, labels = torch.from_numpy(z @ directions.T), torch.from_numpy(y).double()[None]
    w, b, f, _ = solve_direct(points, labels, torch.full_like(labels, C), None, C)
    error = C * (torch.sigmoid(f) - labels)
    gradient = torch.maximum((w + error @ points).abs().max(), error.sum().abs())
    return Hyperplane(w[0].numpy() @ directions, float(b)), float(gradient) / len(z)
