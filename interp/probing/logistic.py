"""L2 logistic regression at its optimum, for one label vector: L-BFGS in coordinates where every design looks alike.

min over w and b of |w|²/2 + C Σ logloss(y, Xw + b). Its Hessian in w never exceeds I + C/4 XᵀX, whatever the labels;
with L Lᵀ that bound and u = Lᵀw, 10 to 60 evaluations are enough (scikit-learn's L-BFGS takes hundreds on correlated
features). Any invertible L gives the same optimum, so a float32 factor serves.
"""

import warnings
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from scipy import linalg
from scipy.linalg import blas
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import check_is_fitted, validate_data

TOLERANCE = 1e-6
"""At the optimum no entry of the gradient exceeds this times the number of samples (for C up to 1)."""
STOP = 1e-7
"""Where the iteration stops: largest entry of the gradient in the coordinates u."""
SAFE_IN_FLOAT32 = 1e6
"""Bound on the condition number up to which the factor is computed in float32."""
JITTER = 1e-13
"""Added to the inner products, relative to their trace, so that a rank-deficient matrix has a Cholesky factor."""


class LinearProbe(ClassifierMixin, BaseEstimator):
    """A binary linear classifier: `coef_` and `intercept_` give its decision values."""

    def decision_function(self, X: Any) -> np.ndarray:
        """Signed score of each sample; positive: the second class."""
        check_is_fitted(self)
        return validate_data(self, X, dtype=np.float64, reset=False) @ self.coef_[0] + self.intercept_[0]

    def predict(self, X: Any) -> np.ndarray:
        """The class on whose side of the hyperplane each sample lies."""
        side = (self.decision_function(X) > 0).astype(int)
        return self.classes_[side]

    def _read(self, X: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
        """Checked features, and labels as 0 and 1."""
        X, y = validate_data(self, X, y, dtype=np.float64)
        kind = type_of_target(y, input_name="y", raise_unknown=True)
        if kind != "binary":
            raise ValueError(f"Only binary classification is supported. The type of the target is {kind}.")
        self.classes_, labels = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"{type(self).__name__} needs 2 classes in the labels; they hold 1 class")
        return X, labels

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags


class Logistic(LinearProbe):
    """scikit-learn's `LogisticRegression(C=C)` for two classes, converged, at the same cost for any features."""

    def __init__(self, C: Any = 1.0) -> None:
        self.C = C

    def fit(self, X: Any, y: Any) -> "Logistic":
        """Learn weights and intercept; warns (ConvergenceWarning) if the gradient is not small enough at the end."""
        X, labels = self._read(X, y)
        w, b = fit_logistic(X, labels, C=self.C)
        error = expit(X @ w + b) - labels
        gradient = max(np.abs(w + self.C * (error @ X)).max(), self.C * abs(error.sum()))
        if not gradient <= TOLERANCE * len(X) * max(1.0, self.C):
            warnings.warn(f"gradient {gradient:.1e} at the end of the iteration", ConvergenceWarning, stacklevel=2)
        self.coef_, self.intercept_ = w[None], np.array([b])
        return self


def fit_logistic(
    x: Float[np.ndarray, "sample width"], y: Int[np.ndarray, " sample"], *, C: float = 1.0
) -> tuple[Float[np.ndarray, " width"], float]:
    """Weights and intercept of L2 logistic regression (labels 0 and 1, intercept not penalised).

    With fewer samples than columns the problem is solved on the rows of a factor G of the inner products, G Gᵀ = X Xᵀ.
    """
    wide = x.shape[1] > x.shape[0]
    rows = _factor(x @ x.T) if wide else x
    factor = _bound_factor(rows, C)
    sign, step = 2.0 * y - 1, 2 / np.sqrt(C * len(y))  # the intercept, too, in units of its curvature

    def loss(v: np.ndarray) -> tuple[float, np.ndarray]:
        w = blas.dtrsv(factor, v[:-1], lower=1, trans=1)
        f = rows @ w + v[-1] * step
        error = C * (expit(f) - y)
        slope = blas.dtrsv(factor, w + error @ rows, lower=1)
        return 0.5 * w @ w + C * np.logaddexp(0, -sign * f).sum(), np.append(slope, error.sum() * step)

    found = minimize(
        loss,
        np.zeros(rows.shape[1] + 1),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": 2000, "maxfun": 4000, "gtol": STOP, "ftol": 0.0, "maxcor": 20},
    ).x
    w = blas.dtrsv(factor, found[:-1], lower=1, trans=1)
    if wide:
        w = x.T @ blas.dtrsv(rows, w, lower=1, trans=1)
    return w, float(found[-1] * step)


def _factor(inner: Float[np.ndarray, "row row"]) -> Float[np.ndarray, "row row"]:
    """Lower Cholesky factor, in the column order that BLAS reads without a copy."""
    inner[np.diag_indices_from(inner)] += max(JITTER * np.trace(inner), np.finfo(inner.dtype).tiny)
    return np.asfortranarray(linalg.cholesky(inner, lower=True, overwrite_a=True, check_finite=False))


def _bound_factor(rows: Float[np.ndarray, "sample column"], C: float) -> Float[np.ndarray, "column column"]:
    """L with L Lᵀ = I + C/4 GᵀG, the bound on the Hessian."""
    small = 1 + C / 4 * np.einsum("ij,ij->", rows, rows) < SAFE_IN_FLOAT32
    cast: np.ndarray = rows.astype(np.float32 if small else np.float64)
    bound = cast.T @ cast
    bound *= bound.dtype.type(C / 4)
    bound[np.diag_indices_from(bound)] += 1
    return np.asfortranarray(_factor(bound), dtype=np.float64)
