"""Pooled roles: rules that name a span of a sample's tokens, whose mean, maximum or minimum is one column."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from interp.capturing.roles import NAMED_ROLES, Anchor, Match, Sample
from interp.errors import DataError
from interp.support.arguments import one_of
from interp.support.messages import nearest, shown
from interp.support.public import public

POOLS = ("mean", "max", "min")
"""How the tokens of a span become one. A direction of the stream has no sign of its own, so max has its counterpart."""
BETWEEN = ".."
"""Between the ends of a span as text."""

Span = tuple[int, int]
"""First and last token, inclusive."""


def _part(first: int, end: int, absent: str) -> Span | str:
    return (first, end - 1) if first < end else absent


SPANS: Mapping[str, Callable[[Sample], Span | str]] = MappingProxyType(
    {
        "sample": lambda sample: _part(0, len(sample.ids), "the sample is empty"),
        "prompt": lambda sample: _part(0, sample.n_prompt, "the prompt is empty"),
        "completion": lambda sample: _part(sample.n_prompt, len(sample.ids), "the completion is empty"),
        "question": lambda sample: sample.question or "the question was not located",
        "exact_answer": lambda sample: sample.exact_answer or "there is no exact answer",
        "thought": lambda sample: sample.thought or "there is no thought",
        "final_answer": lambda sample: sample.final or "there is no final answer",
    }
)
"""Spans that have a name, and where a sample has them."""


@public
@dataclass(frozen=True)
class Pool:
    """The mean, maximum or minimum over the tokens of a span, element by element, as one column.

    A span is one that has a name (`sample`, `prompt`, `completion`, `question`, `exact_answer`, `thought`,
    `final_answer`: without a thought the whole completion), all the tokens that cover a `Match` (one without offset),
    or goes from the token of one role to that of another, both inclusive; these are an `Anchor`, a `Match` or the label
    of a column:

        Pool("mean", "exact_answer")                              # mean:exact_answer
        Pool("max", "first_answer", "-2")                         # max:first_answer..-2
        Pool("mean", Match("<end_of_turn>", occurrence=1))        # mean:first[1]:<end_of_turn>

    The column is absent where one of its ends is, or its end lies before its beginning: never clamped. Raises DataError
    for another pooling or span.

    >>> from interp.demo import answered
    >>> _, answers = answered(4)
    >>> interp.resolve_positions(answers, roles={"answer": interp.Pool("mean", "exact_answer")}).roles[-2:]
    ('-1', 'answer')
    """

    how: str
    """`mean`, `max` or `min`, of every element over the span's tokens."""
    span: str | Anchor | Match
    """A span by name, a Match; or, with `to`, the role where it begins."""
    to: str | Anchor | Match | None = None
    """The role at which it ends, inclusive."""

    def __post_init__(self) -> None:
        one_of("how a role is pooled", self.how, POOLS)
        named = () if self.to is not None else SPANS
        object.__setattr__(self, "span", _end(self.span, named))
        if self.to is not None:
            object.__setattr__(self, "to", _end(self.to, ()))
        if not isinstance(self.span, Match):
            return
        if BETWEEN in self.span.pattern:
            raise DataError(
                f"a pooled role's pattern {self.span.pattern!r} holds {BETWEEN!r}, which stands between the ends of a "
                "span: write .{2} for two characters"
            )
        if self.to is None and self.span.offset:
            raise DataError(
                f"a pooled role's span {str(self.span)!r} is all tokens of the match, and moves nowhere: leave out the "
                f"offset, or say where it begins and ends, as in {self.how}:{self.span}{BETWEEN}end-1"
            )

    def locate(self, sample: Sample) -> Span | str:
        """First and last token of the span, or in words why the sample has none."""
        if isinstance(self.span, str):
            return SPANS[self.span](sample)
        if self.to is None:
            found = self.span.tokens(sample) if isinstance(self.span, Match) else self.span.locate(sample)
            return (found, found) if isinstance(found, int) else found
        assert not isinstance(self.to, str), "labels have become anchors"
        first, last = self.span.locate(sample), self.to.locate(sample)
        if isinstance(first, str) or isinstance(last, str):
            return first if isinstance(first, str) else str(last)
        return (first, last) if first <= last else "the span ends before it begins"

    def __str__(self) -> str:
        return f"{self.how}:{self.span}" + ("" if self.to is None else f"{BETWEEN}{self.to}")


def _end(rule: object, named: Mapping[str, object] | tuple[()]) -> str | Anchor | Match:
    """A span that has a name, or a rule of one token; the label of a column becomes its anchor."""
    if isinstance(rule, Anchor | Match):
        return rule
    if not isinstance(rule, str):
        raise DataError(f"a pooled role's span: expected a name, an Anchor or a Match, got {shown(rule)}")
    if rule in named:
        return rule
    if rule not in NAMED_ROLES:
        raise DataError(
            f"a pooled role's span: expected {'one of ' + ', '.join(named) + ', ' if named else ''}the label of a "
            f"column, an Anchor or a Match, got {rule!r}{nearest(rule, (*named, *NAMED_ROLES))}"
        )
    return NAMED_ROLES[rule]
