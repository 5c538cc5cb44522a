r"""Which number of a completion is its answer: in `\boxed{}`, after `####` or "the answer is", else the last one."""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from interp.text.corrections import CORRECTED, TAKEN_BACK
from interp.text.number_doubts import SUM_FOLLOWS, is_beside_another, is_denied, is_unclear
from interp.text.numerals import Numeral, all_numerals
from interp.text.option_words import NEXT_QUESTION

_BOX = re.compile(r"\\f?boxed\s*\{")
_HASHES = re.compile(r"####[ \t]*(?=[-−–+$€£¥\\.\d])")
_CUE = re.compile(
    r"""
    (?: (?<![^\W_])(?:answer|antwort|respuesta|r[ée]ponse|resposta|risposta|ответ)(?:[ ][^\W\d_]+){0,3}?["'*_ ]*
        (?: [ ](?:is|was|(?:would|should|must|will)[ ]be|equals|ist|war|lautet|est|es|é|è)\b | [:：=] )
      | (?<![^\W_])ans["'*_. ]*[:：=] | <answer>
      | (?:答案|答え|正解|答|정답|답|คำตอบ)["'*_ ]*(?:应该|應該|就)?(?:是|为|為|は|은|는|คือ|[:：=])
    )["'*_:：= ]*""",
    re.IGNORECASE | re.VERBOSE,
)
_FIELD = re.compile(
    r"""["'](?:final_?|predicted_?)?(?:result|solution|value|output|prediction)["']\s*:\s*""", re.IGNORECASE
)
_SENTENCE_END = re.compile(r"\n|[.!?](?=\s|$)|[。！？]|</\w")
_NEXT_FIELD = re.compile(r"""[;,]\s*(?:["'][^\W\d]\w*["']|[^\W\d]\w+)\s*[:=]""")
_WORD = r"(?!(?:of|is|are|was|were|has|have|more|less)\b)[^\W\d_]+"
_ENDS_CORRECTION = re.compile(
    rf"[°%*_$)}}\\]*(?:[ ]?{_WORD}(?:[ ]{_WORD})?)?"
    r"[*_$)}]*\s*(?:[.,;!?)\n。，；]|$)"
)
_AT_ONCE = re.compile(r"[*_$]*(?:(?:[ ][^\W\d_]+){1,2}[.!](?=\s)|[ ]*\n)")
"""After a number with which a completion begins, if it is an answer by itself: `8 planets. Pluto …`."""
_CONCLUDED = re.compile(r"[=≈]|\b(?:so|thus|therefore|hence|total|altogether|result)\b", re.IGNORECASE)
_SUM = re.compile(r"[-−–+*/×·^]\s*$")
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
    the text. One that takes the place of such an answer, "Sorry, I meant 18", comes before it. A number in a remark,
    `18 (see step 3)`, or one that is denied, `18, not 17`, counts only where no other does. Where what stands there is
    not read (a box with an expression, `12,34`, `2√3`, `20 - 2`, `x = 8, y = 3`) or not surely meant (`18 or 20`,
    `18 apples in 3 boxes`), the number is `doubtful`.
    """
    if goes_on := NEXT_QUESTION.search(text):
        text = text[: goes_on.start("end")]
    # The 2 of cm^2 and x_2 is no number of its own.
    numbers = tuple(n for n in all_numerals(text) if not _EXPONENT.search(text, max(0, n.core[0] - 8), n.core[0]))
    remarks = list(_remarks(text))
    outside = [n for n in numbers if not any(begin < n.start < end for begin, end in remarks)] or list(numbers)
    told = [n for n in outside if not is_denied(text, n)]
    answer = _boxed(text, numbers) or _after_hashes(text, numbers) or _announced(text, told)
    if answer is not None:
        return _corrected(text, told, answer)
    if not told:
        return replace(outside[-1], doubtful=True) if outside else None
    begin = max((end.end() for end in _SENTENCE_END.finditer(text, 0, told[-1].start)), default=0)
    number = _result(text, told, told[-1], begin)
    at_once = not text[: told[0].start].strip(" *_$\n") and _AT_ONCE.match(text, told[0].end) is not None
    concluded = told[0].value == number.value or _CONCLUDED.search(text, begin, number.start)
    return replace(number, doubtful=True) if at_once and not concluded else number


def _after_hashes(text: str, numbers: Sequence[Numeral]) -> Numeral | None:
    """The number after the last `####`, on its line."""
    for match in reversed(list(_HASHES.finditer(text))):
        line = text.find("\n", match.end())
        said = [n for n in numbers if match.end() <= n.start < (len(text) if line < 0 else line)]
        if said and said[0].start - match.end() <= 1:
            return _said(text, said, match.end(), len(text) if line < 0 else line)
    return None


def _announced(text: str, numbers: Sequence[Numeral]) -> Numeral | None:
    """The number after the last "answer is", or else after a field of JSON that holds a result."""
    for match in next(filter(None, (list(cue.finditer(text)) for cue in (_CUE, _FIELD))), [])[-1:]:
        begin, end = _sentence(text, numbers, match)
        said = [number for number in numbers if begin <= number.start < end]
        return _said(text, said, begin, end) if said else None
    return None


def _sentence(text: str, numbers: Sequence[Numeral], cue: re.Match[str]) -> tuple[int, int]:
    """What follows such a cue, up to the end of the sentence, or of the field in `answer=18;confidence=3`."""
    begin = cue.end() + len(text[cue.end() :]) - len(text[cue.end() :].lstrip())
    ends = [end.start() for end in _SENTENCE_END.finditer(text, begin)]
    if re.search(r"[:：=]", cue[0]):
        ends += [end.start() for end in _NEXT_FIELD.finditer(text, begin)]
    return begin, min((at for at in ends if not any(n.start < at < n.end for n in numbers)), default=len(text))


def _said(text: str, numbers: Sequence[Numeral], begin: int, end: int) -> Numeral:
    """Of the numbers of a sentence that answers: the first, if it comes directly and nothing is calculated; or last."""
    first = numbers[0]
    directly = _DIRECTLY.fullmatch(text, begin, first.start) and not SUM_FOLLOWS.search(text[first.end : end])
    return _result(text, numbers, first if directly else numbers[-1], begin)


def _corrected(text: str, numbers: Sequence[Numeral], answer: Numeral) -> Numeral:
    """The number by which the answer is replaced afterwards ("Sorry, I meant 18"); doubtful where it is taken back."""
    for match in reversed(list(CORRECTED.finditer(text, answer.end))):
        begin, end = _sentence(text, numbers, match)
        said = [number for number in numbers if begin <= number.start < end]
        if said and _DIRECTLY.fullmatch(text, begin, said[0].start):
            number = _said(text, said, begin, end)
            surely = number is not said[0] or _ENDS_CORRECTION.match(text, number.end)
            return number if surely else replace(number, doubtful=True)
    return replace(answer, doubtful=True) if TAKEN_BACK.search(text, answer.end) else answer


def _result(text: str, numbers: Sequence[Numeral], number: Numeral, begin: int) -> Numeral:
    """This number of running text, doubtful where another one of the sentence from `begin` on may be meant."""
    doubtful = is_unclear(text, number) or is_beside_another(text, number, numbers, begin)
    return replace(number, doubtful=True) if doubtful else number


def _boxed(text: str, numbers: tuple[Numeral, ...]) -> Numeral | None:
    """The number of the last box that is not empty; doubtful unless the box, or its right-hand side, is that number."""
    for match in reversed(list(_BOX.finditer(text))):
        begin, end = match.end(), _closing(text, match.end())
        if not text[begin:end].strip():
            continue
        # Read are one number and its unit, or what stands after an equals sign.
        read = {at for number in numbers for at in range(number.start, number.end)}
        rest = "".join(char for at, char in enumerate(text[begin:end], begin) if at not in read)
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
