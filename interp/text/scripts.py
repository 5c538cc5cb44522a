"""Where a word may end in a script: those written without spaces between words, and Hangul with its particles."""

import unicodedata
from functools import cache, lru_cache

# By the first word of a character's Unicode name: in these scripts no blank stands between words.
_UNSPACED = (
    "CJK",
    "IDEOGRAPHIC",
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
def is_unspaced(char: str) -> bool:
    """Whether a character's script is written without spaces between words."""
    return unicodedata.name(char, "").split(" ")[0].split("-")[0] in _UNSPACED


@cache
def is_hangul(char: str) -> bool:
    """Whether a character is Korean: a particle follows its word without a blank (`서울은`)."""
    return unicodedata.name(char, "").startswith("HANGUL ")


@cache
def _is_word(char: str) -> bool:
    # Marks belong to the letter before them: a Devanagari vowel sign continues the word.
    return char.isalnum() or unicodedata.category(char)[0] == "M"


@lru_cache(maxsize=2**16)
def may_begin(before: str, first: str) -> bool:
    """Whether a match may begin there: no word goes on, or the script has no spaces or is another than Korean."""
    return _is_apart(before, first) or is_hangul(before) != is_hangul(first)


@lru_cache(maxsize=2**16)
def may_end(last: str, after: str) -> bool:
    """Whether a match may end there: as it may begin, and before what is added to a Korean word."""
    return _is_apart(after, last) or is_hangul(after) or is_hangul(last)


def _is_apart(outside: str, inside: str) -> bool:
    return not _is_word(outside) or is_unspaced(outside) or is_unspaced(inside)


def without_unspaced(text: str) -> str:
    """The text with a mark in place of each letter of these scripts, which may touch a number (`答案是18`)."""
    if text.isascii():
        return text
    return "".join("\0" if char.isalpha() and (is_unspaced(char) or is_hangul(char)) else char for char in text)
