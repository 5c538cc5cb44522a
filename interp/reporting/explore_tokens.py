"""A completion in pieces: which of its characters are a role's token, the exact answer, or of which shade."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

Span = tuple[int, int]
LONGEST = 2000
"""Characters of a completion that are shown; of a longer one begin, end, and what surrounds roles and exact answer."""


@dataclass(frozen=True)
class Completion:
    """What the model said, cut where a role's token, the exact answer or a shade begins or ends."""

    text: str
    exact: Span | None = None
    roles: Mapping[str, Span] = field(default_factory=dict)
    """{role: its characters}."""
    shades: Sequence[tuple[int, int]] = ()
    """(where a stretch ends, its shade), one after the other."""

    def pieces(self, names: Sequence[str]) -> list[Any]:
        """The text in order: a plain stretch as it is, any other as [text, 1 if exact, shade, numbers of `names`]."""
        spans = [self.exact, *self.roles.values()] if self.exact else [*self.roles.values()]
        cuts = {0, len(self.text), *(place for span in spans for place in span), *(end for end, _ in self.shades)}
        hidden = self._hidden()
        cuts |= {place for span in hidden for place in span}
        places = sorted(place for place in cuts if 0 <= place <= len(self.text))
        out: list[Any] = []
        for begin, end in pairwise(places):
            if any(low <= begin and end <= high for low, high in hidden):
                if not out or out[-1] is not None:
                    out.append(None)
                continue
            exact = int(self.exact is not None and self.exact[0] <= begin and end <= self.exact[1])
            shade = next((shade for stop, shade in self.shades if begin < stop), 0)
            roles = [i for i, name in enumerate(names) if name in self.roles and _inside(begin, end, self.roles[name])]
            text = self.text[begin:end]
            out.append([text, exact, shade, roles] if exact or shade or roles else text)
        return out

    def _hidden(self) -> list[Span]:
        """Stretches of a long text that are left out; nothing of a role or the exact answer is."""
        if len(self.text) <= LONGEST:
            return []
        part = LONGEST // 4
        n = len(self.text)
        whole = [(0, part), (n - part, n), *filter(None, [self.exact]), *self.roles.values()]
        kept = sorted((max(0, low - part // 4), min(n, high + part // 4)) for low, high in whole)
        out, end = [], 0
        for low, high in kept:
            if low > end:
                out.append((end, low))
            end = max(end, high)
        return out


def role_places(
    text: str, tokens: Mapping[int, str], *, first: int, last: int, exact: tuple[Span, Span] | None = None
) -> dict[int, Span]:
    """Characters of tokens of which the text, but not the place is known: {index of the token: its characters}.

    `tokens`: {index: its text}; the completion's tokens are `first` … `last`, and `exact` says which tokens and which
    characters of the completion the exact answer is. A token is placed from the completion's beginning or end or from
    the exact answer, over neighbours that are known; where the text there is another, it is not placed.
    """
    found: dict[int, Span] = {}
    if first in tokens and text.startswith(tokens[first]):
        _walk(text, tokens, found, first, 0)
    if exact:
        (one, _), (begin, _) = exact
        size = len(tokens.get(one, ""))
        covering = [p for p in range(max(0, begin - size + 1), begin + 1) if size and text.startswith(tokens[one], p)]
        if len(covering) == 1:
            _walk(text, tokens, found, one, covering[0])
    end = last
    while end in tokens and end not in found and not (tokens[end] and text.endswith(tokens[end])) and end > first:
        end -= 1  # a special token that ended the generation is no part of the text
    if end in tokens and end not in found and tokens[end] and text.endswith(tokens[end]) and last - end <= 1:
        _walk(text, tokens, found, end, len(text) - len(tokens[end]))
    return found


def _walk(text: str, tokens: Mapping[int, str], found: dict[int, Span], index: int, begin: int) -> None:
    """Place a token and its known neighbours, on both sides as far as their texts are what stands there."""
    end = begin + len(tokens[index])
    found.setdefault(index, (begin, end))
    after = index + 1
    while after in tokens and tokens[after] and text.startswith(tokens[after], end):
        found.setdefault(after, (end, end + len(tokens[after])))
        end += len(tokens[after])
        after += 1
    before = index - 1
    while before in tokens and tokens[before] and text[:begin].endswith(tokens[before]):
        found.setdefault(before, (begin - len(tokens[before]), begin))
        begin -= len(tokens[before])
        before -= 1


def _inside(begin: int, end: int, span: Span) -> bool:
    return span[0] <= begin and end <= span[1]
