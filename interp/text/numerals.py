"""Numbers as people and models write them in running text, with their values: `$1,234.50`, `-3`, `2½`, `3 × 10^5`."""

import math
import re
from dataclasses import dataclass, replace
from functools import lru_cache

from interp.text.factors import factor_after
from interp.text.scripts import without_unspaced
from interp.text.spelling import VULGAR, spell_out

CURRENCIES = "$£¥฿₠-₿￡￥＄"
"""Currency signs, for a class of characters."""

_CODES = (
    "EUR|USD|GBP|CHF|JPY|CNY|RMB|INR|KRW|AUD|CAD|NZD|HKD|SGD|TWD|SEK|NOK|DKK|PLN|CZK|HUF|RUB|TRY|BRL|MXN|ZAR"
    "|Rs|kr|Kč|zł|RM|Fr"
)

_NUMBER = re.compile(
    r"""
    (?<![^\W_]) (?<!\d\.)                          # not inside a word (H2O) or a number (1.2.3)
    (?P<sign>(?<![\w)])[-−–+])?                    # no range (5-7), no hyphen (COVID-19)
    (?P<currency>[SIGNS]|(?:CODES)\.?(?=[\d.]))? (?P<late_sign>(?<=[SIGNS])[-−+])?
    (?P<core>
        (?<!\d/) (?:(?P<whole>\d+)[ ]+)? (?P<over>\d+) [/⁄] (?P<under>\d+) (?![/\d])    # 3/4, 1 1/2; no date
      | (?P<comma>                                 # 1.234,56 and 1 234,56, and 1.234.567
            (?: \d{1,3}(?:\.\d{3})+ | (?<!\d[ ])\d{1,3}(?:(?P<blank>[ '’\u00a0\u2009\u202f])\d{3}(?:(?P=blank)\d{3})*) )
            ,\d+ (?![.,]?\d)
          | \d{1,3}(?:\.\d{3}){2,} (?![.,]?\d)
        )
      | (?P<digits>
            (?:
                \d{1,3}(?P<group>[,，٬'’_\u00a0\u2009\u202f])\d{3}(?:(?P=group)\d{3})*(?!\d)
              | \d{1,2}(?:,\d{2})+,\d{3}(?!\d)                    # 1,00,000
              | (?<!\d[ ])\d{1,3}(?:[ ]\d{3})+(?![ ]?\d|[-–]\w)   # 5 000; no list
              | \d+
            )
            (?:[.٫]\d+)?
          | (?<!\.)\.\d+
        )
        (?: (?P<power>[eE][-+]?\d+(?![^\W_]))
          | [ ]?[×x·⋅*][ ]?10(?:\^|\*\*)[{(]?(?P<ten>[-−+]?\d+)[)}]?     # 3 × 10^5
          | \^[{(]?(?P<exponent>[-−+]?\d+)[)}]?                   # 10^{-3}
        )?
    )
    (?P<percent>[ \u00a0\u202f]?[%％] | [ ]per[ ]?cent\b)?
    """.replace("SIGNS", CURRENCIES).replace("CODES", _CODES),
    re.VERBOSE,
)

