"""How one of several answers is chosen: each rule as the share of the choice that every draw of a question gets.

A rule that leaves several draws equal shares the choice among them, so that what a random choice would come to is
computed and not drawn.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float

from interp.experiments.drawn_questions import NO_ANSWER
from interp.labelling.answers import Answers

Shares = Float[np.ndarray, " draw"]


def uniform(among: Bool[np.ndarray, " draw"]) -> Shares:
    """The same share for each of some draws."""
    return among / among.sum()


def highest(score: Float[np.ndarray, " draw"]) -> Shares:
    """The draw with the highest score, ties shared; a draw without a score (NaN) only where none has one."""
    known = np.isfinite(score)
    if not known.any():
        return uniform(np.ones(len(score), dtype=bool))
    return uniform(known & (score == score[known].max()))


def majority(keys: Sequence[str]) -> Shares:
    """The answer given most often, ties shared by answer; no answer is none, where there is another."""
    votes = Counter(key for key in keys if key != NO_ANSWER)
    if not votes:
        return uniform(np.ones(len(keys), dtype=bool))
    most = max(votes.values())
    return uniform(np.array([votes.get(key) == most for key in keys]))


def logprobs(answers: Answers, *, mean: bool) -> Float[np.ndarray, " sample"]:
    """Sum or mean of the log-probabilities of each completion's tokens; NaN where they are not known."""
    how = np.mean if mean else np.sum
    return np.array([float(how(one)) if one else np.nan for one in answers.logprobs])
