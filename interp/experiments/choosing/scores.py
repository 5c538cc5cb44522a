"""Scores by which an answer is chosen: of a probe that never saw the question, or of a user."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Float

from interp.capturing.activations import Capture
from interp.comparing.best_cell import nested_choice
from interp.errors import DataError
from interp.experiments.drawn_questions import DrawnQuestion
from interp.grids.grid import grid_arrays
from interp.labelling.answers import Answers
from interp.support.arguments import cell_label, mapping, number
from interp.support.axes import places

Score = Mapping[str, float] | Callable[[Answers, Capture | None], Any]
"""Of a user: {sample id: score}, or a function (answers, capture) that gives one score a sample, in their order."""


def probe_scores(
    answers: Answers,
    grid: xr.Dataset,
    questions: Sequence[DrawnQuestion],
    *,
    cell: tuple[int, str] | None,
    min_per_class: int,
) -> Float[np.ndarray, " sample"]:
    """Every answer's out-of-fold score in the best cell of the other folds, or in `cell`; NaN outside the grid.

    Raises DataError for a cell without scores, a grid without a defined cell, or a fold that splits a question.
    """
    arrays, ids = grid_arrays(grid), grid["sample"].values.tolist()
    if cell is None:
        if not arrays.defined.any():
            raise DataError("grid: no cell is defined, so there is no probe to choose by")
        found = nested_choice(arrays, min_per_class=min_per_class)[0]
        if found.estimate.reason:
            raise DataError(
                f"grid: no best cell can be chosen ({found.estimate.reason}); name one: cell=(layer, token)"
            )
        score = found.score
    else:
        layer, token = cell_label(cell)
        axes = ("layer", "token")
        at = [
            places(axis, [one], grid.indexes[axis].tolist(), where="the grid")[0]
            for axis, one in zip(axes, (layer, token), strict=True)
        ]
        score = arrays.score[:, at[0], at[1]]
        if not np.isfinite(score).any():
            raise DataError(f"cell: layer {layer}, {token} has no scores; choose another")
    of = dict(zip(ids, score.tolist(), strict=True))
    fold = dict(zip(ids, arrays.fold.tolist(), strict=True))
    for one in questions:
        if len(there := {fold[answers.id[i]] for i in one.draws if answers.id[i] in fold}) > 1:
            raise DataError(
                f"grid: the answers to {one.row!r} stand in folds {sorted(there)}: their probe saw the question; fold "
                "by question"
            )
    return np.array([of.get(name, np.nan) for name in answers.id])


def user_scores(name: str, given: Score, answers: Answers, cap: Capture | None) -> Float[np.ndarray, " sample"]:
    """A user's scores in the order of the answers. Raises DataError if none is a sample's, or their number is wrong."""
    if callable(given):
        try:
            values = np.asarray(given(answers, cap), dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise DataError(f"scores: {name!r} gave no numbers ({error})") from error
        if values.shape != (len(answers),):
            raise DataError(f"scores: {name!r} gave shape {values.shape}, expected one score a sample ({len(answers)})")
        return values
    of = {
        str(key): number(f"scores: {name}", value)
        for key, value in mapping(f"scores: {name}", given, "{sample id: score} or a function").items()
    }
    if not of.keys() & set(answers.id):
        raise DataError(f"scores: {name!r} has none of the samples' ids, such as {answers.id[0]!r}")
    return np.array([of.get(id, np.nan) for id in answers.id])
