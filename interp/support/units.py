"""Sizes, times and numbers as they are shown: in the unit that suits them, rounded, with their interval."""

import math


def gigabytes(size: int) -> str:
    """A size to three digits, in the unit that suits it."""
    power = min(4, int(math.log(max(size, 1), 1000)))
    return f"{size / 1000**power:.3g} {('bytes', 'kB', 'MB', 'GB', 'TB')[power]}"


def duration(seconds: int | float) -> str:
    """A time to three digits, in seconds, minutes or hours."""
    if seconds < 90:
        return f"{seconds:.3g} s"
    return f"{seconds / 60:.3g} min" if seconds < 5400 else f"{seconds / 3600:.3g} h"


def decimal(value: int | float | None, digits: int = 3, *, sign: bool = False) -> str:
    """A number to so many decimal places, with its sign if asked for; a dash where there is none."""
    if value is None or math.isnan(value):
        return "–"
    return f"{value:{'+' if sign else ''}.{digits}f}".replace("-", "−")


def with_interval(value: float | None, low: float | None, high: float | None, *, sign: bool = False) -> str:
    """A number with the interval around it, where there is one."""
    if any(limit is None or math.isnan(limit) for limit in (value, low, high)):
        return decimal(value, sign=sign)
    return f"{decimal(value, sign=sign)} [{decimal(low, sign=sign)}, {decimal(high, sign=sign)}]"


def share(count: int | float, of: int | float) -> str:
    """A count as a percentage of all; a dash where there are none."""
    return f"{count / of:.1%}" if of else "–"
