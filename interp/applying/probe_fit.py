"""`fit_probe`: the probe of one cell, fitted on all of its samples and, to know how good it is, without each fold."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from interp.applying.abstention import RATES
from interp.applying.cell_vectors import cell_vectors
from interp.applying.fitted_probe import FittedProbe
from interp.applying.operating import false_positive_threshold
from interp.applying.platt import Platt
from interp.capturing.activations import SITES, Capture
from interp.errors import DataError
from interp.fitting.crossfit import cross_fit, train
from interp.fitting.estimators import ProbeSpec
from interp.fitting.training import Cell, Trained, decision_values
from interp.grids.cells import choose_samples
from interp.grids.features import read_features
from interp.grids.of_run import RunLike
from interp.statistics.auc import MIN_PER_CLASS, estimate_auc
from interp.statistics.folds import make_folds
from interp.support.accepted import FoldNumbers, GroupSource, Ids, LabelSource, Probe, Vectors
from interp.support.arguments import one_of, one_text, whole_number
from interp.support.arrays import in_order, read_array
from interp.support.messages import shown
from interp.support.public import public
from interp.support.threads import one_thread

NOT_LINEAR = 1e-6
"""Error of the direction, relative to the spread of the scores, from which on a probe has none."""


@one_thread()
@public
def fit_probe(
    data: Vectors,
    y: LabelSource | None = None,
    groups: GroupSource | None = None,
    *,
    layer: int,
    role: str,
    site: str | None = None,
    probe: Probe | None = None,
    C: float | str | Sequence[float] | None = None,
    folds: int | None = None,
    seed: int | None = None,
    population: str | None = None,
    fold: FoldNumbers | None = None,
    ids: Ids | None = None,
    model: str = "",
    min_per_class: int = MIN_PER_CLASS,
) -> FittedProbe:
    """The linear probe of one cell, fitted on all samples of the population that have the role (definitions: score).

    `data`: a Run (labels, groups, population, folds, estimator, C, seed, site and model are the run's unless given), a
    Capture, or bare vectors `sample width` of the cell `layer`, `role`, with the names `ids`. `y` and `groups` as in
    `probe_grid`: an Answers is matched by id, a list by order. `site` defaults to the first that was captured,
    `probe` to logistic regression, `C` to 1, `population` to `exact_answer`, `folds` to 5. `model` is the SHA-256 of
    the weights, if known. Its AUC, sigmoid and thresholds come from the probes that were fitted without each fold,
    which are those of the grid; another population, number of folds, seed or groups than the run's draws them anew.
    `protocol` says what was used.

    Raises DataError for a cell that is undefined (with the reason), a cell that `data` does not have, or an estimator
    that has no direction because its score is not linear.

    >>> from interp.demo import planted
    >>> cap, answers = planted()
    >>> interp.fit_probe(cap, answers.correct, answers.group, layer=1, role="exact_answer_last")
    FittedProbe(logistic on resid_post, layer 1, exact_answer_last, width 8; AUC 0.948 [0.876, 0.979])
    """
    role, layer = one_text("role", role), whole_number("layer", layer, 0)
    min_per_class, model = whole_number("min_per_class", min_per_class, 1), one_text("model", model)
    if isinstance(data, RunLike):
        settings = data.record["settings"]
        seed = settings["seed"] if seed is None else seed
        if fold is None:
            population = settings["population"] if population is None else population
            fold = _run_folds(data, y, groups, population, settings["folds"] if folds is None else folds, seed)
        y = data.answers.correct if y is None else y
        groups = data.answers.group if groups is None else groups
        C = data.argument("C", {"probe": probe}) if C is None else C
        probe = settings["probe"] if probe is None else probe
        site, model = site or settings["sites"][0], model or data.record["model"]["weights_sha256"]
        data = data.capture
    probe, C, seed = "logistic" if probe is None else probe, 1.0 if C is None else C, 0 if seed is None else seed
    if population is None and fold is None:
        population = "exact_answer"
    x, valid, has_exact_answer, ids, site = _cell(data, layer, role, site, ids)
    chosen = choose_samples(
        len(x),
        y,
        groups,
        fold=fold,
        has_exact_answer=has_exact_answer,
        population="exact_answer" if population is None else population,
        folds=5 if folds is None else folds,
        seed=seed,
        ids=ids,
    )
    vectors = x.detach().cpu().double().numpy()[chosen.index]
    used = np.isfinite(vectors).all(1) & valid[chosen.index]
    spec = ProbeSpec(probe, C=C, seed=seed, inner_folds=chosen.n_folds)
    cell = Cell(vectors[used], chosen.samples.at(used), spec, min_per_class)
    held_out = cross_fit(cell)
    if held_out.reason:
        raise DataError(f"probe: layer {layer}, {role} is undefined: {held_out.reason}")
    numbers = np.unique(cell.fold)
    whole = train(cell, np.ones(len(cell.y), bool))
    parts = [_direction(train(cell, cell.fold != f), cell.x) for f in numbers]
    direction, bias = _direction(whole, cell.x)
    estimate = estimate_auc(held_out.score, cell.samples, training=held_out.training, min_per_class=min_per_class)
    protocol = {
        "C": whole.C,
        "folds": len(numbers),
        "seed": seed,
        "population": "given by fold" if population is None else population,
        "min_per_class": min_per_class,
        "n": len(cell.y),
        "n_correct": int(cell.y.sum()),
    }
    wrong = held_out.score[cell.y == 0]
    return FittedProbe(
        direction=torch.from_numpy(direction),
        bias=bias,
        mean=torch.from_numpy(cell.x.mean(0)),
        scale=torch.from_numpy(cell.x.std(0)),
        fold_direction=torch.from_numpy(np.stack([part[0] for part in parts])),
        fold_bias=torch.tensor([part[1] for part in parts], dtype=torch.float64),
        layer=layer,
        role=role,
        site=site,
        probe=spec.name,
        model=model,
        protocol=protocol,
        auc=estimate.value,
        low=estimate.low,
        high=estimate.high,
        platt=Platt.fit(held_out.score, cell.y),
        thresholds={str(rate): float(false_positive_threshold(wrong, rate)[0]) for rate in RATES},
    )


def _run_folds(run: RunLike, y: Any, groups: Any, population: str, folds: int, seed: int) -> Int[np.ndarray, " sample"]:
    """The run's own folds; others, drawn as a run draws them, where they are to be of other groups or settings."""
    settings, answers = run.record["settings"], run.answers
    if groups is None and [population, folds, seed] == [settings[name] for name in ("population", "folds", "seed")]:
        return np.array([-1 if line["fold"] is None else line["fold"] for line in run.samples])
    labels = in_order("labels", answers.correct if y is None else y)
    usable = [None if status == "too_long" else y for y, status in zip(labels, answers.status, strict=True)]
    return make_folds(
        usable,
        answers.group if groups is None else groups,
        has_exact_answer=(run.positions.exact_answer[:, 0] >= 0).numpy(),
        population=population,
        folds=folds,
        seed=seed,
        ids=answers.id,
    ).fold


def _cell(
    data: Any, layer: int, role: str, site: str | None, ids: Any
) -> tuple[Tensor, Bool[np.ndarray, " sample"], Bool[np.ndarray, " sample"] | None, Sequence[str] | None, str]:
    """Vectors of the cell, who has the role, who has an exact answer, the samples' ids, and the site."""
    if isinstance(data, Capture):
        site = next(iter(data.sites)) if site is None else site
        vectors = cell_vectors(data, layer=layer, role=role, site=site)
        features = read_features(data, site=site, ids=ids)
        return vectors, features.valid[:, data.roles.index(role)], features.has_exact_answer, data.id, site
    bare = read_array("data", data)
    if bare.ndim != 2 or bare.dtype.kind not in "biuf":
        raise DataError(f"data: expected a Run, a Capture or vectors `sample width`, got {shown(data)}")
    site = one_of("site", "resid_post" if site is None else site, SITES)
    return torch.as_tensor(bare), np.ones(len(bare), bool), None, ids, site


def _direction(trained: Trained, x: Float[np.ndarray, "sample width"]) -> tuple[Float[np.ndarray, " width"], float]:
    """Weights and bias of a probe on the vectors as they are, read off its scores: any linear estimator has them."""
    scaler, width = trained.scaler, x.shape[1]
    inside = width if scaler is None else len(scaler.kept)
    bias = float(decision_values(trained.estimator, np.zeros((1, inside)))[0])
    weights = np.empty(inside)
    for start in range(0, inside, 512):  # the identity, in slices
        part = np.eye(min(512, inside - start), inside, k=start)
        weights[start : start + len(part)] = decision_values(trained.estimator, part) - bias
    direction = weights
    if scaler is not None:
        direction = np.zeros(width)
        direction[scaler.kept] = weights / scaler.scale
        bias -= float(direction[scaler.kept] @ scaler.mean)
    score = trained.decision(x)
    error = float(np.abs(x @ direction + bias - score).max())
    if not error <= NOT_LINEAR * float(score.std()) or not direction.any():
        raise DataError(
            f"probe: {type(trained.estimator).__name__} has no direction: its score is not a linear function of the "
            "vector; fit a linear probe (logistic, ridge, mass-mean, mean-difference, lda, k-sparse, pca-lr)"
        )
    return direction, bias
