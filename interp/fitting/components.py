"""Principal components of a training part, exactly, at the cost of its smaller side."""

from typing import Any

import numpy as np
from jaxtyping import Float
from scipy import linalg
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data


def top_components(centred: Float[np.ndarray, "sample width"], wanted: int) -> Float[np.ndarray, "component width"]:
    """Directions of the largest variance of columns with mean 0, at most as many as samples or columns.

    From the eigenvectors of the covariance or of the inner products, whichever is smaller, the leading ones only; the
    largest entry of a component is positive, as in scikit-learn.
    """
    wide = centred.shape[1] > centred.shape[0]
    inner = centred @ centred.T if wide else centred.T @ centred
    wanted = min(wanted, len(inner))
    # All eigenvectors by divide and conquer are sooner found than a large part of them one by one.
    how: dict[str, Any] = {"driver": "evd"}
    if wanted < len(inner) // 8:
        how = {"subset_by_index": (len(inner) - wanted, len(inner) - 1)}
    values, vectors = linalg.eigh(inner, **how, overwrite_a=True, check_finite=False)
    values, vectors = values[::-1][:wanted], vectors.T[::-1][:wanted]
    if wide:
        # Without variance there is no direction, only the rounding of zero: such a component stays zero.
        varies = values > len(inner) * np.finfo(float).eps * max(values[0], np.finfo(float).tiny)
        vectors = np.where(varies[:, None], vectors @ centred, 0.0)
        vectors[varies] /= np.linalg.norm(vectors[varies], axis=1, keepdims=True)
    largest = np.take_along_axis(vectors, np.abs(vectors).argmax(1)[:, None], axis=1)
    return np.asarray(vectors * np.where(largest < 0, -1.0, 1.0))


class TopComponents(TransformerMixin, BaseEstimator):
    """scikit-learn's `PCA(n_components)` by `top_components`."""

    def __init__(self, n_components: Any = 2) -> None:
        self.n_components = n_components

    def fit(self, X: Any, y: Any = None) -> "TopComponents":
        """Learn mean and components; never more of them than samples or columns."""
        X = validate_data(self, X, dtype=np.float64, ensure_min_samples=2)
        self.mean_ = X.mean(0)
        self.components_ = top_components(X - self.mean_, self.n_components)
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Coordinates along the components."""
        check_is_fitted(self)
        return (validate_data(self, X, dtype=np.float64, reset=False) - self.mean_) @ self.components_.T
