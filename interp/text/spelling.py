r"""Numbers in LaTeX and in characters of their own (`\frac{3}{4}`, `9{,}500`, `½`, `10⁵`) spelled out as plain text."""

import re
import unicodedata
from dataclasses import dataclass

VULGAR = "".join(
    char for char in map(chr, range(0x2200)) if "2044" in unicodedata.decomposition(char).split()
)  # ½ and its like: characters that Unicode takes apart into digits around a fraction slash
_SUPERSCRIPT = {"\u207a": "+", "\u207b": "-"} | {char: unicodedata.normalize("NFKC", char) for char in "⁰¹²³⁴⁵⁶⁷⁸⁹"}

_SPECIAL = re.compile(
    r"""
    \\(?:[dtcs]?|nice)frac \s* (?: \{\s*(?P<over>[-−]?WHOLE)\s*\} | (?P<digit_over>\d) )
                 \s* (?: \{\s*(?P<under>WHOLE)\s*\} | (?P<digit_under>\d) )
  | (?P<vulgar>[ANY_VULGAR])
  | (?<=\d) (?: \{(?P<mark>[,.])\} | (?P<space>\\[,;:\ ]|\\thinspace(?![a-zA-Z])\ ?|~) ) (?=(?:\\!)?\d)
  | (?P<times>\\(?:times|cdot)(?![a-zA-Z]))
  | (?P<degree>\^\s*(?:\{\s*\\circ\s*\}|\\circ(?![a-zA-Z])))
  | (?<=10) (?P<power>[⁺⁻]?[⁰¹²³⁴-⁹]+)
  | \\(?P<escaped>[$%])
  | (?P<nothing>\\!)
    """.replace("ANY_VULGAR", VULGAR).replace("WHOLE", r"\d(?:\d|,|\{,\}|\\[,!])*"),
    re.VERBOSE,
)

_ALIKE = str.maketrans(
    dict.fromkeys("\u2010\u2011\ufe63\uff0d", "-")
    | dict.fromkeys("\ufe62\uff0b", "+")
    | dict.fromkeys("\u2217\uff0a", "*")
    | dict.fromkeys("\u2215\uff0f", "/")
    | dict.fromkeys("\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u200a\u205f", "\u2009")
    | {"\u2219": "·", "\u3000": " "}
)
"""Signs and blanks that look like one of those by which numbers are read."""


@dataclass(frozen=True)
class Spelled:
    """A text with its numbers in plain characters, and the way back."""

    text: str
    begin: list[int]
    """For each character, where the original characters it stands for begin."""
    end: list[int]
    """And where they end."""

    def original(self, start: int, stop: int) -> tuple[int, int]:
        """The original characters behind `[start, stop)`, which is not empty."""
        return self.begin[start], self.end[stop - 1]


def spell_out(text: str) -> Spelled:
    r"""`2½` as `2 1⁄2`, `\dfrac{3}{4}` as `3⁄4`, `9{,}500` as `9,500`, `1\,234` with a thin space, `10⁵` as `10^5`.

    Signs and blanks that look alike (U+2011, U+2007) become one. A fraction of anything but plain numbers is left as it
    stands.
    """
    pieces: list[str] = []
    begin: list[int] = []
    end: list[int] = []
    at = 0
    for match in _SPECIAL.finditer(text):
        pieces.append(text[at : match.start()])
        begin += range(at, match.start())
        end += range(at + 1, match.start() + 1)
        piece = _plain(match, text)
        pieces.append(piece)
        begin += [match.start()] * len(piece)
        end += [match.end()] * len(piece)
        at = match.end()
    pieces.append(text[at:])
    begin += range(at, len(text))
    end += range(at + 1, len(text) + 1)
    return Spelled("".join(pieces).translate(_ALIKE), begin, end)


def _plain(match: re.Match[str], text: str) -> str:
    kind = match.lastgroup
    if kind in ("under", "digit_under", "vulgar"):
        if kind == "vulgar":
            fraction = unicodedata.normalize("NFKC", match[0])
        else:
            over, under = (_digits(match[name] or match[f"digit_{name}"]) for name in ("over", "under"))
            if over is None or under is None:
                return match[0]
            fraction = f"{over}⁄{under}"
        # A blank parts it from a whole number before it and from what follows; a sign before it, or a dash after it,
        # touches it.
        touches = match.start() == 0 or text[match.start() - 1] in "-−+–±$€£¥ "
        parted = not text.startswith(("-", "−", "–"), match.end())
        return ("" if touches else " ") + fraction + (" " if parted else "")
    if kind == "space":
        return "\u202f"
    if kind == "power":
        return "^" + "".join(_SUPERSCRIPT[char] for char in match[0])
    return {"mark": match["mark"], "times": "×", "degree": "°", "escaped": match["escaped"]}.get(kind or "", "")


def _digits(part: str) -> str | None:
    r"""`1{,}000` as `1000`; None if it is no whole number."""
    bare = re.sub(r"\{,\}|\\[,!]|,(?=\d{3}\b)", "", part)
    return bare if re.fullmatch(r"[-−]?\d+", bare) else None
