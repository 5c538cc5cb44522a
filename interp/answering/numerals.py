"""Numbers as people and models write them in running text, with their values: `$1,234.50`, `-3`, `2½`, `3 × 10^5`."""

import math
import re
from dataclasses import dataclass
from functools import lru_cache

from interp.answering.spelling import VULGAR, spell_out

_NUMBER = re.compile(
    r"""
    (?<![^\W_]) (?<!\d\.)                          # not inside a word (H2O) or a number (1.2.3)
    (?P<sign>(?<![\w)])[-−–+])?                    # no range (5-7), no hyphen (COVID-19)
    (?P<currency>[$€£¥])? (?P<late_sign>(?<=[$€£¥])[-−+])?
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
          | [ ]?[×x·⋅*][ ]?10\^[{(]?(?P<ten>[-−+]?\d+)[)}]?       # 3 × 10^5
          | \^[{(]?(?P<exponent>[-−+]?\d+)[)}]?                   # 10^{-3}
        )?
    )
    (?P<percent>[ \u00a0\u202f]?[%％] | [ ]per[ ]?cent\b)?
    """,
    re.VERBOSE,
)

# What makes a number part of something that is not read: 12,34 (a decimal or two numbers?), 1.2.3, 3/4/2020, 2√3, x^2.
_BEFORE = re.compile(r"(?: \d[.,٫/⁄] | (?:√|\\sqrt(?:\[[^]]*\])?)\s*\{?\s* | \^[{(]?\s* | [\w}]_\{?\s* )$", re.VERBOSE)
_AFTER = re.compile(r"[.,٫/⁄]\d | \s*(?: \^ | √ | π | \\sqrt | \\pi\b )", re.VERBOSE)
_UNREAD = re.compile(r"\\[dtc]?frac\s*(?:\{(?:[^{}]|\{[^{}]*\})*\}\s*){2}")  # \frac{\sqrt{3}}{2}


@dataclass(frozen=True)
class Numeral:
    """A number in a text."""

    value: float
    """As written: 50 for `50 %`; NaN for a division by zero."""
    percent: bool
    start: int
    end: int
    core: tuple[int, int] = (0, 0)
    """Without currency and percent sign: the characters of which none can be taken without changing the value."""
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
    currencies, fractions (`3/4`, `1 1/2`, `½`), powers (`1e6`, `3 × 10^5`, `10⁻³`), and LaTeX for all of these
    (`\frac{3}{4}`, `9{,}500`). Any other comma ends the number. A number ending in a percent sign keeps its written
    value. Number words ("nine") are not read.
    """
    return [number for number in all_numerals(text) if not math.isnan(number.value)]


@lru_cache(maxsize=64)
def all_numerals(text: str) -> tuple[Numeral, ...]:
    """The same with those that have no value (`7/0`)."""
    spelled = spell_out(text)
    unread = [match.span() for match in _UNREAD.finditer(spelled.text)]
    found = []
    for match in _NUMBER.finditer(spelled.text):
        first, last = match.span("core")
        if match["sign"] or match["late_sign"]:
            first = match.start("sign") if match["sign"] else match.start("late_sign")
        doubtful = (
            _BEFORE.search(spelled.text, max(0, first - 16), first) is not None
            or _AFTER.match(spelled.text, match.end()) is not None
            or any(begin <= first < end for begin, end in unread)
        )
        place, core = spelled.original(*match.span()), spelled.original(first, last)
        if _is_mathematics(text, place, core):
            place = core[0], place[1]
        found.append(Numeral(_value(match), match["percent"] is not None, *place, core, doubtful))
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
    rf"(?: \d(?:[.,٫٬/⁄'’_] | \{{[,.]\}}) | (?<![\w)])[-−–+±][$€£¥]?[-−+]? | [^\W\d{VULGAR}][-‐‑] | \^[{{(]? )$",
    re.VERBOSE,
)
_PART_AFTER = re.compile(r"(?: [.,٫٬/⁄'’_] | \{[,.]\} )\d | \^ | [⁰¹²³⁴-⁹]", re.VERBOSE)
_SUPERSCRIPT = re.compile("[⁰¹²³⁴-⁹]")  # NFKC makes 105 of 10⁵


def cuts_a_number(text: str, begin: int, end: int) -> bool:
    """Whether `[begin, end)` begins or ends inside a number of the text: `5` of `1.5`, `-5`, `5,000`, `5/2`, `5½`.

    Currency and percent sign are units, not parts: `5` stands in `$5` and in `5 %`; and in the range `5-7` stand both.
    """
    first, last = text[begin].isnumeric(), text[end - 1].isnumeric()
    if not (first or last):
        return False
    if first and (_PART_BEFORE.search(text, max(0, begin - 8), begin) or _SUPERSCRIPT.search(text, begin, end)):
        return True
    if last and _PART_AFTER.match(text, end):
        return True
    cores = (number.core for number in all_numerals(text))
    return any(low < begin < high or low < end < high for low, high in cores)


def same_number(said: Numeral, accepted: Numeral, *, tolerance: float) -> bool:
    """Whether two numbers are equal within a relative tolerance.

    Where only one of them carries a percent sign, 50 % equals both 50 and 0.5.
    """

    def close(first: float, second: float) -> bool:
        return abs(first - second) <= tolerance * max(abs(first), abs(second))

    shares = (said.value / (100 if said.percent else 1), accepted.value / (100 if accepted.percent else 1))
    return close(said.value, accepted.value) or close(*shares)
