"""What equal answer strings make of samples: a random label for each string, and folds that keep strings apart."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from interp.labelling.answers import Answers
from interp.statistics.folds import normalise_question
from interp.statistics.samples import group_codes


def answer_strings(answers: Answers, index: Sequence[int]) -> list[str]:
    """Exact answers after NFKC, casefold and collapsed white space; "" where there is none."""
    return [normalise_question(answers.exact_answer[i] or "") for i in index]


def control_labels(strings: Sequence[str], share: float, *, seed: int = 0) -> Int[np.ndarray, " sample"]:
    """One random label per distinct string, so that about `share` of the samples get 1 (Hewitt & Liang 2019).

    Strings, in an order drawn by `default_rng([seed, 4])`, get label 1 while that brings the share of samples nearer.
    """
    codes = group_codes(strings)
    sizes = np.bincount(codes)
    label = np.zeros(len(sizes), dtype=np.int64)
    wanted, taken = share * len(codes), 0
    for code in np.random.default_rng([seed, 4]).permutation(len(sizes)):
        if abs(taken + sizes[code] - wanted) < abs(taken - wanted):
            label[code] = 1
            taken += sizes[code]
    return label[codes]


def answer_components(strings: Sequence[str], groups: Sequence[str]) -> list[str]:
    """Connected components of samples that share an answer string or a group, by the first of its groups' names.

    The string "" joins nothing.
    """
    n, group = len(strings), group_codes(groups)
    named = [string or f"\0{i}" for i, string in enumerate(strings)]
    codes = np.concatenate([n + group, n + group.max() + 1 + group_codes(named)])
    samples = np.tile(np.arange(n), 2)
    size = int(codes.max()) + 1
    links = coo_array((np.ones(2 * n), (samples, codes)), shape=(size, size))
    component = connected_components(links, directed=False)[1][:n].tolist()
    first: dict[int, str] = {}
    for number, name in zip(component, groups, strict=True):
        first[number] = min(name, first.get(number, name))
    return [first[number] for number in component]
