"""Questions with ten answers each whose accuracy under every choice is known, put through `accuracies`."""

from functools import lru_cache

import numpy as np

from interp.experiments.choosing.accuracy import accuracies
from interp.experiments.choosing.rules import highest

DRAWS = 10
KINDS = {"200 questions": (200, 1), "60 questions": (60, 1), "100 groups of 3": (100, 3)}
"""How many groups, and questions of each, whose difficulty is the same."""
SEPARATION = 0.5
"""By how many standard deviations the scores of right answers lie above those of wrong ones."""


def chosen(groups: int, each: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """How right each choice is, by question: random, by a score that tells something, by one that tells nothing."""
    difficulty = np.repeat(rng.beta(1.0, 0.7, groups), each)
    right = rng.random((groups * each, DRAWS)) < difficulty[:, None]
    noise = rng.standard_normal((2, *right.shape))
    out = {"random": right.mean(1)}
    for name, score in (("probe", noise[0] + SEPARATION * right), ("noise", noise[1])):
        out[name] = np.array([y[highest(one)].mean() for y, one in zip(right, score, strict=True)])
    return out


@lru_cache
def truth() -> dict[str, float]:
    """Of 400,000 questions; a choice by noise is a random one exactly."""
    difficulty = np.random.default_rng(0).beta(1.0, 0.7, 400_000)
    rng = np.random.default_rng(1)
    right = rng.random((len(difficulty), DRAWS)) < difficulty[:, None]
    best = (rng.standard_normal(right.shape) + SEPARATION * right).argmax(1)
    random = float(1 / (1 + 0.7))  # the mean of the Beta distribution
    probe = float(right[np.arange(len(right)), best].mean() - right.mean()) + random  # paired: less of chance
    return {"random": random, "probe": probe, "noise": random}


def choice_coverage(kind: str, seed: int) -> dict[str, float]:
    """Whether the intervals of accuracies, and of differences to a random choice, hold the truth."""
    groups, each = KINDS[kind]
    right = chosen(groups, each, np.random.default_rng([seed, 77]))
    names = [f"g{i // each}" for i in range(groups * each)]
    found = accuracies(right, {"all": np.ones(len(names), dtype=bool)}, names, 2000, seed, 10)
    methods, known = list(right), truth()

    def holds(low: float, high: float, value: float) -> float:
        return float(low <= value <= high)

    out = {}
    for m, name in enumerate(methods):
        out[f"accuracy_{name}"] = holds(found["low"][1][0, m], found["high"][1][0, m], known[name])
        if name != "random":
            low, high = (found[f"delta_{end}"][1][0, m, 0] for end in ("low", "high"))
            out[f"difference_{name}"] = holds(low, high, known[name] - known["random"])
    return out
