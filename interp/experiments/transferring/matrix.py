"""From probes and targets to the matrix: AUC of every pair, its difference from the target's own and the baseline."""

from collections.abc import Sequence

import numpy as np
import xarray as xr

from interp.controls.scored import Scored, difference
from interp.experiments.transferring.pool import FittedRun, Place, Pool, decision_by_fold, said_by_each, said_of
from interp.statistics.auc import Estimate, benjamini_hochberg, undefined, why_undefined, within_fold_auc
from interp.statistics.shared_choice import Chosen, Multipliers, multipliers

MATRIX = ("train", "test")
NO_CELL = "no cell can be chosen without every fold"


def matrix_of(
    pools: Sequence[Sequence[Pool]], fits: Sequence[FittedRun], fixed: Place | None, *, min_per_class: int
) -> xr.Dataset:
    """The result of `transfer`. `pools`: for every row of the matrix, what is trained for each target."""
    names, rows = [one.run.name for one in fits], [of[0].name for of in pools]
    cells = [[_cells(pool, fixed) for pool in of] for of in pools]
    # One luck for all choices: what two of them share by a group that several runs hold is in it.
    groups = 1 + max(int(one.run.samples.group.max()) for one in fits)
    luck = None if fixed is not None else multipliers(groups, seed=pools[0][0].spec.seed)
    scored = [
        [_scored(pool, one, chosen, luck, min_per_class) for pool, one, chosen in zip(of, fits, along, strict=True)]
        for of, along in zip(pools, cells, strict=True)
    ]
    baseline = [_baseline(one, min_per_class) for one in fits]
    own = [scored[k][k] for k in range(len(fits))]
    shared = [[_shared(pool, one) for pool, one in zip(of, fits, strict=True)] for of in pools]
    ends = _columns([baseline], "logprob", {"value": "auc"}, fields=("value", "low", "high", "reason"))
    variables = {
        **_columns(scored, "", {"value": "auc"}),
        "shared_groups": (MATRIX, np.array(shared)),
        **_differences("minus_own", scored, own, fits, min_per_class),
        **_differences("minus_logprob", scored, baseline, fits, min_per_class),
        **{name: ("test", values[0]) for name, (_, values) in ends.items()},
        **_chosen_cells(cells, pools, fits[0]),
        **grid_auc([of[0] for of in pools[: len(fits)]], fits, min_per_class=min_per_class),
        "y": ("sample", np.concatenate([one.run.samples.y for one in fits])),
        "sample_fold": ("sample", np.concatenate([one.run.samples.fold for one in fits])),
        "group": ("sample", np.array([group for one in fits for group in one.run.groups], dtype=object)),
        "logprob": ("sample", np.concatenate([one.run.logprob for one in fits])),
        "score": (("train", "sample"), np.array([np.concatenate([one.score for one in along]) for along in scored])),
    }
    features = fits[0].run.features
    coords = {
        "train": np.array(rows, dtype=object),
        "test": np.array(names, dtype=object),
        "source": np.array(names, dtype=object),
        "fold": np.arange(pools[0][0].folds),
        "layer": np.array(features.layers),
        "token": np.array(features.roles, dtype=object),
        "sample": np.array([f"{one.run.name}/{i}" for one in fits for i in one.run.samples.ids], dtype=object),
        "run": ("sample", np.array([one.run.name for one in fits for _ in one.run.samples.ids], dtype=object)),
    }
    return xr.Dataset(variables, coords=coords)


def _cells(pool: Pool, fixed: Place | None) -> dict[int, Place] | str:
    """The pool's cell for every fold, or why there is none."""
    if fixed is not None:
        return pool.reason(fixed) or dict.fromkeys(range(pool.folds), fixed)
    return pool.chosen() or next(filter(None, map(pool.reason, np.ndindex(*pool.runs[0].used.shape[1:]))), NO_CELL)


def _scored(
    pool: Pool, target: FittedRun, cells: dict[int, Place] | str, luck: Multipliers | None, least: int
) -> Scored:
    """The AUC of a pool's probes on a target, with the scores."""
    samples = target.run.samples
    if isinstance(cells, str):
        return Scored.of(np.full(len(samples), np.nan), samples, reason=cells, min_per_class=least)
    score, training = said_of(pool, target, cells)
    chosen = None
    if luck is not None and _shared(pool, target):  # else no fold of the target takes part in the choice
        choice = pool.choice(luck)
        if choice.undecided():
            chosen = Chosen(choice, said_by_each(pool, target, choice, target.used.shape[1:]))
    return Scored.of(score, samples, training=training, chosen=chosen, min_per_class=least)


