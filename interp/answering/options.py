"""Multiple choice: how the options stand in a prompt, and which of them a completion chooses, blind to the key."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from string import Formatter, ascii_uppercase

from interp.answering.matching import CandidateFinder, fold
from interp.data.rows import QARow
from interp.errors import DataError

Span = tuple[int, int]
"""Characters `[begin, end)`."""

TEMPLATE = "{question}\n{options}\nAnswer:"
"""The prompt of a row with options, where no other is given; its context, if it has one, stands before it."""

RULES = ("contains", "normalised", "choice", "label")
"""Rules of correctness that ask, of a row with options, which of them the completion chooses."""


# In a prompt ----------------------------------------------------------------------------------------------------------


def lettered(options: Sequence[str]) -> str:
    """The options as lines: `A. …`, `B. …`."""
    return "\n".join(f"{letter}. {option}" for letter, option in zip(ascii_uppercase, options, strict=False))


def shown_question(row: QARow) -> str:
    """The question with its options, if it has any."""
    return f"{row.question}\n{lettered(row.options)}" if row.options else row.question


def accepted(row: QARow) -> tuple[str, ...]:
    """The accepted answers as a judge is told them: `B. Paris`."""
    letters = zip(ascii_uppercase, row.options, strict=False)
    shown = tuple(f"{letter}. {option}" for letter, option in letters if letter in row.right_letters)
    return shown or row.answers


def filled(template: str | None, row: QARow) -> str:
    """The template with the row's fields; options follow the question where it does not name `{options}`.

    Raises DataError for a field that the row lacks.
    """
    if template is None:
        template = TEMPLATE if row.options else "{question}"
        template = "{context}\n\n" + template if row.options and row.context is not None else template
    names = {name for _, name, _, _ in Formatter().parse(template)}
    for name, value in (("context", row.context), ("options", row.options or None)):
        if name in names and value is None:
            raise DataError(
                f"{row.source or row.id}: the prompt template names {{{name}}}, but the row has no `{name}`"
            )
    question = row.question if "options" in names else shown_question(row)
    return template.format(question=question, context=row.context, options=lettered(row.options))


# In a completion ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Chosen:
    """The option that a completion chooses, by its letter or its text."""

    options: frozenset[int]
    """Its index; of several options with the same text, all of theirs."""
    span: Span
    """The letter, or the option's text."""


