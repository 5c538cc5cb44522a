"""How often the chosen answers are right: accuracies and their differences, overall and by error type."""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from interp.statistics.auc import benjamini_hochberg
from interp.statistics.group_bootstrap import Mean, accuracy_estimate, mean_estimate, resampled_means
from interp.statistics.samples import group_codes

REFERENCES = ("greedy", "majority", "random")
"""What every other choice is compared with."""


def accuracies(
    right: Mapping[str, Float[np.ndarray, " question"]],
    members: Mapping[str, Bool[np.ndarray, " question"]],
    groups: Sequence[str],
    resamples: int,
    seed: int,
    least: int,
) -> dict[str, Any]:
    """Accuracy of every method and its difference to every reference, for all questions and those of each type."""
    methods, references = list(right), [name for name in REFERENCES if name in right]
    values, codes = np.stack(list(right.values())), group_codes(groups)
    means: list[Mean] = []
    differences: list[Mean] = []
    for member in members.values():
        some, group = values[:, member], codes[member]
        n = int(member.sum())
        if n < least:
            none = Mean(np.nan, reason=f"{n} questions, at least {least} needed")
            means += [none] * len(methods)
            differences += [none] * (len(methods) * len(references))
            continue
        drawn, mean = resampled_means(some, group, resamples=resamples, seed=seed), some.mean(1)
        n_groups = len(np.unique(group))
        means += [accuracy_estimate(float(mean[m]), drawn[:, m], n_groups) for m in range(len(methods))]
        for m, name in product(range(len(methods)), references):
            r = methods.index(name)
            if m == r:
                differences.append(Mean(np.nan, reason="the reference itself"))
            else:
                differences.append(mean_estimate(float(mean[m] - mean[r]), drawn[:, m] - drawn[:, r]))
    shape = (len(members), len(methods))
    both = (*shape, len(references))

    def variable(found: list[Mean], name: str, shape: tuple[int, ...]) -> Float[np.ndarray, "..."]:
        return np.array([getattr(one, name) for one in found]).reshape(shape)

    p = variable(differences, "p", both)
    of, pair = ("type", "by"), ("type", "by", "reference")
    counts = np.array([int(member.sum()) for member in members.values()])
    return {
        "n": ("type", counts),
        "accuracy": (of, variable(means, "value", shape)),
        **{name: (of, variable(means, name, shape)) for name in ("low", "high")},
        "reason": (of, variable(means, "reason", shape).astype(object)),
        "delta": (pair, variable(differences, "value", both)),
        **{f"delta_{name}": (pair, variable(differences, name, both)) for name in ("low", "high")},
        "p": (pair, p),
        "q": (pair, benjamini_hochberg(p)),
        "delta_reason": (pair, variable(differences, "reason", both).astype(object)),
    }
