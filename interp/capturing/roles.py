"""Roles: rules that name one token of a sample; the fifteen of docs/definitions.md, and those of the user's own."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from interp.errors import DataError
from interp.support.arguments import one_of, one_text, whole_number
from interp.support.public import public
from interp.text.spans import Decode, TokenText

LANDMARKS = (
    "start",
    "question_last",
    "prompt_end",
    "exact_first",
    "exact_last",
    "thought_first",
    "thought_middle",
    "thought_last",
    "final_first",
    "end",
)
REGIONS = ("sample", "prompt", "completion")


def _tail(offset: int, region: str) -> str:
    return (f"{offset:+d}" if offset else "") + (f"@{region}" if region != "sample" else "")


@dataclass(frozen=True)
class Sample:
    """What a role is looked for in: the tokens `prompt_ids + completion_ids`, and what is known of them."""

    id: str
    ids: Sequence[int]
    n_prompt: int
    exact_answer: tuple[int, int] | None
    """First and last token, inclusive."""
    question: tuple[int, int] | None
    decode: Decode | None
    thought: tuple[int, int] | None = None
    """First and last token of the thought, its marks included."""
    final: tuple[int, int] | None = None
    """First and last token of the final answer; without a thought the whole completion."""
    _texts: dict[int, TokenText] = field(default_factory=dict, repr=False)

    def text_from(self, start: int) -> TokenText:
        """The sample's text and the characters of every token from `start` on. Raises DataError without a tokenizer."""
        if self.decode is None:
            raise DataError("matching text needs the tokenizer: resolve_positions(answers, roles=…, tokenizer=…)")
        if start not in self._texts:
            self._texts[start] = TokenText.of(self.decode, self.ids, start)
        return self._texts[start]

    def within(self, token: int, region: str) -> int | str:
        """The token if the sample has it inside `region`, else where it falls, in words."""
        if region == "completion" and token < self.n_prompt:
            return "falls inside the prompt"
        if token < 0:
            return "falls before the first token"
        if token >= len(self.ids):
            return "falls after the last token"
        return "falls inside the completion" if region == "prompt" and token >= self.n_prompt else token


@public
@dataclass(frozen=True)
class Anchor:
    """A token at a fixed distance from a landmark of its sample; absent outside `region`.

    Landmarks: `start` (token 0), `question_last` (last token of the row's own question), `prompt_end` (first token
    after the prompt), `exact_first`, `exact_last`, `thought_first`, `thought_middle`, `thought_last` (its marks
    included), `final_first` (first token of what is answered after the thought), `end` (one past the last token).
    Raises DataError for others.

    >>> from interp.demo import answered
    >>> _, answers = answered(4)
    >>> interp.resolve_positions(answers, roles={"third": interp.Anchor("exact_last", 3)}).roles[-2:]
    ('-1', 'third')
    """

    landmark: str
    """Where it is counted from."""
    offset: int = 0
    """How many tokens further on; negative: back."""
    region: str = "sample"
    """`sample`, `prompt` or `completion`: outside it the role is absent."""

    def __post_init__(self) -> None:
        one_of("a role's landmark", self.landmark, LANDMARKS)
        one_of("a role's region", self.region, REGIONS)
        object.__setattr__(self, "offset", whole_number("a role's offset", self.offset))

    def locate(self, sample: Sample) -> int | str:
        """The token, or in words why the sample has none."""
        exact, question, n = sample.exact_answer, sample.question, len(sample.ids)
        if self.landmark.startswith("exact") and exact is None:
            return "there is no exact answer"
        if self.landmark == "question_last" and question is None:
            return "the question was not located"
        if self.landmark.startswith("thought") and sample.thought is None:
            return "there is no thought"
        if self.landmark == "final_first" and sample.final is None:
            return "there is no final answer"
        thought, final = sample.thought or (0, 0), sample.final or (0, 0)
        landmark = {
            "start": 0,
            "question_last": question[1] if question else 0,
            "prompt_end": sample.n_prompt,
            "exact_first": exact[0] if exact else 0,
            "exact_last": exact[1] if exact else 0,
            "thought_first": thought[0],
            "thought_middle": sum(thought) // 2,
            "thought_last": thought[1],
            "final_first": final[0],
            "end": n,
        }[self.landmark]
        token = landmark + self.offset
        if self.landmark == "prompt_end" and token >= n:
            length = n - sample.n_prompt
            return f"the completion has {length} token{'s' * (length > 1)}" if length else "the completion is empty"
        if self.landmark == "prompt_end" and token < 0 and not sample.n_prompt:
            return "the prompt is empty"
        if self.landmark == "exact_last" and token == n and self.offset == 1:
            return "the exact answer is the last token"
        return sample.within(token, self.region)

    def __str__(self) -> str:
        return self.landmark + _tail(self.offset, self.region)


