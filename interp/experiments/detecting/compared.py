"""Detectors on the same samples and folds: every AUC, the probe's minus it, and what the probe adds to the best."""

from collections.abc import Mapping

import numpy as np
import xarray as xr

from interp.controls.scored import Scored, difference
from interp.errors import InterpError
from interp.experiments.detecting.combined import best_baseline, combined
from interp.experiments.detecting.given import Detector, Given
from interp.statistics.auc import Estimate, benjamini_hochberg, undefined
from interp.statistics.shared_choice import Chosen

PROBE, BEST, BOTH = "probe", "best_baseline", "baseline_and_probe"


def compared(given: Given, detectors: Mapping[str, Detector], *, strict: frozenset[str] = frozenset()) -> xr.Dataset:
    """The dataset of `interp.detectors`. A detector that can score no sample is kept with the reason; of those in
    `strict`, which were asked for by name, the reason is raised."""
    scored: dict[str, Scored] = {}
    for name, detector in detectors.items():
        scored[name] = _scored(given, detector, strict=name in strict)
    baselines = {name: one.score for name, one in scored.items() if not one.reason and not detectors[name].trained}
    families = {name: detector.family for name, detector in detectors.items()}
    chosen: dict[int, str] = {}
    try:
        best = best_baseline(given, baselines)
        scored[BEST], chosen = _of(given, best.score, chosen=best.of_each), best.chosen
        if PROBE in scored:
            both = combined(given, baselines, best)
            scored[BOTH] = _of(given, both.score, training=both.training, chosen=both.of_each)
    except InterpError as error:
        nothing = np.full(len(given), np.nan)
        for name in (BEST, BOTH)[0 if BEST not in scored else 1 :]:
            scored[name] = _of(given, nothing, reason=str(error))
    families |= {BEST: "chosen", BOTH: "chosen"}
    names = list(scored)
    probe = scored.get(PROBE)
    deltas = {name: _difference(given, probe, scored[name]) if probe else None for name in names if name != PROBE}
    gain = _difference(given, scored[BOTH], scored[BEST]) if BOTH in scored else None
    return _dataset(given, scored, families, deltas, gain, chosen)


def _scored(given: Given, detector: Detector, *, strict: bool) -> Scored:
    try:
        score = np.asarray(detector(given), dtype=np.float64)
        training = None if detector.training is None else detector.training(given)
    except InterpError as error:
        if strict:
            raise
        return _of(given, np.full(len(given), np.nan), reason=str(error))
    return _of(given, score, training=training)


def _of(
    given: Given,
    score: np.ndarray,
    *,
    training: np.ndarray | None = None,
    chosen: Chosen | None = None,
    reason: str = "",
) -> Scored:
    least = given.min_per_class
    score = np.where(np.isfinite(score), score, np.nan)
    if training is not None:
        training = np.where(np.isfinite(score)[:, None, None], training, 0.0)
    return Scored.of(score, given.samples, training=training, chosen=chosen, reason=reason, min_per_class=least)


def _difference(given: Given, first: Scored, second: Scored) -> Estimate:
    return difference(first, second, given.samples, min_per_class=given.min_per_class)


def _dataset(
    given: Given,
    scored: Mapping[str, Scored],
    families: Mapping[str, str],
    deltas: Mapping[str, Estimate | None],
    gain: Estimate | None,
    chosen: Mapping[int, str],
) -> xr.Dataset:
    nothing = undefined(len(given), 0, 0, "")
    estimates, against = list(scored.values()), [deltas.get(name) or nothing for name in scored]
    number = {
        name: ("detector", np.array([getattr(one, field) for one in estimates]))
        for name, field in (("auc", "value"), ("low", "low"), ("high", "high"), ("n", "n"), ("n_correct", "n_correct"))
    }
    difference = {
        f"delta{suffix}": ("detector", np.array([getattr(one, field) for one in against]))
        for suffix, field in (("", "value"), ("_low", "low"), ("_high", "high"), ("_p", "p"), ("_n", "n"))
    }
    p = difference["delta_p"][1]
    gained = gain or nothing
    return xr.Dataset(
        {
            **number,
            "missing": ("detector", np.array([len(given) - int(np.isfinite(one.score).sum()) for one in estimates])),
            "reason": ("detector", np.array([one.reason for one in estimates], dtype=object)),
            **difference,
            "delta_q": ("detector", benjamini_hochberg(p)),
            "score": (("detector", "sample"), np.stack([one.score for one in estimates])),
            "gain": ((), gained.value),
            "gain_low": ((), gained.low),
            "gain_high": ((), gained.high),
            "gain_p": ((), gained.p),
            "gain_n": ((), gained.n),
            "chosen": ("sample", np.array([chosen.get(f, "") for f in given.samples.fold.tolist()], dtype=object)),
        },
        coords={
            "detector": np.array(list(scored), dtype=object),
            "family": ("detector", np.array([families[name] for name in scored], dtype=object)),
            "sample": np.array(given.samples.ids, dtype=object),
            "y": ("sample", given.samples.y),
            "fold": ("sample", given.samples.fold),
            "group": ("sample", given.grid["group"].values),
        },
        attrs={"site": given.site, "C": given.C, "seed": given.seed, "min_per_class": given.min_per_class},
    )
