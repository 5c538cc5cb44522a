"""A slow second reading of docs/definitions.md: where an exact answer stands, which tokens hold it, the fifteen roles.

Written from those words and sharing no code with `interp`: every prefix is decoded, every pair of characters is
tried (`match_oracle`, `number_oracle`), every role is a line of its own. Where they leave something open, the reading
is stated beside it.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise

from match_oracle import find_candidate, fold, is_border, on_boundary
from number_oracle import Span, find_number

Decode = Callable[[Sequence[int]], str]

__all__ = ["Decode", "Reading", "Span", "find_candidate", "find_first_line", "find_number", "fold", "is_border"]
__all__ += ["on_boundary", "read", "roles"]


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
