"""A slow second reading of where a candidate stands in a text: every candidate at every pair of characters.

Written from docs/definitions.md, sharing no code with `interp`, only its list of ordinary words (`position_oracle`).
"""

import unicodedata
from collections.abc import Collection
from dataclasses import dataclass, replace
from itertools import pairwise

from number_oracle import Span, is_part_of_number

from interp.text.capitals import ORDINARY_WORDS

# Scripts written without spaces between words (code points): Thai, Lao, Tibetan, Myanmar, Khmer, then Bopomofo, kana,
# Han and Yi with their extensions.
UNSPACED = (
    (0x0E00, 0x0FFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x19E0, 0x19FF), (0x2E80, 0x2FDF), (0x3005, 0x3007),
    (0x3021, 0x312F), (0x31A0, 0x31FF), (0x3400, 0x4DBF), (0x4E00, 0xA4CF), (0xA9E0, 0xA9FF), (0xAA60, 0xAA7F),
    (0xF900, 0xFAFF), (0xFF66, 0xFF9F), (0x1AFF0, 0x1B16F), (0x20000, 0x3FFFF),
)  # fmt: skip


def fold(text: str) -> str:
    """NFKC and case folding."""
    return unicodedata.normalize("NFKC", text).casefold()


QUOTES_LIKE = {"'": "‘’‚‛′‹›ʹʻʼʽ´`", '"': "“”„‟″«»〝〞〟", "-": "‐‑‒–—―−﹘﹣－"}


@dataclass(frozen=True)
class Cell:
    """One character as it is compared, and the characters of the text that it and its neighbours came from."""

    character: str
    begin: int
    end: int
    first: bool
    """Whether it is the first of what its original characters became."""


def find_candidate(text: str, candidates: Collection[str]) -> list[Span]:
    """The earliest, then longest match of any candidate, and the later places of the same text; [] if there is none."""
    plain = as_compared(text)
    loose = loosely(plain)
    first: list[tuple[int, int, bool, str, str]] = []
    for candidate in {candidate.strip() for candidate in candidates} - {""}:
        form = "".join(cell.character for cell in as_compared(candidate))
        places = _places(text, plain, {form: {candidate}})
        is_loose = not any(_places(text, plain, {form: _alike(candidate, candidates, form)}))
        if is_loose:
            form = "".join(cell.character for cell in loosely(as_compared(candidate))).strip()
            acronym = is_acronym(candidate)
            if sum(character.isalnum() for character in form) < 3 and not (acronym and form):
                continue
            places = _places(text, loose, {form: _same(candidate, candidates)})
        if places:
            begin, end = places[0]
            first.append((begin, -end, is_loose, fold(candidate), form))
    if not first:
        return []
    _, _, is_loose, key, form = min(first)
    if is_loose:
        return _places(text, loose, {form: {c for c in candidates if fold(c.strip()) == key}})
    return _places(text, plain, {form: _alike("", candidates, form)})


def _same(candidate: str, candidates: Collection[str]) -> set[str]:
    """The candidates that differ from one in case only."""
    return {other for other in candidates if fold(other.strip()) == fold(candidate)}


def _alike(candidate: str, candidates: Collection[str], form: str) -> set[str]:
    """The candidates that are compared alike (of one candidate: and differ in case only)."""
    alike = {c for c in candidates if "".join(cell.character for cell in as_compared(c.strip())) == form}
    return alike & _same(candidate, candidates) if candidate else alike


def as_compared(text: str) -> list[Cell]:
    """NFKC, case folding, one kind of apostrophe, quote, dash and white space."""
    one_kind = "".join(next((k for k, others in QUOTES_LIKE.items() if c in others), c) for c in text)
    borders = [at for at in range(len(text) + 1) if is_border(one_kind, at)]
    cells: list[Cell] = []
    for begin, end in pairwise(borders):
        for i, character in enumerate(fold(one_kind[begin:end])):
            if character.isspace() and cells and cells[-1].character == " ":
                cells[-1] = replace(cells[-1], end=end)
            else:
                cells.append(Cell(" " if character.isspace() else character, begin, end, i == 0))
    return cells


def loosely(cells: list[Cell]) -> list[Cell]:
    """Without accents, full stops of abbreviations, commas and invisible characters."""
    text = "".join(cell.character for cell in cells)
    kept: list[Cell] = []
    for i, cell in enumerate(cells):
        character, after = cell.character, text[i + 1 : i + 2]
        word = i
        while word and text[word - 1].isalpha():
            word -= 1
        part_of_word = word > 0 and text[word - 1].isalnum()
        letters = 0 if part_of_word else i - word
        initial_after = after.isalpha() and not text[i + 2 : i + 3].isalnum()
        is_mark = unicodedata.category(character) == "Mn"
        letter_before = next((c for c in reversed(text[:i]) if unicodedata.category(c) != "Mn"), "")
        if character == "," and not after.isalnum():
            continue
        if character == "." and 1 <= letters <= 4 and (not after.isalnum() or (letters == 1 and initial_after)):
            if letters == 1 and (text[word - 1 : word] == "." or text[word - 2 : word] == ". "):
                before = word - 2 if text[word - 1] == "." else word - 3
                if before >= 0 and text[before].isalpha() and not text[:before][-1:].isalnum():
                    kept[-1] = replace(kept[-1], end=cell.end)
            continue
        initial = text[: i - 1] if text[i - 1 : i] == "." else text[:i]
        capital = initial_after and initial[-1:].isalpha() and {after.upper(), initial[-1:].upper()}.isdisjoint(text)
        if character == " " and capital and not initial[-2:-1].isalnum():
            continue
        if character in "\u00ad\u200b\u2060\ufeff":
            continue
        if is_mark and letter_before and is_european(letter_before):
            if kept:
                kept[-1] = replace(kept[-1], end=cell.end)
            continue
        bare = without_accent(character)
        kept += [replace(cell, character=c, first=cell.first and k == 0) for k, c in enumerate(bare)]
    return kept


