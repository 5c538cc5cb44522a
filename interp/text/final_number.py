r"""Which number of a completion is its answer: in `\boxed{}`, after `####` or "the answer is", else the last one."""

import math
import re
from collections.abc import Iterator
from dataclasses import replace

from interp.text.numerals import Numeral, all_numerals

_BOX = re.compile(r"\\f?boxed\s*\{")
_HASHES = re.compile(r"####[ \t]*(?=[-−–+$€£¥\\.\d])")
_CUE = re.compile(
    r"""
    (?: (?<![^\W_])(?:answer|antwort|respuesta|r[ée]ponse|resposta|risposta|ответ)(?:[ ][^\W\d_]+){0,3}?["'*_ ]*
        (?: [ ](?:is|was|(?:would|should|must|will)[ ]be|equals|ist|war|lautet|est|es|é|è)\b | [:：=] )
      | (?<![^\W_])ans["'*_. ]*[:：=]
      | (?:答案|答え|正解|答|정답|답|คำตอบ)["'*_ ]*(?:应该|應該|就)?(?:是|为|為|は|은|는|คือ|[:：=])
    )["'*_:：= ]*""",
    re.IGNORECASE | re.VERBOSE,
)
_SENTENCE_END = re.compile(r"\n|[.!?](?=\s|$)|[。！？]")
_SUM = re.compile(r"[-−–+*/×·^]\s*$")
_OPERATOR = r"\+|/|×|·|⋅|÷|[-−–]|\*(?!\*)|\\(?:times|cdot|div)\b"
_WORDED = (
    r"x|plus|minus|times|divided by|multiplied by|to the power of|over|mod|choose|mal|por|to|bis|加|减|減|乘|除以"
).replace(" ", "[ ]")
_SUM_FOLLOWS = re.compile(rf"=|≈|^\s*(?:{_OPERATOR})|^\s+(?:{_WORDED})\s+\S*\d")
# Where only the last summand, factor, end of a range or of several values stands.
_UNFINISHED = re.compile(
    rf"""
    [\d)}}%!][ ]?\$?[ ]*(?:{_OPERATOR}|(?<=[ ])(?:{_WORDED})(?=[ ]))[ ]*[($]*$
  | \d\*\*$ | \bbetween[ ][^\n]*\d[ ]and[ ]$ | (?<![^\W\d_])[a-z][ ]*[+×÷*/][ ]*$ | \d[~～〜]$  # x + 18
  | (?<![^\W_])[a-z](?:_\d)?\s*=\s*[-−]?[\d.,/]*\d\$?[,;]?[ ]*(?:and[ ]|or[ ])?\$?[a-z](?:_\d)?\s*=\s*\$?$  # x = 8, y =
    """,
    re.IGNORECASE | re.VERBOSE,
)
_GOES_ON = re.compile(r"\s*(?:(?:[+×÷]|\*(?!\*))\s*\\?[a-z]|/[xyzn])(?![^\W\d_])", re.IGNORECASE)
_LIST = re.compile(r"[(\[{<](?:\s*[-−+\w./\\]+\s*[,;])+\s*[-−+\w./\\]+\s*[)\]}>]")
# What makes more of a box than a number.
_EXPRESSION = re.compile(
    r"""
    (?<!\\)[!,;] | [<>≤≥≠|±∓√∞∪∩] | \b(?:and|or)\b
  | \\(?:pm|mp|l?log|ln|leq?|geq?|neq?|cup|cap|infty|lfloor|lceil)(?![a-z])
    """,
    re.VERBOSE,
)
_TERM = re.compile(r"\s*(?:[-−+*×÷]|[xyznijabe](?![^\W\d_]))")
_REMARK_AFTER = re.compile(r"[\w%°.,;!?)*”’\"'$}\]]\s*$")
_EXPONENT = re.compile(r"[^\W\d][\}\)]?\s*\^\{?[-−+]?$|[\}\)]\^\{?[-−+]?$|[\w}]_\{?$")
_DIRECTLY = re.compile(
    r"(?:[\s*_$\\({:：\"'“「]"
    r"|(?:about|approximately|around|exactly|equal to|indeed|clearly|simply|therefore|thus|then|just)\b)*"
)
_VERB = re.compile(r"(?:\b(?:is|are|was|be|equals|gives|makes)|\\left|\\)\s*$", re.IGNORECASE)


