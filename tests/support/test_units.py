"""Sizes, times and numbers as they are shown."""

import math

import pytest

from interp.support.units import decimal, duration, gigabytes, share, with_interval


@pytest.mark.parametrize(
    ("size", "told"), [(0, "0 bytes"), (999, "999 bytes"), (1000, "1 kB"), (12_340_000, "12.3 MB"), (10**13, "10 TB")]
)
def test_sizes(size, told) -> None:
    assert gigabytes(size) == told


@pytest.mark.parametrize(("seconds", "told"), [(0.5, "0.5 s"), (90, "1.5 min"), (7200, "2 h")])
def test_times(seconds, told) -> None:
    assert duration(seconds) == told


@pytest.mark.parametrize(
    ("value", "options", "told"),
    [
        (None, {}, "–"),
        (math.nan, {}, "–"),
        (0.12345, {}, "0.123"),
        (-0.12345, {"digits": 1}, "−0.1"),
        (0.5, {"sign": True}, "+0.500"),
        (-0.5, {"sign": True}, "−0.500"),
        (math.inf, {}, "inf"),
        (-math.inf, {}, "−inf"),
    ],
)
def test_numbers(value, options, told) -> None:
    assert decimal(value, **options) == told


def test_intervals_stand_only_where_they_are_known() -> None:
    assert with_interval(-0.1, -0.25, 0.05, sign=True) == "−0.100 [−0.250, +0.050]"
    assert with_interval(0.5, None, 0.6) == with_interval(0.5, math.nan, math.nan) == "0.500"
    assert with_interval(None, None, None) == "–"


def test_shares() -> None:
    assert [share(1, 200), share(199, 200), share(0.63, 1), share(0, 0)] == ["0.5%", "99.5%", "63.0%", "–"]
