"""How one of several answers is chosen: each rule as the draws of a question among which it chooses, all alike.

A rule that leaves several draws equal chooses each of them equally often, so that what a random choice would come to is
computed and not drawn.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float

from interp.experiments.drawn_questions import NO_ANSWER
from interp.labelling.answers import Answers

Among = Bool[np.ndarray, " draw"]


def anyone(n: int) -> Among:
    """All n draws."""
    return np.ones(n, dtype=bool)


def highest(score: Float[np.ndarray, " draw"]) -> Among:
    """The draws with the highest score; all where none has one (NaN)."""
    known = np.isfinite(score)
    return known & (score == score[known].max()) if known.any() else anyone(len(score))


def majority(keys: Sequence[str]) -> Among:
    """The draws of the answers given most often; no answer is none, where there is another."""
    votes = Counter(key for key in keys if key != NO_ANSWER)
    most = max(votes.values(), default=0)
    return np.array([votes.get(key, 0) == most for key in keys])


def logprobs(answers: Answers, *, mean: bool) -> Float[np.ndarray, " sample"]:
    """Sum or mean of the log-probabilities of each completion's tokens; NaN where they are not known."""
    how = np.mean if mean else np.sum
    return np.array([float(how(one)) if one else np.nan for one in answers.logprobs])
