"""A slow second reading of docs/definitions.md: where an exact answer stands, which tokens hold it, the fifteen roles.

Written from those words and sharing no code with `interp`: every prefix is decoded, every pair of characters is
tried, every role is a line of its own. Where they leave something open, the reading is stated beside it.
"""

import unicodedata
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise

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


def find_candidate(text: str, candidates: Collection[str]) -> list[Span]:
    """The earliest, then longest match of any candidate, and the later places of the same text; [] if there is none."""
    folded = {fold(candidate.strip()) for candidate in candidates} - {""}
    matches = _matches(text, folded)
    return matches and _matches(text, {fold(text[slice(*matches[0])])})


def _matches(text: str, folded: Collection[str]) -> list[Span]:
    borders = [at for at in range(len(text) + 1) if is_border(text, at)]
    begins = [at for at in borders if at < len(text) and on_boundary(text, at, side="begin")]
    ends = [at for at in borders if at > 0 and on_boundary(text, at, side="end")]
    found: list[Span] = []
    for begin in begins:
        if found and begin < found[-1][1]:
            continue
        fitting = [end for end in ends if end > begin and fold(text[begin:end]) in folded]
        if fitting:
            found.append((begin, max(fitting)))
    return found


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
    """The last number, sign and per cent included; read from its last digit backwards."""
    for last in range(len(text) - 1, -1, -1):
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
