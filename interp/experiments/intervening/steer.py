"""`dose_response`: the outcome of samples whose state in one cell is pushed along a direction, or loses it."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Float, Int
from torch import Tensor

from interp.comparing.best_cell import full_enough
from interp.errors import DataError
from interp.experiments.detecting.given import Given
from interp.experiments.intervening.directions import ARBITRARY, RANDOM, Direction, directions
from interp.experiments.intervening.outcome import ANSWER, QUESTION
from interp.experiments.intervening.pairs import MATCHES, Pairs, matched_pairs
from interp.experiments.intervening.patched import Put, Runs, outcomes
from interp.experiments.intervening.read import patched_runs, read_cells, read_given
from interp.experiments.intervening.variables import DOSES
from interp.grids.variables import returns
from interp.labelling.answers import Answers
from interp.models.loading import model_info
from interp.models.sites import check_sites
from interp.statistics.auc import benjamini_hochberg
from interp.statistics.ratio import MIN_BLOCKS, Ratios, ratio_of_sums
from interp.support.accepted import CaptureOrRun, ModelSource, Outcome
from interp.support.arguments import cell_label, numbers, one_of, progress_function, seed_number, whole_number
from interp.support.public import public
from interp.support.version import __version__

DOSE_STEPS = (-8.0, -4.0, -2.0, -1.0, 1.0, 2.0, 4.0, 8.0)
MOST_DRAWS = 1000


@returns(DOSES)
@public
def dose_response(
    cap: CaptureOrRun,
    answers: Answers | None = None,
    grid: xr.Dataset | None = None,
    *,
    model: ModelSource | None = None,
    cell: tuple[int, str] | None = None,
    doses: Sequence[float | int] = DOSE_STEPS,
    outcome: Outcome = ANSWER,
    question: str | None = None,
    pairs: int | None = 64,
    match: str = "roles",
    draws: int = 20,
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
) -> xr.Dataset:
    """What the model says when one cell is pushed towards right or wrong answers (definitions: steering).

    `cap`, `answers`, `grid`, `model`, `outcome`, `question`, `pairs` and `match` as in `patch_grid`; the samples are
    those of the pairs. To the state of `cell` (layer, role), by default the probe's highest among those that the
    outcome can hang on, a dose is added along a unit direction, in standard deviations of the samples' projection on
    it: the probe's, and the difference of the means of right and wrong samples, each found without the sample's fold.
    `ablated`: the projection is put at its mean instead.

    The placebo are `draws` random directions, with steps as long as the probe's, and as many probes of labels dealt out
    anew over the groups: `p` is the share of these whose change is at least as large, the data among them.

    Raises DataError as `patch_grid` does, and for a cell that the outcome cannot hang on.

    >>> from interp.demo import answered
    >>> model, answers = answered(60)
    >>> cap = interp.capture(model, answers, interp.resolve_positions(answers))
    >>> grid = interp.probe_grid(cap, answers, min_per_class=5)
    >>> cell = (3, "exact_answer_before_first")
    >>> found = interp.dose_response(cap, answers, grid, model=model, cell=cell, doses=[-4, 4], pairs=12, draws=2)
    >>> found.change.sizes["dose"]
    2
    """
    given = read_given("dose_response", cap, answers, grid, model)
    seed, draws, progress = seed_number(seed), whole_number("draws", draws, 1, MOST_DRAWS), progress_function(progress)
    pairs = None if pairs is None else whole_number("pairs", pairs, 1)
    doses = tuple(sorted(set(numbers("doses", doses))))
    found = matched_pairs(given, match=one_of("match", match, MATCHES), most=pairs, seed=seed)
    name, runs = patched_runs(given, found, read_cells(given.capture, None, None), outcome, question)
    layer, role = _cell(given, runs, cell, name)
    hooked = given.model
    check_sites(hooked, [given.site])
    named, blind = directions(given, layer, role, draws=draws, seed=seed)
    place = given.capture.roles.index(role)
    one = Runs(runs.asked, runs.token[:, [place]], runs.reached[:, [place]], [runs.reason[place]])
    fold = _fold_numbers(given)[found.recipient]
    puts = [put for direction in (*named, *blind) for put in _puts(direction, fold, doses)]
    base, moved = outcomes(hooked, one, given.site, [layer], puts, progress=progress)
    change = (moved[:, :, 0, 0] - base).reshape(len(named) + len(blind), len(doses) + 1, len(base))
    return _dataset(given, found, named, blind, doses, base, change, seed=seed).assign_attrs(
        kind="steering", site=given.site, layer=layer, role=role, outcome=name, match=match, draws=draws,
        question="" if name == ANSWER else question or QUESTION, model=model_info(hooked).name,
    )  # fmt: skip


def _cell(given: Given, runs: Runs, cell: Any, outcome: str) -> tuple[int, str]:
    """The one asked for, or the highest of those that some run reaches."""
    roles = [role for role, reason in zip(given.capture.roles, runs.reason, strict=True) if not reason]
    if cell is None:
        arrays, tokens = given.arrays, [str(role) for role in given.grid["token"].values]
        able = full_enough(arrays.score, arrays.defined) & np.isin(tokens, roles)
        if not able.any():
            raise DataError(f"cell: the probe grid has no defined cell on which the outcome {outcome!r} can hang")
        i, j = np.unravel_index(int(np.where(able, arrays.auc, -1.0).argmax()), able.shape)
        return int(given.grid["layer"].values[i]), tokens[j]
    layer, role = cell_label(cell)
    read_cells(given.capture, [layer], [role])
    if role not in roles:
        reason = runs.reason[given.capture.roles.index(role)]
        raise DataError(
            f"cell: at {role} the outcome {outcome!r} cannot change ({reason}); take another cell or outcome"
        )
    return layer, role


def _fold_numbers(given: Given) -> Int[np.ndarray, " sample"]:
    """The folds by their place among those that there are, as a fitted probe keeps them."""
    return np.unique(given.samples.fold, return_inverse=True)[1]


def _puts(direction: Direction, fold: Int[np.ndarray, " run"], doses: Sequence[float]) -> list[Put]:
    """One for every dose, and the last for the ablation."""

    def pushed(dose: float) -> Put:
        def put(run: Int[np.ndarray, " edit"], role: object, layer: int, own: Tensor) -> Tensor:
            _check_width(direction, own)
            step = dose * direction.spread[fold[run], None] * direction.unit[fold[run]]
            return own + step.to(own).reshape(own.shape)

        return put

    def ablated(run: Int[np.ndarray, " edit"], role: object, layer: int, own: Tensor) -> Tensor:
        _check_width(direction, own)
        unit = direction.unit[fold[run]].to(own.device)
        along = (own.flatten(1).double() * unit).sum(1) - direction.centre[fold[run]].to(own.device)
        return own - (along[:, None] * unit).to(own).reshape(own.shape)

    return [*map(pushed, doses), ablated]


def _check_width(direction: Direction, own: Tensor) -> None:
    if own[0].numel() != direction.unit.shape[1]:
        raise DataError(
            f"cap: its vectors are {direction.unit.shape[1]} wide and the model's {own[0].numel()}: a direction of "
            "another model's space cannot be added; give the Capture of this model"
        )


def _dataset(
    given: Given,
    pairs: Pairs,
    named: Sequence[Direction],
    blind: Sequence[Direction],
    doses: Sequence[float],
    base: Float[np.ndarray, " run"],
    change: Float[np.ndarray, "direction dose run"],
    *,
    seed: int,
) -> xr.Dataset:
    """Means over runs with intervals by blocks, and where they stand among those of the placebo."""
    block, labels = np.repeat(pairs.block, 2), given.samples.y[pairs.recipient]
    sides = {"all": labels >= 0, "right": labels == 1, "wrong": labels == 0}
    real, placebo = change[: len(named)], change[len(named) :]
    means = {side: _means(real[..., some], block[some]) for side, some in sides.items()}
    others = np.stack([_means(placebo[..., some], block[some]).value for some in sides.values()])
    value, low, high = (np.stack([getattr(one, field) for one in means.values()]) for field in ("value", "low", "high"))
    kind = np.array([one.name.split()[0] for one in blind])
    beyond = np.abs(others)[:, None] >= np.abs(value)[:, :, None]  # sample kind, direction, placebo, dose
    p = np.stack([(1 + beyond[:, :, kind == k].sum(2)) / (1 + (kind == k).sum()) for k in (RANDOM, ARBITRARY)])
    p = np.where(np.isfinite(value), p, np.nan)
    ends = np.stack([np.quantile(others[:, kind == k], (0.025, 0.975), axis=1) for k in (RANDOM, ARBITRARY)])
    dims, ids = ("among", "direction", "dose"), np.array(given.samples.ids, dtype=object)
    cut = slice(None, -1)
    return xr.Dataset(
        {
            "change": (dims, value[..., cut]),
            "low": (dims, low[..., cut]),
            "high": (dims, high[..., cut]),
            "p": (("placebo", *dims), p[..., cut]),
            "q": (("placebo", *dims), np.stack([benjamini_hochberg(one) for one in p[..., cut]])),
            "placebo_low": (("placebo", "among", "dose"), ends[:, 0, :, cut]),
            "placebo_high": (("placebo", "among", "dose"), ends[:, 1, :, cut]),
            "ablated": (("among", "direction"), value[..., -1]),
            "ablated_low": (("among", "direction"), low[..., -1]),
            "ablated_high": (("among", "direction"), high[..., -1]),
            "ablated_p": (("placebo", "among", "direction"), p[..., -1]),
            "step": ("direction", np.array([float(one.spread.mean()) for one in named])),
            "sample_change": (("direction", "dose", "sample"), real[:, cut]),
            "outcome_own": ("sample", base),
        },
        coords={
            "among": np.array(list(sides), dtype=object),
            "direction": np.array([one.name for one in named], dtype=object),
            "placebo": np.array([RANDOM, ARBITRARY], dtype=object),
            "dose": np.array(doses, dtype=np.float64),
            "sample": ids[pairs.recipient],
            "y": ("sample", labels),
            "block": ("sample", block),
        },
        attrs={
            "n_pairs": len(pairs),
            "n_blocks": len(np.unique(block)),
            "enough": int(len(np.unique(block)) >= MIN_BLOCKS),
            "seed": seed,
            "interp_version": __version__,
        },
    )


def _means(change: Float[np.ndarray, "direction dose run"], block: Int[np.ndarray, " run"]) -> Ratios:
    return ratio_of_sums(np.moveaxis(change, -1, 0), np.ones(change.shape[-1]), block)
