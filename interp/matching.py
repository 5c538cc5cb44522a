"""Where accepted answers stand in a text: NFKC and case folding, word boundaries, earliest then longest (SPEC)."""

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
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


def _stands_free(text: str, start: int, end: int) -> bool:
    """Whether no letter or digit touches `text[start:end]`; in scripts without spaces anything may."""
    sides = ((start - 1, start), (end, end - 1))
    return all(
        not 0 <= outside < len(text)
        or not _is_word(text[outside])
        or _is_unspaced(text[outside])
        or _is_unspaced(text[inside])
        for outside, inside in sides
    )


class CandidateFinder:
    """Finds the earliest, then longest, match of a list of candidates; one list for all rows, blind to the label."""

    def __init__(self, candidates: Iterable[str]) -> None:
        self._candidates = {folded for candidate in candidates if (folded := fold(candidate.strip()).text)}
        self._lengths = sorted({len(candidate) for candidate in self._candidates}, reverse=True)

    def find(self, text: str) -> list[tuple[int, int]]:
        """Character spans of the chosen candidate in `text`: the match, then its later occurrences; [] if none."""
        folded = fold(text)
        first = next(self._matches(folded), None)
        if first is None:
            return []
        chosen = folded.text[first[0] : first[1]]
        again = CandidateFinder(())
        again._candidates, again._lengths = {chosen}, [len(chosen)]
        return [folded.original(*span) for span in again._matches(folded)]

    def __contains__(self, text: str) -> bool:
        """Whether any candidate matches in `text`."""
        return next(self._matches(fold(text)), None) is not None

    def _matches(self, folded: Folded) -> Iterator[tuple[int, int]]:
        text, free_from = folded.text, 0
        for start in range(len(text)):
            if start < free_from or not folded.edge[start]:
                continue
            for end in (start + length for length in self._lengths if start + length <= len(text)):
                if text[start:end] in self._candidates and folded.edge[end] and _stands_free(text, start, end):
                    yield start, end
                    free_from = end
                    break
