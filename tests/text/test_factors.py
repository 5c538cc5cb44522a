"""What multiplies a number: words and letters behind it."""

import math

import pytest

from interp.text.factors import factor_after


@pytest.mark.parametrize(
    ("behind", "currency", "factor", "read"),
    [
        (" million people", False, 1e6, " million"),
        (" Millionen", False, 1e6, " Millionen"),
        ("-million-year", False, 1e6, "-million"),
        (" hundred thousand.", False, 1e5, " hundred thousand"),
        (r"\text{ billion}", False, 1e9, r"\text{ billion}"),
        (r"~\text{billion} or", False, 1e9, r"~\text{billion}"),
        ("$ billion", False, 1e9, "$ billion"),
        ("万人", False, 1e4, "万"),
        ("천만 명", False, 1e7, "천만"),
        ("千克", False, 1, ""),
        ("k", False, 1e3, "k"),
        ("kg", False, 1, ""),
        ("M.", False, 1e6, "M"),
        ("m", False, 1, ""),
        ("m", True, 1e6, "m"),
        ("K", True, 1e3, "K"),
        (" k", False, 1, ""),
        (" millionaires", False, 1, ""),
        (" apples", True, 1, ""),
        ("", False, 1, ""),
    ],
)
def test_factor_and_where_it_ends(behind: str, currency: bool, factor: float, read: str) -> None:
    assert factor_after("1" + behind, 1, currency=currency) == (factor, 1 + len(read))


def test_what_has_several_meanings_is_not_read() -> None:
    assert math.isnan(factor_after("5K", 1, currency=False)[0])
