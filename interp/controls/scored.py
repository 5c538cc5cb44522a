"""An AUC with the scores it was computed from, so that it can be compared with another on the samples of both."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float

from interp.statistics.auc import Estimate, auc_influence, delta_auc, estimate_auc, undefined
from interp.statistics.cross_fold import Sketch
from interp.statistics.samples import DIRECTIONS, Samples
from interp.statistics.shared_choice import Chosen, choice_variance


@dataclass(frozen=True, kw_only=True)
class Scored(Estimate):
    """An AUC that can be computed anew on fewer samples."""

    score: Float[np.ndarray, " sample"] = field(repr=False)
    """Out of fold, or as it is where nothing was fitted; NaN: the sample is not used."""
    training: Sketch | None = field(repr=False)
    """Its `training_sketch`, 0 where a sample is not used; None where nothing was fitted, or it is not known."""
    ids: tuple[str, ...] = field(repr=False)
    """Whose scores they are."""
    chosen: Chosen | None = field(repr=False, default=None)
    """What they would be by each candidate of the choice that they rest on; None: they rest on none, or its part of
    the interval is left out."""

    @classmethod
    def of(
        cls,
        score: Float[np.ndarray, " sample"],
        samples: Samples,
        *,
        used: Bool[np.ndarray, " sample"] | None = None,
        training: Sketch | None = None,
        chosen: Chosen | None = None,
        reason: str = "",
        min_per_class: int,
    ) -> "Scored":
        """The AUC of these scores; undefined, with the counts of the `used` samples, where there is a reason."""
        used = np.isfinite(score) if used is None else used
        if reason:
            found = undefined(len(samples), int(used.sum()), int(samples.y[used].sum()), reason)
        else:
            choice = 0.0 if chosen is None else choice_variance([(1, chosen)], samples, np.isfinite(score))
            found = estimate_auc(score, samples, training=training, choice=choice, min_per_class=min_per_class)
        return cls(**vars(found), score=score, training=training, ids=samples.ids, chosen=chosen)

    @property
    def trained(self) -> Sketch:
        """Its `training_sketch`; zeros where it has none."""
        return np.zeros((len(self.score), 2, DIRECTIONS)) if self.training is None else self.training

    @property
    def alone(self) -> Estimate:
        """The AUC without its scores."""
        return Estimate(**{name: getattr(self, name) for name in Estimate.__dataclass_fields__})


def difference(one: Scored, other: Scored, samples: Samples, *, min_per_class: int) -> Estimate:
    """AUC of one less that of the other over the samples of both, with all that their folds share (definitions: ΔAUC).

    Undefined, with its reason, where one of them is.
    """
    if reason := one.reason or other.reason:
        return undefined(len(samples), 0, 0, reason)
    both = np.isfinite(one.score) & np.isfinite(other.score)
    parts = [(sign, scored) for sign, scored in ((1, one), (-1, other))]
    fixed = sum(
        sign * auc_influence(np.where(both, scored.score, np.nan), samples.y, samples.fold, samples.group)[1]
        for sign, scored in parts
        if scored.chosen is None
    )
    chosen = [(sign, scored.chosen) for sign, scored in parts if scored.chosen is not None]
    choice = choice_variance(chosen, samples, both, fixed=np.zeros(len(samples)) + fixed)
    training = None if one.training is None and other.training is None else one.trained - other.trained
    return delta_auc(one.score, other.score, samples, training=training, choice=choice, min_per_class=min_per_class)
