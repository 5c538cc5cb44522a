"""Does the kind of question tell which answers are right? Questions of one template have the same words but a few."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Int

from interp.statistics.auc import MIN_PER_CLASS, auc_influence, auc_interval, standard_error
from interp.statistics.samples import group_codes, groups_of_classes

SHARE = 0.05
"""A word is part of a template if this share of the questions have it (and at least `MIN_PER_CLASS` questions)."""
AUC = 0.1
"""Templates are noted if the 95 % interval of their AUC lies wholly above 0.6."""
SLOT = "…"
SHOWN = 3


def templates(questions: Sequence[str]) -> list[str]:
    """Each question with its rarer words left out: "In which country is …?"."""
    words = [re.findall(r"\w+|[^\w\s]", question) for question in questions]
    count = Counter(word for found in words for word in {word.casefold() for word in found})
    often = {word for word, n in count.items() if n >= max(MIN_PER_CLASS, SHARE * len(questions))}
    return [_template(found, often) for found in words]


def _template(words: Sequence[str], often: set[str]) -> str:
    kept: list[str] = []
    for word in words:
        if word.casefold() in often:
            kept.append(word)
        elif not kept or kept[-1] != SLOT:
            kept.append(SLOT)
    return " ".join(kept)


def template_check(
    questions: Sequence[str],
    y: Int[np.ndarray, " sample"],
    fold: Int[np.ndarray, " sample"],
    group: Sequence[str],
) -> dict[str, Any] | None:
    """The AUC by which a question's template tells right (1) from wrong (0) answers; None with fewer than two.

    A sample's score is the share of right answers of its template in the other folds; pairs are of the same fold.
    Templates of fewer than ten questions count as one.
    """
    named = templates(questions)
    count = Counter(named)
    name = [one if count[one] >= MIN_PER_CLASS else SLOT for one in named]
    large = sorted(
        {one for one in name if count[one] >= MIN_PER_CLASS and one != SLOT}, key=lambda one: (-count[one], one)
    )
    if len(set(name)) < 2 or not large or min(y.sum(), len(y) - y.sum()) < MIN_PER_CLASS:
        return None
    code = np.unique(name, return_inverse=True)[1]
    right = np.zeros((code.max() + 1, fold.max() + 1))
    number = np.zeros_like(right)
    np.add.at(right, (code, fold), y)
    np.add.at(number, (code, fold), 1)
    others_right, others = right.sum(1)[code] - right[code, fold], number.sum(1)[code] - number[code, fold]
    overall = (y.sum() - right.sum(0)[fold]) / np.maximum(1, len(y) - number.sum(0)[fold])
    groups = group_codes(list(group))
    value, influence = auc_influence((others_right + overall) / (others + 1), y, fold, groups)
    low, high = auc_interval(value, standard_error(influence, groups), *groups_of_classes(y, groups))
    shares = {one: (int(y[[n == one for n in name]].sum()), count[one]) for one in large}
    return {
        "value": float(value),
        "low": float(low),
        "high": float(high),
        "n_templates": len(large),
        "templates": [{"template": one, "right": k, "n": n} for one, (k, n) in list(shares.items())[:SHOWN]],
        "noted": bool(low > 0.5 + AUC),
    }