def _baseline(target: FittedRun, least: int) -> Scored:
    """The AUC of the exact answer's mean log-probability, as it is."""
    score = target.run.logprob
    reason = "" if np.isfinite(score).any() else "no sample has log-probabilities"
    return Scored.of(score, target.run.samples, reason=reason, min_per_class=least)


def _shared(pool: Pool, target: FittedRun) -> int:
    trained = {group for one in pool.runs for group in one.run.groups}
    return len(trained & set(target.run.groups))


def _differences(
    name: str, scored: Sequence[Sequence[Scored]], against: Sequence[Scored], fits: Sequence[FittedRun], least: int
) -> dict[str, tuple]:
    """Every AUC less another on the target, over the samples of both."""
    found = [
        [_less(one, other, target, least) for one, other, target in zip(along, against, fits, strict=True)]
        for along in scored
    ]
    columns = _columns(found, name, {"value": ""}, fields=("value", "low", "high", "p", "reason"))
    return {**columns, f"{name}_q": (MATRIX, benjamini_hochberg(columns[f"{name}_p"][1]))}


def _less(one: Scored, other: Scored, target: FittedRun, least: int) -> Estimate:
    if one is other:
        return undefined(len(one.score), one.n, one.n_correct, "the target's own probes")
    return difference(one, other, target.run.samples, min_per_class=least)


def _columns(
    found: Sequence[Sequence[Estimate]],
    prefix: str,
    named: dict[str, str],
    *,
    fields: Sequence[str] = ("value", "low", "high", "n", "n_correct", "reason"),
) -> dict[str, tuple]:
    """Estimates as variables: `prefix` and the names of their fields, but for those that are `named` otherwise."""
    kinds = {"n": int, "n_correct": int, "reason": object}
    return {
        "_".join(filter(None, (prefix, named.get(field, field)))): (
            MATRIX,
            np.array([[getattr(one, field) for one in along] for along in found], dtype=kinds.get(field, float)),
        )
        for field in fields
    }


def _chosen_cells(
    cells: Sequence[Sequence[dict[int, Place] | str]], pools: Sequence[Sequence[Pool]], one: FittedRun
) -> dict[str, tuple]:
    """Which cell scored which fold."""
    shape, features = (len(cells), len(cells[0]), pools[0][0].folds), one.run.features
    layer, token = np.full(shape, -1), np.full(shape, "", dtype=object)
    for i, j, f in np.ndindex(shape):
        if not isinstance(chosen := cells[i][j], str):
            layer[i, j, f], token[i, j, f] = features.layers[chosen[f][0]], features.roles[chosen[f][1]]
    dims = ("train", "test", "fold")
    return {"cell_layer": (dims, layer), "cell_token": (dims, token)}


def grid_auc(pools: Sequence[Pool], fits: Sequence[FittedRun], *, min_per_class: int) -> dict[str, tuple]:
    """The AUC of every run's probe on every run, in every cell: a cell of the target is read once for all sources."""
    axes = fits[0].used.shape[1:]
    auc = np.full((len(fits), len(fits), *axes), np.nan)
    reason = np.full(auc.shape, "", dtype=object)
    for place in np.ndindex(*axes):
        sources = [one.reason(place) or one.probes(place) for one in pools]
        for j, target in enumerate(fits):
            used = target.used[(slice(None), *place)]
            test = target.run.samples.at(used)
            x = target.run.vectors(*place)[used]
            why = why_undefined(test.y, test.fold, min_per_class)
            for i, source in enumerate(sources):
                if isinstance(source, str) or why:
                    reason[(i, j, *place)] = source if isinstance(source, str) else why
                else:
                    auc[(i, j, *place)] = within_fold_auc(decision_by_fold(source, x, test.fold), test.y, test.fold)
    dims = ("source", "test", "layer", "token")
    return {"grid_auc": (dims, auc), "grid_reason": (dims, reason)}
