"""One probing problem, and its probe fitted on parts of the samples."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from sklearn.exceptions import ConvergenceWarning

from interp.errors import DataError
from interp.fitting.estimators import ProbeSpec
from interp.fitting.linear import Hyperplane
from interp.fitting.pca import pca_logistic
from interp.fitting.solver import Design
from interp.fitting.standardiser import Standardiser
from interp.statistics.auc import MIN_PER_CLASS
from interp.statistics.samples import Samples


@dataclass(frozen=True)
class Cell:
    """One probing problem: the samples that have the role, with finite features."""

    x: Float[np.ndarray, "sample width"]
    samples: Samples
    """Groups are what inner folds keep together where C is chosen; signs let it be said how folds' errors depend."""
    spec: ProbeSpec
    min_per_class: int = MIN_PER_CLASS
    nested: bool = False
    """Whether to judge the cell without each fold too."""
    keep: bool = False
    """Whether the fitted probes are kept, to score other samples."""

    @property
    def y(self) -> Int[np.ndarray, " sample"]:
        """Labels."""
        return self.samples.y

    @property
    def fold(self) -> Int[np.ndarray, " sample"]:
        """Folds."""
        return self.samples.fold


@dataclass(frozen=True)
class Trained:
    """A probe fitted on one training part, with the scaling it was fitted in."""

    estimator: Any
    scaler: Standardiser | None
    C: float
    converged: bool

    def decision(self, x: Float[np.ndarray, "sample width"]) -> Float[np.ndarray, " sample"]:
        """Decision values of samples in the units of the features as they were given."""
        return decision_values(self.estimator, x if self.scaler is None else self.scaler.apply(x))


def decision_values(estimator: Any, x: Float[np.ndarray, "sample width"]) -> Float[np.ndarray, " sample"]:
    """`decision_function`, else the predicted probability of class 1, else what `predict` says (a regressor's value).

    Raises DataError for an estimator that has none of them, or whose values are not one finite number per sample.
    """
    if hasattr(estimator, "decision_function"):
        values = np.asarray(estimator.decision_function(x), dtype=np.float64)
    elif hasattr(estimator, "predict_proba"):
        values = np.asarray(estimator.predict_proba(x), dtype=np.float64)[:, 1]
    elif hasattr(estimator, "predict"):
        values = np.asarray(estimator.predict(x), dtype=np.float64)
    else:
        raise DataError(
            f"probe: {type(estimator).__name__} has neither decision_function nor predict_proba nor predict; "
            "give a classifier or a regressor"
        )
    if values.size != len(x) or not np.isfinite(values).all():
        raise DataError(
            f"probe: {type(estimator).__name__} gave values of shape {values.shape} for {len(x)} samples, "
            f"{int((~np.isfinite(values)).sum())} of them not finite; one finite score per sample is needed"
        )
    return values.reshape(len(x))


@dataclass(frozen=True)
class Problem:
    """Labels to learn on a part of the samples of a matrix."""

    y: Int[np.ndarray, " sample"]
    part: Bool[np.ndarray, " sample"]
    C: float

    def same(self, other: "Problem") -> bool:
        """Whether the other asks for the same on its own matrix."""
        alike = np.array_equal(self.part, other.part) and np.array_equal(self.y, other.y)
        return alike and self.C == other.C


def train_parts(
    x: Sequence[Float[np.ndarray, "sample width"]], spec: ProbeSpec, problems: Sequence[Problem]
) -> list[list[Trained]]:
    """For each matrix a probe for every problem, standardised by its part; logistic ones of one C are solved together.

    The matrices have one shape.
    """
    if not problems:
        return [[] for _ in x]
    if spec.probe == "pca-lr":
        return [_principal(one, spec, problems) for one in x]
    if spec.probe != "logistic":
        return [[_fit(own[one.part], one.y[one.part], replace(spec, C=one.C)) for one in problems] for own in x]
    design = Design(torch.from_numpy(np.stack(x)))
    fits: list[dict[int, Trained]] = [{} for _ in x]
    for C in dict.fromkeys(one.C for one in problems):
        places = [k for k, one in enumerate(problems) if one.C == C]
        inside = torch.from_numpy(np.stack([problems[k].part for k in places]))
        labels = torch.from_numpy(np.stack([problems[k].y for k in places])).double()
        found = design.solve(labels, None if bool(inside.all()) else inside, C=C)
        for own, coef, intercept, converged in zip(
            fits, found.coef.numpy(), found.intercept.tolist(), found.converged.tolist(), strict=True
        ):
            probes = map(Hyperplane, coef, intercept)
            own |= {k: Trained(probe, None, C, *end) for k, probe, *end in zip(places, probes, converged, strict=True)}
    return [[own[k] for k in range(len(problems))] for own in fits]


def _principal(x: Float[np.ndarray, "sample width"], spec: ProbeSpec, problems: Sequence[Problem]) -> list[Trained]:
    """Probes of matched width: every part has components, and so a matrix, of its own."""
    given = [(one.y, one.part, one.C) for one in problems]
    solved = pca_logistic(np.asarray(x, dtype=np.float64), given, components=spec.components)
    return [Trained(probe, scaler, one.C, end) for (probe, scaler, end), one in zip(solved, problems, strict=True)]


def _fit(x: Float[np.ndarray, "sample width"], y: Int[np.ndarray, " sample"], spec: ProbeSpec) -> Trained:
    """Any other probe, on these samples."""
    x = np.asarray(x, dtype=np.float64)
    scaler = Standardiser.fit(x) if spec.standardise else None
    z = x if scaler is None else scaler.apply(x)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        try:
            return Trained(spec.build(z.shape[1]).fit(z, y), scaler, float(spec.C), True)
        except ConvergenceWarning:
            warnings.simplefilter("ignore", ConvergenceWarning)
            return Trained(spec.build(z.shape[1]).fit(z, y), scaler, float(spec.C), False)