_OPEN = re.compile(r"(?:[\s*_`'\"“„‘(\[{$（【「]|<\w+>|\\(?:boxed|text|textbf|mathrm|mathbf)\b)*")
_ANNOUNCED = re.compile(
    r"""
    (?: \b (?:answer|choice|option|response) \b [\s*_]*
        (?: (?:to|for) \s+ (?:this|the) \s+ question \s+ )?
        (?: \b(?:is|was|would\ be|should\ be|must\ be)\b [\s*_]* [:：]? | [:：=] )
      | (?<!not\s) (?<!n['’]t\s) \b (?:choose|chose|pick|picked|select|selected|go\ with|going\ with|opt\ for) \b
      | 答案 (?:是|为|為|选)? [:：]? )
    \s* (?: (?:therefore|thus|clearly|probably|likely|most\ likely|definitely|indeed) \b ,? \s* )?
    (?: (?:the\s+)? (?:correct\s+)? (?:option|choice|letter|answer) \b [\s:]* )?
    """,
    re.IGNORECASE | re.VERBOSE,
)
_MARKED = re.compile(
    r"""
    (?: \( | \[ | \{ | （ | 【 | \*\* | __ | ` | (?:^|\n)[ \t]* | \b(?:option|choice|answer|letter)\s+[(*"'“]* )
    (?P<letter>[A-Z])
    """,
    re.VERBOSE | re.IGNORECASE,
)
_BARE = re.compile(r"(?<![A-Za-z0-9])(?P<letter>[A-Z])(?![A-Za-z0-9])")
_DENIED = re.compile(r"[\s)\].:*]*(?:is|are|was|would be)(?:n['’]t|\s+(?:not|wrong|incorrect|false)\b)", re.IGNORECASE)
_AFFIRMED = re.compile(
    r"\s+(?:(?:is|would be)\s+(?:the\s+)?(?:correct|right|best|true|answer)\b|because\b|since\b)", re.IGNORECASE
)
_CLOSED = re.compile(r"[)\]}）】」$]|</|[*_`'\"”’]+(?!\w)|(?=[\u2e80-\u9fff])")
_ENDED = re.compile(r"[.:;,!?。．：；，、！？](?=$|[\s)\]}>*_`'\"”’）】」$])|\s+[-–—]+\s|\s*(?:$|\n|<[|/])")
_INSIDE = re.compile(
    r"[^\W\u2e80-\u9fff]['’-]?\Z|(?:\b(?i:not|neither|nor)|n['’]t)\s+[(*]*\Z"
    r"|\b[A-Z][)\]*]*\s*(?:,|/|&|and|or|nor)\s*[(\[*]*\Z"
)
"""Before a letter: a word of which it is a part (not in Chinese or Japanese), a denial, or another letter of a list."""
_MORE = re.compile(
    r"[)\]*]*\s*(?:,|/|&|\b(?:and|or|nor)\b)\s*(?:\b(?:and|or)\b)?\s*[(\[*]*(?P<letter>[A-Z])(?![\w'’])(?!\s+[a-z])"
)
_GAP = re.compile(r"[\s.:)\]*_–—-]*")
_ARTICLE = re.compile(r"(?:the|an?)\s+", re.IGNORECASE)
_ARTICLES = "AI"
"""Letters that are words too."""


def chosen(options: Sequence[str], completion: str) -> Chosen | None:
    """The option that the completion chooses; None: none, or several at once. The key is not seen.

    In this order: a letter with which the completion begins (`B`, `(B)`, `**B.**`, `B) Paris`; not the article of "A
    good look"); the first letter or text that is announced ("the answer is B", "Answer: Paris"); the earliest of texts
    (of two that begin together the longer) and marked letters (`(B)`, "option B"); the only other letter that stands
    alone. Definitions: options.
    """
    text = completion.replace("\0", "\n")
    begin = re.match(r"\s*", text)
    found = _letter_at(options, text, begin.end() if begin else 0)
    if found is not None and not _restated(options, text, found):
        return _after_a_colon(options, text, found) or found
    found = _announced(options, text)
    if found is not None:
        return found
    marked = (_letter(options, text, match.start("letter")) for match in _MARKED.finditer(text))
    both = [found for found in (_text(options, text), next((one for one in marked if one), None)) if found]
    if both:
        return min(both, key=lambda one: one.span)
    bare = [one for match in _BARE.finditer(text) if (one := _letter(options, text, match.start("letter")))]
    return bare[0] if len({one.options for one in bare}) == 1 else None


def is_right(row: QARow, completion: str) -> bool | None:
    """Whether the option chosen is accepted; a completion that chooses none is wrong."""
    if not row.right_letters:
        return None
    found = chosen(row.options, completion)
    return found is not None and any(ascii_uppercase[i] in row.right_letters for i in found.options)


def option_spans(row: QARow, completion: str) -> list[Span]:
    """Where the chosen option is named, as the exact answer; [] if none is."""
    found = chosen(row.options, completion)
    return [] if found is None else [found.span]


def _announced(options: Sequence[str], text: str, begin: int = 0) -> Chosen | None:
    named = (
        _letter_at(options, text, match.end()) or _text_at(options, text, match.end())
        for match in _ANNOUNCED.finditer(text, begin)
    )
    return next((found for found in named if found is not None), None)


def _restated(options: Sequence[str], text: str, found: Chosen) -> bool:
    """Whether the completion begins by writing out the options: `A. London⏎B. Paris`."""
    gap = _GAP.match(text, found.span[1])
    first = _text_at(options[:1], text, gap.end()) if gap and found.options == {0} else None
    after = re.compile(r"[\s.,;]*\(?B[.):]").match(text, first.span[1]) if first is not None else None
    return after is not None and _text_at(options[1:2], text, after.end()) is not None