def is_european(character: str) -> bool:
    """Latin or Greek."""
    return unicodedata.name(character, "").split(" ")[0] in ("LATIN", "GREEK")


def without_accent(character: str) -> str:
    """A Latin or Greek letter as it is written without its accent."""
    if not is_european(character):
        return character
    special = {"ø": "o", "ł": "l", "đ": "d", "ħ": "h", "ŧ": "t", "ı": "i", "æ": "ae", "ǽ": "ae", "œ": "oe"}
    bare = unicodedata.normalize("NFD", character)[0]
    return special.get(character, special.get(bare, bare))


def is_acronym(candidate: str) -> bool:
    """At most three letters, all of them capitals, but for yes and no; full stops do not count."""
    letters = candidate.replace(".", "")
    return 1 <= len(letters) <= 3 and letters.isalpha() and letters.isupper() and letters.lower() not in ("yes", "no")


def keeps_capitals(candidate: str) -> bool:
    """Whether the capitals of a candidate have to be capitals in the text."""
    letters = candidate.replace(".", "")
    if is_acronym(candidate):
        return True
    bare = "".join(without_accent(c) for c in letters.lower())
    return letters.isalpha() and letters != letters.lower() and bare in ORDINARY_WORDS


def _fits(candidate: str, said: str) -> bool:
    """Whether what the text says has the capitals that the candidate keeps."""
    if not keeps_capitals(candidate):
        return True
    ours, theirs = ([c for c in unicodedata.normalize("NFKC", t) if c.isalpha()] for t in (candidate, said))
    return len(ours) == len(theirs) and all(b.isupper() for a, b in zip(ours, theirs, strict=True) if a.isupper())


def _places(text: str, cells: list[Cell], forms: dict[str, set[str]]) -> list[Span]:
    """From left to right, longest first, without overlap: where a form stands on boundaries and in no number."""
    found: list[Span] = []
    taken = 0
    for i in range(len(cells)):
        if i < taken or not cells[i].first or not _free(cells, i - 1, i):
            continue
        for j in range(len(cells), i, -1):
            if j < len(cells) and not cells[j].first:
                continue
            form = "".join(cell.character for cell in cells[i:j])
            if form not in forms or not _free(cells, j, j - 1):
                continue
            begin, end = cells[i].begin, cells[j - 1].end
            fits = any(_fits(candidate.strip(), text[begin:end]) for candidate in forms[form])
            if fits and not is_part_of_number(text, begin, end):
                found.append((begin, end))
                taken = j
                break
    return found


def _free(cells: list[Cell], outside: int, inside: int) -> bool:
    """Whether no letter, digit or mark stands outside of a match, or its script has no spaces or is another.

    In Korean a match may end anywhere, too.
    """
    if not 0 <= outside < len(cells) or unicodedata.category(cells[outside].character)[0] not in "LNM":
        return True
    return _free_pair(cells[outside].character, cells[inside].character, ends=outside > inside)


def _free_pair(outside: str, inside: str, *, ends: bool) -> bool:
    """Whether a word may end between two letters: no spaces in a script, another script, the end of a Korean word."""
    if any(low <= ord(character) <= high for character in outside + inside for low, high in UNSPACED):
        return True
    korean = [_is_korean(outside), _is_korean(inside)]
    return any(korean) if ends else sum(korean) == 1


def _is_korean(character: str) -> bool:
    blocks = ((0x1100, 0x11FF), (0x302E, 0x302F), (0x3131, 0x318E), (0xA960, 0xA97C), (0xAC00, 0xD7FB))
    return any(low <= ord(character) <= high for low, high in blocks)


def is_border(text: str, at: int) -> bool:
    """Whether folding treats the two sides apart: no character is cut, no mark taken from its letter."""
    if 0 < at < len(text) and unicodedata.combining(unicodedata.normalize("NFKD", text[at])[0]):
        return False
    return fold(text[:at]) + fold(text[at:]) == fold(text)


def on_boundary(text: str, at: int, *, side: str) -> bool:
    """No letter or digit (after folding) outside of a match that begins or ends at `at`, or no spaces in the script."""
    before, after = fold(text[:at]), fold(text[at:])
    outside, inside = (before[-1:], after[:1]) if side == "begin" else (after[:1], before[-1:])
    if not outside or unicodedata.category(outside)[0] not in "LNM":  # a mark belongs to the letter it stands on
        return True
    return _free_pair(outside, inside, ends=side == "end")
