"""Which answers keep their capitals: `US` is not the "us" of "let us see", `May` not the "may" of "it may be"."""

import unicodedata

ACRONYM = 3
"""Letters up to which an answer in capitals keeps them."""

_FUNCTION_WORDS = """
    a about am an and are as at be because been being but by could did do does doing for from had has have having he her
    here hers herself him himself his how however i if in into is it its itself let me must my myself nor not of on or
    our ours ourselves shall she should so such than that the their theirs them themselves then there therefore these
    they this those though thus to too us very was we were what when where whether which while who whom whose why with
    would you your yours yourself
"""
_NAMES = """
    aids bill can chase chuck drew frank grant march mark may might nick pat rob said see skip sue wade will
"""
FUNCTION_WORDS = frozenset(_FUNCTION_WORDS.split())
"""English words that hold a sentence together."""

ORDINARY_WORDS = FUNCTION_WORDS | frozenset(_NAMES.split())
"""With verbs that a capital turns into a name. None that models write as an answer in either case (green, hope)."""

EITHER_CASE = frozenset(("yes", "no"))
"""Answers that are no acronyms however they are written."""


def kept_capitals(candidate: str) -> str | None:
    """The letters of a candidate that keeps its capitals; None: it matches in any case.

    It keeps them if it is one word, full stops aside, and either nothing but at most three capitals (`US`, `U.S.`,
    `WHO`) or, as a word with a capital, one of `ORDINARY_WORDS` (`May`, `He`, `Thé`).
    """
    letters = _letters(candidate)
    if not letters or any(char.isspace() or not (char.isalpha() or char in ".\u0301") for char in candidate.strip()):
        return None
    plain = "".join(char for char in unicodedata.normalize("NFD", letters).casefold() if char.isalpha())
    if plain in EITHER_CASE:
        return None
    if (len(letters) <= ACRONYM and letters.isupper()) or (letters != letters.lower() and plain in ORDINARY_WORDS):
        return letters
    return None


def has_capitals(letters: str, said: str) -> bool:
    """Whether a text has a capital wherever `letters` (of `kept_capitals`) have one; it may have more."""
    there = _letters(said)
    pairs = zip(letters, there, strict=False)
    return len(letters) == len(there) and all(char.isupper() or not kept.isupper() for kept, char in pairs)


def _letters(text: str) -> str:
    return "".join(filter(str.isalpha, unicodedata.normalize("NFKC", text)))
