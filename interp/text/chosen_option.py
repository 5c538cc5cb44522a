"""Which option of a multiple-choice question a completion chooses, blind to the key."""

import re
from collections.abc import Sequence
from itertools import pairwise
from string import ascii_letters, ascii_lowercase, ascii_uppercase

from interp.text.corrections import CORRECTED
from interp.text.option_numbers import chosen_by_number, may_be_a_number
from interp.text.option_texts import Chosen, named_texts
from interp.text.option_words import (
    AFFIRMED,
    ANNOUNCED,
    ARTICLE,
    ARTICLES,
    BARE,
    BECAUSE,
    CLOSED,
    CONCLUDED,
    DENIED_AFTER,
    DENIED_BEFORE,
    ENDED,
    GAP,
    IF,
    INSIDE,
    ITEM,
    LISTED,
    MARKED,
    MORE,
    NAMED_BEFORE,
    NEXT_QUESTION,
    NO_NOUN,
    OPEN,
    OR,
    SUPPOSED,
    TAGGED,
)

_WIDE = {ord(char) + 0xFEE0: char for char in f"{ascii_letters}[]{{}}<>*"}
_WIDE |= {0x24B6 + i: char for i, char in enumerate(ascii_uppercase + ascii_lowercase)}  # Ⓐ … ⓩ


def chosen(options: Sequence[str], completion: str) -> Chosen | None:
    """The option that the completion chooses; None: none, or several at once. The key is not seen.

    In this order: a letter with which the completion begins (not the first of a list), or an option's text as its first
    line; the last letter or text that is announced ("the answer is B", `\\boxed{B}`), then that is affirmed ("B is
    correct") or concluded ("so it is B"); the text with which the completion begins; the only option that is named by
    its text or a marked letter (`(B)`, "option B"); the only one by a letter that stands alone. What is denied or
    supposed is no choice. One that takes the place of such a choice, "Sorry, I meant B", is the choice. Definitions:
    options.
    """
    text = _prepared(completion)
    found = _first_chosen(options, text)
    return found if found is None else _corrected(options, text, found) or found


def _first_chosen(options: Sequence[str], text: str) -> Chosen | None:
    """The same, whatever is corrected afterwards."""
    begin = len(text) - len(text.lstrip())
    first = _letter_at(options, text, begin)
    walked = first is not None and _walked(text, first)
    if first is not None and not walked:
        line = text[: text.find("\n", first.span[1])] if "\n" in text[first.span[1] :] else text
        later = _after(ANNOUNCED, options, line, first.span[1]) or _after(TAGGED, options, text, first.span[1])
        return later[-1] if later else _after_a_colon(options, text, first) or first
    begun = None if walked else _text_at(options, text, begin)
    if begun is not None and re.match(r"[\s.!*]*(?:\n|$)", text[begun.span[1] :]):
        return begun
    announced = _after(ANNOUNCED, options, text)
    if announced:
        return announced[-1]
    texts, marked, bare = _texts(options, text), _letters(options, text, MARKED), _letters(options, text, BARE)
    affirmed = [one for one in (*texts, *marked, *bare) if AFFIRMED.match(text, _with_text(options, text, one))]
    for said in (affirmed, _after(CONCLUDED, options, text)):
        if said:
            return max(said, key=lambda one: one.span)
    if begun is not None and not _told_in_turn(text, texts):
        return begun
    if texts or marked:
        return _only(sorted((*texts, *marked), key=lambda one: one.span))
    others = [place for place in _standing(options, text) if not _is_listed(options, text, place)]
    named = {place for place in others if not _dismissed(text, place, place + 1)}
    if not bare and not others:
        return chosen_by_number(options, text)
    return _only(bare) if {text[place] for place in named} <= {text[slice(*one.span)] for one in bare} else None


def _corrected(options: Sequence[str], text: str, found: Chosen) -> Chosen | None:
    """The last letter or text that follows directly on such a correction."""
    for match in reversed(list(CORRECTED.finditer(text, found.span[1]))):
        named = _letter_at(options, text, match.end()) or _text_at(options, text, match.end())
        said = named is not None and (ENDED.match(text, named.span[1]) or CLOSED.match(text, named.span[1]))
        if named is not None and (said or AFFIRMED.match(text, named.span[1])):
            return named
    return None


def names_an_option(options: Sequence[str], completion: str) -> bool:
    """Whether an option is named at all, though it be denied or one of several, or by a number that is not read."""
    text = _prepared(completion)
    named = _standing(options, text) or _texts(options, text, dismissed=True)
    return bool(named) or may_be_a_number(options, text)


def _prepared(completion: str) -> str:
    """As long as before: wide letters and brackets as others, NUL as a line break, up to the next question."""
    text = completion.replace("\0", "\n").translate(_WIDE)
    begin = len(text) - len(text.lstrip())
    end = NEXT_QUESTION.search(text, begin)
    return text[: end.start()] if end else text


def _only(found: Sequence[Chosen]) -> Chosen | None:
    return found[0] if len({one.options for one in found}) == 1 else None


def _after(cue: re.Pattern[str], options: Sequence[str], text: str, begin: int = 0) -> list[Chosen]:
    """What stands after such a cue, unless it is denied, supposed, or the first of a list."""
    named = (
        _letter_at(options, text, match.end()) or _text_at(options, text, match.end())
        for match in cue.finditer(text, begin)
    )
    return [found for found in named if found is not None and not _walked(text, found)]


