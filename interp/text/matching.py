"""Where accepted answers stand in a text: folded, on word boundaries, no part of a number, earliest then longest."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from interp.text.capitals import has_capitals, kept_capitals
from interp.text.comparable import Comparable, comparable, comparable_typography, loosen
from interp.text.numerals import cuts_a_number
from interp.text.scripts import may_begin, may_end
from interp.text.written_forms import written_forms

__all__ = ["CandidateFinder", "Comparable", "Found", "comparable"]

SHORTEST_LOOSE = 3
"""Characters that a candidate must have without accents and full stops to be found so; an acronym may be shorter."""


class _Forms(dict[str, dict[str, str | None]]):
    """Of each form as it is compared: the candidates it stands for, as `comparable` makes them, and their capitals."""

    @cached_property
    def longest(self) -> int:
        """Characters of the longest form."""
        return max(map(len, self), default=0)


@dataclass(frozen=True)
class Found:
    """The candidate that was found in a text."""

    candidate: str
    """As `comparable` makes it; of several that are written alike, the first in code-point order."""
    spans: list[tuple[int, int]]
    """The match, then its later occurrences."""
    loose: bool
    """Whether it was found only without accents, full stops of abbreviations or commas."""


class CandidateFinder:
    """Finds the earliest, then longest, match of a list of candidates; one list for all rows, blind to the label."""

    def __init__(self, candidates: Iterable[str]) -> None:
        self._exact, self._loose = _Forms(), _Forms()
        self._exact_of: dict[str, str] = {}
        for candidate in dict.fromkeys(candidate.strip() for candidate in candidates):
            key, capitals = comparable(candidate).text, kept_capitals(candidate)
            compared = comparable_typography(candidate)
            if not key:
                continue
            self._exact_of[key] = compared.text
            for form in written_forms(candidate):
                _add(self._exact, comparable_typography(form).text, key, capitals)
            loose = loosen(compared).text.strip()
            acronym = capitals is not None and capitals.isupper()
            if sum(map(str.isalnum, loose)) >= SHORTEST_LOOSE or (acronym and loose):
                _add(self._loose, loose, key, capitals)
        # Forms that differ from what is written are all that can be found in a text that loosening leaves as it is.
        self._only_loose = _Forms(
            {form: keys for form, keys in self._loose.items() if keys.keys() - self._exact.get(form, {}).keys()}
        )

    def find(self, text: str) -> list[tuple[int, int]]:
        """Character spans of the chosen candidate in `text`: the match, then its later occurrences; [] if none."""
        found = self.found(text)
        return [] if found is None else found.spans

    def found(self, text: str) -> Found | None:
        """The chosen candidate and where it stands; None if there is none."""
        searched = _Searched(text, comparable_typography(text))
        exact = next(searched.matches(self._exact), None)
        loosened, loose = self._first_loose(searched, exact)
        if loose is not None:
            places = loosened.matches(_Forms({loose.form: {loose.candidate: self._loose[loose.form][loose.candidate]}}))
            return Found(loose.candidate, [match.span for match in places], True)
        if exact is None:
            return None
        places = searched.matches(_Forms({exact.form: self._exact[exact.form]}))
        return Found(exact.candidate, [match.span for match in places], False)

    def __contains__(self, text: str) -> bool:
        """Whether any candidate matches in `text`."""
        searched = _Searched(text, comparable_typography(text))
        if next(searched.matches(self._exact), None) is not None:
            return True
        return self._first_loose(searched, None)[1] is not None

    def _first_loose(self, searched: "_Searched", exact: "_Match | None") -> "tuple[_Searched, _Match | None]":
        """The first loose match, if it is earlier than the exact one, or begins with it and is longer."""
        loosened = _Searched(searched.text, loosen(searched.compared))
        forms = self._only_loose if loosened.compared is searched.compared else self._loose
        for match in loosened.matches(forms):
            if exact is not None and (match.span[0], -match.span[1]) >= (exact.span[0], -exact.span[1]):
                break
            # A candidate that stands in the text as it is written is meant there.
            itself = _Forms({self._exact_of[match.candidate]: {match.candidate: forms[match.form][match.candidate]}})
            if next(searched.matches(itself), None) is None:
                return loosened, match
        return loosened, None


def _add(forms: _Forms, form: str, key: str, capitals: str | None) -> None:
    known = forms.setdefault(form, {})
    # Of two that differ in case only, one that stands in any case decides.
    known[key] = None if key in known and known[key] is None else capitals


@dataclass(frozen=True)
class _Match:
    form: str
    candidate: str
    span: tuple[int, int]
    """Characters of the text as it is written."""


@dataclass(frozen=True)
class _Searched:
    """A text as it is written and as it is compared."""

    text: str
    compared: Comparable

    def matches(self, forms: _Forms) -> Iterator[_Match]:
        """Earliest, then longest matches from left to right that do not overlap."""
        text, longest, free_from = self.compared.text, forms.longest, 0
        begins, ends = self._begins, self._ends
        for begin in begins:
            if begin < free_from:
                continue
            for end in reversed(ends[bisect_right(ends, begin) : bisect_right(ends, begin + longest)]):
                if (form := text[begin:end]) in forms and (match := self._match(form, begin, end, forms[form])):
                    yield match
                    free_from = end
                    break

    # Most characters stand inside a word: where a match may begin or end is looked up once, not per candidate.
    @cached_property
    def _begins(self) -> list[int]:
        text, edge = self.compared.text, self.compared.edge
        return [i for i in range(len(text)) if edge[i] and (i == 0 or may_begin(text[i - 1], text[i]))]

    @cached_property
    def _ends(self) -> list[int]:
        text, edge, n = self.compared.text, self.compared.edge, len(self.compared.text)
        return [i for i in range(1, n + 1) if edge[i] and (i == n or may_end(text[i - 1], text[i]))]

    def _match(self, form: str, begin: int, end: int, keys: Mapping[str, str | None]) -> _Match | None:
        """The match at this place, unless it lacks capitals or is only a part of a number."""
        span = self.compared.original(begin, end)
        said = self.text[slice(*span)]
        fitting = [key for key, capitals in keys.items() if capitals is None or has_capitals(capitals, said)]
        if not fitting or cuts_a_number(self.text, *span):
            return None
        return _Match(form, min(fitting), span)