# What makes a number part of something that is not read: 12,34 (a decimal or two numbers?), 1.2.3, 3/4/2020, 12:30,
# 2√3, x^2, 18±3, log(5); a sign in words or apart from its number; a year, month or hour before it.
_BEFORE = re.compile(
    r"""(?:
        \d[.,٫/⁄:'’] | \d[年月日時时点點분시년월일][ ]? | \^[{(]?\s* | [\w}]_\{?\s*
      | (?:√ | [±∓] | \\(?:pm|mp|over|ln|l?log|lg|exp|sin|cos|tan|binom|sqrt(?:\[[^]]*\])?)(?![a-z]) )\s*[{(]?\s*
      | (?<![^\W_])(?:(?:sqrt|log|ln|exp|sin|cos|tan|abs)\s*\(?\s*|[a-z]\()
      | (?<![^\W_])(?:minus|negative|moins|menos|negativ)\s+ | (?:[负負] | 마이너스 | マイナス)\s*
      | \b(?:half|third|quarter|root|square|cube)\s+of\s+
      | (?<![-−])[-−](?:\s+|\() | [^\W\d_][-–]                     # COVID-19
    )[SIGNS]?$""".replace("SIGNS", CURRENCIES),
    re.VERBOSE | re.IGNORECASE,
)
_AFTER = re.compile(
    r"""
    [.,٫/⁄:'’]\d | [^\W\d_]{1,2}\d | [xyzn](?![^\W_]) | [⁺⁻⁰¹²³⁴-⁹] | !\$ | \s+(?:squared|cubed|factorial|choose|mod)\b
  | \s*(?: \^ | √ | π | [±∓] | \\(?:sqrt|pi|pm|mp|over)(?![a-z]) )
    """,
    re.VERBOSE,
)
_UNREAD = re.compile(r"\\(?:[dtcs]?|nice)frac\s*(?:\{(?:[^{}]|\{[^{}]*\})*\}\s*){2}")  # \frac{\sqrt{3}}{2}


@dataclass(frozen=True)
class Numeral:
    """A number in a text."""

    value: float
    """As written: 50 for `50 %`; NaN for a division by zero."""
    percent: bool
    start: int
    end: int
    core: tuple[int, int] = (0, 0)
    """Without currency, percent sign and factor: characters of which none can be taken without changing the value."""
    doubtful: bool = False
    """Whether it touches what is not read (`12,34`, `1.2.3`, `2√3`), and so may be part of another number."""

    @property
    def is_read(self) -> bool:
        """Whether its value is known to be meant."""
        return not self.doubtful and math.isfinite(self.value)


def numerals(text: str) -> list[Numeral]:
    r"""All numbers of a text, in order.

    Read are thousands grouped by a comma, an apostrophe, a thin or a plain space (`1,234`, `1'234`, `1 234`), by full
    stops where a comma or another group follows (`1.234,56`, `1.234.567`) and as in India (`1,00,000`); signs,
    currencies (`$5`, `EUR5`), fractions (`3/4`, `1 1/2`, `½`), powers (`1e6`, `3 × 10^5`, `10⁻³`), factors
    (`1.5 million`, `8万`), and LaTeX for all of these (`\frac{3}{4}`, `9{,}500`). No letter may touch a number before
    it, but of scripts without spaces and Hangul (`答案是18`). Any other comma ends the number. A number ending in a
    percent sign keeps its written value. Number words ("nine") are not read.
    """
    return [number for number in all_numerals(text) if not math.isnan(number.value)]


@lru_cache(maxsize=64)
def all_numerals(text: str) -> tuple[Numeral, ...]:
    """The same with those that have no value (`7/0`)."""
    spelled = spell_out(text)
    plain = without_unspaced(spelled.text)
    unread = [match.span() for match in _UNREAD.finditer(spelled.text)]
    found: list[Numeral] = []
    after_factor = -1
    for match in _NUMBER.finditer(plain):
        first, last = match.span("core")
        if match["sign"] or match["late_sign"]:
            first = match.start("sign") if match["sign"] else match.start("late_sign")
        factor, end = factor_after(spelled.text, match.end(), currency=match["currency"] is not None)
        doubtful = (
            _BEFORE.search(spelled.text, max(0, first - 16), first) is not None
            or _AFTER.match(plain, match.end()) is not None
            or any(begin <= first < end for begin, end in unread)
        )
        if after_factor >= 0 and spelled.text[after_factor : match.start()].strip() in ("", "and"):
            found[-1], doubtful = replace(found[-1], doubtful=True), True  # 3万5000, 2 million 500 thousand
        after_factor = end if end > match.end() else -1
        place, core = spelled.original(*match.span()), spelled.original(first, last)
        if _is_mathematics(text, place, core):
            place = core[0], place[1]
        if end > match.end():
            place = place[0], spelled.original(match.start(), end)[1]
        found.append(Numeral(_value(match) * factor, match["percent"] is not None, *place, core, doubtful))
    return tuple(found)


