"""Where a completion names an option, by its text or its letter, and does not deny it there."""

import re
from collections.abc import Sequence
from itertools import pairwise
from string import ascii_uppercase

from interp.text.option_texts import Chosen, named_texts
from interp.text.option_words import (
    AFFIRMED,
    ARTICLE,
    ARTICLES,
    BARE,
    BECAUSE,
    CLOSED,
    DENIED_AFTER,
    DENIED_BEFORE,
    ENDED,
    GAP,
    IF,
    INSIDE,
    LISTED,
    MORE,
    NAMED_BEFORE,
    NO_NOUN,
    OPEN,
    OR,
    SUPPOSED,
)


def is_dismissed(text: str, begin: int, end: int) -> bool:
    """Whether what stands here is denied or only supposed."""
    before = text[max(0, begin - 120) : begin]
    return any(rule.search(before) for rule in (DENIED_BEFORE, SUPPOSED, IF)) or bool(DENIED_AFTER.match(text, end))


def text_at(options: Sequence[str], text: str, place: int) -> Chosen | None:
    """An option's text that begins at this place, after brackets, quotations and an article of its sentence."""
    found = _own_text(options, text, place)
    if found is None or is_dismissed(text, *found.span) or _is_determiner(text, *found.span):
        return None
    more = OR.match(text, found.span[1])
    return None if more is not None and _own_text(options, text, more.end()) is not None else found


def _own_text(options: Sequence[str], text: str, place: int) -> Chosen | None:
    """The same, whatever is said of it."""
    opened = OPEN.match(text, place)
    place = opened.end() if opened else place
    article = ARTICLE.match(text, place)
    reach = 4 * max(map(len, options)) + 8  # folding may shorten what stands there
    for begin in (place, *([article.end()] if article else ())):
        named = named_texts(tuple(options), text[begin : begin + reach])
        if named and named[0].span[0] == 0:
            return Chosen(named[0].options, (begin, begin + named[0].span[1]))
    return None


def texts_of(options: Sequence[str], text: str, *, dismissed: bool = False) -> list[Chosen]:
    """The options' texts from left to right; with `dismissed`, what is denied or supposed too."""
    named = [one for one in named_texts(tuple(options), text) if not _is_determiner(text, *one.span)]
    if dismissed:
        return named
    pairs = [(one, two) for one, two in pairwise(named) if OR.fullmatch(text, one.span[1], two.span[0])]
    listed = {one.span for pair in pairs for one in pair}
    return [one for one in named if one.span not in listed and not is_dismissed(text, *one.span)]


def _is_determiner(text: str, begin: int, end: int) -> bool:
    return text[begin:end].casefold() == "no" and NO_NOUN.match(text, end) is not None


def letters_of(options: Sequence[str], text: str, rule: re.Pattern[str]) -> list[Chosen]:
    """The letters that the rule finds and that name an option, from left to right."""
    return [one for match in rule.finditer(text) if (one := _letter(options, text, match.start("letter")))]


def letter_at(options: Sequence[str], text: str, place: int) -> Chosen | None:
    """A letter that stands at this place, after what opens a bracket or a quotation there."""
    opened = OPEN.match(text, place)
    return _letter(options, text, opened.end() if opened else place)


def end_with_text(options: Sequence[str], text: str, found: Chosen) -> int:
    """Where a letter ends with its option's own text, if that follows: `B. Paris`."""
    gap = GAP.match(text, found.span[1])
    own = _own_text([options[min(found.options)]], text, gap.end()) if gap and gap.end() > found.span[1] else None
    return own.span[1] if own else found.span[1]


def _letter(options: Sequence[str], text: str, place: int) -> Chosen | None:
    """The letter at this place, if what follows shows that it names an option."""
    letter, after = text[place : place + 1], place + 1
    index = ascii_uppercase.find(letter.upper()) if letter else -1
    before = text[max(0, place - 20) : place]
    if not 0 <= index < len(options) or INSIDE.search(before) or is_listed(options, text, place):
        return None
    found = Chosen(frozenset({index}), (place, after))
    closed, ended = CLOSED.match(text, after), ENDED.match(text, after)
    end = end_with_text(options, text, found)
    if letter.islower():
        alone = re.match(r"\s*(?:[.):]\s*)?(?:$|\n)", text[after:])
        named = bool(closed or alone or (ended and NAMED_BEFORE.search(before)))
    else:
        by_space = letter in ARTICLES and text[after : after + 1] == " "  # "A good look"
        named = bool(closed or ended or AFFIRMED.match(text, after) or BECAUSE.match(text, after))
        named = named or (end > after and not by_space)
    return found if named and not is_dismissed(text, place, after) and not is_dismissed(text, place, end) else None


def is_listed(options: Sequence[str], text: str, place: int) -> bool:
    """Whether another letter stands beside this one, as in `A, C` or `A or B`: several options are no choice."""
    before, after = LISTED.search(text[max(0, place - 20) : place]), MORE.match(text, place + 1)
    if before and not (before["comma"] and AFFIRMED.match(text, place + 1)):
        return True
    return after is not None and ascii_uppercase.index(after["letter"]) < len(options)


def standing_letters(options: Sequence[str], text: str) -> list[int]:
    """Where a letter of an option stands alone and is no word."""
    letters = [match for match in BARE.finditer(text) if match["letter"] in ascii_uppercase[: len(options)]]
    word = re.compile(r"['’-]|\s+\w")
    return [one.start() for one in letters if one["letter"] not in ARTICLES or not word.match(text, one.end())]
