"""Numbers in LaTeX and in characters of their own, spelled out: what becomes of them, and the way back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interp.text.spelling import spell_out


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("2½ and ¾", "2 1⁄2  and 3⁄4 "),
        ("-½, 5½-6", "-1⁄2 , 5 1⁄2-6"),
        (r"\frac{3}{4} \dfrac34 \tfrac{ 1{,}000 }{3}", "3⁄4  3⁄4  1000⁄3 "),
        (r"\frac{x}{2}", r"\frac{x}{2}"),
        (r"9{,}500 1\,234 1\ 234 1~234 1{,}\!234 3{,}", "9,500 1\u202f234 1\u202f234 1\u202f234 1,234 3{,}"),
        (r"3\times10^{5} \cdot \timesx", "3×10^{5} × \\timesx"),
        ("10⁻³ 5³ m²", "10^-3 5³ m²"),
        (r"\$5 \% 90^\circ 90^{\circ}", "$5 % 90° 90°"),
        ("nothing to do", "nothing to do"),
    ],
)
def test_spelled(text: str, plain: str) -> None:
    assert spell_out(text).text == plain


pieces = st.sampled_from(
    ["½", r"\frac{1}{2}", r"\frac1", "{,}", r"\,", "10⁵", r"\times", r"\$", "5", " ", "x", "{", "é"]
)


@given(st.lists(pieces, max_size=10).map("".join))
def test_the_way_back(text: str) -> None:
    """Characters that stand for themselves stand where they stood; the others for a stretch that begins and ends alike."""
    spelled = spell_out(text)
    assert len(spelled.text) == len(spelled.begin) == len(spelled.end)
    assert spelled.begin == sorted(spelled.begin) and spelled.end == sorted(spelled.end)
    for char, begin, end in zip(spelled.text, spelled.begin, spelled.end, strict=True):
        assert 0 <= begin < end <= len(text)
        assert end - begin > 1 or char == text[begin] or text[begin] in "½⁵"
    if spelled.text:
        assert spelled.original(0, len(spelled.text))[1] <= len(text)