def _walked(text: str, found: Chosen) -> bool:
    """Whether this letter is the first of a list of the options: `A. London: no⏎B. Paris: yes`."""
    if found.options != {0} or text[slice(*found.span)].upper() != "A" or GAP.match(text, found.span[1]) is None:
        return False
    alone = re.match(r"[)\]*.]*(?:\n|$)", text[found.span[1] :])
    after = ITEM.search(text, found.span[1])
    return alone is None and after is not None and after["letter"] == "B"


def _told_in_turn(text: str, texts: Sequence[Chosen]) -> bool:
    """Whether sentence by sentence something is told of the first option, then of the second."""
    second = next((one for one in texts if one.options != {0}), None)
    if second is None or texts[0].options != {0} or second.options != {1}:
        return False
    return re.search(r"[.;!?\n]\W*\Z", text[: second.span[0]]) is not None


def _after_a_colon(options: Sequence[str], text: str, found: Chosen) -> Chosen | None:
    """`A: Paris` and `A: B` repeat the prompt's "A:": what follows is the answer, unless it is option A's own text."""
    after = re.compile(r"\s*:").match(text, found.span[1])
    if found.options != {0} or after is None:
        return None
    line = text[: text.find("\n", after.end())] if "\n" in text[after.end() :] else text
    named = _letter_at(options, line, after.end()) or _text_at(options, line, after.end())
    named = named or next(reversed(_after(ANNOUNCED, options, line, after.end())), None)
    return None if named is None or named.options == found.options else named


def _dismissed(text: str, begin: int, end: int) -> bool:
    """Whether what stands here is denied or only supposed."""
    before = text[max(0, begin - 120) : begin]
    return any(rule.search(before) for rule in (DENIED_BEFORE, SUPPOSED, IF)) or bool(DENIED_AFTER.match(text, end))


# By its text ----------------------------------------------------------------------------------------------------------


def _text_at(options: Sequence[str], text: str, place: int) -> Chosen | None:
    """An option's text that begins at this place, after brackets, quotations and an article of its sentence."""
    found = _own_text(options, text, place)
    if found is None or _dismissed(text, *found.span) or _is_determiner(text, *found.span):
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


def _texts(options: Sequence[str], text: str, *, dismissed: bool = False) -> list[Chosen]:
    """The options' texts from left to right; with `dismissed`, what is denied or supposed too."""
    named = [one for one in named_texts(tuple(options), text) if not _is_determiner(text, *one.span)]
    if dismissed:
        return named
    pairs = [(one, two) for one, two in pairwise(named) if OR.fullmatch(text, one.span[1], two.span[0])]
    listed = {one.span for pair in pairs for one in pair}
    return [one for one in named if one.span not in listed and not _dismissed(text, *one.span)]


def _is_determiner(text: str, begin: int, end: int) -> bool:
    return text[begin:end].casefold() == "no" and NO_NOUN.match(text, end) is not None


# By its letter --------------------------------------------------------------------------------------------------------


def _letters(options: Sequence[str], text: str, rule: re.Pattern[str]) -> list[Chosen]:
    return [one for match in rule.finditer(text) if (one := _letter(options, text, match.start("letter")))]


def _letter_at(options: Sequence[str], text: str, place: int) -> Chosen | None:
    """A letter that stands at this place, after what opens a bracket or a quotation there."""
    opened = OPEN.match(text, place)
    return _letter(options, text, opened.end() if opened else place)


def _with_text(options: Sequence[str], text: str, found: Chosen) -> int:
    """Where a letter ends with its option's own text, if that follows: `B. Paris`."""
    gap = GAP.match(text, found.span[1])
    own = _own_text([options[min(found.options)]], text, gap.end()) if gap and gap.end() > found.span[1] else None
    return own.span[1] if own else found.span[1]


def _letter(options: Sequence[str], text: str, place: int) -> Chosen | None:
    """The letter at this place, if what follows shows that it names an option."""
    letter, after = text[place : place + 1], place + 1
    index = ascii_uppercase.find(letter.upper()) if letter else -1
    before = text[max(0, place - 20) : place]
    if not 0 <= index < len(options) or INSIDE.search(before) or _is_listed(options, text, place):
        return None
    found = Chosen(frozenset({index}), (place, after))
    closed, ended = CLOSED.match(text, after), ENDED.match(text, after)
    end = _with_text(options, text, found)
    if letter.islower():
        alone = re.match(r"\s*(?:[.):]\s*)?(?:$|\n)", text[after:])
        named = bool(closed or alone or (ended and NAMED_BEFORE.search(before)))
    else:
        by_space = letter in ARTICLES and text[after : after + 1] == " "  # "A good look"
        named = bool(closed or ended or AFFIRMED.match(text, after) or BECAUSE.match(text, after))
        named = named or (end > after and not by_space)
    return found if named and not _dismissed(text, place, after) and not _dismissed(text, place, end) else None


def _is_listed(options: Sequence[str], text: str, place: int) -> bool:
    """Whether another letter stands beside this one, as in `A, C` or `A or B`: several options are no choice."""
    before, after = LISTED.search(text[max(0, place - 20) : place]), MORE.match(text, place + 1)
    if before and not (before["comma"] and AFFIRMED.match(text, place + 1)):
        return True
    return after is not None and ascii_uppercase.index(after["letter"]) < len(options)


def _standing(options: Sequence[str], text: str) -> list[int]:
    """Where a letter of an option stands alone and is no word."""
    letters = [match for match in BARE.finditer(text) if match["letter"] in ascii_uppercase[: len(options)]]
    word = re.compile(r"['’-]|\s+\w")
    return [one.start() for one in letters if one["letter"] not in ARTICLES or not word.match(text, one.end())]
