"""What folds share where each takes part in the others' choice: the covariance that a choice adds to an interval.

For fold f one of several candidates (cells, baselines) is chosen by the other folds and scored on f. Its error there
is E_f(c_f): c_f was chosen without f, so that its mean is 0. But f takes part in the choice of c_g, and g in that of
c_f: a candidate that is lucky in both is chosen for both, one that is lucky in one is chosen for the other only. So

    Cov(E_f(c_f), E_g(c_g)) = E[E_f(c_f) E_g(c_g)]

is not 0. It is that of the pairs (f, g) whose choices each other's luck would turn; where one candidate is far ahead
there are none. No first-order influence tells it, since a choice does not move a little; nor does drawing errors around
the AUCs that were seen, which are further apart than the true ones.

It is estimated as by the coupled bootstrap (Oliveira, Lei & Tibshirani 2021). Let X be the candidates' AUCs in the
folds, X ~ N(A, Σ), Σ by the samples' influences, independent between folds, and Z ~ N(0, Σ) drawn. Then X + Z and X - Z
are independent and both have mean A. What is chosen by X + Z has there the error (X + Z) - A, and since X - Z knows
nothing of it, without bias whatever A is,

    E[E⁺_f(c⁺_f) E⁺_g(c⁺_g)] = E[2 Z_f(c⁺_f) · 2 Z_g(c⁺_g)],

c⁺ being chosen by X + Z: the covariance of twice the noise, that is of half as many samples. Halved it is that of all
of them, exactly where the candidates are equally good or one is far ahead. So, with Z alone,

    Σ_f≠g Cov(E_f, E_g) = E[2 Σ_f≠g Z_f(c⁺_f) Z_g(c⁺_g)].

An AUC of something else than what was compared in the choice (of a weighted sum with the chosen baseline, of another
run's samples in the chosen cell) has errors of its own, by its own influences: Z of one draw is of the same groups.
Errors E are those of given scores; what training adds to them is `cross_fold.py`. In the choice among trained probes a
fold's luck counts twice: it is tested, and it trained the probes of the other folds (`training_lift.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Bool, Float, Int

from interp.statistics.auc import auc_influence
from interp.statistics.samples import Samples, fold_pairs

DRAWS = 2000
MOST = 12
"""So many of the candidates, those chosen most often in the draws, are told apart; the others are left out of them."""

Multipliers = Float[np.ndarray, "draw group"]


def multipliers(groups: int, *, seed: int = 0, draws: int = DRAWS) -> Multipliers:
    """Luck of the groups, by their codes: standard normal, drawn by `default_rng([seed, 7])`."""
    return np.random.default_rng([seed, 7]).standard_normal((draws, groups), dtype=np.float32)


@dataclass(frozen=True)
class Vote:
    """Scores whose AUCs choose among the candidates."""

    score: Float[np.ndarray, "sample candidate"]
    """NaN: the sample is not in it."""
    samples: Samples
    lift: Float[np.ndarray, "sample fold candidate"] | None = None
    """`training_lift` of probes that are trained on the samples: luck of a fold moves the AUCs of the others too."""

    def moved(
        self, multiplier: Multipliers, folds: Int[np.ndarray, " fold"]
    ) -> Float[np.ndarray, "draw fold candidate"]:
        """How far each candidate's AUC without each fold is moved by the groups' luck."""
        fold, everyone = self.samples.fold, np.ones(len(self.samples), dtype=bool)
        share = np.zeros((len(folds), self.score.shape[1]))
        for c, column in enumerate(np.isfinite(self.score).T):
            counts = fold_pairs(self.samples.y[column], fold[column])
            pairs = np.array([np.prod(counts.get(f, (0, 0))) for f in folds.tolist()], dtype=float)
            share[:, c] = pairs / max(pairs.sum(), 1.0)
        luck = by_fold(influences(self.score, self.samples, everyone), self.samples, multiplier, folds)
        rest = luck.sum(1, keepdims=True) - luck
        if self.lift is not None:
            for scored in range(len(folds)):
                lifted = by_fold(self.lift[:, scored], self.samples, multiplier, folds)
                without = lifted.sum(1, keepdims=True) - lifted
                without[:, scored] = 0  # the fold that is left out is not scored
                rest += without
        return rest / np.maximum(1 - share, 1e-9)


@dataclass(frozen=True)
class Choice:
    """Of one candidate for every fold by the others, and what it would have been with other luck."""

    folds: Int[np.ndarray, " fold"]
    """Numbers of the folds."""
    candidates: Int[np.ndarray, " kept"]
    """Which of the candidates are told apart: the chosen ones, and those that other luck chooses most often."""
    own: Int[np.ndarray, " fold"]
    """What was chosen for each fold, by its place among them."""
    picks: Int[np.ndarray, "draw fold"]
    """What would be with X + Z."""
    multiplier: Multipliers = field(repr=False)

    @classmethod
    def of(
        cls,
        auc: Float[np.ndarray, "fold candidate"],
        votes: Sequence[Vote],
        folds: Int[np.ndarray, " fold"],
        multiplier: Multipliers,
    ) -> "Choice":
        """`auc`: of each candidate without each fold, the mean over the votes, by which it chose; NaN: no candidate."""
        auc = np.where(np.isfinite(auc), auc, -np.inf)
        moved = auc + sum(vote.moved(multiplier, folds) for vote in votes) / len(votes)
        own = auc.argmax(1)
        wins = np.bincount(moved.argmax(2).ravel(), minlength=auc.shape[1])
        wins[own] = moved.shape[0] * moved.shape[1] + 1
        kept = np.sort(np.argsort(-wins, kind="stable")[: max(MOST, len(np.unique(own)))])
        kept = kept[wins[kept] > 0]
        return cls(folds, kept, np.searchsorted(kept, own), moved[:, :, kept].argmax(2), multiplier)

    def again(self, auc: Float[np.ndarray, "fold candidate"], votes: Sequence[Vote]) -> "Choice":
        """Among those that are told apart, by votes of theirs alone that know more."""
        found = Choice.of(auc[:, self.candidates], votes, self.folds, self.multiplier)
        return replace(found, candidates=self.candidates[found.candidates])

    def undecided(self) -> bool:
        """Whether other luck would choose otherwise."""
        return bool((self.picks != self.own).any())


@dataclass(frozen=True)
class Chosen:
    """Scores that rest on a choice: those of each of its candidates, had it been chosen for every fold."""

    choice: Choice
    score: Float[np.ndarray, "sample kept"]
    """NaN: the sample is not in it."""


def choice_variance(
    parts: Sequence[tuple[int, Chosen]],
    samples: Samples,
    used: Bool[np.ndarray, " sample"],
    *,
    fixed: Float[np.ndarray, " sample"] | None = None,
) -> float:
    """Σ over pairs of folds of the covariance that choices add to the variance of a sum of AUCs; never negative.

    `parts`: 1 for an AUC, -1 for one that is subtracted, and what it rests on; `fixed`: influences of AUCs that rest on
    no choice; over the `used` samples. The same products with what was chosen are 0 on average: what chance made of
    them is taken away, in proportion (a control variate).
    """
    parts = [part for part in parts if part[1].choice.undecided()]
    if not parts:
        return 0.0
    first = parts[0][1].choice
    base = np.zeros((len(samples), 1)) if fixed is None else fixed[:, None]
    moved = by_fold(base, samples, first.multiplier, first.folds)[:, :, 0]
    chosen = moved.copy()
    for sign, part in parts:
        choice = part.choice
        luck = sign * by_fold(influences(part.score, samples, used), samples, choice.multiplier, choice.folds)
        moved += np.take_along_axis(luck, choice.picks[:, :, None], axis=2)[:, :, 0]
        chosen += luck[:, np.arange(len(choice.own)), choice.own]
    products, without = (part.sum(1) ** 2 - (part**2).sum(1) for part in (moved, chosen))
    scale = float(without @ without)
    slope = float((products - products.mean()) @ without) / scale if scale > 0 else 0.0
    return max(0.0, 2 * float((products - slope * without).mean()))


def influences(
    score: Float[np.ndarray, "sample candidate"], samples: Samples, used: Bool[np.ndarray, " sample"]
) -> Float[np.ndarray, "sample candidate"]:
    """Of the samples on the AUC of each candidate."""
    columns = [np.where(used, column, np.nan) for column in score.T]
    return np.stack([auc_influence(one, samples.y, samples.fold, samples.group)[1] for one in columns], axis=1)


def by_fold(
    influence: Float[np.ndarray, "sample candidate"],
    samples: Samples,
    multiplier: Multipliers,
    folds: Int[np.ndarray, " fold"],
) -> Float[np.ndarray, "draw fold candidate"]:
    """Sums over the samples of each fold of their influences, each times its group's luck."""
    parts = []
    for f in folds.tolist():
        inside = samples.fold == f
        parts.append(multiplier[:, samples.group[inside]] @ influence[inside])
    return np.stack(parts, axis=1)
