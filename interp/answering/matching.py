"""Where accepted answers stand in a text: NFKC and case folding, word boundaries, earliest then longest."""

import unicodedata
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import pairwise

# Scripts written without spaces between words, by the first word of a character's Unicode name:
# there a candidate may stand anywhere.
_UNSPACED = (
    "CJK",
    "HIRAGANA",
    "KATAKANA",
    "KATAKANA-HIRAGANA",
    "BOPOMOFO",
    "THAI",
    "LAO",
    "KHMER",
    "MYANMAR",
    "TIBETAN",
    "YI",
)


@cache
def _second_characters() -> frozenset[str]:
    """Characters that Unicode composes with the character before them although they are not combining marks."""
    pairs = (unicodedata.decomposition(chr(code)).split() for code in range(0x110000))
    seconds = {chr(int(pair[1], 16)) for pair in pairs if len(pair) == 2 and not pair[0].startswith("<")}
    hangul = {chr(code) for code in (*range(0x1161, 0x1176), *range(0x11A8, 0x11C3))}
    return frozenset(seconds | hangul)


@cache
def _joins_previous(char: str) -> bool:
    first = unicodedata.normalize("NFKD", char)[0]
    return unicodedata.combining(first) != 0 or first in _second_characters()


@cache
def _is_unspaced(char: str) -> bool:
    return unicodedata.name(char, "").split(" ")[0].split("-")[0] in _UNSPACED


@cache
def _is_word(char: str) -> bool:
    # Marks belong to the letter before them: a Devanagari vowel sign continues the word.
    return char.isalnum() or unicodedata.category(char)[0] == "M"


@dataclass(frozen=True)
class Folded:
    """A text after NFKC and case folding, with the way back to the characters it came from."""

    text: str
    start: list[int]
    """For each folded character: where the original characters it came from begin; one more entry for the end."""
    edge: list[bool]
    """Whether the folded text may be cut before this character (no cut inside one original character)."""

    def original(self, start: int, end: int) -> tuple[int, int]:
        """The original characters behind folded `[start, end)`."""
        return self.start[start], self.start[end]


def fold(text: str) -> Folded:
    """NFKC, then case folding, remembering where each folded character came from.

    Folding changes lengths (`İ` becomes two characters, `ﬁ` too) and joins characters (a letter and its accent),
    so the text is cut where Unicode never composes across, and each piece is folded by itself.
    """
    if text.isascii():
        return Folded(text.lower(), list(range(len(text) + 1)), [True] * (len(text) + 1))
    cuts = [i for i, char in enumerate(text) if i == 0 or char.isascii() or not _joins_previous(char)] + [len(text)]
    folded, start, edge = [], [], []
    for begin, end in pairwise(cuts):
        piece = unicodedata.normalize("NFKC", text[begin:end]).casefold()
        folded.append(piece)
        start += [begin] * len(piece)
        edge += [i == 0 for i in range(len(piece))]
    return Folded("".join(folded), [*start, len(text)], [*edge, True])


@lru_cache(maxsize=2**16)
def _may_be_cut(outside: str, inside: str) -> bool:
    """Whether a match may end between these neighbours: no word goes on there, or the script has no spaces."""
    return not _is_word(outside) or _is_unspaced(outside) or _is_unspaced(inside)


class CandidateFinder:
    """Finds the earliest, then longest, match of a list of candidates; one list for all rows, blind to the label."""

    def __init__(self, candidates: Iterable[str]) -> None:
        self._candidates = {folded for candidate in candidates if (folded := fold(candidate.strip()).text)}
        self._longest = max(map(len, self._candidates), default=0)

    def find(self, text: str) -> list[tuple[int, int]]:
        """Character spans of the chosen candidate in `text`: the match, then its later occurrences; [] if none."""
        folded = fold(text)
        first = next(_matches(folded, self._candidates, self._longest), None)
        if first is None:
            return []
        chosen = folded.text[first[0] : first[1]]
        return [folded.original(*span) for span in _matches(folded, {chosen}, len(chosen))]

    def __contains__(self, text: str) -> bool:
        """Whether any candidate matches in `text`."""
        return next(_matches(fold(text), self._candidates, self._longest), None) is not None


def _matches(folded: Folded, candidates: Collection[str], longest: int) -> Iterator[tuple[int, int]]:
    """Earliest, then longest matches from left to right that do not overlap."""
    text, n = folded.text, len(folded.text)
    # Most characters stand inside a word: where a match may begin or end is looked up once, not per candidate.
    begins = [i for i in range(n) if folded.edge[i] and (i == 0 or _may_be_cut(text[i - 1], text[i]))]
    ends = [i for i in range(1, n + 1) if folded.edge[i] and (i == n or _may_be_cut(text[i], text[i - 1]))]
    free_from = 0
    for begin in begins:
        if begin < free_from:
            continue
        for end in reversed(ends[bisect_right(ends, begin) : bisect_right(ends, begin + longest)]):
            if text[begin:end] in candidates:
                yield begin, end
                free_from = end
                break
