"""A slow second reading of what is a number in a text: which one answers, and what is only a part of one.

Written from docs/definitions.md, sharing no code with `interp` (`position_oracle`).
"""

import re
import unicodedata

Span = tuple[int, int]

JOINS = ".,'’_/⁄٫٬"
SIGNS = "-−–+±"


def is_part_of_number(text: str, begin: int, end: int) -> bool:
    """Whether a digit at either end of a match has a decimal point, sign, fraction bar or group of digits beside it."""
    before, after = text[:begin], text[end:]
    if _is_year_of_date(before, text[begin:end], after):
        return False
    if text[begin].isnumeric():
        if before[-1:] and before[-1:] in JOINS and before[-2:-1].isdigit():
            return True
        if (
            text[begin].isdigit()
            and before.endswith(".")
            and not (before[-2:-1].isalpha() or before[-2:-1].isdigit() or before[-2:-1] == ".")
        ):
            return True
        signed = before[:-1] if unicodedata.category(before[-1:] or "x") == "Sc" else before
        if signed[-1:] and signed[-1:] in SIGNS and not (signed[-2:-1].isalnum() or signed[-2:-1] in ("_", ")")):
            return True
        if before[-1:] and before[-1:] in "-‐‑" and before[-2:-1].isalpha():
            return True
        if before.endswith(("^", "^{", "^(")) or unicodedata.numeric(before[-1:] or "x", -1) >= 0:
            return True
    if text[end - 1].isnumeric():
        if after[:1] and after[:1] in JOINS + "^" and (after[1:2].isdigit() or after[0] == "^"):
            return True
        if unicodedata.numeric(after[:1] or "x", -1) >= 0:
            return True
    return any(
        first < begin < last or first < end < last
        for first, last in (m.span() for m in re.finditer(r"(?<![\w.])(?<!\d )\d{1,3}(?: \d{3})+(?! ?\d)", text))
    )


def _is_year_of_date(before: str, year: str, after: str) -> bool:
    """Whether four digits end `7/4/` or `7.4.`, or begin `/46` (the next year's) or `/07/04`, and nothing more."""
    if not (len(year) == 4 and all(unicodedata.category(c) == "Nd" for c in year)):
        return False
    ends = not after[:1].isdecimal() and after[:1] != "/" and not (after[:1] == "." and after[1:2].isdecimal())
    for mark in "/.":
        parts = before.rsplit(mark, 2)
        if len(parts) == 3 and parts[2] == "" and ends:
            month, rest = parts[1], parts[0]
            day = rest[len(rest.rstrip("".join(c for c in rest if c.isdecimal()) or "\0")) :]
            free = rest[: len(rest) - len(day)]
            if month.isdecimal() and len(month) <= 2 and 1 <= len(day) <= 2 and not free.endswith(("/", ".")):
                return True
    if after[:1] != "/" or before[-1:].isdecimal() or before.endswith(("/", ".")):
        return False
    behind = [after[3:], after[6:]] if after[3:4] == "/" else [after[3:]]
    second = after[1:3]
    if len(second) < 2 or not second.isdecimal():
        return False
    rest = behind[-1]
    closed = not rest[:1].isdecimal() and rest[:1] != "/" and not (rest[:1] == "." and rest[1:2].isdecimal())
    if len(behind) == 2:
        return closed and len(after[4:6]) == 2 and after[4:6].isdecimal()
    return closed and (int(year) + 1) % 100 == int(second)


def find_number(text: str) -> list[Span]:
    """The number that answers, sign and per cent included: in a box, after `####` or "the answer is", else the last."""
    if "\\boxed{" in text:
        begin = text.rindex("\\boxed{") + len("\\boxed{")
        return _last_number(text[: text.index("}", begin)], begin)
    if (hashes := text.rfind("#### ")) >= 0:
        return _last_number(text[: text.index("\n", hashes)] if "\n" in text[hashes:] else text)
    said = _without_remarks(text)
    said = said if any(character.isdigit() for character in said) else text
    cue = max(said.lower().rfind(f"answer{sign}") for sign in (" is", " was", " should be", ":", " ="))
    if cue >= 0:
        ends = [at for at in range(cue, len(said)) if said[at] in "\n!?." and not said[at + 1 : at + 2].isalnum()]
        if any(character.isdigit() for character in said[cue : min(ends, default=len(said))]):
            return _last_number(said[: min(ends, default=len(said))])
    return _last_number(said)


def _without_remarks(text: str) -> str:
    """Parentheses after a word or number blanked, but not after a verb, `=` or `:`."""
    verbs = ("is", "are", "was", "be", "equals", "gives", "makes")
    kept, depth = "", 0
    for at, character in enumerate(text):
        before = text[:at].rstrip(" ")
        after_word = before[-1:].isalnum() or before[-1:] in tuple("%.,;!?)*_")
        if character in "([" and (depth or (after_word and before.split()[-1].lower() not in verbs)):
            depth += 1
        kept += "\0" if depth else character
        depth -= bool(depth) and character in ")]"
    return kept


def _last_number(text: str, low: int = 0) -> list[Span]:
    """The last number that begins at `low` or later; read from its last digit backwards."""
    for last in range(len(text) - 1, low - 1, -1):
        if text[last] not in "0123456789":
            continue
        first = last
        while first > 0 and _continues(text, first - 1):
            first -= 1
        before = text[first - 1 : first]
        if before == "." and not text[: first - 1][-1:].isdigit():
            first, before = first - 1, text[first - 2 : first - 1]
        if before.isalpha():  # H2O
            continue
        if unicodedata.category(before or "x") == "Sc" and not text[: first - 1][-1:].isalnum():
            first, before = first - 1, text[first - 2 : first - 1]
        if before in ("-", "−", "+"):
            sign_of = text[first - 2 : first - 1]
            if not (sign_of.isalnum() or sign_of in ("_", ")")):
                first -= 1
        after = last + 1
        rest = text[after:]
        if rest[:1] in ("%", "％"):
            after += 1
        elif rest[:2] in (" %", " ％"):
            after += 2
        return [(first, after)]
    return []


def _continues(text: str, at: int) -> bool:
    """Whether the character at `at` belongs to the number that goes on after it."""
    if text[at].isdigit():
        return True
    if not text[at - 1 : at].isdigit():
        return False
    if text[at] == ".":
        return True
    group = text[at + 1 : at + 4]
    return text[at] == "," and len(group) == 3 and group.isdigit() and not text[at + 4 : at + 5].isdigit()
