"""What a probe reads of a cell's attention: the metrics of every head, each as it is and as its logarithm."""

from typing import TypeVar

import numpy as np
from jaxtyping import Float, Int

from interp.capturing.activations import Capture
from interp.grids.features import as_array
from interp.support.arguments import one_of

Width = TypeVar("Width", int, Int[np.ndarray, "layer role"])

TRANSFORMS = ("with_log", "none")
"""How columns are read: with their logarithms behind them, or as they are alone."""
FLOOR = float(np.finfo(np.float32).tiny)
"""What is not above it has the logarithm of this: an attention weight of 0 is one too small for float32."""


def check_transform(transform: str) -> None:
    """Raise DataError for a transform that has no name here."""
    one_of("transform", transform, TRANSFORMS)


def cell_metrics(
    cap: Capture, index: Int[np.ndarray, " sample"], layer: int, role: int
) -> list[Float[np.ndarray, "sample head"]]:
    """Every attention metric of one cell."""
    return [as_array(values[index, layer, :, role]) for values in cap.attention.values()]


def transformed_width(columns: Width, transform: str) -> Width:
    """How many columns `with_transform` makes of so many."""
    return columns if transform == "none" else 2 * columns


def with_transform(
    columns: Float[np.ndarray, "sample column"], transform: str
) -> Float[np.ndarray, "sample transformed"]:
    """The columns as a probe reads them (definitions: the two grids).

    A metric spans up to 40 orders of magnitude. As it is, a few large values are all that a probe sees of it; its
    logarithm shows what a head does where it attends little; and only as they are do the weights of several heads or
    parts add up. Nothing is learned from the samples, so that none is seen by a probe that does not train on it.
    """
    if transform == "none":
        return columns
    logarithm = np.log(np.maximum(columns.astype(np.float64), FLOOR))
    return np.concatenate([columns, logarithm.astype(np.result_type(columns, np.float32))], axis=1)