def _is_mathematics(text: str, place: tuple[int, int], core: tuple[int, int]) -> bool:
    r"""Whether the dollar sign before a number only opens a formula: `$18$`, `$\frac{3}{4}$`."""
    opens = text[place[0]] == "$" and place[0] < core[0]
    return opens and (text.startswith("$", place[1]) or text.startswith("\\", core[0]))


def _value(match: re.Match[str]) -> float:
    try:
        if match["over"] is not None:
            size = float(match["whole"] or 0) + float(match["over"]) / float(match["under"])
        elif match["comma"] is not None:
            size = float(re.sub(r"[^\d,]", "", match["comma"]).replace(",", "."))
        else:
            power = match["power"] or ("" if match["ten"] is None else "e" + match["ten"].replace("−", "-"))
            size = float(re.sub(r"[^\d.]", "", match["digits"].replace("٫", ".")) + power)
            if match["exponent"] is not None:
                size **= float(match["exponent"].replace("−", "-"))
    except (ZeroDivisionError, OverflowError):
        return float("nan")
    return -size if (match["sign"] or match["late_sign"] or "+") != "+" else size


# A number that is written in a way that is not read has parts too: v1.5, 3,14159, 1.2.3, COVID-19, x^2.
_PART_BEFORE = re.compile(
    rf"""
    (?: \d(?:[.,:٫٬/⁄'’_] | \{{[,.]\}}) | (?<![\w)])[-−–+±][{CURRENCIES}]?[-−+]? | [^\W\d{VULGAR}][-‐‑] | \^[{{(]? )$
    """,
    re.VERBOSE,
)
_PART_AFTER = re.compile(r"(?: [.,:٫٬/⁄'’_] | \{[,.]\} )\d | \^ | [⁰¹²³⁴-⁹]", re.VERBOSE)
# Whose year may be named: 7/4/1776, 4.7.1776, 1776/07/04, 1945/46.
_DATED = re.compile(
    r"""
    (?<![\d/.]) (?: \d{1,2}(?P<mark>[/.])\d{1,2}(?P=mark)(?P<last>\d{4}) | (?P<first>\d{4})/(?P<next>\d\d)(?:/\d\d)? )
    (?![/\d]|\.\d)
    """,
    re.VERBOSE,
)
_SUPERSCRIPT = re.compile("[⁰¹²³⁴-⁹]")  # NFKC makes 105 of 10⁵


def cuts_a_number(text: str, begin: int, end: int) -> bool:
    """Whether `[begin, end)` begins or ends inside a number of the text: `5` of `1.5`, `-5`, `5,000`, `5/2`, `5½`.

    Currency and percent sign are units, not parts: `5` stands in `$5` and in `5 %`; and in the range `5-7` stand both.
    So does the year in a date and in a season (`7/4/1776`, `1945/46`).
    """
    first, last = text[begin].isnumeric(), text[end - 1].isnumeric()
    if not (first or last) or (begin, end) in _years(text):
        return False
    if first and (_PART_BEFORE.search(text, max(0, begin - 8), begin) or _SUPERSCRIPT.search(text, begin, end)):
        return True
    if last and _PART_AFTER.match(text, end):
        return True
    cores = (number.core for number in all_numerals(text))
    return any(low < begin < high or low < end < high for low, high in cores)


@lru_cache(maxsize=64)
def _years(text: str) -> tuple[tuple[int, int], ...]:
    """Where the years of dates stand, and the first year of seasons."""
    return tuple(
        match.span("last" if match["last"] else "first")
        for match in _DATED.finditer(text)
        if match["last"] or match.end() > match.end("next") or (int(match["first"]) + 1) % 100 == int(match["next"])
    )


def same_number(said: Numeral, accepted: Numeral, *, tolerance: float) -> bool:
    """Whether two numbers are equal within a relative tolerance.

    Where only one of them carries a percent sign, 50 % equals both 50 and 0.5.
    """

    def close(first: float, second: float) -> bool:
        return abs(first - second) <= tolerance * max(abs(first), abs(second))

    shares = (said.value / (100 if said.percent else 1), accepted.value / (100 if accepted.percent else 1))
    return close(said.value, accepted.value) or close(*shares)
