"""Whether a number of running text can be what a completion answers: no part of a calculation, no one of several."""

import re
from collections.abc import Sequence

from interp.text.numerals import Numeral, all_numerals

_OPERATOR = r"\+|/|×|·|⋅|÷|[-−–]|\*(?!\*)|\\(?:times|cdot|div)\b"
_WORDED = (
    r"x|plus|minus|times|divided by|multiplied by|to the power of|over|mod|choose|mal|por|to|bis|加|减|減|乘|除以"
).replace(" ", "[ ]")
SUM_FOLLOWS = re.compile(rf"=|≈|^\s*(?:{_OPERATOR})|^\s+(?:{_WORDED})\s+\S*\d")
"""What follows a number with which something is calculated."""
# Where only the last summand, factor, end of a range or of several values stands.
_UNFINISHED = re.compile(
    rf"""
    [\d)}}%!][ ]?\$?[ ]*(?:{_OPERATOR}|(?<=[ ])(?:{_WORDED})(?=[ ]))[ ]*[($]*$
  | \d\*\*$ | \bbetween[ ][^\n]*\d[ ]and[ ]$ | (?<![^\W\d_])[a-z][ ]*[+×÷*/][ ]*$ | \d[~～〜]$  # x + 18
  | (?<![^\W_])[a-z](?:_\d)?\s*=\s*[-−]?[\d.,/]*\d\$?[,;]?[ ]*(?:and[ ]|or[ ])?\$?[a-z](?:_\d)?\s*=\s*\$?$  # x = 8, y =
  | (?:\A|\b(?:is|of|=))\s*\d[\d.,]*[ ]:[ ]$  # 3 : 1
  | (?<![^\W_])[a-z]\$?[ ]*(?:[<>≤≥≠]|\\(?:leq?|geq?|neq?)(?![a-z]))[ ]*$  # x > 18
    """,
    re.IGNORECASE | re.VERBOSE,
)
_GOES_ON = re.compile(r"\s*(?:(?:[+×÷]|\*(?!\*))\s*\\?[a-z]|/[xyzn])(?![^\W\d_])", re.IGNORECASE)
_LIST = re.compile(r"[(\[{<](?:\s*[-−+\w./\\]+\s*[,;])+\s*[-−+\w./\\]+\s*[)\]}>]")

_UNIT = r"(?:[ ]?[°%$€£¥][A-Za-z]?)?(?:[ ]?[^\W\d_]+(?:(?:\.[ ]?|[ ])[^\W\d_]+)?\.?)?"
_OR = (
    r",?[ ]*(?:\b(?:or|and|oder|und|ou|et|o|y|e|или|и)\b(?:[ ](?:maybe|perhaps|possibly|even|else))?"
    r"|或者?|和|또는|または|か)[ ]*"
)
_ANOTHER_BEFORE = re.compile(rf"{_UNIT}{_OR}|[ ]*[,;/][ ]*", re.IGNORECASE)
"""Between the number before and this one: `18 or 20`, `18 boys and 20 girls`, `18, 20`."""
_ANOTHER_AFTER = re.compile(rf"{_UNIT}{_OR}", re.IGNORECASE)
_LISTED = re.compile(rf"\W*(?:\d[\d.,]*|[.,]){_UNIT}\s*[,;]\s*", re.IGNORECASE)
"""A completion up to its last number, if it is a list: `18 apples, 3 boxes`."""
_ENDS = re.compile(r"\s*(?:[.;!?)\]*]|$|\n|,\s*(?:and\s|or\s)?[-−]?\d)")
_MONTH = re.compile(
    r"\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?[ ]+\d{1,2}(?:st|nd|rd|th)?,?[ ]+$", re.IGNORECASE
)
_TIME = r"d|days?|h|hours?|hrs?|m|minutes?|mins?|s|seconds?|secs?|years?|yrs?|months?|weeks?"
_SIZE = r"feet|foot|ft|yards?|yds?|miles?|km|m|cm|stone|pounds?|lbs?|kg|g|dollars?|euros?|degrees?|dozen"
_AND_SMALLER = re.compile(rf"[ ]?(?:{_TIME}|{_SIZE}|°|['’′])[.,]?[ ]*(?:and[ ])?", re.IGNORECASE)
"""Of one quantity in two units: `5 ft 10 in`, `2 hours 30 minutes`."""

