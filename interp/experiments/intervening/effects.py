"""From the changes of all runs to the causal grid: shares of the total with intervals, controls, and AUCs of donors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from jaxtyping import Bool, Float, Int

from interp.experiments.detecting.given import Given
from interp.experiments.intervening.pairs import Pairs
from interp.experiments.intervening.patched import Runs
from interp.experiments.intervening.read import Cells
from interp.grids.grid import estimate_variables
from interp.statistics.auc import benjamini_hochberg, estimate_auc, undefined
from interp.statistics.ratio import MIN_BLOCKS, Ratios, ratio_of_sums, sign_flips
from interp.statistics.samples import Samples
from interp.support.version import __version__

DONOR, ALIKE, NOISE, SCRAMBLED = "donor", "same_label", "random_direction", "scrambled_weights"
CONTROLS = (ALIKE, NOISE, SCRAMBLED)
CELL = ("layer", "token")


@dataclass(frozen=True)
class Change:
    """What one kind of state did."""

    own: Float[np.ndarray, " run"]
    """The outcome as it is."""
    by: Float[np.ndarray, "run layer role"]
    """How much more it is with the state; NaN where nothing was put in."""


@dataclass(frozen=True)
class Design:
    """Which way each run should move, by how much its pair differs, and which runs depend on each other."""

    towards: Float[np.ndarray, " run"]
    """1 where a right sample's state goes into a wrong one, -1 for the reverse."""
    total: Float[np.ndarray, " run"]
    """Outcome of the right sample less that of the wrong one, as they are."""
    block: Int[np.ndarray, " run"]

    @property
    def sides(self) -> dict[str, Bool[np.ndarray, " run"]]:
        """The runs of every direction."""
        return {"both": self.towards != 0, "into wrong": self.towards > 0, "into right": self.towards < 0}

    def share(self, change: Float[np.ndarray, "run layer role"], side: str = "both") -> Ratios:
        """Σ change / Σ total of one direction."""
        some = self.sides[side]
        towards = self.towards[some, None, None]
        return ratio_of_sums(towards * change[some], self.total[some], self.block[some])

    def why_no_share(self, side: str) -> str:
        """Of cells that runs reach."""
        blocks = len(np.unique(self.block[self.sides[side]]))
        if blocks < MIN_BLOCKS:
            return f"{blocks} independent blocks of pairs, at least {MIN_BLOCKS} needed"
        return "outcomes of right and wrong samples are not told apart on the pairs that reach it"


def causal_grid(
    given: Given,
    pairs: Pairs,
    made: Mapping[str, Change],
    runs: Runs,
    cells: Cells,
    *,
    first_look: Change | None,
    outcome: str,
    flips: int,
    seed: int,
) -> xr.Dataset:
    """The result of `patch_grid`. `made`: what the donors did, and the controls; `first_look`: to first order."""
    own = made[DONOR].own
    donors = own.reshape(-1, 2)[:, ::-1].ravel()
    towards = np.tile([1.0, -1.0], len(pairs))
    design = Design(towards, towards * (donors - own), np.repeat(pairs.block, 2))
    changes = {name: np.where(runs.reached[:, None, :], one.by, np.nan) for name, one in made.items()}
    if ALIKE in changes:
        changes[ALIKE][pairs.alike < 0] = np.nan
    controls = {name: one for name, one in changes.items() if name != DONOR}
    ids = np.array(given.samples.ids, dtype=object)
    return xr.Dataset(
        {
            **_auc_variables(given, pairs, changes, design, runs),
            **_effect_variables(changes[DONOR], design, runs),
            **_control_variables(changes[DONOR], controls, design, flips=flips, seed=seed),
            **({} if first_look is None else _attributed(first_look, changes[DONOR], design)),
            "change": (("sample", *CELL), changes[DONOR]),
            "control_change": (
                ("control", "sample", *CELL),
                np.array(list(controls.values())).reshape(len(controls), *changes[DONOR].shape),
            ),
            "outcome_own": ("sample", own),
            "outcome_donor": ("sample", donors),
        },
        coords={
            "layer": np.array(cells.layer, dtype=np.int64),
            "token": np.array(cells.role, dtype=object),
            "sample": ids[pairs.donor],
            "recipient": ("sample", ids[pairs.recipient]),
            "block": ("sample", design.block),
            "y": ("sample", given.samples.y[pairs.donor]),
            "fold": ("sample", given.samples.fold[pairs.donor]),
            "group": ("sample", given.grid["group"].values[pairs.donor]),
            "direction": np.array(list(design.sides), dtype=object),
            "control": np.array(list(controls), dtype=object),
        },
        attrs={
            "outcome": outcome,
            "n_pairs": len(pairs),
            "n_blocks": len(np.unique(pairs.block)),
            "n_alone": int((pairs.other < 0).sum()),
            "told_apart": float(design.total.mean()),
            "flips": flips,
            "seed": seed,
            "min_per_class": given.min_per_class,
            "interp_version": __version__,
        },
    )


