"""The samples of a run, or of a part of one, as what a probe is trained and tested on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from interp.capturing.activations import Capture
from interp.comparing.run_differences import named_by_folder
from interp.controls.baselines import exact_answer_logprobs
from interp.errors import DataError
from interp.grids.cells import choose_samples
from interp.grids.features import Features, read_features
from interp.grids.of_run import RunLike
from interp.labelling.answers import Answers
from interp.running.pipeline import open_run
from interp.statistics.folds import assign_folds
from interp.statistics.samples import Samples
from interp.support.messages import shown


@dataclass(frozen=True)
class Opened:
    """A run's activations and answers, before anything is chosen of them."""

    name: str
    capture: Capture
    answers: Answers
    site: str
    settings: Mapping[str, Any]
    """What its probe was asked to be; empty for a Capture with its Answers."""
    model: str
    """SHA-256 of the weights; "": not known."""


@dataclass(frozen=True)
class RunSamples:
    """Who takes part, what they are and where their vectors are."""

    name: str
    features: Features
    index: Int[np.ndarray, " sample"]
    """Where the samples stand in the features."""
    samples: Samples
    """With the folds that all runs share."""
    groups: tuple[str, ...]
    logprob: Float[np.ndarray, " sample"]
    """Mean log-probability of the exact answer; NaN: not known."""
    question: tuple[str, ...]

    def at(self, some: Bool[np.ndarray, " sample"], name: str) -> "RunSamples":
        """A part of them under a name of its own."""
        places = np.flatnonzero(some).tolist()
        return replace(
            self,
            name=name,
            index=self.index[some],
            samples=self.samples.at(some),
            groups=tuple(self.groups[i] for i in places),
            logprob=self.logprob[some],
            question=tuple(self.question[i] for i in places),
        )

    def vectors(self, layer: int, role: int) -> Float[np.ndarray, "sample width"]:
        """Their vectors in a cell, in double precision; not finite where there is none."""
        return np.asarray(self.features.column(self.index, layer, role), dtype=np.float64)

    def used(self) -> Bool[np.ndarray, "sample layer role"]:
        """Where they have the role and finite features."""
        return self.features.used(self.index)


def open_runs(runs: Any, site: str | None) -> list[Opened]:
    """The runs by name, in the order of their names. Raises DataError for one run, or one that is given twice."""
    named = runs if isinstance(runs, Mapping) else named_by_folder("runs", runs)
    opened = [_opened(str(name), of, site) for name, of in sorted(named.items(), key=lambda one: str(one[0]))]
    for i, one in enumerate(opened):
        for other in opened[:i]:
            if one.capture is other.capture or _folder(named, one) == _folder(named, other) is not None:
                raise DataError(f"runs: {other.name} and {one.name} are the same run; give two or more different runs")
    return opened


def _folder(named: Mapping[Any, Any], one: Opened) -> Path | None:
    of = next(of for name, of in named.items() if str(name) == one.name)
    of = of.name if isinstance(of, RunLike) else of
    return Path(of).resolve() if isinstance(of, str | Path) else None


def _opened(name: str, of: Any, site: str | None) -> Opened:
    if isinstance(of, str | Path):
        of = open_run(of)
    if isinstance(of, RunLike):
        settings = of.record["settings"]
        own = settings["sites"][0] if site is None else site
        return Opened(name, of.capture, of.answers, own, settings, of.record["model"]["weights_sha256"])
    if isinstance(of, tuple | list) and len(of) == 2 and isinstance(of[0], Capture) and isinstance(of[1], Answers):
        return Opened(name, of[0], of[1], next(iter(of[0].sites)) if site is None else site, {}, "")
    raise DataError(f"runs: expected a run, its folder or (Capture, Answers) under {name!r}, got {shown(of)}")


def read_samples(
    one: Opened,
    *,
    layers: Sequence[int] | None,
    roles: Sequence[str],
    population: str,
    folds: int,
    seed: int,
) -> RunSamples:
    """The population of one run (definitions: population). Raises DataError, with its name, where it has none."""
    features = read_features(one.capture, site=one.site, layers=layers, roles=roles)
    try:
        chosen = choose_samples(
            len(features.ids),
            one.answers,
            None,
            has_exact_answer=features.has_exact_answer,
            population=population,
            folds=folds,
            seed=seed,
            ids=features.ids,
        )
    except DataError as error:
        raise DataError(f"{one.name}: {error}") from error
    place = {name: i for i, name in enumerate(one.answers.id)}
    rows = [place[features.ids[i]] for i in chosen.index.tolist()]
    return RunSamples(
        one.name,
        features,
        chosen.index,
        chosen.samples,
        chosen.groups,
        np.array(exact_answer_logprobs(one.answers, rows)),
        tuple(one.answers.question[i] for i in rows),
    )


def with_common_folds(runs: Sequence[RunSamples], *, folds: int, seed: int) -> list[RunSamples]:
    """The runs with folds drawn once over all of them: a group that several hold is in one fold of all (definitions).

    Right and wrong samples of every run are spread evenly.
    """
    sizes = [len(one.samples) for one in runs]
    y = np.concatenate([one.samples.y for one in runs])
    groups = [group for one in runs for group in one.groups]
    strata = 2 * np.repeat(np.arange(len(runs)), sizes) + y
    fold = assign_folds(y, groups, folds=folds, seed=seed, strata=strata)
    # One code for a group of all runs: what a run shares with another is told by codes alone.
    every = Samples.named(y, fold, groups)
    ends = np.cumsum(sizes)
    return [
        replace(one, samples=replace(every.at(np.arange(end - size, end)), ids=one.samples.ids))
        for one, size, end in zip(runs, sizes, ends, strict=True)
    ]


def joined(parts: Sequence[Samples]) -> Samples:
    """Samples of several runs one after the other."""
    signs = [part.signs for part in parts if part.signs is not None]
    y, fold, group = (np.concatenate([getattr(part, name) for part in parts]) for name in ("y", "fold", "group"))
    return Samples(y, fold, group, np.concatenate(signs))
