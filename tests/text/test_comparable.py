"""Folding with the way back: typography one to one, accents and full stops that fall."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interp.text.comparable import comparable, comparable_typography, loosen

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(text)
def test_typography_moves_no_character(string: str) -> None:
    compared = comparable_typography(string)
    assert len(compared.start) == len(compared.text) + 1 == len(compared.edge)
    plain = "".join(
        char for char in string if unicodedata.category(char) not in ("Pi", "Pf", "Pd", "Ps", "Lm", "Sk", "Po")
    )
    kept = "".join(char for char in plain if char not in "\u2212")
    assert comparable_typography(kept).text == re.sub(r"\s+", " ", comparable(kept).text)


@given(text | st.text(" \n\t\u00a0aé", max_size=9))
def test_one_kind_of_white_space_and_the_way_back(string: str) -> None:
    compared = comparable_typography(string)
    assert not re.search(r"[^\S ]|\s\s", compared.text)
    places = [
        compared.original(i, i + 1) for i, char in enumerate(compared.text) if char == " " and compared.edge[i + 1]
    ]
    assert all(comparable(string[slice(*place)]).text.isspace() for place in places)


@pytest.mark.parametrize(
    ("string", "loose"),
    [
        ("São Tomé", "sao tome"),
        ("Ærø, Łódź, Þór, İ, ß", "aero lodz þor i ss"),
        ("Mr. T. in St. Louis. Paris. End.", "mr t in st louis. paris. end"),
        ("Washington, D.C., 1,000", "washington dc 1,000"),
        ("J. R. R. Tolkien", "jrr tolkien"),
        ("J R R Tolkien, T. I", "jrr tolkien ti"),
        ("Plan B is a 5 x", "plan b is a 5 x"),
        ("e.g. bbc.com 3.5 v1.", "eg bbc.com 3.5 v1."),
        ("йo ё が हिन्दी 한 국 ά", "йo ё が हिन्दी 한 국 α"),
        ("x\u0301 и\u0301 東\u0301", "x и\u0301 東\u0301"),
        ("co\u00adop", "coop"),
        ("plain", "plain"),
    ],
)
def test_what_falls(string: str, loose: str) -> None:
    assert loosen(comparable_typography(string)).text == loose


@given(
    text
    | st.lists(st.sampled_from(["é", "e\u0301", ".", ",", " ", "D", "ß", "ﬁ", "\u00ad", "æ"]), max_size=9).map("".join)
)
def test_the_way_back_of_what_is_left(string: str) -> None:
    compared = comparable_typography(string)
    loose = loosen(compared)
    assert len(loose.start) == len(loose.text) + 1 == len(loose.edge)
    assert loose.start == sorted(loose.start) and loose.start[-1] == len(string)
    for i in range(len(loose.text)):
        begin, end = loose.original(i, i + 1)
        assert begin < end <= len(string) or not (loose.edge[i] and loose.edge[i + 1])
        if loose.edge[i] and loose.edge[i + 1] and loose.text[i].isalpha():
            # A letter alone comes from a stretch that loosens to it; the full stop of U.S. stands behind it.
            assert loosen(comparable_typography(string[begin:end])).text.rstrip(".") == loose.text[i]


def test_a_text_in_which_nothing_falls_is_itself() -> None:
    compared = comparable_typography("Rome is it!")
    assert loosen(compared) is compared
