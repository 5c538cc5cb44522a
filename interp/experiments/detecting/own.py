"""Detectors that a caller brings: any function of answers and activations that gives one score per sample."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float

from interp.errors import DataError
from interp.experiments.detecting.given import Detector, Given
from interp.support.messages import shown


def own_detectors(functions: Any, built_in: Mapping[str, Detector]) -> dict[str, Detector]:
    """{name: function (answers, capture) -> score per sample}. DataError for anything else, or a name that is taken."""
    if not isinstance(functions, Mapping) or not all(isinstance(name, str) for name in functions):
        raise DataError(
            f"detectors: expected {{name: function of (answers, capture)}}, got {shown(functions)}; built-in ones are "
            "chosen by name with only=…"
        )
    for name, function in functions.items():
        if name in built_in or not name:
            raise DataError(f"detectors: {name!r} is the name of a built-in one; give yours another")
        if not callable(function) or isinstance(function, type):
            raise DataError(f"detectors[{name!r}]: expected a function of (answers, capture), got {shown(function)}")
    return {name: _detector(name, function) for name, function in functions.items()}


def _detector(name: str, function: Callable[..., Any]) -> Detector:
    def score(given: Given) -> Float[np.ndarray, " sample"]:
        return read_scores(name, function(given.answers, given.capture), given.samples.ids)

    return Detector(name, "your own", score, trained=True)  # what it was fitted to is not known


def read_scores(name: str, found: Any, ids: tuple[str, ...]) -> Float[np.ndarray, " sample"]:
    """One number per sample, by id where a dict or Series brings ids; NaN for those that it lacks.

    Raises DataError for another length, ids of which none is a sample's, or what is no number.
    """
    where = f"detectors[{name!r}]"
    if isinstance(found, pd.Series) and not isinstance(found.index, pd.RangeIndex):
        found = found.to_dict()
    if isinstance(found, Mapping):
        if not set(found) & set(ids):
            raise DataError(f"{where}: none of the ids that it gave is that of a sample (the first is {ids[0]!r})")
        found = [found.get(one, np.nan) for one in ids]
    try:
        values = np.array([np.nan if one is None else float(one) for one in found])
    except (TypeError, ValueError):
        raise DataError(f"{where}: expected a number per sample, or {{id: number}}, got {shown(found)}") from None
    if len(values) != len(ids):
        raise DataError(
            f"{where}: expected {len(ids)} scores, one for each of the answers it was given, got {len(values)}"
        )
    return values