_CIRCUMSTANCE = re.compile(
    r"""
    (?: \b(?:in|after|for|from|on|at|by|within|during|every|each|into|than|since|because|before|until|among|across
          |through|using|when|while|if|per|step|page|line)
      | \b(?:after|before|by|from|without|despite|besides|when|while)[ ][^\W\d_]+ing
          (?:[ ](?:away|back|down|off|out|up))?
      | \b(?:each|every|all|both|any|one)[ ]of
      | \d[ ](?:[^\W\d_]+[ ])?(?:out[ ])?of | (?<!\bleaves[ ])(?<!\bleft[ ])\bwith )
    [ ](?: (?:the|a|an|his|her|their|its|my|our|all|these|those|only|just|about|first|last|next|each|step|day|year|page
          |there[ ](?:are|were)|he|she|it|they|you|we|is|are|was|has|have|had|uses?|used)[ ] )*
    [$€£¥]?$
    """,
    re.IGNORECASE | re.VERBOSE,
)
"""Before a number that is told beside another one: the 3 of `18 apples in 3 boxes`."""

_DENIED_BEFORE = re.compile(
    r"""
    (?: \b(?:not|never|nor|neither|instead[ ]of|rather[ ]than|nicht|statt|pas) | n['’]t | 而不是|不是|并非|而非 )
    [ ]*(?:(?:be|equal[ ]to|the|exactly|just|actually|simply)[ ])*[*_"'“‘($\\]*$
    """,
    re.IGNORECASE | re.VERBOSE,
)
_DENIED_AFTER = re.compile(
    r"[*_)$\"'”’]*\s*(?:(?:is|was)(?:n['’]t\b|\s+(?:wrong|incorrect|false|not\s+(?:right|correct|the)))\b|(?:이가?\s*|가\s*)?아니)",
    re.IGNORECASE,
)
# How sure the model is: no answer.
_SURE_BEFORE = re.compile(r"\b(?:confidence|certainty)\b(?:[ ](?:score|level|is|of))*\W*$", re.IGNORECASE)
_SURE_AFTER = re.compile(r"(?:[ ]*(?:%|/[ ]?\d+))?[ ]*(?:confident|confidence|sure|certain|certainty)\b", re.IGNORECASE)


def is_denied(text: str, number: Numeral) -> bool:
    """Whether it is said of a number that it is not the answer: `not 17`, `17 is wrong`, `90 % sure`."""
    before = text[max(0, number.start - 40) : number.start]
    return any(pattern.search(before) for pattern in (_DENIED_BEFORE, _SURE_BEFORE)) or any(
        pattern.match(text, number.end) for pattern in (_DENIED_AFTER, _SURE_AFTER)
    )


def is_unclear(text: str, number: Numeral) -> bool:
    """Whether nobody said what a calculation gives (`3 + 15`), or said several values (`(8, 3)`, `18 or 20`)."""
    listed = any(
        match.start() < number.start < match.end()
        and sum(match.start() < other.start < match.end() for other in all_numerals(text)) > 1
        for match in _LIST.finditer(text)
    )
    # In `20 -2` the sign is an operator.
    behind_sign = number.core[0] + (text[number.core[0]] in "-−–‑+")
    unfinished = any(_UNFINISHED.search(text, max(0, at - 80), at) for at in (number.start, behind_sign))
    return listed or unfinished or _GOES_ON.match(text, number.end) is not None or _is_one_of_two(text, number)


def _is_one_of_two(text: str, number: Numeral) -> bool:
    """Whether another number is put beside this one: `18 or 20`, `18, 20`, `5 ft 10 in`."""
    every = all_numerals(text)
    before = max((one for one in every if one.end <= number.start), key=lambda one: one.end, default=None)
    after = min((one for one in every if one.start >= number.end), key=lambda one: one.start, default=None)
    if before is not None and not _MONTH.search(text, max(0, number.start - 24), number.start):
        gap, comma = text[before.end : number.start], _ANOTHER_BEFORE.fullmatch(text, before.end, number.start)
        if comma and (gap.strip() not in (",", ";") or _ENDS.match(text, number.end)) and not is_denied(text, before):
            return True
        listed = _LISTED.fullmatch(text, 0, number.start) and re.compile(rf"{_UNIT}\W*\Z").match(text, number.end)
        if listed or _AND_SMALLER.fullmatch(gap):
            return True
    if after is None or is_denied(text, after):
        return False
    gap = text[number.end : after.start]
    return (
        _ANOTHER_AFTER.fullmatch(gap) is not None
        or _AND_SMALLER.fullmatch(gap) is not None
        or (gap.strip() in (",", ";") and _ENDS.match(text, after.end) is not None)
    )


def is_beside_another(text: str, number: Numeral, others: Sequence[Numeral], begin: int) -> bool:
    """Whether the sentence from `begin` on told another number before, and this one only as a circumstance of it."""
    return any(begin <= one.start < number.start for one in others) and (
        _CIRCUMSTANCE.search(text, max(begin, number.start - 40), number.start) is not None
    )