def final_number(text: str) -> Numeral | None:
    r"""The number that a completion answers with; None if there is none.

    In this order: the number in the last `\boxed{}` (MATH); the one after the last `####` (GSM8K); the one after the
    last "answer is" or "answer:" (in several languages), or the last of that sentence if it calculates; the last of
    the text. A number in a remark, `18 (see step 3)`, counts only where no other does. Where what stands there is not
    read (a box with an expression, `12,34`, `2√3`, `20 - 2`, `x = 8, y = 3`), the number is `doubtful`.
    """
    # The 2 of cm^2 and x_2 is no number of its own.
    numbers = tuple(n for n in all_numerals(text) if not _EXPONENT.search(text, max(0, n.core[0] - 8), n.core[0]))
    boxed = _boxed(text, numbers)
    if boxed is not None:
        return boxed
    if not numbers:
        return None
    for match in reversed(list(_HASHES.finditer(text))):
        line = text.find("\n", match.end())
        said = [n for n in numbers if match.end() <= n.start < (len(text) if line < 0 else line)]
        if said and said[0].start - match.end() <= 1:
            return _said(text, said, match.end(), len(text) if line < 0 else line)
    remarks = list(_remarks(text))
    outside = [n for n in numbers if not any(begin < n.start < end for begin, end in remarks)] or list(numbers)
    for match in reversed(list(_CUE.finditer(text))):
        begin = match.end() + len(text[match.end() :]) - len(text[match.end() :].lstrip())
        ends = (end.start() for end in _SENTENCE_END.finditer(text, begin))
        end = next((at for at in ends if not any(n.start < at < n.end for n in numbers)), len(text))
        said = [number for number in outside if begin <= number.start < end]
        if said:
            return _said(text, said, begin, end)
        break
    return _result(text, outside[-1])


def _said(text: str, numbers: list[Numeral], begin: int, end: int) -> Numeral:
    """Of the numbers of a sentence that answers: the first, if it comes directly and nothing is calculated; or last."""
    first = numbers[0]
    directly = _DIRECTLY.fullmatch(text, begin, first.start) and not _SUM_FOLLOWS.search(text[first.end : end])
    return _result(text, first if directly else numbers[-1])


def _result(text: str, last: Numeral) -> Numeral:
    """A number of running text; doubtful where nobody said what the calculation gives (`3 + 15`), or said several."""
    listed = any(
        match.start() < last.start < match.end()
        and sum(match.start() < number.start < match.end() for number in all_numerals(text)) > 1
        for match in _LIST.finditer(text)
    )
    # In `20 -2` the sign is an operator.
    behind_sign = last.core[0] + (text[last.core[0]] in "-−–+")
    unfinished = any(_UNFINISHED.search(text, max(0, at - 80), at) for at in (last.start, behind_sign))
    return replace(last, doubtful=True) if listed or unfinished or _GOES_ON.match(text, last.end) else last


def _boxed(text: str, numbers: tuple[Numeral, ...]) -> Numeral | None:
    """The number of the last box that is not empty; doubtful unless the box, or its right-hand side, is that number."""
    for match in reversed(list(_BOX.finditer(text))):
        begin, end = match.end(), _closing(text, match.end())
        if not text[begin:end].strip():
            continue
        # Read are one number and its unit, or what stands after an equals sign.
        rest = "".join(
            char for at, char in enumerate(text[begin:end], begin) if not any(n.start <= at < n.end for n in numbers)
        )
        side = max(text.rfind(sign, begin, end) for sign in ("=", "≈", "\\approx"))
        begin = max(begin, side)
        inside = [number for number in numbers if begin <= number.start < end]
        if not inside:
            return Numeral(math.nan, False, begin, end, (begin, end), doubtful=True)
        last = inside[-1]
        alone = (
            len(inside) == 1
            and not _EXPRESSION.search(rest)
            and not _SUM.search(text, begin, last.start)
            and not _TERM.match(text, last.end)
        )
        return last if alone else replace(last, doubtful=True)
    return None


def _closing(text: str, begin: int) -> int:
    """Where the brace closes that was opened before `begin`; the end of a text that was cut off before."""
    depth = 1
    for at in range(begin, len(text)):
        if text[at] in "{}" and text[at - 1] != "\\":
            depth += 1 if text[at] == "{" else -1
            if depth == 0:
                return at
    return len(text)


def _remarks(text: str) -> Iterator[tuple[int, int]]:
    """Parentheses and brackets after words, from where they open to where they close (or the text ends)."""
    depth, begin = 0, 0
    for at, char in enumerate(text):
        if char in "([（［":
            before = text[max(0, at - 16) : at].rsplit("\n", 1)[-1]
            if depth or (_REMARK_AFTER.search(before) and not _VERB.search(before)):
                begin, depth = (begin if depth else at), depth + 1
        elif char in ")]）］" and depth:
            depth -= 1
            if depth == 0:
                yield begin, at
    if depth:
        yield begin, len(text)