def _after_a_colon(options: Sequence[str], text: str, found: Chosen) -> Chosen | None:
    """`A: Paris` and `A: B` repeat the prompt's "A:": what follows is the answer, unless it is option A's own text."""
    after = re.compile(r"\s*:").match(text, found.span[1])
    if found.options != {0} or after is None:
        return None
    line = text[: text.find("\n", after.end())] if "\n" in text[after.end() :] else text
    named = _letter_at(options, line, after.end()) or _text_at(options, line, after.end())
    named = named or _announced(options, line, after.end())
    return None if named is None or named.options == found.options else named


def _letter_at(options: Sequence[str], text: str, place: int) -> Chosen | None:
    """A letter that stands at this place, after what opens a bracket or a quotation there."""
    opened = _OPEN.match(text, place)
    return _letter(options, text, opened.end() if opened else place)


def _text_at(options: Sequence[str], text: str, place: int) -> Chosen | None:
    """An option's text that begins at this place, after brackets, quotations and an article of its sentence."""
    opened = _OPEN.match(text, place)
    place = opened.end() if opened else place
    article = _ARTICLE.match(text, place)
    reach = 4 * max(map(len, options)) + 8  # folding may shorten what stands there
    for begin in (place, *([article.end()] if article else ())):
        named = _text(options, text[begin : begin + reach])
        if named is not None and named.span[0] == 0:
            return Chosen(named.options, (begin, begin + named.span[1]))
    return None


def _text(options: Sequence[str], text: str) -> Chosen | None:
    named = [_forms(option) for option in options]
    spans = CandidateFinder(form for forms in named for form in forms).find(text)
    if not spans:
        return None
    said = fold(text[slice(*spans[0])]).text
    whole = frozenset(i for i, forms in enumerate(named) if fold(forms[0]).text == said)
    parts = frozenset(i for i, forms in enumerate(named) if said in {fold(form).text for form in forms})
    return Chosen(whole or parts, spans[0])


@lru_cache(maxsize=4096)
def _forms(option: str) -> tuple[str, ...]:
    """An option as it may be said: without its final full stop, and without its article too."""
    bare = option.strip().rstrip(".!?。").rstrip() or option.strip()
    return tuple(dict.fromkeys((bare, _ARTICLE.sub("", bare, count=1) if _ARTICLE.match(bare) else bare)))


def _letter(options: Sequence[str], text: str, place: int) -> Chosen | None:
    """The letter at this place, if what follows shows that it names an option."""
    letter = text[place : place + 1]
    index = ascii_uppercase.find(letter.upper()) if letter else -1
    if not 0 <= index < len(options) or _INSIDE.search(text[max(0, place - 12) : place]):
        return None
    after = place + 1
    closed = _CLOSED.match(text, after)
    gap = _GAP.match(text, after)
    own = _text_at([options[index]], text, gap.end()) if gap and gap.end() > after else None
    by_space = own is not None and text[after:].startswith(" ") and letter in _ARTICLES  # "A good look"
    named = closed or _ENDED.match(text, after) or (letter.isupper() and _AFFIRMED.match(text, after))
    if not (named or (own is not None and letter.isupper() and not by_space)):
        return None
    if letter.islower() and closed is None and not re.match(r"\s*(?:[.):]\s*)?(?:$|\n)", text[after:]):
        return None
    if _DENIED.match(text, after) or _another(options, text, after):
        return None
    return Chosen(frozenset({index}), (place, after))


def _another(options: Sequence[str], text: str, place: int) -> bool:
    """Whether one more letter follows at once, as in `A, C` or `A or B`: several options are no choice."""
    more = _MORE.match(text, place)
    return more is not None and ascii_uppercase.index(more["letter"]) < len(options)