@public
@dataclass(frozen=True)
class Match:
    r"""A token at or near a match of a regular expression in the sample's text; absent outside `region`.

    `pattern` is searched in the text of `region` alone, special tokens included. Of its matches (of its group, if it
    has one; empty ones do not count) `occurrence` chooses, counted from 0, or from the end if negative. `at` says
    whether the `first` or `last` token that covers the match is meant, and `offset` how many tokens further on:

        Match("</think>", at="last", offset=1)                                  # the first token after </think>
        Match("<end_of_turn>", at="last", occurrence=1)                         # the end of the second turn
        Match(r"city of (\w+)", at="last", region="prompt", occurrence=-1)      # the subject's last token

    Characters are mapped to tokens as for exact answers (`interp.text.spans`). Raises DataError for a pattern that
    is no regular expression or has more than one group.

    >>> from interp.demo import answered
    >>> _, answers = answered(4)
    >>> interp.resolve_positions(answers, roles={"in": interp.Match("country")}).roles[-2:]
    ('-1', 'in')
    """

    pattern: str
    """A regular expression, of one group at most."""
    at: str = "first"
    """`first` or `last` token that covers the match."""
    offset: int = 0
    """How many tokens further on; negative: back."""
    occurrence: int = 0
    """Which match, from 0; negative: from the end."""
    region: str = "sample"
    """`sample`, `prompt` or `completion`, in which it is searched and may lie."""

    def __post_init__(self) -> None:
        one_of("a role's at", self.at, ("first", "last"))
        one_of("a role's region", self.region, REGIONS)
        for name in ("offset", "occurrence"):
            object.__setattr__(self, name, whole_number(f"a role's {name}", getattr(self, name)))
        one_text("a role's pattern", self.pattern)
        try:
            groups = re.compile(self.pattern).groups
        except re.error as error:
            raise DataError(f"the role's pattern {self.pattern!r} is not a regular expression: {error}") from error
        if groups > 1:
            raise DataError(f"a role's pattern has at most one group, {self.pattern!r} has {groups}; use (?:…)")

    def locate(self, sample: Sample) -> int | str:
        """The token, or in words why the sample has none."""
        covering = self.tokens(sample)
        if isinstance(covering, str):
            return covering
        return sample.within(covering[self.at == "last"] + self.offset, self.region)

    def tokens(self, sample: Sample) -> tuple[int, int] | str:
        """First and last of all tokens that cover the match, or in words why there is none."""
        text = sample.text_from(sample.n_prompt if self.region == "completion" else 0)
        border = text.ends[sample.n_prompt - text.start]
        low = border if self.region == "completion" else 0
        high = border if self.region == "prompt" else len(text.text)
        pattern = re.compile(self.pattern)
        spans = [match.span(pattern.groups) for match in pattern.finditer(text.text[low:high])]
        spans = [(begin, end) for begin, end in spans if begin < end]
        if not spans:
            return "the pattern was not found"
        if not -len(spans) <= self.occurrence < len(spans):
            return f"the pattern was found only {len(spans)} time{'s' * (len(spans) > 1)}"
        begin, end = spans[self.occurrence]
        covering = text.tokens(low + begin, low + end)
        assert covering is not None, "every character is covered by a token"
        return covering

    def __str__(self) -> str:
        occurrence = f"[{self.occurrence}]" if self.occurrence else ""
        return f"{self.at}{occurrence}{_tail(self.offset, self.region)}:{self.pattern}"


ROLE_ANCHORS: dict[str, Anchor] = {
    "last_q": Anchor("prompt_end", -1),
    "first_answer": Anchor("prompt_end", 0, "completion"),
    "second_answer": Anchor("prompt_end", 1, "completion"),
    "exact_answer_before_first": Anchor("exact_first", -1),
    "exact_answer_first": Anchor("exact_first"),
    "exact_answer_last": Anchor("exact_last"),
    "exact_answer_after_last": Anchor("exact_last", 1),
    **{str(-k): Anchor("end", -k, "completion") for k in range(8, 0, -1)},
}
ROLES = tuple(ROLE_ANCHORS)
THOUGHT_ROLES: dict[str, Anchor] = {
    "thought_before_first": Anchor("thought_first", -1),
    "thought_first": Anchor("thought_first"),
    "thought_middle": Anchor("thought_middle"),
    "thought_last": Anchor("thought_last"),
    "thought_after_last": Anchor("thought_last", 1),
    "final_answer_first": Anchor("final_first"),
}
"""Columns for models that think, beside the fifteen: named, they are there."""
NAMED_ROLES = ROLE_ANCHORS | THOUGHT_ROLES
