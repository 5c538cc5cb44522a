"""Where candidates match: against a slow oracle that tries every candidate at every place."""

import re
import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interp.text.comparable import comparable, comparable_typography, loosen
from interp.text.matching import CandidateFinder

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


# Numbers, accents and full stops have rules of their own: tests/capturing/test_positions_oracle.py.
pieces = st.sampled_from(["ab", "a", "b", "Ab", " ", " ", "-", "!", "q", "北", "京", "ไทย", "aba", "b a"])
# White space and Korean have rules of their own, too.
texts = st.lists(pieces, max_size=12).map(lambda some: re.sub(" +", " ", "".join(some)))


@given(st.lists(texts, max_size=6), texts)
def test_equals_the_oracle(candidates: list[str], text: str) -> None:
    finder = CandidateFinder(candidates)
    assert finder.find(text) == oracle(candidates, text)
    assert (text in finder) is bool(oracle(candidates, text))


@given(st.lists(st.text(max_size=6), max_size=5), st.text(max_size=20))
def test_a_match_is_a_candidate_after_folding_and_later_ones_are_the_same(candidates: list[str], text: str) -> None:
    found = CandidateFinder(candidates).found(text)
    spans = [] if found is None else found.spans

    def form(words: str) -> str:
        compared = comparable_typography(words)
        return loosen(compared).text.strip() if found is not None and found.loose else compared.text

    assert {form(text[slice(*span)]) for span in spans} <= {form(candidate.strip()) for candidate in candidates}
    assert found is None or found.candidate in {comparable(candidate.strip()).text for candidate in candidates}
    assert all(first[1] <= second[0] for first, second in pairwise(spans))


def test_matches_do_not_overlap() -> None:
    assert CandidateFinder(["a a"]).find("a a a, a a") == [(0, 3), (7, 10)]


def test_digits_and_punctuation_are_candidates_too() -> None:
    assert CandidateFinder(["9"]).find("19 or 9, not 9.0") == [(6, 7)]
    assert CandidateFinder(["!!!"]).find("oh !!! well") == [(3, 6)]
    assert CandidateFinder(["C++"]).find("C++17, or C++") == [(10, 13)]
    assert CandidateFinder(["", "  "]).find("anything") == [] and "x" not in CandidateFinder([])


NUMBERS = {  # accepted: where it stands, where it does not
    "5": [
        ("5.", "a 5, or", "$5", "5 %", "5-7", "5–7", "1/2 of 5", "(5)", "**5**", "=5", "5: yes", "2 or 5"),
        (
            *("1.5 metres", "5,000 people", "5 000", "5\u202f000", "5'000", "1,00,005", "-5", "\u22125", "5/2", "3/5"),
            *("5½", "v1.5", "5.0", ".5", "5th", "5e3", "10^5", "10^{5}", "±5", "-$5", "3,5", r"\frac{5}{7}", "9{,}5"),
            *("COVID-5", "15"),
        ),
    ],
    "3/4": [("3/4 of it",), ("1 3/4", "3/45", "-3/4")],
    "-3": [("it is -3.", "x = \u22123"), ("5-3", "-3.5", "-30")],
    "1,000": [("1,000 men",), ("11,000", "1,000,000", "1,000.5")],
    "1990": [("in 1990.", "1990-1995"), ("the 1990s", "1990.5", "11990")],
    "105": [("105",), ("10⁵",)],
    "1945": [("1945/46", "1945년", "1945年", "in 1945–46"), ("1945/47", "1945/4", "3/1945", "19450")],
    "1776": [
        ("7/4/1776", "04/07/1776.", "4.7.1776", "1776/07/04", "1776-07-04"),
        ("7/4/17760", "1/7/4/1776", "4/1776"),
    ],
    "46": [(), ("1945/46",)],
    "24 hours": [("in 24 hours",), ("1.24 hours", "-24 hours")],
    "Apollo 1": [("Apollo 1, and",), ("Apollo 1.5", "Apollo 11", "Apollo 1,000")],
}


@pytest.mark.parametrize("accepted", NUMBERS)
def test_a_number_is_no_part_of_another(accepted: str) -> None:
    here, elsewhere = NUMBERS[accepted]
    assert [text for text in here if text not in CandidateFinder([accepted])] == []
    assert [text for text in elsewhere if text in CandidateFinder([accepted])] == []


def test_spans_follow_the_rule_of_numbers() -> None:
    assert CandidateFinder(["5"]).find("1.5 m in 5,000 steps: 5, yes 5.") == [(22, 23), (29, 30)]
    assert CandidateFinder(["5", "1.5"]).find("1.5 m, then 5") == [(0, 3)]


def found(candidates: list[str], text: str) -> list[str]:
    return [text[slice(*span)] for span in CandidateFinder(candidates).find(text)]


def test_capitals_decide_where_a_word_has_two_meanings() -> None:
    assert found(["US"], "Let us see: the US, the U.S.") == ["US"] and found(["WHO"], "Who knows who?") == []
    assert found(["May"], "It may be May or MAY.") == ["May", "MAY"]
    assert found(["us"], "US or us") == ["US", "us"]  # only a candidate's own capitals are asked for
    assert found(["US", "us"], "us") == ["us"]  # one that stands in any case decides
    assert found(["Paris"], "paris, PARIS") == ["paris", "PARIS"]
    assert found(["The Who"], "the who") == ["the who"]  # two words are no function word


