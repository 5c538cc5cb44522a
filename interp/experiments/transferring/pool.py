"""What a row of the matrix is trained on: one run, or several together; its probes, and what they say of a target."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int

from interp.comparing.best_cell import full_enough
from interp.experiments.transferring.run_samples import RunSamples, joined
from interp.fitting.crossfit import learned, problem
from interp.fitting.estimators import ProbeSpec
from interp.fitting.standardiser import Standardiser
from interp.fitting.training import Cell, Trained, train_parts
from interp.grids.cells import Fitted
from interp.statistics.cross_fold import Learned, Sketch
from interp.statistics.samples import DIRECTIONS, pairs_of
from interp.statistics.shared_choice import Choice, Multipliers, Vote
from interp.statistics.training_lift import training_lift

Place = tuple[int, int]
"""A cell, by where its layer and its role stand."""


@dataclass(frozen=True)
class FittedRun:
    """A run with its probe grid on the common folds."""

    run: RunSamples
    used: Bool[np.ndarray, "sample layer role"]
    fitted: Fitted
    spec: ProbeSpec

    def reason(self, place: Place) -> str:
        """Why a cell of it is undefined; "" if it is not."""
        return self.fitted.estimates[self._number(place)].reason

    def probes(self, place: Place) -> dict[int, Trained]:
        """The probe without each fold of which the cell has samples."""
        folds = np.unique(self.run.samples.fold[self.used[(slice(None), *place)]])
        return dict(zip(folds.tolist(), self.fitted.probes[self._number(place)], strict=True))

    def choice(self, fold: int) -> Float[np.ndarray, "layer role"]:
        """Every cell's AUC without the fold; NaN where it is not known, or too few samples have the cell."""
        at = np.flatnonzero(np.unique(self.run.samples.fold) == fold)
        assert self.fitted.choice is not None
        if not len(at):
            return np.full(self.used.shape[1:], np.nan)
        choice = self.fitted.choice[..., at[0]]
        full = full_enough(np.where(self.used, 0.0, np.nan), np.isfinite(choice))
        return np.where(full, choice, np.nan)

    def lift(self, place: Place, folds: int) -> Float[np.ndarray, "sample fold"]:
        """`training_lift` of the cell; 0 for samples that it has not, or where it is not known."""
        used, out = self.used[(slice(None), *place)], np.zeros((len(self.used), folds))
        cell = Cell(self.run.vectors(*place)[used], self.run.samples.at(used), self.spec)
        probes = self.probes(place)
        if found := learned(cell, [probes[f] for f in np.unique(cell.fold).tolist()]):
            out[used] = training_lift(found[0], self.fitted.score[(used, *place)], np.arange(folds))
        return out

    def _number(self, place: Place) -> int:
        return place[0] * self.used.shape[2] + place[1]


@dataclass(frozen=True)
class PoolCell:
    """One cell of a pool: its samples, and its probes without each fold."""

    cell: Cell
    probes: Mapping[int, Trained]

    @cached_property
    def moved(self) -> tuple[Learned, Standardiser] | None:
        """How the pool's samples move the scores of others; None if it is not known."""
        return learned(self.cell, [self.probes[f] for f in np.unique(self.cell.fold).tolist()])


@dataclass(frozen=True)
class Pool:
    """One run, or several together."""

    name: str
    runs: Sequence[FittedRun]
    spec: ProbeSpec
    folds: int
    _kept: dict[Place, PoolCell] = field(default_factory=dict)
    _choice: list[Choice] = field(default_factory=list)

    def reason(self, place: Place) -> str:
        """Why the cell cannot be trained: the first reason of its runs."""
        return next((f"{one.run.name}: {why}" for one in self.runs if (why := one.reason(place))), "")

    def chosen(self) -> dict[int, Place] | None:
        """For each fold the cell with the highest AUC without it, on average over the runs; None if there is none."""
        found = {}
        for f in range(self.folds):
            choice = np.mean([one.choice(f) for one in self.runs], axis=0)
            if not np.isfinite(choice).any():
                return None
            layer, role = np.unravel_index(np.nanargmax(choice), choice.shape)
            found[f] = (int(layer), int(role))
        return found

    def choice(self, multiplier: Multipliers) -> Choice:
        """The same, and which cells would be chosen with other luck of the groups."""
        if not self._choice:
            auc = np.array([np.mean([one.choice(f) for one in self.runs], axis=0).ravel() for f in range(self.folds)])
            votes = [Vote(one.fitted.score.reshape(len(one.used), -1), one.run.samples) for one in self.runs]
            first = Choice.of(auc, votes, np.arange(self.folds), multiplier)
            if first.undecided():
                kept = first.candidates
                places = np.column_stack(np.unravel_index(kept, self.runs[0].used.shape[1:])).tolist()
                lifts = [
                    np.stack([one.lift((layer, role), self.folds) for layer, role in places], axis=2)
                    for one in self.runs
                ]
                votes = [
                    replace(vote, score=vote.score[:, kept], lift=lift) for vote, lift in zip(votes, lifts, strict=True)
                ]
                first = first.again(auc, votes)
            self._choice.append(first)
        return self._choice[0]

    def at(self, place: Place) -> PoolCell:
        """A cell with its samples, kept."""
        if place not in self._kept:
            cell = self._cell(place)
            self._kept[place] = PoolCell(cell, self.probes(place, cell))
        return self._kept[place]

    def probes(self, place: Place, cell: Cell | None = None) -> Mapping[int, Trained]:
        """The probe without each fold: the run's own, or fitted on all the runs' samples together.

        Where the cell has no sample in a fold, the probe without it is fitted on all of them.
        """
        found = self.runs[0].probes(place) if len(self.runs) == 1 else {}
        if lacking := [f for f in range(self.folds) if f not in found]:
            cell = self._cell(place) if cell is None else cell
            parts = [cell.fold != f for f in lacking]
            (fits,) = train_parts([cell.x], cell.spec, [problem(cell, part) for part in parts])
            found = {**found, **dict(zip(lacking, fits, strict=True))}
        return found

    def _cell(self, place: Place) -> Cell:
        masks = [one.used[(slice(None), *place)] for one in self.runs]
        x = np.concatenate([one.run.vectors(*place)[mask] for one, mask in zip(self.runs, masks, strict=True)])
        samples = joined([one.run.samples.at(mask) for one, mask in zip(self.runs, masks, strict=True)])
        return Cell(x, samples, self.spec)


