r"""Other ways to write the number in an answer: `1,000` as `1000`, `20%` as `20 %`, `1/2` as `\frac{1}{2}`."""

import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache

from interp.text.spelling import VULGAR

_APART = r"(?<![\w.,/:'’-])(?:{})(?![\w/:'’-]|[.,]\d|\.\w)"
_WHOLE = re.compile(_APART.replace("{}", r"\d{1,3}(?:,\d{3})+|\d{1,3}(?:[ \u00a0\u2009\u202f]\d{3})+|[1-9]\d{3,14}"))
_FRACTION = re.compile(_APART.replace("{}", r"(\d{1,6})[/⁄](\d{1,6})") + f"|[{VULGAR}]")
_IN_LATEX = re.compile(r"\$?\\[dt]?frac\s*(?:\{(\d{1,6})\}|(\d))\s*(?:\{(\d{1,6})\}|(\d))\$?")
_PERCENT = re.compile(r"(?<=\d)(?:[ \u00a0\u202f]?(?:\\?%|％)|[ ]per[ ]?cent\b)", re.IGNORECASE)


@lru_cache(maxsize=2**16)
def written_forms(answer: str) -> tuple[str, ...]:
    """The answer, then the other ways to write its fraction or its per cent; alone, if it holds none, or several."""
    return _forms(answer, _RULES)


@lru_cache(maxsize=4096)
def option_forms(option: str) -> tuple[str, ...]:
    """The same with the thousands of a whole number grouped in other ways: an option is read as what it means."""
    return _forms(option, (*_RULES, (_WHOLE, _grouped)))


def _forms(answer: str, rules: "tuple[_Rule, ...]") -> tuple[str, ...]:
    forms = [answer]
    for rule, ways in rules:
        found = list(rule.finditer(answer))
        if len(found) == 1:
            begin, end = found[0].span()
            forms += [f"{answer[:begin]}{way}{answer[end:]}" for way in ways(found[0])]
    return tuple(dict.fromkeys(forms))


def _grouped(match: re.Match[str]) -> list[str]:
    digits = re.sub(r"\D", "", match[0])
    return [digits, *(f"{int(digits):,}".replace(",", mark) for mark in (",", " ", "'", "{,}", r"\,"))]


def _fractions(match: re.Match[str]) -> list[str]:
    said = [group for group in match.groups() if group] or unicodedata.normalize("NFKC", match[0]).split("\u2044")
    if not all(said):  # ⅟ is an opened fraction
        return []
    over, under = said
    latex = [rf"\{name}{{{over}}}{{{under}}}" for name in ("frac", "dfrac", "tfrac")]
    short = [rf"\{name}{over}{under}" for name in ("frac", "dfrac", "tfrac")] if len(over + under) == 2 else []
    return [f"{over}/{under}", f"{over}\u2044{under}", *latex, *short]  # ½ is compared as 1⁄2


def _per_cent(match: re.Match[str]) -> list[str]:
    return ["%", " %", r"\%", " percent", " per cent"]


_Rule = tuple[re.Pattern[str], Callable[[re.Match[str]], list[str]]]
_RULES: tuple[_Rule, ...] = ((_FRACTION, _fractions), (_IN_LATEX, _fractions), (_PERCENT, _per_cent))
