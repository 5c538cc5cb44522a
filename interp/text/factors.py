"""The words and letters after a number that multiply it: `1.5 million`, `8万`, `$8M`, `5k`."""

import math
import re

_WRITTEN = {
    12: "dozen",
    1e2: "hundred ร้อย",
    1e3: "thousand tausend mil mille mila тысяча тысячи тысяч тыс พัน",
    1e4: "หมื่น",
    1e5: "lakh lakhs lac lacs लाख แสน",
    1e6: "million millions millionen mio millón millones milhão milhões milione milioni миллион миллиона миллионов млн"
    " ล้าน",
    1e7: "crore crores करोड़",
    1e9: "billion billions bn milliard milliards milliarde milliarden mrd miliardo miliardi bilhão bilhões"
    " миллиард миллиарда миллиардов млрд",
    1e12: "trillion trillions billionen billón billones",
    math.nan: "quadrillion quintillion",
}
_WORDS = {word: factor for factor, words in _WRITTEN.items() for word in words.split()}
_CHARACTERS = dict.fromkeys("百백", 1e2) | dict.fromkeys("千천", 1e3) | dict.fromkeys("万萬만", 1e4)
_CHARACTERS |= dict.fromkeys("億亿억", 1e8) | dict.fromkeys("兆조", 1e12)
_LETTERS = {"k": 1e3, "M": 1e6, "B": 1e9, "K": math.nan, "T": math.nan}  # 5K: thousands, kelvin or karat
_OF_MONEY = {"K": 1e3, "m": 1e6, "b": 1e9, "T": 1e12, "t": 1e12}

_ONE = re.compile(
    rf"""
    \$?[ \u00a0\u202f~-]? (?:\\text\s*\{{\s*)?
    (?: (?P<word>{"|".join(sorted(_WORDS, key=len, reverse=True))})(?![^\W_\u0e00-\u0e7f])\}}?
      | (?P<character>[{"".join(_CHARACTERS)}])(?![分米克瓦卡赫])      # 千米 is a kilometre
    )
    """,
    re.VERBOSE | re.IGNORECASE,
)
_LETTER = re.compile(r"[kKmMbBtT](?![^\W_])")


def factor_after(text: str, at: int, *, currency: bool) -> tuple[float, int]:
    """What multiplies the number that ends at `at`, and where that ends; 1 and `at` if nothing does.

    NaN for what has several meanings. A billion is 10⁹, as in English.
    """
    factor, end = 1.0, at
    while match := _ONE.match(text, end):
        factor *= _WORDS[match["word"].lower()] if match["word"] else _CHARACTERS[match["character"]]
        end = match.end()
    letter = _LETTER.match(text, at)
    if end == at and letter is not None:
        factor = (_LETTERS | _OF_MONEY if currency else _LETTERS).get(letter[0], 1.0)
        end = at if factor == 1.0 else letter.end()
    return factor, end
