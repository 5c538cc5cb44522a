"""Which generated tokens cover a stretch of text (SPEC: spans are located on the generated ids)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

Decode = Callable[[Sequence[int]], str]
"""Ids to text: special tokens kept, spaces not cleaned up."""


@dataclass(frozen=True)
class TokenText:
    """The text of a sample and, for tokens from `start` on, the characters that each one covers."""

    text: str
    start: int
    ends: list[int]
    """`ends[k - start + 1]` is c_k of SPEC; the first entry is c_{start - 1}."""

    @classmethod
    def of(cls, decode: Decode, ids: Sequence[int], start: int = 0) -> "TokenText":
        """Decode every prefix of `ids` from token `start` on.

        c_k is the length of the common prefix of `decode(ids[:k + 1])` and `decode(ids)`: a character that is cut
        inside shows as a replacement character in the shorter text and is not counted until it is complete.
        """
        text = decode(ids)
        prefixes = (decode(ids[:stop]) if stop else "" for stop in range(start, len(ids)))
        return cls(text, start, [*(_common(prefix, text) for prefix in prefixes), len(text)])

    def characters(self, token: int) -> tuple[int, int]:
        """Characters `[begin, end)` that `token` covers; at least one, so that no token is invisible."""
        begin, end = self.ends[token - self.start], self.ends[token - self.start + 1]
        return begin, max(end, begin + 1)

    def tokens(self, begin: int, end: int) -> tuple[int, int] | None:
        """First and last token (both inclusive) that cover any of the characters `[begin, end)`."""
        hits = []
        for token in range(self.start, self.start + len(self.ends) - 1):
            low, high = self.characters(token)
            if low < end and begin < high:
                hits.append(token)
        return (hits[0], hits[-1]) if hits else None


def _common(prefix: str, text: str) -> int:
    return len(prefix) if text.startswith(prefix) else _first_difference(prefix, text)


def _first_difference(first: str, second: str) -> int:
    pairs = zip(first, second, strict=False)
    return next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(first), len(second)))
