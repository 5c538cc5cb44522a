"""Were right and wrong answers located alike? If not, the place may tell which are right (definitions: a sample)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from interp.labelling.answers import Answers
from interp.statistics.auc import MIN_PER_CLASS, auc_influence, auc_interval, normal_estimate, standard_error
from interp.statistics.samples import group_codes, groups_of_classes, leverage_free

SHARE = 0.05
"""A difference of shares is noted if its 95 % interval lies wholly beyond 5 points, to either side."""

AUC = 0.1
"""A place is noted if the 95 % interval of its AUC lies wholly above 0.6 or below 0.4."""

METHOD, NO_SPAN = "located by ", "without an exact answer"
PLACES = ("tokens before it", "tokens after it", "relative place")
"""Names of the checks: a share by method, a share without a span, and three places."""


@dataclass(frozen=True)
class Check:
    """One comparison of right with wrong answers."""

    name: str
    right: float | None
    """Share, or mean, among right answers."""
    wrong: float | None
    """The same among wrong ones."""
    statistic: str
    """`difference of shares` or `AUC` (0.5: the same places; above: larger where the answer is right)."""
    value: float | None
    low: float | None
    high: float | None
    """95 % interval, groups counted once; None with `value` where either class has fewer than ten samples."""
    n_right: int
    n_wrong: int
    noted: bool
    """Whether the interval lies wholly beyond `SHARE` or `AUC`."""


def place_check(answers: Answers) -> list[Check]:
    """Methods and samples without a span (differences of shares), and places (AUC), right against wrong answers.

    Shares: of the labelled samples that are not empty or too long, without an exact answer; and, of those with one,
    located by each method. Places: tokens before and after the exact answer within the completion, and the share of
    the completion before it.
    """
    used = [
        i
        for i, (y, status) in enumerate(zip(answers.correct, answers.status, strict=True))
        if y is not None and status not in ("empty", "too_long")
    ]
    y = np.array([bool(answers.correct[i]) for i in used], dtype=np.int64)
    group = group_codes([answers.group[i] for i in used])
    lost = np.array([answers.exact_answer_tokens[i] is None for i in used], dtype=bool)
    checks = [_shares(NO_SPAN, lost, y, group)]

    spans = [(i, span) for i in used if (span := answers.exact_answer_tokens[i]) is not None]
    y, group = y[~lost], group_codes(group[~lost].tolist())
    names = [answers.exact_answer_method[i] for i, _ in spans]
    for name in dict.fromkeys(filter(None, names)):
        checks.append(_shares(METHOD + name, np.array([n == name for n in names], dtype=bool), y, group))
    length = np.array([len(answers.completion_ids[i]) for i, _ in spans], dtype=float)
    before = np.array([first - len(answers.prompt_ids[i]) for i, (first, _) in spans], dtype=float)
    after = np.array(
        [len(answers.prompt_ids[i]) + len(answers.completion_ids[i]) - 1 - last for i, (_, last) in spans], dtype=float
    )
    places = (before, after, np.divide(before, length))
    return checks + [_place(name, values, y, group) for name, values in zip(PLACES, places, strict=True)]


def _shares(name: str, has: Any, y: Int[np.ndarray, " sample"], group: Int[np.ndarray, " sample"]) -> Check:
    right, wrong = (float(has[y == k].mean()) if (y == k).any() else None for k in (1, 0))
    n_right, n_wrong = int((y == 1).sum()), int((y == 0).sum())
    if right is None or wrong is None or not _enough(y, group):
        return Check(name, right, wrong, "difference of shares", None, None, None, n_right, n_wrong, False)
    influence = np.where(y == 1, (has - right) / n_right, -(has - wrong) / n_wrong)
    for label in (1, 0):
        influence[y == label] /= np.sqrt(leverage_free(group[y == label]))
    value = right - wrong
    estimate = normal_estimate(value, influence, group, len(y), n_right)
    # All of one class and none of the other: no variance, and no doubt either.
    low, high = (value, value) if estimate.reason else (estimate.low, estimate.high)
    noted = low > SHARE or high < -SHARE
    return Check(name, right, wrong, "difference of shares", value, low, high, n_right, n_wrong, noted)


def _place(
    name: str,
    values: Float[np.ndarray, " sample"],
    y: Int[np.ndarray, " sample"],
    group: Int[np.ndarray, " sample"],
) -> Check:
    right, wrong = (float(values[y == k].mean()) if (y == k).any() else None for k in (1, 0))
    n_right, n_wrong = int((y == 1).sum()), int((y == 0).sum())
    if not _enough(y, group):
        return Check(name, right, wrong, "AUC", None, None, None, n_right, n_wrong, False)
    value, influence = auc_influence(values, y, np.zeros(len(y), dtype=np.int64), group)
    low, high = auc_interval(value, standard_error(influence, group), *groups_of_classes(y, group))
    noted = low > 0.5 + AUC or high < 0.5 - AUC
    return Check(name, right, wrong, "AUC", value, low, high, n_right, n_wrong, noted)


def _enough(y: Int[np.ndarray, " sample"], group: Int[np.ndarray, " sample"]) -> bool:
    """Whether something can be said of both classes: of samples of one group nothing says how others would differ."""
    return bool(np.bincount(y, minlength=2).min() >= MIN_PER_CLASS) and min(groups_of_classes(y, group)) > 1
