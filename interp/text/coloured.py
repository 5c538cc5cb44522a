"""Pieces of a text coloured by a number each: from orange below zero to blue above it, as HTML without a script."""

from collections.abc import Iterable
from html import escape

import numpy as np
from jaxtyping import Float

LEVELS = 4
"""Shades on either side of zero."""
_BLUE, _ORANGE = "33, 113, 181", "230, 97, 1"
"""Told apart with any colour vision; both are laid over the page's own ground, light or dark, under its own ink."""
_DENSEST = 0.6
DEEPEST = 0.95
"""Share of the numbers that lie inside the deepest shades."""


def deepest(values: Float[np.ndarray, " value"]) -> float:
    """The size of a number from which on its shade is the deepest: 95 % of them are smaller."""
    return float(np.quantile(np.abs(values), DEEPEST)) if len(values) else 1.0


def level(value: float, limit: float) -> int:
    """The shade of a number, from -LEVELS to LEVELS; 0: near zero, or no number. From `limit` on it is the deepest."""
    if not limit > 0 or value != value:
        return 0
    return round(LEVELS * max(-1.0, min(1.0, value / limit)))


def style(shade: int) -> str:
    """The shade as CSS; below zero a dotted line besides, so that it is told from above zero in grey too."""
    if not shade:
        return ""
    colour = _BLUE if shade > 0 else _ORANGE
    ground = f"background:rgba({colour}, {round(_DENSEST * abs(shade) / LEVELS, 2)})"
    return ground if shade > 0 else f"{ground};border-bottom:1px dotted"


def coloured(pieces: Iterable[tuple[str, float]], limit: float) -> str:
    """The pieces, escaped, one after the other, each in the shade of its number."""
    return "".join(span(text, level(value, limit), str(round(value, 2))) for text, value in pieces)


def span(text: str, shade: int, title: str = "") -> str:
    """One piece, escaped; `title` is shown when it is pointed at."""
    told = f' title="{escape(title)}"' if title else ""
    return f'<span style="{style(shade)}"{told}>{escape(text)}</span>'
