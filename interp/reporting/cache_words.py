"""What `interp cache` says of converted models."""

from collections.abc import Sequence
from pathlib import Path

from interp.models.cached import Cached


def cache_lines(found: Sequence[Cached], place: Path) -> list[str]:
    """A line for each, and where they are and what they take together."""
    lines = [f"{one.name}: {megabytes(one.size)}, {one.made:%Y-%m-%d %H:%M}{_rest(one)}" for one in found]
    total = f"in {place}: {megabytes(sum(one.size for one in found))}"
    return [*(lines or ["no converted model is kept"]), total]


def removed_line(count: int, size: int) -> str:
    """What removing them freed."""
    return f"removed {count}, {megabytes(size)}"


def megabytes(size: int) -> str:
    """Bytes for the eye."""
    return f"{size / 1e6:,.1f} MB"


def _rest(one: Cached) -> str:
    return "" if one.whole else ", left by a conversion that did not end"
