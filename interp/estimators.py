"""The probes that have a name; every other scikit-learn classifier can be passed as it is."""

from dataclasses import dataclass
from typing import Any

from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.feature_selection import SelectKBest, f_classif
from sklearn.linear_model import RidgeClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline

from interp.errors import DataError
from interp.logistic import LinearProbe, Logistic

PROBES = ("logistic", "ridge", "mass-mean", "lda", "k-sparse", "pca-lr", "mlp")
K_SPARSE = 16
PCA_WIDTH = 32


class MassMean(LinearProbe):
    """Difference of the class means as the direction of a linear probe (Marks & Tegmark 2023, mass-mean probing)."""

    def fit(self, X: Any, y: Any) -> "MassMean":
        """Learn the direction and the midpoint."""
        X, labels = self._read(X, y)
        wrong, correct = X[labels == 0].mean(0), X[labels == 1].mean(0)
        self.coef_ = (correct - wrong)[None]
        self.intercept_ = -self.coef_ @ (correct + wrong) / 2
        return self


def pca_logistic(components: int, n: int, width: int, C: float = 1.0, seed: int = 0) -> Pipeline:
    """Logistic regression on the first principal components of the training part, not rescaled."""
    components = min(components, width, n)
    solver = "arpack" if components < min(n, width) else "full"
    return make_pipeline(PCA(components, svd_solver=solver, random_state=seed), Logistic(C))


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
                return Logistic(self.C)
            case "ridge":
                return RidgeClassifier(alpha=1 / self.C)
            case "mass-mean":
                return MassMean()
            case "lda":  # mass-mean whitened by the shrunk within-class covariance
                return LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")
            case "k-sparse":
                k = min(K_SPARSE, width)
                return make_pipeline(SelectKBest(f_classif, k=k), Logistic(self.C))
            case "pca-lr":
                return pca_logistic(self.components, n, width, self.C, self.seed)
            case "mlp":
                return MLPClassifier((64,), alpha=1 / self.C, max_iter=1000, random_state=self.seed)
        return clone(self.probe)
