"""A slow second reading of docs/definitions.md: where an exact answer stands, which tokens hold it, the fifteen roles.

Written from those words and sharing no code with `interp`: every prefix is decoded, every pair of characters is
tried, every role is a line of its own. Where they leave something open, the reading is stated beside it.
"""

import re
import unicodedata
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from interp.answering.capitals import ORDINARY_WORDS  # a list of words, no code

Decode = Callable[[Sequence[int]], str]
Span = tuple[int, int]

# Scripts written without spaces between words (code points): Thai, Lao, Tibetan, Myanmar, Khmer, then Bopomofo, kana,
# Han and Yi with their extensions.
UNSPACED = (
    (0x0E00, 0x0FFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x19E0, 0x19FF), (0x2E80, 0x2FDF), (0x3005, 0x3007),
    (0x3021, 0x312F), (0x31A0, 0x31FF), (0x3400, 0x4DBF), (0x4E00, 0xA4CF), (0xA9E0, 0xA9FF), (0xAA60, 0xAA7F),
    (0xF900, 0xFAFF), (0xFF66, 0xFF9F), (0x1AFF0, 0x1B16F), (0x20000, 0x3FFFF),
)  # fmt: skip


@dataclass(frozen=True)
class Reading:
    """What the definitions say of one completion."""

    text: str
    """The completion's characters, special tokens included."""
    characters: Span | None
    """Characters of `text` that are the exact answer."""
    tokens: Span | None
    """First and last token of the exact answer in `prompt_ids + completion_ids`."""
    status: str
    drops: int
    """How many tokens of the completion have c_k < c_{k-1}."""
    split: int
    """How many prefixes of the completion end inside a character."""

    @property
    def exact_answer(self) -> str | None:
        return None if self.characters is None else self.text[slice(*self.characters)]


def read(
    prompt_ids: Sequence[int],
    completion_ids: Sequence[int],
    decode: Decode,
    special_ids: Collection[int],
    find: Callable[[str], list[Span]],
) -> Reading:
    """`find` gives the places of the exact answer in a text, the chosen one first (`find_…` below)."""
    if not completion_ids:
        return Reading("", None, None, "empty", 0, 0)
    ids, n_prompt = [*prompt_ids, *completion_ids], len(prompt_ids)
    full = decode(ids)
    prefixes = [decode(ids[: k + 1]) for k in range(n_prompt - 1, len(ids))] if n_prompt else [""]
    if not n_prompt:
        prefixes += [decode(ids[: k + 1]) for k in range(len(ids))]
    c = [common_prefix(prefix, full) for prefix in prefixes]
    covered = [(before, max(here, before + 1)) for before, here in pairwise(c)]

    begin = c[0]
    text = full[begin:]
    # Special tokens stay in the text; they are no part of what the model said, so an answer stands between them.
    hidden = {
        at - begin
        for token, (low, high) in zip(completion_ids, covered, strict=True)
        if token in special_ids
        for at in range(low, high)
    }
    shown = "".join("\0" if at in hidden else character for at, character in enumerate(text))
    places = find(shown)
    drops = sum(here < before for before, here in pairwise(c))
    split = sum("\N{REPLACEMENT CHARACTER}" in prefix[here:] for prefix, here in zip(prefixes[1:], c[1:], strict=True))
    if not places:
        return Reading(text, None, None, "no_exact_answer", drops, split)
    wanted = {begin + at for at in range(*places[0])}
    holding = [n_prompt + k for k, (low, high) in enumerate(covered) if wanted & set(range(low, high))]
    status = "ambiguous" if len(places) > 1 else "ok"
    return Reading(text, places[0], (holding[0], holding[-1]), status, drops, split)


def common_prefix(one: str, other: str) -> int:
    """How many characters they begin with in common."""
    n = 0
    while n < min(len(one), len(other)) and one[n] == other[n]:
        n += 1
    return n


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
    """NFKC, case folding, one kind of apostrophe, quote and dash."""
    one_kind = "".join(next((k for k, others in QUOTES_LIKE.items() if c in others), c) for c in text)
    borders = [at for at in range(len(text) + 1) if is_border(one_kind, at)]
    return [
        Cell(character, begin, end, i == 0)
        for begin, end in pairwise(borders)
        for i, character in enumerate(fold(one_kind[begin:end]))
    ]


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
        if character == " " and 2 <= i < len(text) - 2 and text[i - 1] == text[i + 2] == ".":
            if text[i - 2].isalpha() and after.isalpha() and not text[: i - 2][-1:].isalnum():
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
    """Whether no letter, digit or mark stands outside of a match, or its script has no spaces."""
    if not 0 <= outside < len(cells) or unicodedata.category(cells[outside].character)[0] not in "LNM":
        return True
    pair = cells[outside].character + cells[inside].character
    return any(low <= ord(character) <= high for character in pair for low, high in UNSPACED)


