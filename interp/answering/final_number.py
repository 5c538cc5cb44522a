r"""Which number of a completion is its answer: in `\boxed{}`, after `####` or "the answer is", else the last one."""

import math
import re
from collections.abc import Iterator
from dataclasses import replace

from interp.answering.numerals import Numeral, all_numerals

_BOX = re.compile(r"\\f?boxed\s*\{")
_HASHES = re.compile(r"####[ \t]*(?=[-−–+$€£¥\\.\d])")
_CUE = re.compile(r"\banswer\b[*_ ]*(?:is\b|:|=)[*_:= ]*", re.IGNORECASE)
_SENTENCE_END = re.compile(r"\n|[.!?](?=\s|$)|[。！？]")
_SUM = re.compile(r"[-−–+*/×·^]\s*$")
_SUM_FOLLOWS = re.compile(r"=|≈|^\s*(?:[-−–+*/×·÷]|\\times|\\cdot)")
_UNFINISHED = re.compile(r"[\d)}][ ]*(?:[+*×·÷]|\\times|\\cdot|\\div)[ ]*$")
_VARIABLE = re.compile(r"\s*[xyzn](?![^\W\d_])")
_REMARK_AFTER = re.compile(r"[\w%°.,;!?)*”’\"'$}\]]\s*$")
_EXPONENT = re.compile(r"[^\W\d][\}\)]?\s*\^\{?[-−+]?$|[\}\)]\^\{?[-−+]?$|[\w}]_\{?$")
_DIRECTLY = re.compile(r"(?:[\s*_$\\({:]|(?:about|approximately|around|exactly|simply|therefore|thus|then|just)\b)*")
_VERB = re.compile(r"(?:\b(?:is|are|was|be|equals|gives|makes)|\\left|\\)\s*$", re.IGNORECASE)


def final_number(text: str) -> Numeral | None:
    r"""The number that a completion answers with; None if there is none.

    In this order: the number in the last `\boxed{}` (MATH); the one after the last `####` (GSM8K); the one after the
    last "answer is" or "answer:", or the last of that sentence if it calculates; the last of the text. A number in a
    remark, `18 (see step 3)`, counts only where no other does. Where what stands there is not read (a box with an
    expression, `12,34`, `2√3`), the number is `doubtful`.
    """
    # The 2 of cm^2 and x_2 is no number of its own.
    numbers = tuple(n for n in all_numerals(text) if not _EXPONENT.search(text, max(0, n.core[0] - 8), n.core[0]))
    boxed = _boxed(text, numbers)
    if boxed is not None:
        return boxed
    if not numbers:
        return None
    for match in reversed(list(_HASHES.finditer(text))):
        found = next((number for number in numbers if number.start >= match.end()), None)
        if found is not None and found.start - match.end() <= 1:
            return found
    remarks = list(_remarks(text))
    outside = [n for n in numbers if not any(begin < n.start < end for begin, end in remarks)] or list(numbers)
    for match in reversed(list(_CUE.finditer(text))):
        begin = match.end() + len(text[match.end() :]) - len(text[match.end() :].lstrip())
        ends = (end.start() for end in _SENTENCE_END.finditer(text, begin))
        end = next((at for at in ends if not any(n.start < at < n.end for n in numbers)), len(text))
        said = [number for number in outside if begin <= number.start < end]
        if said:
            directly = _DIRECTLY.fullmatch(text, begin, said[0].start) and not _SUM_FOLLOWS.search(
                text[said[0].end : end]
            )
            return said[0] if directly else _result(text, said[-1])
        break
    return _result(text, outside[-1])


def _result(text: str, last: Numeral) -> Numeral:
    """The last number; doubtful where it is only the last summand or factor: nobody said what `3 + 15` gives."""
    return replace(last, doubtful=True) if _UNFINISHED.search(text, 0, last.start) else last


def _boxed(text: str, numbers: tuple[Numeral, ...]) -> Numeral | None:
    """The number of the last box that is not empty; doubtful unless the box, or its right-hand side, is that number."""
    for match in reversed(list(_BOX.finditer(text))):
        begin, end = match.end(), _closing(text, match.end())
        if not text[begin:end].strip():
            continue
        side = max(text.rfind(sign, begin, end) for sign in ("=", "≈", "\\approx"))
        begin = max(begin, side)
        inside = [number for number in numbers if begin <= number.start < end]
        if not inside:
            return Numeral(math.nan, False, begin, end, (begin, end), doubtful=True)
        last = inside[-1]
        alone = len(inside) == 1 and not _SUM.search(text, begin, last.start) and not _VARIABLE.match(text, last.end)
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
