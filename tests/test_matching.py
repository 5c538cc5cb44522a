"""Where candidates match: against a slow oracle that tries every candidate at every place."""

import unicodedata
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from interp.answering.matching import CandidateFinder, fold

UNSPACED = ("CJK", "HIRAGANA", "KATAKANA", "THAI")


def oracle(candidates: list[str], text: str) -> list[tuple[int, int]]:
    """The defined rule on the folded text, letter by letter; ASCII, CJK and Thai only, so that folding moves nothing."""
    low = text.lower()
    words = [char.isalnum() for char in low]
    glued = [unicodedata.name(char, "").startswith(UNSPACED) for char in low]

    def free(outside: int, inside: int) -> bool:
        return not 0 <= outside < len(low) or not words[outside] or glued[outside] or glued[inside]

    found = [
        (begin, -len(candidate), candidate.strip().lower())
        for candidate in {c.strip() for c in candidates if c.strip()}
        for begin in range(len(low))
        if low.startswith(candidate.strip().lower(), begin)
        and free(begin - 1, begin)
        and free(begin + len(candidate.strip()), begin + len(candidate.strip()) - 1)
    ]
    if not found:
        return []
    chosen = min(found)[2]
    spans: list[tuple[int, int]] = []
    for begin in sorted(at for at, _, candidate in found if candidate == chosen):
        if not spans or begin >= spans[-1][1]:
            spans.append((begin, begin + len(chosen)))
    return spans


pieces = st.sampled_from(["ab", "a", "b", "Ab", " ", " ", "-", ".", "7", "北", "京", "ไทย", "aba", "b a"])
texts = st.lists(pieces, max_size=12).map("".join)


@given(st.lists(texts, max_size=6), texts)
def test_equals_the_oracle(candidates: list[str], text: str) -> None:
    finder = CandidateFinder(candidates)
    assert finder.find(text) == oracle(candidates, text)
    assert (text in finder) is bool(oracle(candidates, text))


@given(st.lists(st.text(max_size=6), max_size=5), st.text(max_size=20))
def test_a_match_is_a_candidate_after_folding_and_later_ones_are_the_same(candidates: list[str], text: str) -> None:
    spans = CandidateFinder(candidates).find(text)
    said = [fold(text[slice(*span)]).text for span in spans]
    assert len(set(said)) <= 1
    assert not said or said[0] in {fold(candidate.strip()).text for candidate in candidates}
    assert all(first[1] <= second[0] for first, second in pairwise(spans))


def test_matches_do_not_overlap() -> None:
    assert CandidateFinder(["a a"]).find("a a a, a a") == [(0, 3), (7, 10)]


def test_digits_and_punctuation_are_candidates_too() -> None:
    assert CandidateFinder(["9"]).find("19 or 9, not 9.0") == [
        (6, 7),
        (13, 14),
    ]  # Definitions: only letters and digits bind
    assert CandidateFinder(["!!!"]).find("oh !!! well") == [(3, 6)]
    assert CandidateFinder(["C++"]).find("C++17, or C++") == [(10, 13)]
    assert CandidateFinder(["", "  "]).find("anything") == [] and "x" not in CandidateFinder([])


def test_quotes_are_matched_as_they_are_written() -> None:
    """NFKC keeps curly and straight quotes apart; who wants them alike takes the rule `normalised`."""
    assert "The Queen\u2019s Gambit" not in CandidateFinder(["The Queen's Gambit"])
    assert "The Queen's Gambit" in CandidateFinder(["the queen's gambit"])
