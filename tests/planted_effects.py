"""A causal grid of planted effects, made without a model: what donors and controls did is drawn."""

from collections.abc import Mapping, Sequence
from types import SimpleNamespace

import numpy as np
import xarray as xr

import interp
from interp.demo.planted_signal import planted
from interp.experiments.detecting.given import Given
from interp.experiments.intervening.effects import CONTROLS, DONOR, Change, causal_grid
from interp.experiments.intervening.pairs import Pairs
from interp.experiments.intervening.patched import Runs
from interp.experiments.intervening.read import Cells

ROLES = ("last_q", "exact_answer_before_first", "exact_answer_last")
LATE = "it comes too late"
SMALL = {"probe": "mass-mean", "min_per_class": 5, "n_jobs": 1}


def planted_effects(
    shares: Mapping[tuple[int, str], float] | None = None,
    *,
    n_pairs: int = 24,
    apart: float = 2.0,
    noise: float = 0.3,
    controls: Sequence[str] = CONTROLS,
    first_look: bool = True,
    alone: int = 0,
    flips: int = 199,
    seed: int = 0,
    grids: SimpleNamespace | None = None,
) -> xr.Dataset:
    """Of `shares` each donor moves its recipient by that share of the pair's difference, in the cells they name.

    The last role is reached by no run. `apart`: how far right and wrong outcomes lie from each other. The last `alone`
    pairs are blocks of their own.
    """
    rng, given = np.random.default_rng(seed), (grids or planted_grids()).given
    y = given.samples.y
    right, wrong = (rng.permutation(np.flatnonzero(y == label))[:n_pairs] for label in (1, 0))
    number = np.arange(n_pairs)
    other = number ^ 1
    block = number // 2
    if alone:
        other[-alone:], block[-alone:] = -1, block.max() + 1 + np.arange(alone)
    block = np.unique(block, return_inverse=True)[1]
    pairs = Pairs(right, wrong, other, block)
    outcome = apart / 2 * (2 * y - 1) + 0.4 * rng.standard_normal(len(y))
    own = outcome[pairs.recipient]
    difference = outcome[pairs.donor] - own
    cells = Cells((0, 1, 2), ROLES, np.arange(len(ROLES)))
    shape = (2 * n_pairs, 3, len(ROLES))

    def drawn() -> np.ndarray:
        return noise * rng.standard_normal(shape)

    made = {name: Change(own, drawn()) for name in (DONOR, *controls)}
    for (layer, role), share in (shares or {}).items():
        made[DONOR].by[:, layer, ROLES.index(role)] += share * difference
    reached = np.ones((2 * n_pairs, len(ROLES)), dtype=bool)
    reached[:, -1] = False
    runs = Runs([[]] * (2 * n_pairs), np.zeros(reached.shape, dtype=np.int64), reached, ["", "", LATE])
    look = Change(own, made[DONOR].by + 0.1 * drawn()) if first_look else None
    found = causal_grid(given, pairs, made, runs, cells, first_look=look, outcome="answer", flips=flips, seed=seed)
    return found.assign_attrs(
        kind="patching", method="exact", site="resid_post", head=-1, question="", match="offsets", model="planted"
    )


def planted_grids(n: int = 80) -> SimpleNamespace:
    """Probe and attention grid of planted answers (`interp.demo.planted`), and what they were made of."""
    cap, answers = planted(n, roles=ROLES)
    probe, attention = interp.probe_grid(cap, answers, **SMALL), interp.attention_grid(cap, answers, **SMALL)
    return SimpleNamespace(given=Given.of(answers, cap, probe), probe=probe, attention=attention)
