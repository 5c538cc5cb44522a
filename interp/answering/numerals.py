"""Numbers as people write them in running text, with their values: `$1,234.50`, `-3`, `2½`, `3/4`, `50 %`, `1e6`."""

import re
import unicodedata
from dataclasses import dataclass

_NUMBER = re.compile(
    r"""
    (?<![^\W_]) (?<!\d\.)                          # not inside a word (H2O) or a number (1.2.3)
    (?P<sign>(?<![\w)])[-−+])?                     # no range (5-7), no hyphen (COVID-19)
    (?: [$€£¥] (?P<late_sign>[-−+])? )?
    (?:
        (?<!\d/) (?:(?P<whole>\d+)[ ])? (?P<over>\d+) [/⁄] (?P<under>\d+) (?![/\d])    # 3/4, 1 1/2; no date
      | (?P<digits>
            (?: \d{1,3}(?:[,\u00a0\u2009\u202f]\d{3})+(?!\d) | \d+ ) (?:\.\d+)?
          | (?<!\.)\.\d+
        )
        (?P<power>[eE][-+]?\d+(?![^\W_]))?
    )
    (?P<percent>[ \u00a0\u202f]?[%％] | [ ]per[ ]?cent\b)?
    """,
    re.VERBOSE,
)


@dataclass(frozen=True)
class Numeral:
    """A number in a text."""

    value: float
    """As written: 50 for `50 %`."""
    percent: bool
    start: int
    end: int


def numerals(text: str) -> list[Numeral]:
    """All numbers of a text, in order.

    A comma (or narrow space) before exactly three digits groups thousands; any other comma ends the number. A number
    ending in a percent sign keeps its written value. Number words ("nine") are not read.
    """
    found = []
    spelled, origin = _spell_fractions(text)
    for match in _NUMBER.finditer(spelled):
        if match["over"] is None:
            size = float(re.sub("[,\u00a0\u2009\u202f]", "", match["digits"]) + (match["power"] or ""))
        elif float(match["under"]) == 0:
            continue
        else:
            size = float(match["whole"] or 0) + float(match["over"]) / float(match["under"])
        negative = (match["sign"] or match["late_sign"] or "+") != "+"
        start, end = origin[match.start()], origin[match.end() - 1] + 1
        found.append(Numeral(-size if negative else size, match["percent"] is not None, start, end))
    return found


def _spell_fractions(text: str) -> tuple[str, list[int]]:
    """`2½` as `2 1⁄2 `, and for each new character the place it came from."""
    spelled: list[str] = []
    origin: list[int] = []
    for i, char in enumerate(text):
        piece = char
        if "2044" in unicodedata.decomposition(char).split():  # the fraction slash
            alone = i == 0 or text[i - 1] in "-−+$€£¥"
            piece = ("" if alone else " ") + unicodedata.normalize("NFKC", char) + " "
        spelled.append(piece)
        origin += [i] * len(piece)
    return "".join(spelled), origin


def same_number(said: Numeral, accepted: Numeral, *, tolerance: float) -> bool:
    """Whether two numbers are equal within a relative tolerance.

    Where only one of them carries a percent sign, 50 % equals both 50 and 0.5.
    """

    def close(first: float, second: float) -> bool:
        return abs(first - second) <= tolerance * max(abs(first), abs(second))

    shares = (said.value / (100 if said.percent else 1), accepted.value / (100 if accepted.percent else 1))
    return close(said.value, accepted.value) or close(*shares)