SCRIPTS = [  # accepted, texts in which it stands, texts in which it does not
    ("서울", ["수도는 서울입니다.", "서울은", "서울", "Seoul서울은", "2서울"], ["대서울", "남서울"]),
    ("Paris", ["정답은 Paris입니다", "정답은Paris입니다", "答えはParisです", "Parisคือ"], ["Parisian", "éParis입니다"]),
    ("1945", ["1945년", "1945年", "ปี1945", "년1945"], ["a1945", "1945a"]),
    ("한국어", ["한국어로", "(한국어)"], ["한국", "비한국어"]),
    ("Москва", ["Москва입니다"], ["Москвам"]),
]


@pytest.mark.parametrize(("accepted", "here", "elsewhere"), SCRIPTS)
def test_where_words_end_in_other_scripts(accepted: str, here: list[str], elsewhere: list[str]) -> None:
    assert [text for text in here if text not in CandidateFinder([accepted])] == []
    assert [text for text in elsewhere if text in CandidateFinder([accepted])] == []


@pytest.mark.parametrize("between", [" ", "  ", "\n", "\n  ", "\t", "\r\n", "\u00a0", "\u3000 "])
def test_one_kind_of_white_space(between: str) -> None:
    said = f"New{between}York"
    assert found(["New York"], f"In {said}, {said}!") == [said, said]
    assert found([said], "In New York") == ["New York"]
    assert found(["J. R. R. Tolkien"], f"J.{between}R. R.{between}Tolkien") == [f"J.{between}R. R.{between}Tolkien"]


TYPOGRAPHY = [  # accepted, text, what is found, whether only loosely
    ("The Queen's Gambit", "the queen\u2019s gambit", "the queen\u2019s gambit", False),
    ("O\u2019Neill", "O\u00b4Neill", "O\u00b4Neill", False),
    ("Jean-Luc", "Jean\u2011Luc G.", "Jean\u2011Luc", False),
    ('"Heroes"', "\u201cHeroes\u201d", "\u201cHeroes\u201d", False),
    ("1914-1918", "in 1914\u20131918.", "1914\u20131918", False),
    ("São Paulo", "in Sao Paulo.", "Sao Paulo", True),
    ("Sao Paulo", "in Sa\u0303o Paulo.", "Sa\u0303o Paulo", True),
    ("Łódź", "Lodz", "Lodz", True),
    ("Tromsø", "Tromso!", "Tromso", True),
    ("Mr. T", "Mr T did", "Mr T", True),
    ("Mr T", "(Mr. T)", "Mr. T", True),
    ("St. Petersburg", "St Petersburg", "St Petersburg", True),
    ("Washington, D.C.", "It is Washington DC.", "Washington DC", True),
    ("Washington DC", "Washington, D.C. is", "Washington, D.C.", True),
    ("J.R.R. Tolkien", "J. R. R. Tolkien wrote", "J. R. R. Tolkien", True),
    ("US", "the U.S. army", "U.S.", True),
    ("cooperate", "co\u00adoperate", "co\u00adoperate", True),
    ("Αθήνα", "Αθηνα", "Αθηνα", True),
]


@pytest.mark.parametrize(("accepted", "text", "said", "loose"), TYPOGRAPHY)
def test_typography_and_accents(accepted: str, text: str, said: str, loose: bool) -> None:
    match = CandidateFinder([accepted]).found(text)
    assert match is not None and text in CandidateFinder([accepted])
    assert [text[slice(*span)] for span in match.spans] == [said] and match.loose is loose


@pytest.mark.parametrize(
    ("accepted", "text"),
    [
        ("май", "маи"),  # in other scripts than Latin and Greek a mark makes another letter
        ("が", "か"),
        ("हिन्दी", "हन्द"),
        ("한국", "하구"),
        ("Él", "el"),  # too short to be missing an accent
        ("Thé", "the"),  # without its accent, a function word in another case
        ("U.S.", "us"),
        ("U.S.", "USA"),
        ("3.5", "35"),
        ("1,000", "1000"),
        ("a.b", "ab"),
    ],
)
def test_what_loosening_keeps_apart(accepted: str, text: str) -> None:
    assert text not in CandidateFinder([accepted])


def test_the_exact_one_is_preferred_where_accents_tell_words_apart() -> None:
    finder = CandidateFinder(["Peña", "Pena"])
    assert [(match.candidate, match.loose) for text in ("Pena", "Peña") if (match := finder.found(text))] == [
        ("pena", False),
        ("peña", False),
    ]
    assert found(["résumé"], "resume, the résumé") == ["résumé"]
    assert found(["São Paulo", "Brazil"], "Sao Paulo in Brazil") == ["Sao Paulo"]  # the earliest all the same
    assert found(["Washington", "Washington DC"], "Washington, D.C.") == ["Washington, D.C."]  # and the longest
