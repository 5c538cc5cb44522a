"""Which option of a multiple-choice question a completion chooses, blind to the key."""

import re
from collections.abc import Sequence
from itertools import takewhile
from string import ascii_letters, ascii_lowercase, ascii_uppercase

from interp.text.corrections import CORRECTED
from interp.text.option_numbers import chosen_by_number, may_be_a_number
from interp.text.option_places import (
    end_with_text,
    is_dismissed,
    is_listed,
    letter_at,
    letters_of,
    standing_letters,
    text_at,
    texts_of,
)
from interp.text.option_texts import Chosen
from interp.text.option_words import (
    AFFIRMED,
    ANNOUNCED,
    BARE,
    CLOSED,
    CONCLUDED,
    ENDED,
    GAP,
    ITEM,
    MARKED,
    NEXT_QUESTION,
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
    first = letter_at(options, text, begin)
    walked = first is not None and _walked(text, first)
    if first is not None and not walked:
        line = text[: text.find("\n", first.span[1])] if "\n" in text[first.span[1] :] else text
        later = _after(ANNOUNCED, options, line, first.span[1]) or _after(TAGGED, options, text, first.span[1])
        return later[-1] if later else _after_a_colon(options, text, first) or first
    begun = None if walked else text_at(options, text, begin)
    if begun is not None and re.match(r"[\s.!*]*(?:\n|$)", text[begun.span[1] :]):
        return begun
    announced = _after(ANNOUNCED, options, text)
    if announced:
        return announced[-1]
    texts, marked, bare = texts_of(options, text), letters_of(options, text, MARKED), letters_of(options, text, BARE)
    affirmed = [one for one in (*texts, *marked, *bare) if AFFIRMED.match(text, end_with_text(options, text, one))]
    for said in (affirmed, _after(CONCLUDED, options, text)):
        if said:
            return max(said, key=lambda one: one.span)
    if begun is not None and not _told_in_turn(text, texts):
        return begun
    if texts or marked:
        return _only(sorted((*texts, *marked), key=lambda one: one.span))
    others = [place for place in standing_letters(options, text) if not is_listed(options, text, place)]
    named = {place for place in others if not is_dismissed(text, place, place + 1)}
    if not bare and not others:
        return chosen_by_number(options, text)
    return _only(bare) if {text[place] for place in named} <= {text[slice(*one.span)] for one in bare} else None


def _corrected(options: Sequence[str], text: str, found: Chosen) -> Chosen | None:
    """The last letter or text that follows directly on such a correction."""
    for match in reversed(list(CORRECTED.finditer(text, found.span[1]))):
        named = letter_at(options, text, match.end()) or text_at(options, text, match.end())
        said = named is not None and (ENDED.match(text, named.span[1]) or CLOSED.match(text, named.span[1]))
        if named is not None and (said or AFFIRMED.match(text, named.span[1])):
            return named
    return None


def names_an_option(options: Sequence[str], completion: str) -> bool:
    """Whether an option is named at all, though it be denied or one of several, or by a number that is not read."""
    text = _prepared(completion)
    named = standing_letters(options, text) or texts_of(options, text, dismissed=True)
    return bool(named) or may_be_a_number(options, text)


def _prepared(completion: str) -> str:
    """As long as before: wide letters and brackets as others, NUL as a line break, up to the next question."""
    text = completion.replace("\0", "\n").translate(_WIDE)
    begin = len(text) - len(text.lstrip())
    end = NEXT_QUESTION.search(text, begin)
    return text[: end.start("end")] if end else text


def _only(found: Sequence[Chosen]) -> Chosen | None:
    return found[0] if len({one.options for one in found}) == 1 else None


def _after(cue: re.Pattern[str], options: Sequence[str], text: str, begin: int = 0) -> list[Chosen]:
    """What stands after such a cue, unless it is denied, supposed, or the first of a list."""
    named = (
        letter_at(options, text, match.end()) or text_at(options, text, match.end())
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
    gap = takewhile(lambda char: not (char.isalnum() or char == "_"), reversed(text[: second.span[0]]))
    return any(char in ".;!?\n" for char in gap)


def _after_a_colon(options: Sequence[str], text: str, found: Chosen) -> Chosen | None:
    """`A: Paris` and `A: B` repeat the prompt's "A:": what follows is the answer, unless it is option A's own text."""
    after = re.compile(r"\s*:").match(text, found.span[1])
    if found.options != {0} or after is None:
        return None
    line = text[: text.find("\n", after.end())] if "\n" in text[after.end() :] else text
    named = letter_at(options, line, after.end()) or text_at(options, line, after.end())
    named = named or next(reversed(_after(ANNOUNCED, options, line, after.end())), None)
    return None if named is None or named.options == found.options else named
