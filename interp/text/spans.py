"""Which generated tokens cover a stretch of text (definitions: spans are located on the generated ids)."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

Decode = Callable[[Sequence[int]], str]
"""Ids to text: special tokens kept, spaces not cleaned up."""

BLOCK = 32
"""Tokens that are decoded together in `_prefixes`, and as many before them."""
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


@dataclass(frozen=True)
class TokenText:
    """The text of a sample and, for tokens from `start` on, the characters that each one covers."""

    text: str
    start: int
    ends: list[int]
    """`ends[k - start + 1]` is c_k of docs/definitions.md; the first entry is c_{start - 1}."""

    @classmethod
    def of(cls, decode: Decode, ids: Sequence[int], start: int = 0) -> "TokenText":
        """c_k of every token from `start` on: the common prefix of `decode(ids[:k + 1])` and `decode(ids)`.

        A character that is cut inside shows as a replacement character in the shorter text and is not counted until it
        is complete.
        """
        text = decode(ids)
        return cls(text, start, [*_prefixes(decode, ids, start, text), len(text)])

    def characters(self, token: int) -> tuple[int, int]:
        """Characters `[begin, end)` that `token` covers; at least one, so that no token is invisible."""
        begin, end = self.ends[token - self.start], self.ends[token - self.start + 1]
        return begin, max(end, begin + 1)

    def tokens(self, begin: int, end: int) -> tuple[int, int] | None:
        """First and last token (both inclusive) that cover any of the characters `[begin, end)`."""
        hits = []
        for token in range(self.start, self.start + len(self.ends) - 1):
            low, high = self.characters(token)
            if max(low, begin) < min(high, end):
                hits.append(token)
        return (hits[0], hits[-1]) if hits else None


def _prefixes(decode: Decode, ids: Sequence[int], start: int, text: str) -> Iterator[int]:
    """How many characters `decode(ids[:stop])` and `text` begin with in common, for `stop` from `start` to the last.

    Decoding every prefix takes quadratic time. So the prefixes of a block are put together from the text before the
    block, decoded once, and a short window of ids. That is the same text where a token's characters depend on its
    neighbours only. The prefixes at both ends of the block are compared, and a window that shows a character cut
    inside (with byte fallback its text depends on all the bytes before it) is not used: there the prefix is decoded.
    """
    stops = [*range(start, len(ids), BLOCK), len(ids)]
    whole = decode(ids[:start]) if start else ""
    for first, after in pairwise(stops):
        begin, next_whole = max(0, first - BLOCK), text if after == len(ids) else decode(ids[:after])
        window = decode(ids[begin:first]) if first else ""
        shared = _common(window[::-1], whole[::-1])
        head, skip = whole[: len(whole) - shared], len(window) - shared
        local = not head.endswith(REPLACEMENT) and next_whole == head + decode(ids[begin:after])[skip:]
        known = _common(head, text)
        yield _common(whole, text)
        for stop in range(first + 1, after):
            tail = decode(ids[begin:stop])[skip:]
            if begin and (not local or REPLACEMENT in tail):
                yield _common(decode(ids[:stop]), text)
            else:
                yield known + (_common(tail, text[known : known + len(tail)]) if known == len(head) else 0)
        whole = next_whole


def _common(first: str, second: str) -> int:
    """Length of the common prefix."""
    if second.startswith(first):
        return len(first)
    pairs = zip(first, second, strict=False)
    return next((i for i, (a, b) in enumerate(pairs) if a != b), len(second))
