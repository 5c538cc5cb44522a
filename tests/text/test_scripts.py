"""Where a word may end: scripts without spaces, Hangul, and where scripts meet."""

import pytest

from interp.text.scripts import is_hangul, is_unspaced, may_begin, may_end, without_unspaced


@pytest.mark.parametrize(
    ("left", "right", "begins", "ends"),
    [
        ("a", "b", False, False),
        ("a", "1", False, False),
        (" ", "b", True, False),
        ("a", ".", False, True),
        ("北", "京", True, True),
        ("a", "京", True, True),
        ("ก", "1", True, True),
        ("サ", "a", True, True),
        ("々", "a", True, True),
        ("서", "울", False, True),
        ("a", "울", True, True),
        ("울", "1", True, True),
        ("भ", "\u0940", False, False),
        ("д", "a", False, False),
    ],
)
def test_between_two_characters(left: str, right: str, begins: bool, ends: bool) -> None:
    assert may_begin(left, right) is begins
    assert (may_end(left, right) or left == " ") is (ends or left == " ")


def test_which_letters_may_touch_a_number() -> None:
    assert without_unspaced("共18元, 총18개 H2O") == "\0" + "18\0, \0" + "18\0 H2O"
    assert without_unspaced("ก๑๘") == "\0๑๘"  # digits stay, of any script
    assert len(without_unspaced("ที่ 3 ក្រុង")) == len("ที่ 3 ក្រុង")
    assert is_unspaced("ไ") and not is_unspaced("울") and is_hangul("울") and not is_hangul("京")
