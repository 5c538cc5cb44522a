"""Which option of a multiple-choice question a completion chooses, blind to the key."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from string import ascii_letters, ascii_uppercase

from interp.answering.matching import CandidateFinder
from interp.answering.option_words import (
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
)

Span = tuple[int, int]
"""Characters `[begin, end)`."""


@dataclass(frozen=True)
class Chosen:
    """The option that a completion chooses, by its letter or its text."""

    options: frozenset[int]
    """Its index; of several options with the same text, all of theirs."""
    span: Span
    """The letter, or the option's text."""


_WIDE = {ord(letter) + 0xFEE0: letter for letter in ascii_letters}


def chosen(options: Sequence[str], completion: str) -> Chosen | None:
    """The option that the completion chooses; None: none, or several at once. The key is not seen.

    In this order: a letter with which the completion begins (not the first of a list), or an option's text as its first
    line; the last letter or text that is announced ("the answer is B", `\\boxed{B}`), then that is affirmed ("B is
    correct") or concluded ("so it is B"); the text with which the completion begins; the only option that is named by
    its text or a marked letter (`(B)`, "option B"); the only one by a letter that stands alone. What is denied or
    supposed is no choice. Definitions: options.
    """
    text = _prepared(completion)
    begin = len(text) - len(text.lstrip())
    first = _letter_at(options, text, begin)
    walked = first is not None and _walked(text, first)
    if first is not None and not walked:
        return _after_a_colon(options, text, first) or first
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
    if begun is not None:
        return begun
    return _only(sorted((*texts, *marked), key=lambda one: one.span)) if texts or marked else _only(bare)


def names_an_option(options: Sequence[str], completion: str) -> bool:
    """Whether an option is named at all, though it be denied or one of several."""
    text = _prepared(completion)
    letters = ascii_uppercase[: len(options)]
    named = [match for match in BARE.finditer(text) if match["letter"] in letters]
    words = [match for match in named if match["letter"] in ARTICLES and re.match(r"['’-]|\s+\w", text[match.end() :])]
    return len(named) > len(words) or bool(_texts(options, text, dismissed=True))


def _prepared(completion: str) -> str:
    """As long as before: wide letters as others, NUL as a line break, and no further than the next question."""
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
        named = _named(tuple(options), text[begin : begin + reach])
        if named and named[0].span[0] == 0:
            return Chosen(named[0].options, (begin, begin + named[0].span[1]))
    return None


def _texts(options: Sequence[str], text: str, *, dismissed: bool = False) -> list[Chosen]:
    """The options' texts from left to right; with `dismissed`, what is denied or supposed too."""
    named = [one for one in _named(tuple(options), text) if not _is_determiner(text, *one.span)]
    return [one for one in named if dismissed or not _dismissed(text, *one.span)]


def _is_determiner(text: str, begin: int, end: int) -> bool:
    return text[begin:end].casefold() == "no" and NO_NOUN.match(text, end) is not None


def _named(options: tuple[str, ...], text: str) -> list[Chosen]:
    """Every option's text in the text: the earliest, then longest, then next; exact before loose, whole before not."""
    every, each = _finders(options)
    if text not in every:
        return []
    ranked: dict[Span, list[tuple[bool, bool, int]]] = {}
    for finder, is_whole, index in each:
        found = finder.found(text)
        for span in found.spans if found else ():
            ranked.setdefault(span, []).append((found.loose if found else True, not is_whole, index))
    named: list[Chosen] = []
    for span in sorted(ranked, key=lambda span: (span[0], -span[1])):
        if not named or span[0] >= named[-1].span[1]:
            best = min(one[:2] for one in ranked[span])
            named.append(Chosen(frozenset(one[2] for one in ranked[span] if one[:2] == best), span))
    return named


@lru_cache(maxsize=256)
def _finders(options: tuple[str, ...]) -> tuple[CandidateFinder, list[tuple[CandidateFinder, bool, int]]]:
    """One for all options, and for each form of each: whether it is the whole text, and the option's index."""
    forms = [(form, form == _forms(option)[0], i) for i, option in enumerate(options) for form in _forms(option)]
    return CandidateFinder(form for form, _, _ in forms), [
        (CandidateFinder([form]), is_whole, i) for form, is_whole, i in forms
    ]


@lru_cache(maxsize=4096)
def _forms(option: str) -> tuple[str, ...]:
    """An option as it may be said: without its final full stop, its article, its commas of thousands; as a fraction."""
    bare = option.strip().rstrip(".!?。").rstrip() or option.strip()
    forms = [bare, ARTICLE.sub("", bare, count=1) if ARTICLE.match(bare) else bare]
    if re.fullmatch(r"\d{1,3}(?:,\d{3})+", bare):
        forms.append(bare.replace(",", ""))
    elif re.fullmatch(r"\d{4,}", bare):
        forms.append(f"{int(bare):,}")
    elif fraction := re.fullmatch(r"(\d+)/(\d+)", bare):
        forms += [rf"\{name}{{{fraction[1]}}}{{{fraction[2]}}}" for name in ("frac", "dfrac", "tfrac")]
    return tuple(dict.fromkeys(forms))


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
    if not 0 <= index < len(options) or INSIDE.search(before):
        return None
    listed = LISTED.search(before)
    if listed and not (listed["comma"] and AFFIRMED.match(text, after)):
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
    if not named or _another(options, text, after) or _dismissed(text, place, after) or _dismissed(text, place, end):
        return None
    return found


def _another(options: Sequence[str], text: str, place: int) -> bool:
    """Whether one more letter follows at once, as in `A, C` or `A or B`: several options are no choice."""
    more = MORE.match(text, place)
    return more is not None and ascii_uppercase.index(more["letter"]) < len(options)
