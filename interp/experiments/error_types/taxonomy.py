"""The error types of Orgad et al. (2025, section 5): from the counts of a question's answers, with their thresholds.

As their code counts (`get_types_of_mistakes`), of n answers to a question, at their n = 30: 15, 10 and 5.
"""

from dataclasses import dataclass

from interp.errors import DataError
from interp.experiments.drawn_questions import Tally
from interp.support.arguments import number

TYPES = {
    "A": "no answer",
    "B": "consistently right",
    "C": "consistently wrong",
    "D": "two competing",
    "E": "many answers",
}
"""The merged form."""
SUBTYPES = {
    "A": "no answer",
    "B1": "always right",
    "B2": "mostly right",
    "C1": "consistently wrong, never right",
    "C2": "consistently wrong, right at least once",
    "D": "two competing",
    "E1": "many answers, never right",
    "E2": "many answers, right at least once",
}


@dataclass(frozen=True)
class Thresholds:
    """Shares of a question's answers; a count is the share of n, rounded down. The defaults are the paper's."""

    consistent: float = 1 / 2
    """B, C: an answer that is drawn at least so often."""
    many: float = 1 / 3
    """E: at least so many distinct answers (never fewer than two)."""
    close: float = 1 / 6
    """D: the right answer and the most frequent wrong one are both drawn more often, and differ by no more."""

    def __post_init__(self) -> None:
        for name in ("consistent", "many", "close"):
            object.__setattr__(self, name, number(name, getattr(self, name), low=0, high=1))
        if self.consistent == 0:
            raise DataError("consistent: expected a share above 0, got 0: every answer would be consistent")

    def counts(self, n: int) -> tuple[int, int, int]:
        """The thresholds `consistent`, `many` and `close` of n answers."""
        half, many, close = (int(share * n + 1e-9) for share in (self.consistent, self.many, self.close))
        return max(1, half), max(2, many), close


def subtypes(counted: Tally, thresholds: Thresholds) -> tuple[str, ...]:
    """The types of one question; it may be of several, or of none."""
    half, many, close = thresholds.counts(counted.n)
    right, wrong = counted.right, counted.largest_wrong
    refuses = counted.none > 0 and counted.none == wrong and counted.none > right
    found = {
        "A": refuses,
        "B1": right == counted.n,
        "B2": half <= right < counted.n,
        "C1": wrong >= half and not refuses and right == 0,
        "C2": wrong >= half and not refuses and right > 0,
        "D": abs(right - wrong) <= close and min(right, wrong) > close,
        "E1": counted.distinct >= many and right == 0,
        "E2": counted.distinct >= many and right > 0,
    }
    return tuple(name for name, is_one in found.items() if is_one)
