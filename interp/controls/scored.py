"""An AUC with the scores it was computed from, so that it can be compared with another on the samples of both."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from interp.statistics.cross_fold import DIRECTIONS, Signs, Sketch, group_signs
from interp.statistics.inference import Estimate, estimate_auc, group_codes, undefined


class Labels(NamedTuple):
    """What is to be told apart in the samples of a grid, and on which folds."""

    y: Int[np.ndarray, " sample"]
    fold: Int[np.ndarray, " sample"]
    group: Int[np.ndarray, " sample"]
    """Codes of the groups."""
    signs: Signs
    ids: tuple[str, ...]

    @classmethod
    def of(
        cls,
        y: Int[np.ndarray, " sample"],
        fold: Int[np.ndarray, " sample"],
        groups: Sequence[str],
        ids: Sequence[str],
    ) -> "Labels":
        """From the groups' names."""
        return cls(y, fold, group_codes(groups), group_signs(groups), tuple(ids))


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
        labels: Labels,
        *,
        used: Bool[np.ndarray, " sample"] | None = None,
        training: Sketch | None = None,
        reason: str = "",
        min_per_class: int,
    ) -> "Scored":
        """The AUC of these scores; undefined, with the counts of the `used` samples, where there is a reason."""
        used = np.isfinite(score) if used is None else used
        y, fold, group = labels[:3]
        if reason:
            found = undefined(len(y), int(used.sum()), int(y[used].sum()), reason)
        else:
            found = estimate_auc(score, y, fold, group, training=training, min_per_class=min_per_class)
        return cls(**vars(found), score=score, training=training, ids=labels.ids)

    @property
    def trained(self) -> Sketch:
        """Its `training_sketch`; zeros where it has none."""
        return np.zeros((len(self.score), 2, DIRECTIONS)) if self.training is None else self.training

    @property
    def alone(self) -> Estimate:
        """The AUC without its scores."""
        return Estimate(**{name: getattr(self, name) for name in Estimate.__dataclass_fields__})
