"""Probes that are a direction: what a solved logistic probe becomes, and mass-mean as a scikit-learn estimator."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import check_is_fitted, validate_data


@dataclass(frozen=True)
class Hyperplane:
    """A fitted linear probe, in the units of the features as they were given."""

    coef: Float[np.ndarray, " width"]
    intercept: float

    def decision_function(self, x: Float[np.ndarray, "sample width"]) -> Float[np.ndarray, " sample"]:
        """Signed score of each sample; positive: the second class."""
        return x @ self.coef + self.intercept


class MassMean(ClassifierMixin, BaseEstimator):
    """Difference of the class means as the direction of a linear probe (Marks & Tegmark 2023, mass-mean probing)."""

    def fit(self, X: Any, y: Any) -> "MassMean":
        """Learn the direction and the midpoint."""
        X, y = validate_data(self, X, y, dtype=np.float64)
        kind = type_of_target(y, input_name="y", raise_unknown=True)
        if kind != "binary":
            raise ValueError(f"Only binary classification is supported. The type of the target is {kind}.")
        self.classes_, labels = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError("MassMean needs 2 classes in the labels; they hold 1 class")
        wrong, correct = X[labels == 0].mean(0), X[labels == 1].mean(0)
        self.coef_ = (correct - wrong)[None]
        self.intercept_ = -self.coef_ @ (correct + wrong) / 2
        return self

    def decision_function(self, X: Any) -> np.ndarray:
        """Signed score of each sample; positive: the second class."""
        check_is_fitted(self)
        return validate_data(self, X, dtype=np.float64, reset=False) @ self.coef_[0] + self.intercept_[0]

    def predict(self, X: Any) -> np.ndarray:
        """The class on whose side of the hyperplane each sample lies."""
        side = (self.decision_function(X) > 0).astype(int)
        return self.classes_[side]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags
