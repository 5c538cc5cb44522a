"""Where the texts of a question's options stand in a completion, in whatever form they are written."""

from dataclasses import dataclass
from functools import lru_cache

from interp.text.matching import CandidateFinder
from interp.text.option_words import ARTICLE
from interp.text.written_forms import option_forms

Span = tuple[int, int]
"""Characters `[begin, end)`."""


@dataclass(frozen=True)
class Chosen:
    """The option that a completion chooses, by its letter or its text."""

    options: frozenset[int]
    """Its index; of several options with the same text, all of theirs."""
    span: Span
    """The letter, or the option's text."""


def named_texts(options: tuple[str, ...], text: str) -> list[Chosen]:
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
    """An option as it may be said: without its final full stop or its article, its number in other ways."""
    bare = option.strip().rstrip(".!?。").rstrip() or option.strip()
    forms = [bare, ARTICLE.sub("", bare, count=1) if ARTICLE.match(bare) else bare]
    return tuple(dict.fromkeys(way for form in forms for way in option_forms(form)))
