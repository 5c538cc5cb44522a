"""A simulated grid with a control task, for `calibration.py`: what selectivity is on new samples is known."""

import numpy as np
from scipy import stats
from simulated_grids import GRID, NARROW, N, distance, fold_pairs, probe_directions

from interp.controls.by_answer import control_labels
from interp.controls.controls import control_grid
from interp.fitting.crossfit import cross_fit
from interp.fitting.estimators import ProbeSpec
from interp.fitting.training import Cell
from interp.grids.probes import probe_grid
from interp.labelling.answers import Answers
from interp.statistics.samples import Samples

STRINGS = 40


def selective_grid(seed: int) -> dict[str, np.ndarray]:
    """40 answer strings: does the interval of selectivity hold what the fitted probes reach on new samples of them?

    Two strengths of the label (columns), with nothing of the answer in the features and with much of it (rows). New
    samples are of the strings seen, which keep their random labels.
    """
    rng = np.random.default_rng([9, seed])
    chance, right = rng.dirichlet(np.full(STRINGS, 2.0)), rng.uniform(0.2, 0.8, STRINGS)
    string = rng.choice(STRINGS, N, p=chance)
    y = (rng.random(N) < right[string]).astype(int)
    place = np.stack([np.zeros((2, STRINGS, NARROW)), 0.5 * rng.standard_normal((2, STRINGS, NARROW))])
    delta = np.array([[distance(auc, NARROW, rng) for auc in (0.60, 0.85)] for _ in range(2)])
    x = np.moveaxis(place[:, :, string], 2, 0) + rng.standard_normal((N, 2, 2, NARROW))
    x += (y - 0.5)[:, None, None, None] * delta
    grid, names = probe_grid(x, y, seed=seed, nested=False, **GRID), [f"answer {k}" for k in string]
    found = control_grid(x, answers_of(names, rng), grid, seed=seed, n_jobs=1).cells.sel(control="selectivity")
    task, fold = control_labels(names, y.mean(), seed=seed), grid["fold"].values
    # The components of the population: every string seen, right or wrong.
    seen, first = np.unique(string, return_index=True)
    weight = np.concatenate([chance[seen] * right[seen], chance[seen] * (1 - right[seen])])
    of_label, of_task = np.repeat([1, 0], len(seen)), np.tile(task[first], 2)
    truth = np.empty((2, 2))
    for cell in np.ndindex(2, 2):
        columns = x[(slice(None), *cell)]
        centre = np.tile(place[cell][seen], (2, 1)) + (of_label - 0.5)[:, None] * delta[cell]
        control = cross_fit(Cell(columns, Samples.alone(task, fold), ProbeSpec(seed=seed))).score
        score = grid["score"].values[(slice(None), *cell)]
        label, random = (
            fold_pairs(own, fold)
            / fold_pairs(own, fold).sum()
            @ mixture_auc(probe_directions(columns, scores, fold), centre, weight, of)
            for scores, own, of in ((score, y, of_label), (control, task, of_task))
        )
        truth[cell] = label - random
    inside = (found["low"] <= truth) & (truth <= found["high"])
    return {"covers": inside.values.astype(float), "truth": truth}


def mixture_auc(w: np.ndarray, centre: np.ndarray, weight: np.ndarray, label: np.ndarray) -> np.ndarray:
    """AUC of the probes w (fold, width) where each class is a mixture of normals around its centres."""
    place = w @ centre.T / np.linalg.norm(w, axis=1, keepdims=True)
    above = stats.norm.cdf((place[:, label == 1, None] - place[:, None, label == 0]) / np.sqrt(2))
    share = np.outer(weight[label == 1], weight[label == 0])
    return (above * share).sum((1, 2)) / share.sum()


def answers_of(strings: list[str], rng: np.random.Generator) -> Answers:
    """Answers with these strings and nothing else to tell by."""
    n = len(strings)
    return Answers(
        id=[str(i) for i in range(n)],
        question=["a question"] * n,
        group=[f"group {i}" for i in range(n)],
        prompt=["?"] * n,
        prompt_ids=[[0, 0]] * n,
        completion_ids=[[1, 2]] * n,
        text=["an answer"] * n,
        finish=["stop"] * n,
        logprobs=rng.normal(size=(n, 2)).tolist(),
        correct=[None] * n,
        exact_answer=list(strings),
        exact_answer_method=["candidates"] * n,
        exact_answer_tokens=[(2, 3)] * n,
        question_tokens=[None] * n,
        status=["ok"] * n,
    )
