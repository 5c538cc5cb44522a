"""One error type against the rest: its probe grid, nested best cell, permutations and controls."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Int

from interp.capturing.activations import Capture
from interp.comparing.against_controls import LOGPROBS, against_controls
from interp.comparing.best_cell import describe_best
from interp.controls.baselines import baseline_estimates, fitted_estimate, question_estimate
from interp.controls.permutations import permutation_test
from interp.controls.scored import Scored
from interp.errors import DataError
from interp.grids.cells import choose_samples
from interp.grids.features import question_vectors, read_features
from interp.grids.grid import grid_arrays
from interp.grids.probes import probe_grid
from interp.labelling.answers import Answers
from interp.statistics.samples import Samples

CELLS = ("auc", "low", "high", "n", "n_correct", "reason")


@dataclass(frozen=True)
class Probed:
    """What the states tell of one type; where nothing could be told, why."""

    cells: dict[str, np.ndarray] | None = None
    """Its grid's variables on (layer, token)."""
    best: dict[str, Any] = field(default_factory=dict)
    """`auc`, `low`, `high` of the nested best cell; `layer` and `token` of the highest cell."""
    controls: dict[str, dict[str, float]] = field(default_factory=dict)
    """{control: `auc`, `low`, `high`, and `delta`, `delta_low`, `delta_high`, `p`: the best cell minus it}."""
    reason: str = ""


def probe_type(
    answers: Answers,
    cap: Capture,
    question_of: Mapping[str, int],
    is_type: Int[np.ndarray, " question"],
    *,
    permutations: int,
    min_per_class: int,
    **options: Any,
) -> Probed:
    """Probe "the sample's question is of this type" on the samples of `question_of` {id: question}.

    A type of fewer than `min_per_class` questions, or of all but so few, is undefined.
    """
    if reason := too_few(is_type[sorted(set(question_of.values()))], min_per_class):
        return Probed(reason=reason)
    at = {name: i for i, name in enumerate(answers.id)}
    y = [_label(question_of.get(name), is_type) for name in cap.id]
    groups = [answers.group[at[name]] for name in cap.id]
    features = read_features(cap, site=options["site"])
    drawn = {name: options.pop(name) for name in ("population", "folds")}
    try:
        chosen = choose_samples(
            len(y),
            y,
            groups,
            has_exact_answer=features.has_exact_answer,
            seed=options["seed"],
            ids=features.ids,
            **drawn,
        )
    except DataError as error:  # the type lies outside the population, or there are fewer groups than folds
        return Probed(reason=str(error))
    fold = np.full(len(y), -1)
    fold[chosen.index] = chosen.samples.fold
    grid = probe_grid(cap, y, groups, fold=fold, min_per_class=min_per_class, **options)
    if not np.isfinite(grid["auc"].values).any():
        return Probed(_cells(grid), reason=next((r for r in grid["reason"].values.ravel() if r), ""))
    seed = options["seed"]
    if permutations:
        grid = permutation_test(grid, cap, permutations=permutations, seed=seed, n_jobs=options["n_jobs"])
    best = describe_best(grid, seed=seed, min_per_class=min_per_class)
    nested = best["nested"]
    told = {"auc": nested["value"], "low": nested["low"], "high": nested["high"], **best["cell"]}
    told = {name: np.nan if value is None else value for name, value in told.items()}
    return Probed(_cells(grid), told, _controls(grid, answers, cap, seed, min_per_class), nested["reason"])


def too_few(is_type: Int[np.ndarray, " question"], least: int) -> str:
    """Why questions with these labels cannot be probed; "" if they can."""
    of, others = int((is_type == 1).sum()), int((is_type == 0).sum())
    if min(of, others) >= least:
        return ""
    return f"{of} questions of this type and {others} others, at least {least} of each needed"


def _label(question: int | None, is_type: Int[np.ndarray, " question"]) -> int | None:
    return None if question is None or is_type[question] < 0 else int(is_type[question])


def _cells(grid: xr.Dataset) -> dict[str, np.ndarray]:
    cells = {name: grid[name].transpose("layer", "token").values for name in CELLS}
    missing = np.full(cells["auc"].shape, np.nan)
    corrected = grid["p_corrected"].transpose("layer", "token").values if "p_corrected" in grid else missing
    return {**cells, "p_corrected": corrected}


def _controls(
    grid: xr.Dataset, answers: Answers, cap: Capture, seed: int, min_per_class: int
) -> dict[str, dict[str, float]]:
    """What tells the type without states, and how much more the nested best cell tells."""
    ids, arrays = grid["sample"].values.tolist(), grid_arrays(grid)
    at = {name: i for i, name in enumerate(answers.id)}
    labels = Samples.named(arrays.y, arrays.fold, grid["group"].values.tolist(), ids)
    width = int(cap.sites[str(grid.attrs["site"])].shape[-1])
    index = [at[name] for name in ids]
    found: dict[str, Scored] = baseline_estimates(
        answers, index, labels, width=width, seed=seed, min_per_class=min_per_class
    )
    # The lower the log-probability, the likelier some types are: which way it tells is learned on the other folds.
    for name in LOGPROBS:
        score = found[name].score
        used = np.isfinite(score)
        if used.any():
            found[name] = fitted_estimate(score[used, None], labels, used=used, min_per_class=min_per_class)
    if (vectors := question_vectors(cap, ids)) is not None:
        found["question_embedding"] = question_estimate(vectors, labels, min_per_class=min_per_class)
    rows = against_controls(grid, {name: {"all": one} for name, one in found.items()})
    return {
        row["name"]: {
            name: np.nan if value is None else float(value)
            for name, value in {
                **{"auc": row["value"], "low": row["low"], "high": row["high"]},
                **{"delta": row["difference"]["value"], "p": row["difference"]["p"]},
                **{"delta_low": row["difference"]["low"], "delta_high": row["difference"]["high"]},
            }.items()
        }
        for row in rows
    }
