"""The probes that have a name; every other scikit-learn estimator can be passed as it is."""

import re
from dataclasses import dataclass
from sys import float_info
from typing import Any

from sklearn.base import clone
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.feature_selection import SelectKBest, f_classif
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline

from interp.errors import DataError
from interp.fitting.linear import MassMean
from interp.support.arguments import numbers, seed_number
from interp.support.messages import nearest, shown

PROBES = ("logistic", "ridge", "mass-mean", "mean-difference", "lda", "k-sparse", "pca-lr", "mlp")
TUNABLE = ("logistic", "ridge", "k-sparse", "pca-lr", "mlp")
"""The named probes that have a C."""
STRENGTHS = (1e-4, 1e-3, 1e-2, 0.1, 1.0, 10.0)
"""What `C="cv"` chooses among."""
SMALLEST_C = float_info.min
"""Its inverse, the penalty, is still finite."""
UNSCALED = "mean-difference"
"""The named probe of the vectors as the model computes them: where right answers lie, seen from wrong ones."""
_RANDOM = re.compile(r"(.*__)?random_state")
K_SPARSE = 16
PCA_WIDTH = 32


def _logistic(C: float) -> LogisticRegression:
    """For few columns; "logistic" itself is solved for all folds together, "pca-lr" by itself (`training`)."""
    return LogisticRegression(C=C, solver="newton-cholesky", tol=1e-8, max_iter=1000)


def read_strengths(C: Any) -> float | str | tuple[float, ...]:
    """One C, several, or "cv". Raises DataError for anything else, or a C that is not positive."""
    one = isinstance(C, int | float) or getattr(C, "ndim", None) == 0
    try:
        found = () if isinstance(C, str) else numbers("C", C, low=SMALLEST_C)
    except DataError:
        found = ()
    if not found and (not isinstance(C, str) or C != "cv"):
        raise DataError(f"C: expected a positive number, several of them, or 'cv', got {shown(C)}")
    return "cv" if not found else found[0] if one else found


@dataclass(frozen=True)
class ProbeSpec:
    """A probe as the user asked for it; the estimator itself is built for each training part."""

    probe: Any = "logistic"
    """One of `PROBES`, or any scikit-learn classifier or regressor, whose `random_state` of None becomes the seed."""
    C: Any = 1.0
    """Inverse strength of the penalty; several of them, or "cv" for `STRENGTHS`: chosen in each training part."""
    seed: int = 0
    components: int = PCA_WIDTH
    """Width of `pca-lr`."""
    inner_folds: int = 5
    """Folds of a training part over which C is chosen."""

    def __post_init__(self) -> None:
        known = self.probe in PROBES if isinstance(self.probe, str) else hasattr(self.probe, "get_params")
        if not known or isinstance(self.probe, type):
            raise DataError(
                f"probe: expected one of {', '.join(PROBES)} or a scikit-learn estimator, got {shown(self.probe)}"
                f"{nearest(self.probe, PROBES)}"
            )
        seed_number(self.seed)
        object.__setattr__(self, "C", read_strengths(self.C))
        if (self.tuned or self.C != 1.0) and self.probe not in TUNABLE:
            raise DataError(f"C: {self.name} has no C; leave it out, or take one of {', '.join(TUNABLE)}")

    @property
    def together(self) -> bool:
        """Whether its problems on several matrices are solved at once: one way to solve them, and one C."""
        return self.probe == "logistic" and not self.tuned

    @property
    def tuned(self) -> bool:
        """Whether C is chosen in each training part."""
        return not isinstance(self.C, (int, float))

    @property
    def strengths(self) -> tuple[float, ...]:
        """Every C that may be used, ascending."""
        if isinstance(self.C, str):
            return STRENGTHS
        return tuple(sorted(self.C)) if self.tuned else (float(self.C),)

    @property
    def linear(self) -> bool:
        """Whether the score is known to be a linear function of the features."""
        return isinstance(self.probe, str) and self.probe != "mlp"

    @property
    def standardise(self) -> bool:
        """A Pipeline scales its features itself, the difference of means is of the vectors as they are."""
        return not isinstance(self.probe, Pipeline) and not self._unscaled

    @property
    def _unscaled(self) -> bool:
        return isinstance(self.probe, str) and self.probe == UNSCALED

    @property
    def name(self) -> str:
        """What the grid's attributes call this probe."""
        return self.probe if isinstance(self.probe, str) else " ".join(repr(self.probe).split())

    def build(self, width: int) -> Any:
        """The unfitted estimator for `width` varying columns, of all but "pca-lr"; C is one number by now."""
        match self.probe:
            case "logistic":
                return _logistic(self.C)
            case "ridge":
                return RidgeClassifier(alpha=1 / self.C)
            case "mass-mean" | "mean-difference":  # of standardised columns, of the columns as they are
                return MassMean()
            case "lda":  # mass-mean whitened by the shrunk within-class covariance
                return LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")
            case "k-sparse":
                k = min(K_SPARSE, width)
                return make_pipeline(SelectKBest(f_classif, k=k), _logistic(self.C))
            case "mlp":
                return MLPClassifier((64,), alpha=1 / self.C, max_iter=1000, random_state=self.seed)
        return _seeded(clone(self.probe), self.seed)


def _seeded(estimator: Any, seed: int) -> Any:
    """The seed as every `random_state` that is None, of a step too: scikit-learn would draw anew at each fit."""
    unset = [name for name, value in estimator.get_params().items() if value is None and _RANDOM.fullmatch(name)]
    return estimator.set_params(**dict.fromkeys(unset, seed))
