"""Whether a text may say a number without a digit: `twenty-one`, `dix-huit`, `十八`, `XVIII`."""

import re

_WORDS = """
    zero two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen
    nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million billion trillion half dozen
    twice thrice
    null eins zwei drei vier fünf sechs sieben acht neun zehn zwölf dreizehn vierzehn fünfzehn sechzehn siebzehn
    achtzehn neunzehn zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig hundert tausend
    deux trois quatre cinq sept huit neuf dix onze douze treize quatorze quinze seize vingt trente quarante cinquante
    soixante cent mille
    dos tres cuatro cinco seis siete ocho nueve diez doce trece catorce quince dieciséis diecisiete dieciocho
    diecinueve veinte treinta cuarenta cincuenta sesenta setenta ochenta noventa cien ciento mil
    tre quattro cinque sette otto nove dieci undici dodici venti trenta quaranta cinquanta cento
    dois três quatro sete oito dez doze vinte
"""
_WORD = re.compile(
    rf"""
    (?<![^\W_])(?: {"|".join(sorted(set(_WORDS.split())))} )(?![^\W_])
  | (?<![^\W_])(?:ein|zwei|drei|vier|fünf|sechs|sieben|acht|neun)und\w+zig(?![^\W_])
  | (?<!\bno[ ])(?<!\b(?:any|the)[ ])(?<!\b(?:some|this|that|each)[ ])(?<!\b(?:every|which|other)[ ])
    (?<![^\W_])one(?=[.!,]|\s*\Z)                                      # not "one of them", "no one"
  | (?<![^\W_])(?-i:[IVXLC]{{2,}})(?![^\W_])
    """,
    re.IGNORECASE | re.VERBOSE,
)


def names_a_number(text: str) -> bool:
    """Whether a number stands there in words, Roman numerals or characters of its own; digits do not count.

    Such numbers are not read (definitions: which number).
    """
    return _WORD.search(text) is not None or any(char.isnumeric() and not char.isdigit() for char in text)