def decision_by_fold(
    probes: Mapping[int, Trained], x: Float[np.ndarray, "sample width"], fold: Int[np.ndarray, " sample"]
) -> Float[np.ndarray, " sample"]:
    """Decision values of samples, each by the probe that has not seen its fold."""
    out = np.empty(len(x))
    for f in np.unique(fold).tolist():
        out[fold == f] = probes[f].decision(x[fold == f])
    return out


def said_of(
    pool: Pool, target: FittedRun, cells: dict[int, Place]
) -> tuple[Float[np.ndarray, " sample"], Sketch | None]:
    """The target's scores by the pool's probes, of each fold in its cell; and its `training_sketch` for the interval.

    The sketch holds what the target received and, spread over its group's samples, what each of its groups gave as a
    part of the pool: to the samples of every fold in that fold's cell. None where pool and target share no group, or it
    is not known.
    """
    samples = target.run.samples
    score = np.full(len(samples), np.nan)
    of_fold = {f: place for f, place in cells.items() if f in samples.fold}
    rows = {}
    for place in dict.fromkeys(of_fold.values()):
        inside = np.isin(samples.fold, [f for f, chosen in of_fold.items() if chosen == place])
        rows[place] = inside & target.used[(slice(None), *place)]
        x = target.run.vectors(*place)[rows[place]]
        score[rows[place]] = decision_by_fold(pool.at(place).probes, x, samples.fold[rows[place]])
    scored = np.isfinite(score)
    training = np.zeros((len(samples), 2, DIRECTIONS))
    known, pairs = False, pairs_of(samples.at(scored))
    for place, row in rows.items():
        fitted, test = pool.at(place), samples.at(row)
        common = np.isin(fitted.cell.samples.group, samples.group[scored])
        if not common.any() or not pairs_of(test) or fitted.moved is None:
            continue
        known, (moved, scaler) = True, fitted.moved
        assert fitted.cell.samples.signs is not None
        signs = fitted.cell.samples.signs * common[:, None]
        x = moved.columns(scaler.apply(target.run.vectors(*place)[row]))
        received, given = moved.sketch(x, test, score[row], signs)
        share = pairs_of(test) / pairs
        training[row, 0] = share * received
        training[scored, 1] += share * _spread(given, fitted.cell.samples.group, samples.group[scored])
    return score, training if known else None


def said_by_each(
    pool: Pool, target: FittedRun, choice: Choice, axes: tuple[int, ...]
) -> Float[np.ndarray, "sample kept"]:
    """The target's scores had each cell that competes been chosen for every fold."""
    score = np.full((len(target.run.samples), len(choice.candidates)), np.nan)
    for k, number in enumerate(choice.candidates.tolist()):
        layer, role = (int(at) for at in np.unravel_index(number, axes))
        used = target.used[:, layer, role]
        x, fold = target.run.vectors(layer, role)[used], target.run.samples.fold[used]
        score[used, k] = decision_by_fold(pool.at((layer, role)).probes, x, fold)
    return score


def _spread(
    given: Float[np.ndarray, "trained direction"],
    group: Int[np.ndarray, " trained"],
    target: Int[np.ndarray, " sample"],
) -> Float[np.ndarray, "sample direction"]:
    """What the groups gave, in equal parts to their samples in the target."""
    size = int(max(group.max(), target.max())) + 1
    sums = np.zeros((size, given.shape[1]))
    np.add.at(sums, group, given)
    return np.asarray(sums[target] / np.bincount(target, minlength=size)[target][:, None])
