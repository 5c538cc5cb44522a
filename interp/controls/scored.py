"""An AUC with the scores it was computed from, so that it can be compared with another on the samples of both."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float

from interp.statistics.auc import Estimate, estimate_auc, undefined
from interp.statistics.cross_fold import Sketch
from interp.statistics.samples import DIRECTIONS, Samples


@dataclass(frozen=True, kw_only=True)
class Scored(Estimate):
    """An AUC that can be computed anew on fewer samples."""

    score: Float[np.ndarray, " sample"] = field(repr=False)
    """Out of fold, or as it is where nothing was fitted; NaN: the sample is not used."""
    training: Sketch | None = field(repr=False)
    """Its `training_sketch`, 0 where a sample is not used; None where nothing was fitted, or it is not known."""
    ids: tuple[str, ...] = field(repr=False)
    """Whose scores they are."""

    @classmethod
    def of(
        cls,
        score: Float[np.ndarray, " sample"],
        samples: Samples,
        *,
        used: Bool[np.ndarray, " sample"] | None = None,
        training: Sketch | None = None,
        reason: str = "",
        min_per_class: int,
    ) -> "Scored":
        """The AUC of these scores; undefined, with the counts of the `used` samples, where there is a reason."""
        used = np.isfinite(score) if used is None else used
        if reason:
            found = undefined(len(samples), int(used.sum()), int(samples.y[used].sum()), reason)
        else:
            found = estimate_auc(score, samples, training=training, min_per_class=min_per_class)
        return cls(**vars(found), score=score, training=training, ids=samples.ids)

    @property
    def trained(self) -> Sketch:
        """Its `training_sketch`; zeros where it has none."""
        return np.zeros((len(self.score), 2, DIRECTIONS)) if self.training is None else self.training

    @property
    def alone(self) -> Estimate:
        """The AUC without its scores."""
        return Estimate(**{name: getattr(self, name) for name in Estimate.__dataclass_fields__})
