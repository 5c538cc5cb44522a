"""Directions along which a cell is pushed: the probe's, the difference of means, and those that mean nothing."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from interp.applying.cell_vectors import cell_vectors
from interp.applying.probe_fit import fit_probe
from interp.errors import DataError
from interp.experiments.detecting.given import Given
from interp.fitting.estimators import TUNABLE, UNSCALED

PROBE, MEANS, RANDOM, ARBITRARY = "probe", "mean_difference", "random", "arbitrary_labels"


@dataclass(frozen=True)
class Direction:
    """A unit vector for every fold, found without it, and how far samples lie apart along it."""

    name: str
    unit: Float[Tensor, "fold width"]
    spread: Float[Tensor, " fold"]
    """Standard deviation of the projection of all samples of the cell."""
    centre: Float[Tensor, " fold"]
    """Its mean."""

    @classmethod
    def of(cls, name: str, vectors: Float[Tensor, "fold width"], x: Float[Tensor, "sample width"]) -> "Direction":
        """Scaled to length 1, with what the samples say of it."""
        unit = vectors / vectors.norm(dim=1, keepdim=True)
        along = x @ unit.T
        return cls(name, unit, along.std(0, correction=0), along.mean(0))


def directions(
    given: Given, layer: int, role: str, *, draws: int, seed: int
) -> tuple[list[Direction], list[Direction]]:
    """The probe's and the difference of means; and `draws` at random, and of probes of labels dealt out anew.

    Labels are dealt out over groups with `default_rng([seed, 10])`: samples of one group get that of another whole
    group, in the order of their names. Random ones are drawn by `default_rng([seed, 11])`, the same for all folds, and
    take the probe's spread: a step along them is as long as along the probe's. Raises DataError for a cell without a
    sample in some fold.
    """
    site, samples = given.site, given.samples
    x = cell_vectors(given.capture, layer=layer, role=role, site=site).double()
    used = torch.isfinite(x).all(1).numpy() & given.capture.valid[:, given.capture.roles.index(role)].numpy()
    kept = x[torch.from_numpy(used)]
    fold, group = np.where(used, samples.fold, -1), given.grid["group"].values.tolist()

    def fitted(name: str, y: Int[np.ndarray, " sample"], probe: str = "logistic") -> Direction:
        found = fit_probe(
            given.capture,
            y.tolist(),
            group,
            layer=layer,
            role=role,
            site=site,
            probe=probe,
            C=given.C if probe in TUNABLE else 1.0,
            fold=fold,
            min_per_class=given.min_per_class,
        )
        return Direction.of(name, found.fold_direction.double(), kept)

    of = fold[used]
    if len(np.unique(of)) < len(np.unique(samples.fold)):
        raise DataError(
            f"cell: layer {layer}, {role} has samples in {len(np.unique(of))} of {len(np.unique(samples.fold))} folds: "
            "no direction is held out for the others; take a cell that more samples have"
        )
    named = [fitted(PROBE, samples.y), fitted(MEANS, samples.y, UNSCALED)]
    folds, width = named[0].unit.shape
    rng = np.random.default_rng([seed, 11])
    blind = []
    for k in range(draws):
        drawn = torch.from_numpy(rng.standard_normal(width)).expand(folds, -1)
        found = Direction.of(f"{RANDOM} {k}", drawn, kept)
        blind.append(Direction(found.name, found.unit, named[0].spread, found.centre))
    rng = np.random.default_rng([seed, 10])
    for k in range(draws):
        blind.append(fitted(f"{ARBITRARY} {k}", _dealt_out(samples.y, samples.group, rng)))
    return named, blind


def _dealt_out(
    y: Int[np.ndarray, " sample"], group: Int[np.ndarray, " sample"], rng: np.random.Generator
) -> Int[np.ndarray, " sample"]:
    """Each group's share of right samples goes to another group, where the first samples are then the right ones."""
    codes = np.unique(group, return_inverse=True)[1]
    sizes = np.bincount(codes)
    share = (np.bincount(codes, weights=y) / sizes)[rng.permutation(len(sizes))]
    out = np.zeros_like(y)
    for code, (n, part) in enumerate(zip(sizes.tolist(), share.tolist(), strict=True)):
        out[np.flatnonzero(codes == code)[: round(n * part)]] = 1
    return out
