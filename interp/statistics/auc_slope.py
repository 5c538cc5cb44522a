"""How the share of concordant pairs moves with each score: the slope of the AUC, without a matrix of pairs."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

BANDWIDTH = 0.3
TAIL = 8.0
"""Widths (and frequencies) at which a Gaussian is 0: exp(-32)."""


@dataclass(frozen=True)
class AucSlope:
    """Derivative of each sample's share of the fold's concordant pairs by each sample's score, centred by class.

    Products with this matrix of pairs, without the matrix: on an interval a Gaussian is a short sum of cosines, and the
    cosine of a difference is a product. The cost is linear in the samples.
    """

    classes: tuple[Int[np.ndarray, " wrong"], Int[np.ndarray, " correct"]]
    group: Int[np.ndarray, " sample"]
    waves: Float[np.ndarray, "sample wave"]
    weight: Float[np.ndarray, " wave"]

    @classmethod
    def of(
        cls, score: Float[np.ndarray, " sample"], y: Int[np.ndarray, " sample"], group: Int[np.ndarray, " sample"]
    ) -> "AucSlope":
        """The slope at the scores of one fold."""
        classes = np.flatnonzero(y == 0), np.flatnonzero(y == 1)
        width = BANDWIDTH * np.sqrt((score[classes[0]].var() + score[classes[1]].var()) / 2)
        if width == 0:
            return cls(classes, group, np.zeros((len(y), 0)), np.zeros(0))
        order = np.argsort(score, kind="stable")
        place = np.empty(len(y))
        # Across a gap of TAIL widths no kernel reaches: a wider one would only add cosines.
        place[order] = np.append(0.0, np.cumsum(np.minimum(np.diff(score[order]) / width, TAIL)))
        period = place.max() + TAIL
        wave = 2 * np.pi / period * np.arange(int(TAIL * period / (2 * np.pi)) + 1)
        weight = np.exp(-(wave**2) / 2) / (period * width) * np.where(wave > 0, 2.0, 1.0)
        angle = place[:, None] * wave
        return cls(classes, group, np.hstack([np.cos(angle), np.sin(angle)]), np.tile(weight, 2))

    def times(self, values: Float[np.ndarray, "sample direction"]) -> Float[np.ndarray, "sample direction"]:
        """The product with the matrix."""
        return self._centred(self._moved(values, sign=-1))

    def transposed_times(self, values: Float[np.ndarray, "sample direction"]) -> Float[np.ndarray, "sample direction"]:
        """The product with the transposed matrix."""
        return self._moved(self._centred(values, transposed=True), sign=1)

    def of_all(self, y: Int[np.ndarray, " sample"]) -> Float[np.ndarray, " sample"]:
        """How the number of concordant pairs moves with each score."""
        return self._moved(y[:, None].astype(np.float64), sign=1)[:, 0]  # each pair once, by its correct sample

    def _moved(
        self, values: Float[np.ndarray, "sample direction"], *, sign: int
    ) -> Float[np.ndarray, "sample direction"]:
        """± (density · own value + `sign` · Σ over the other class of kernel · value), minus for wrong samples."""
        out = np.empty_like(values)
        columns = np.column_stack([np.ones(len(values)), values])
        for side, own, other in ((-1, *self.classes), (1, *self.classes[::-1])):
            across = self.waves[own] @ (self.weight[:, None] * (self.waves[other].T @ columns[other]))
            out[own] = side * (across[:, :1] * values[own] + sign * across[:, 1:])
        return out

    def _centred(
        self, values: Float[np.ndarray, "sample direction"], *, transposed: bool = False
    ) -> Float[np.ndarray, "sample direction"]:
        """Each value minus the mean of the other groups of its class, whose own noise is another; 0 without others."""
        out = np.zeros_like(values)
        for members in self.classes:
            own, group = values[members], self.group[members]
            others = (len(members) - np.bincount(group)[group])[:, None]
            if not others.all():
                continue
            counted = own / others if transposed else own
            rest = counted.sum(0) - sums_by_group(counted, group)[group]
            out[members] = own - (rest if transposed else rest / others)
        return out


def sums_by_group(
    values: Float[np.ndarray, "sample ..."], group: Int[np.ndarray, " sample"]
) -> Float[np.ndarray, "group ..."]:
    """Sum over the samples of each group, samples on the first axis."""
    sums = np.zeros((int(group.max()) + 1, *values.shape[1:]))
    np.add.at(sums, group, values)
    return sums
