"""Texts made comparable, with the way back to their characters: NFKC and case folding, quotes and dashes, accents."""

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from itertools import pairwise


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


@dataclass(frozen=True)
class Comparable:
    """A text after folding, with the way back to the characters it came from."""

    text: str
    start: list[int]
    """For each folded character: where the original characters it came from begin; one more entry for the end."""
    edge: list[bool]
    """Whether the folded text may be cut before this character (no cut inside one original character)."""
    stop: list[int] | None = None
    """For each folded character: where those original characters end; None: where the next one's begin."""

    def original(self, start: int, end: int) -> tuple[int, int]:
        """The original characters behind folded `[start, end)`."""
        return self.start[start], self.start[end] if self.stop is None else self.stop[end - 1]


def comparable(text: str) -> Comparable:
    """NFKC, then case folding, remembering where each folded character came from.

    Folding changes lengths (`İ` becomes two characters, `ﬁ` too) and joins characters (a letter and its accent),
    so the text is cut where Unicode never composes across, and each piece is folded by itself.
    """
    if text.isascii():
        return Comparable(text.lower(), list(range(len(text) + 1)), [True] * (len(text) + 1))
    cuts = [i for i, char in enumerate(text) if i == 0 or char.isascii() or not _joins_previous(char)] + [len(text)]
    compared, start, edge = [], [], []
    for begin, end in pairwise(cuts):
        piece = unicodedata.normalize("NFKC", text[begin:end]).casefold()
        compared.append(piece)
        start += [begin] * len(piece)
        edge += [i == 0 for i in range(len(piece))]
    return Comparable("".join(compared), [*start, len(text)], [*edge, True])


# Before NFKC, which takes some of them apart (´ becomes a blank and an accent).
_TYPOGRAPHY = str.maketrans(
    dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\u2039\u203a\u02b9\u02bb\u02bc\u02bd\u00b4`", "'")
    | dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb\u301d\u301e\u301f", '"')
    | dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d", "-")
)


def comparable_typography(text: str) -> Comparable:
    """`comparable`, with apostrophes, quotes and dashes as those of a typewriter, and one blank for any white space."""
    compared = comparable(text.translate(_TYPOGRAPHY))
    if not _WHITE.search(compared.text):
        return compared
    blank = [char.isspace() for char in compared.text]
    kept = [i for i, is_blank in enumerate(blank) if not (is_blank and i and blank[i - 1])]
    return Comparable(
        "".join(" " if blank[i] else compared.text[i] for i in kept),
        [*(compared.start[i] for i in kept), compared.start[-1]],
        [*(compared.edge[i] for i in kept), True],
    )


_WHITE = re.compile(r"[^\S ]|\s{2}")
_INVISIBLE = "\u00ad\u200b\u2060\ufeff"
_MAY_FALL = re.compile(r"[.,]|[ ](?=[^\W\d_](?![^\W_]))|[^\x00-\x7f]")
_ABBREVIATION = re.compile(r"(?<![^\W_])[^\W\d_]{1,4}$")
_INITIAL = re.compile(r"[^\W\d_](?![^\W_])")
_ENDS_INITIAL = re.compile(r"(?<![^\W_])[^\W\d_]\.?$")
_LETTERS = {"æ": "ae", "œ": "oe", "ı": "i"}


def loosen(compared: Comparable) -> Comparable:
    """Without what writers leave out: accents, full stops of abbreviations, commas, invisible characters.

    Accents fall from Latin and Greek letters only: elsewhere a mark makes another letter (`й`, `が`, vowel signs). The
    full stop falls after a word of at most four letters (`Mr.`, `St.`) and between initials, where the blank falls too
    (`D.C.`, `J. R. R.`, `J R R`); the comma where no letter or digit follows it. `folded` itself, if nothing falls.
    """
    text = compared.text
    plain: list[str] = []
    start: list[int] = []
    stop: list[int] = []
    edge: list[bool] = []
    at = 0
    for match in _MAY_FALL.finditer(text):
        i = match.start()
        piece = _piece(text, i)
        if piece == text[i]:
            continue
        plain.append(text[at:i])
        start += compared.start[at:i]
        stop += compared.start[at + 1 : i + 1]
        edge += compared.edge[at:i]
        at = i + 1
        if piece:
            plain.append(piece)
            start += [compared.start[i]] * len(piece)
            stop += [compared.start[at]] * len(piece)
            edge += [compared.edge[i], *[False] * (len(piece) - 1)]
        elif stop and (unicodedata.category(text[i]) == "Mn" or _ends_initials(text, i)):
            stop[-1] = compared.start[at]  # a mark belongs to its letter, the last full stop of U.S. to its initials
    if not at:
        return compared
    stop += compared.start[at + 1 :]
    return Comparable("".join([*plain, text[at:]]), start + compared.start[at:], edge + compared.edge[at:], stop)


def _piece(text: str, i: int) -> str:
    """What is left of one character that may fall."""
    char, after = text[i], text[i + 1 : i + 2]
    if char == ",":
        return char if after.isalnum() else ""
    if char == ".":
        word = _ABBREVIATION.search(text, max(0, i - 6), i)
        if word is None or (after.isalnum() and not (len(word[0]) == 1 and _INITIAL.match(text, i + 1))):
            return char
        return ""
    if char == " ":
        # An initial is a letter that can be a capital: not a Korean or Chinese word of one character.
        initial = _ENDS_INITIAL.search(text, max(0, i - 2), i)
        return "" if initial and all(letter != letter.upper() for letter in (initial[0][0], after)) else char
    if char in _INVISIBLE:
        return ""
    if unicodedata.category(char) == "Mn":
        before = next((c for c in reversed(text[:i]) if unicodedata.category(c) != "Mn"), "")
        return "" if before and _loses_marks(before) else char
    return _bare(char)


_ENDS_INITIALS = re.compile(r"(?<![^\W_])[^\W\d_]\.[ ]?[^\W\d_]\.$")


def _ends_initials(text: str, i: int) -> bool:
    return text[i] == "." and _ENDS_INITIALS.search(text, max(0, i - 4), i + 1) is not None


@cache
def _loses_marks(char: str) -> bool:
    return unicodedata.name(char, "").startswith(("LATIN ", "GREEK "))


@cache
def _bare(char: str) -> str:
    """A letter without its accents, if it is Latin or Greek."""
    if not _loses_marks(char):
        return char
    base = "".join(part for part in unicodedata.normalize("NFD", char) if not unicodedata.combining(part))
    if base == char and char not in _LETTERS:  # ø, ł and đ have no decomposition, but a name: O WITH STROKE
        named = unicodedata.name(char).split(" LETTER ")[-1].split(" WITH ")
        base = named[0].lower() if len(named) == 2 and len(named[0]) == 1 else char
    return _LETTERS.get(base, base)
