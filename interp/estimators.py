"""The probes that have a name; every other scikit-learn classifier can be passed as it is."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.feature_selection import SelectKBest, f_classif
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.utils.validation import check_is_fitted, validate_data

from interp.errors import DataError

PROBES = ("logistic", "ridge", "mass-mean", "lda", "k-sparse", "pca-lr", "mlp")
K_SPARSE = 16
PCA_WIDTH = 32
NEWTON_UP_TO = 256
"""Width up to which Newton's d x d solve is faster than L-BFGS (one BLAS thread, n = 400 to 1,000)."""


class MassMean(ClassifierMixin, BaseEstimator):
    """Difference of the class means as the direction of a linear probe (Marks & Tegmark 2023, mass-mean probing)."""

    def fit(self, X: Any, y: Any) -> "MassMean":
        """Learn the direction and the midpoint."""
        X, y = validate_data(self, X, y, dtype=np.float64)
        self.classes_ = np.unique(y)
        if len(self.classes_) != 2:
            raise ValueError(f"MassMean is a binary classifier; the number of classes is {len(self.classes_)}")
        means = np.stack([X[y == c].mean(0) for c in self.classes_])
        self.coef_ = (means[1] - means[0])[None]
        self.intercept_ = -self.coef_ @ means.mean(0)
        return self

    def decision_function(self, X: Any) -> np.ndarray:
        """Signed projection on the direction, 0 halfway between the class means."""
        check_is_fitted(self)
        return validate_data(self, X, dtype=np.float64, reset=False) @ self.coef_[0] + self.intercept_[0]

    def predict(self, X: Any) -> np.ndarray:
        """The class whose mean is nearer along the direction."""
        return self.classes_[(self.decision_function(X) > 0).astype(int)]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags


def logistic(width: int, C: float = 1.0) -> LogisticRegression:
    """L2 logistic regression at its optimum, intercept not penalised (SPEC: score)."""
    if width <= NEWTON_UP_TO:
        return LogisticRegression(C=C, solver="newton-cholesky", tol=1e-8, max_iter=100)
    return LogisticRegression(C=C, tol=1e-10, max_iter=100_000)


def pca_logistic(components: int, n: int, width: int, C: float = 1.0, seed: int = 0) -> Pipeline:
    """Logistic regression on the first principal components of the training part, not rescaled."""
    components = min(components, width, n)
    solver = "arpack" if components < min(n, width) else "full"
    return make_pipeline(PCA(components, svd_solver=solver, random_state=seed), logistic(components, C))


@dataclass(frozen=True)
class ProbeSpec:
    """A probe as the user asked for it; the estimator itself is built for each training part."""

    probe: Any = "logistic"
    """One of `PROBES`, or any scikit-learn classifier."""
    C: float = 1.0
    seed: int = 0
    components: int = PCA_WIDTH
    """Width of `pca-lr`."""

    def __post_init__(self) -> None:
        known = self.probe in PROBES if isinstance(self.probe, str) else hasattr(self.probe, "get_params")
        if not known:
            raise DataError(
                f"probe: expected one of {', '.join(PROBES)} or a scikit-learn classifier, got {self.probe!r}"
            )
        if not self.C > 0:
            raise DataError(f"C: expected a positive number, got {self.C!r}")

    @property
    def standardise(self) -> bool:
        """A Pipeline scales its features itself."""
        return not isinstance(self.probe, Pipeline)

    @property
    def name(self) -> str:
        """What the grid's attributes call this probe."""
        return self.probe if isinstance(self.probe, str) else " ".join(repr(self.probe).split())

    def build(self, n: int, width: int) -> Any:
        """The unfitted estimator for `n` training samples of `width` varying columns."""
        match self.probe:
            case "logistic":
                return logistic(width, self.C)
            case "ridge":
                return RidgeClassifier(alpha=1 / self.C)
            case "mass-mean":
                return MassMean()
            case "lda":  # mass-mean whitened by the shrunk within-class covariance
                return LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")
            case "k-sparse":
                k = min(K_SPARSE, width)
                return make_pipeline(SelectKBest(f_classif, k=k), logistic(k, self.C))
            case "pca-lr":
                return pca_logistic(self.components, n, width, self.C, self.seed)
            case "mlp":
                return MLPClassifier((64,), alpha=1 / self.C, max_iter=1000, random_state=self.seed)
        return clone(self.probe)
