"""The samples of a statistic: what is to be told apart, on which folds, and which samples belong together."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import shake_128

import numpy as np
from jaxtyping import Bool, Float, Int

DIRECTIONS = 8
"""Random signs of a group, by which the folds' dependence is estimated (`cross_fold.py`)."""

Signs = Float[np.ndarray, "sample direction"]


@dataclass(frozen=True)
class Samples:
    """Label, fold and group of every sample, of one length; who it is and the signs of its group where they are known.

    Pure functions of two of these arrays take the arrays; what takes all three takes Samples.
    """

    y: Int[np.ndarray, " sample"]
    """1: correct, 0: wrong."""
    fold: Int[np.ndarray, " sample"]
    group: Int[np.ndarray, " sample"]
    """Codes of the groups, from 0."""
    signs: Signs | None = None
    """`group_signs` of the groups' names: how folds' errors depend on each other can be said with them only."""
    ids: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """One length for all."""
        sizes = {name: len(value) for name, value in vars(self).items() if value is not None and name != "ids"}
        sizes |= {"ids": len(self.ids)} if self.ids else {}
        if len(set(sizes.values())) > 1:
            raise ValueError(f"samples: expected arrays of one length, got {sizes}")

    @classmethod
    def alone(cls, y: Int[np.ndarray, " sample"], fold: Int[np.ndarray, " sample"]) -> "Samples":
        """Each sample a group of its own."""
        return cls(y, fold, np.arange(len(y)))

    @classmethod
    def named(
        cls,
        y: Int[np.ndarray, " sample"],
        fold: Int[np.ndarray, " sample"],
        groups: Sequence[str],
        ids: Sequence[str] = (),
    ) -> "Samples":
        """From the groups' names: codes and signs follow from them, whatever the order of the samples."""
        return cls(y, fold, group_codes(groups), group_signs(groups), tuple(ids))

    def __len__(self) -> int:
        """How many."""
        return len(self.y)

    def at(self, used: Bool[np.ndarray, " sample"] | Int[np.ndarray, " kept"]) -> "Samples":
        """Some of them, by a mask or by their places; groups keep their codes and signs."""
        some = {name: value[used] for name, value in vars(self).items() if name != "ids" and value is not None}
        return replace(self, **some, ids=tuple(np.asarray(self.ids, dtype=object)[used]) if self.ids else ())


def group_codes(groups: Sequence[object]) -> Int[np.ndarray, " sample"]:
    """Groups as integers 0 … G-1, in the order of their names: nothing drawn for them depends on the samples' order."""
    code = {group: i for i, group in enumerate(sorted(set(groups)))}  # type: ignore[type-var]
    return np.array([code[group] for group in groups], dtype=np.int64)


def group_signs(groups: Sequence[str]) -> Signs:
    """Every sample's random signs: `DIRECTIONS` bits of the SHAKE-128 hash of its group's name."""
    size = -(-DIRECTIONS // 8)
    hashed = [shake_128(name.encode("utf-8", "surrogatepass")).digest(size) for name in groups]
    bits = np.unpackbits(np.frombuffer(b"".join(hashed), dtype=np.uint8).reshape(len(hashed), size), axis=1)
    return bits[:, :DIRECTIONS] * 2.0 - 1


def fold_pairs(y: Int[np.ndarray, " sample"], fold: Int[np.ndarray, " sample"]) -> dict[int, tuple[int, int]]:
    """(correct, wrong) samples of every fold that has both, so at least one pair."""
    counts = {int(f): (int((y[fold == f] == 1).sum()), int((y[fold == f] == 0).sum())) for f in np.unique(fold)}
    return {f: count for f, count in counts.items() if min(count) > 0}


def pairs_of(samples: Samples) -> int:
    """Pairs of a right and a wrong sample of the same fold."""
    return sum(m * k for m, k in fold_pairs(samples.y, samples.fold).values())


def leverage_free(group: Int[np.ndarray, " sample"]) -> Float[np.ndarray, " sample"]:
    """1 less the share that each sample's group has of all samples; 0 where there is one group only.

    A sum over a group, less its part in the mean, has a variance as much smaller (Bell & McCaffrey 2002, CR2). With
    every sample its own group it makes the divisors m and k DeLong's m - 1 and k - 1.
    """
    _, code, size = np.unique(group, return_inverse=True, return_counts=True)
    return 1 - size[code.ravel()] / len(group)


def groups_of_classes(y: Int[np.ndarray, " sample"], group: Int[np.ndarray, " sample"]) -> tuple[int, int]:
    """How many groups have right, and how many wrong samples."""
    return len(np.unique(group[y == 1])), len(np.unique(group[y == 0]))