JOINS = ".,'’_/⁄٫٬"
SIGNS = "-−–+±"


def is_part_of_number(text: str, begin: int, end: int) -> bool:
    """Whether a digit at either end of a match has a decimal point, sign, fraction bar or group of digits beside it."""
    before, after = text[:begin], text[end:]
    if text[begin].isnumeric():
        if before[-1:] and before[-1:] in JOINS and before[-2:-1].isdigit():
            return True
        if text[begin].isdigit() and before.endswith(".") and not (before[-2:-1].isalpha() or before[-2:-1].isdigit() or before[-2:-1] == "."):
            return True
        signed = before[:-1] if before[-1:] in ("$", "€", "£", "¥") else before
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
    return any(low <= ord(character) <= high for character in outside + inside for low, high in UNSPACED)


def find_number(text: str) -> list[Span]:
    """The number that answers, sign and per cent included: in a box, after `####` or "the answer is", else the last."""
    if "\\boxed{" in text:
        begin = text.rindex("\\boxed{") + len("\\boxed{")
        return _last_number(text[: text.index("}", begin)], begin)
    if (hashes := text.rfind("#### ")) >= 0:
        return _last_number(text[: text.index("\n", hashes)] if "\n" in text[hashes:] else text)
    said = _without_remarks(text)
    said = said if any(character.isdigit() for character in said) else text
    cue = max(said.lower().rfind(f"answer{sign}") for sign in (" is", ":", " ="))
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
        if before in ("$", "€", "£", "¥") and not text[: first - 1][-1:].isalnum():
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


LINE_ENDS = "\n\r\v\f\0\x85\u2028\u2029"
LEADS = [f"{the}{final}answer{verb}" for the in ("", "the ") for final in ("", "final ") for verb in ("", " is")] + [
    "a"
]
QUOTES = "\"'`´“”„‟‘’‚‛«»‹›「」『』*_"
FINAL = ".,;:!?…。．，、；：！？"


def find_first_line(text: str) -> list[Span]:
    """The first line that is not blank, without a leading `Answer:`, quotes, and punctuation at its end."""
    begin = 0
    while begin < len(text) and (text[begin].isspace() or text[begin] == "\0"):
        begin += 1
    for lead in sorted(LEADS, key=len, reverse=True):
        if text[begin : begin + len(lead)].lower() == lead and text[begin + len(lead) :].lstrip().startswith(":"):
            rest = text.index(":", begin) + 1
            while rest < len(text) and (text[rest].isspace() or text[rest] == "\0"):
                rest += 1
            begin = rest if rest < len(text) else begin
            break
    end = begin
    while end < len(text) and text[end] not in LINE_ENDS:
        end += 1
    while end > begin and text[end - 1].isspace():
        end -= 1
    first, last = begin, end
    while last > first and text[last - 1] in QUOTES + FINAL + " \t":
        last -= 1
    while first < last and text[first] in QUOTES + " \t":
        first += 1
    return [(first, last)] if first < last else [(begin, end)] if begin < end else []


def roles(n_prompt: int, n: int, span: Span | None) -> dict[str, int | None]:
    """The defined table of the fifteen positions; None: absent."""
    index: dict[str, int | None] = {}
    index["last_q"] = n_prompt - 1 if n_prompt > 0 else None
    index["first_answer"] = n_prompt if n - n_prompt >= 1 else None
    index["second_answer"] = n_prompt + 1 if n - n_prompt >= 2 else None
    if span is None:
        for name in ("before_first", "first", "last", "after_last"):
            index[f"exact_answer_{name}"] = None
    else:
        first, last = span
        index["exact_answer_before_first"] = first - 1 if first > 0 else None
        index["exact_answer_first"] = first
        index["exact_answer_last"] = last
        index["exact_answer_after_last"] = last + 1 if last < n - 1 else None
    for k in (8, 7, 6, 5, 4, 3, 2, 1):
        index[f"-{k}"] = n - k if n - k >= n_prompt else None
    return index