def _effect_variables(
    change: Float[np.ndarray, "run layer role"], design: Design, runs: Runs
) -> dict[str, tuple[tuple[str, ...], np.ndarray]]:
    dims = ("direction", *CELL)
    shares = {side: design.share(change, side) for side in design.sides}
    reason = np.full((len(shares), *change.shape[1:]), "", dtype=object)
    for k, (side, one) in enumerate(shares.items()):
        reason[k][np.isnan(one.value)] = design.why_no_share(side)
        reason[k] = np.where(one.n == 0, np.array(runs.reason, dtype=object)[None], reason[k])
    return {
        **{
            f"effect{suffix}": (dims, np.stack([getattr(one, field) for one in shares.values()]))
            for suffix, field in (("", "value"), ("_low", "low"), ("_high", "high"), ("_n", "n"))
        },
        "effect_reason": (dims, reason),
    }


def _control_variables(
    donor: Float[np.ndarray, "run layer role"],
    controls: Mapping[str, Float[np.ndarray, "run layer role"]],
    design: Design,
    *,
    flips: int,
    seed: int,
) -> dict[str, tuple[tuple[str, ...], np.ndarray]]:
    towards, names = design.towards[:, None, None], list(controls)
    shares = [design.share(controls[name]) for name in names]
    over = [design.share(donor - controls[name]) for name in names]
    tests = [sign_flips(towards * (donor - controls[name]), design.block, flips=flips, seed=seed) for name in names]
    columns = {
        "control_effect": [one.value for one in shares],
        "control_low": [one.low for one in shares],
        "control_high": [one.high for one in shares],
        "over": [one.value for one in over],
        "over_low": [one.low for one in over],
        "over_high": [one.high for one in over],
        "over_p": [one.p for one in tests],
        "over_p_corrected": [one.p_corrected for one in tests],
        "over_q": [benjamini_hochberg(one.p) for one in tests],
    }
    shape = (len(names), *donor.shape[1:])
    return {name: (("control", *CELL), np.array(values).reshape(shape)) for name, values in columns.items()}


def _attributed(
    first_look: Change, exact: Float[np.ndarray, "run layer role"], design: Design
) -> dict[str, tuple[tuple[str, ...], np.ndarray]]:
    """The share that gradients foresaw, and over the runs of a cell how it goes with what was seen."""
    by = np.where(np.isfinite(exact), first_look.by, np.nan)
    correlation = np.full(exact.shape[1:], np.nan)
    for at in np.ndindex(correlation.shape):
        one, other = by[(slice(None), *at)], exact[(slice(None), *at)]
        one, other = one[np.isfinite(other)], other[np.isfinite(other)]
        if len(one) > 2 and one.std() > 0 and other.std() > 0:
            correlation[at] = np.corrcoef(one, other)[0, 1]
    return {"attributed": (CELL, design.share(by).value), "attributed_r": (CELL, correlation)}


def _auc_variables(
    given: Given,
    pairs: Pairs,
    changes: Mapping[str, Float[np.ndarray, "run layer role"]],
    design: Design,
    runs: Runs,
) -> dict[str, tuple[Sequence[str], np.ndarray]]:
    """How well the change tells right donors from wrong ones: less what a donor of the recipient's own label did.

    Without that, every state that only does damage would tell them: right donors meet wrong samples, and a damaged
    outcome of a wrong sample goes up.
    """
    score = changes[DONOR] - changes[ALIKE] if ALIKE in changes else np.full_like(changes[DONOR], np.nan)
    donor = pairs.donor
    samples = Samples(given.samples.y[donor], given.samples.fold[donor], design.block)
    estimates = []
    for at in np.ndindex(score.shape[1:]):
        one = estimate_auc(score[(slice(None), *at)], samples, min_per_class=given.min_per_class)
        if one.n == 0:
            reason = runs.reason[at[1]] or "there is no donor with the recipient's own label"
            one = undefined(len(score), 0, 0, reason)
        estimates.append(one)
    return {**estimate_variables(estimates, CELL, score.shape[1:]), "score": (("sample", *CELL), score)}
