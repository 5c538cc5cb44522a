"""How the page's charts look: the style sheet's colours, and what tells two series apart without them.

Colours are `var(--…)`, so that a page in light, in dark and on paper is one drawing. What colour tells apart, shape,
dash or filling tells too.
"""

from typing import Any

SERIES = ("var(--blue)", "var(--mark)")
"""The chosen grid, and the one beside it."""
CONFIG: dict[str, Any] = {
    # The page names every chart, and says the chosen cell in words.
    **{part: {"aria": False} for part in ("mark", "title")},
    "background": "transparent",
    "font": 'system-ui, "DejaVu Sans", sans-serif',
    "view": {"stroke": "transparent"},
    "axis": {
        "aria": False,
        **{f"{part}Color": "var(--ink)" for part in ("label", "title")},
        **{f"{part}Color": "var(--soft)" for part in ("domain", "tick")},
        "gridColor": "var(--line)",
        "labelFontSize": 11,
        "titleFontSize": 11,
        "titleFontWeight": "normal",
        "labelLimit": 260,
    },
    "legend": {
        "aria": False,
        "labelColor": "var(--ink)",
        "titleColor": "var(--ink)",
        "titleFontWeight": "normal",
        "gradientLength": 160,
    },
    "text": {"color": "var(--ink)"},
    "rule": {"color": "var(--soft)"},
}
UNIT = {"domain": [0, 1]}
COLOUR = {
    "field": "series",
    "type": "nominal",
    "sort": None,
    "legend": None,
    "scale": {"range": list(SERIES)},
}
SHAPE = {"field": "series", "type": "nominal", "sort": None, "legend": None, "scale": {"range": ["circle", "diamond"]}}
DASH = {"field": "series", "type": "nominal", "sort": None, "legend": None, "scale": {"range": [[1, 0], [5, 3]]}}
