"""The charts of the page in Vega-Lite: what is drawn, declared; their rows come from the cell that is chosen."""

from typing import Any

from interp.reporting.explore_style import COLOUR, CONFIG, DASH, SERIES, SHAPE, UNIT

CHOSEN = {"expr": "datum.layer === layer && datum.token === token"}
ON_DARK = "contrast('white', scale('color', datum.value)) > contrast('black', scale('color', datum.value))"


def specs() -> dict[str, dict[str, Any]]:
    """Every chart by its name; each reads the rows named `rows`."""
    return {
        "heat": _chart("Heat map, layers down and tokens across", _heat(), height={"step": 22}, width={"step": 34}),
        "scores": _chart("Distribution of the scores of right and of wrong answers", _scores()),
        "roc": _chart("ROC curve with its interval", _roc()),
        "calibration": _chart("Predicted against observed share of right answers", _calibration()),
        "controls": _chart("Controls at this cell, with their intervals", _controls(), height={"step": 17}),
        "layers": _chart("This token in every layer", _profile("layer", "Layer")),
        "tokens": _chart("This layer at every token", _profile("token", None)),
    }


def _chart(description: str, body: dict[str, Any], **size: Any) -> dict[str, Any]:
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "description": description,
        "config": CONFIG,
        "autosize": {"type": "pad" if "width" in size else "fit", "contains": "padding"},
        "width": "container",
        "height": 190,
        "data": {"name": "rows"},
        **size,
        **body,
    }


def _heat() -> dict[str, Any]:
    """A cell is its colour and its number; hatched cells are crosses, the chosen one is framed."""
    defined = {"filter": "isValid(datum.value)"}
    return {
        "params": [{"name": "layer", "value": ""}, {"name": "token", "value": ""}],
        "encoding": {
            "x": {
                "field": "token",
                "type": "nominal",
                "sort": None,
                "axis": {
                    "title": None,
                    "orient": "top",
                    "labelAngle": -45,
                    "grid": False,
                    "domain": False,
                    "ticks": False,
                },
            },
            "y": {
                "field": "layer",
                "type": "nominal",
                "sort": None,
                "axis": {"title": "Layer", "grid": False, "domain": False, "ticks": False},
            },
        },
        "layer": [
            {
                "transform": [defined],
                "mark": {"type": "rect", "cursor": "pointer"},
                "encoding": {
                    "color": {"field": "value", "type": "quantitative", "title": None, "scale": {}},
                    "tooltip": {"field": "told", "type": "nominal"},
                },
            },
            {
                "transform": [{"filter": "!isValid(datum.value)"}],
                "mark": {"type": "text", "text": "×", "cursor": "pointer", "color": "var(--soft)"},
                "encoding": {"tooltip": {"field": "told", "type": "nominal"}},
            },
            {
                "transform": [defined],
                "mark": {"type": "text", "fontSize": 10, "cursor": "pointer"},
                "encoding": {
                    "text": {"field": "shown", "type": "nominal"},
                    "tooltip": {"field": "told", "type": "nominal"},
                    "color": {"condition": {"test": ON_DARK, "value": "white"}, "value": "black"},
                },
            },
            {
                "transform": [{"filter": CHOSEN["expr"]}],
                "mark": {"type": "rect", "fillOpacity": 0, "stroke": "white", "strokeWidth": 5, "strokeOpacity": 1},
            },
            {
                "transform": [{"filter": CHOSEN["expr"]}],
                "mark": {"type": "rect", "fillOpacity": 0, "stroke": "#b23c00", "strokeWidth": 3, "strokeOpacity": 1},
            },
        ],
    }


def _scores() -> dict[str, Any]:
    """Right answers filled, wrong ones as a dashed outline."""
    x = {
        "field": "left",
        "type": "quantitative",
        "title": "held-out score, in standard deviations within its fold",
        "scale": {"domain": [-3, 3]},
    }
    y = {
        "field": "share",
        "type": "quantitative",
        "title": "share of its label",
        "axis": {"format": ".0%"},
        "stack": None,
    }
    return {
        "encoding": {"x": x, "y": y},
        "layer": [
            {
                "transform": [{"filter": "datum.label === 'right'"}],
                "mark": {"type": "area", "interpolate": "step-after", "color": SERIES[0], "opacity": 0.5},
            },
            {
                "transform": [{"filter": "datum.label === 'wrong'"}],
                "mark": {
                    "type": "line",
                    "interpolate": "step-after",
                    "color": SERIES[1],
                    "strokeDash": [4, 2],
                    "strokeWidth": 2,
                },
            },
        ],
    }


def _roc() -> dict[str, Any]:
    x = {"field": "rate", "type": "quantitative", "title": "wrong answers believed", "scale": UNIT}
    y = {"type": "quantitative", "title": "right answers believed", "scale": UNIT}
    return {
        "encoding": {"x": x},
        "layer": [
            _diagonal("rate"),
            {
                "mark": {"type": "area", "opacity": 0.22},
                "encoding": {"y": {**y, "field": "low"}, "y2": {"field": "high"}, "color": COLOUR},
            },
            {
                "mark": {"type": "line", "strokeWidth": 2},
                "encoding": {"y": {**y, "field": "recall"}, "color": COLOUR, "strokeDash": DASH},
            },
        ],
    }


def _calibration() -> dict[str, Any]:
    x = {"field": "predicted", "type": "quantitative", "title": "predicted probability of being right", "scale": UNIT}
    y = {"type": "quantitative", "title": "share that is right", "scale": UNIT}
    told = [{"field": name, "type": "quantitative"} for name in ("predicted", "observed", "low", "high", "n")]
    return {
        "encoding": {"x": x},
        "layer": [
            _diagonal("predicted"),
            {
                "mark": {"type": "rule", "strokeWidth": 1.5},
                "encoding": {"y": {**y, "field": "low"}, "y2": {"field": "high"}, "color": COLOUR},
            },
            {
                "mark": {"type": "point", "filled": True, "opacity": 1, "size": 45},
                "encoding": {"y": {**y, "field": "observed"}, "color": COLOUR, "shape": SHAPE, "tooltip": told},
            },
        ],
    }


def _controls() -> dict[str, Any]:
    x = {"type": "quantitative", "title": "AUC", "scale": {"zero": False, "nice": True}}
    y = {"field": "title", "type": "nominal", "sort": None, "axis": {"title": None, "labelLimit": 330}}
    told = [{"field": name, "type": "nominal"} for name in ("title", "told")]
    return {
        "layer": [
            {"mark": {"type": "rule"}, "encoding": {"x": {"datum": 0.5, "type": "quantitative"}}},
            {
                "mark": {"type": "rule", "strokeWidth": 1.5, "color": SERIES[0]},
                "encoding": {"y": y, "x": {**x, "field": "low"}, "x2": {"field": "high"}},
            },
            {
                "mark": {"type": "point", "filled": True, "opacity": 1, "size": 45, "color": SERIES[0]},
                "encoding": {"y": y, "x": {**x, "field": "value"}, "tooltip": told},
            },
        ],
    }


def _profile(field: str, title: str | None) -> dict[str, Any]:
    """Values with their intervals along one axis of the grid; the chosen place is a line."""
    x = {
        "field": field,
        "type": "nominal",
        "sort": None,
        "axis": {"title": title, "labelAngle": -45 if title is None else 0, "labelOverlap": title is not None},
    }
    y = {"type": "quantitative", "title": "value", "scale": {"zero": False}}
    offset = {"field": "series", "type": "nominal", "sort": None}
    return {
        "encoding": {"x": x},
        "layer": [
            {
                "mark": {"type": "rule", "strokeDash": [2, 2], "strokeWidth": 2},
                "encoding": {"opacity": {"condition": {"test": "datum.chosen", "value": 1}, "value": 0}},
            },
            {
                "mark": {"type": "rule", "strokeWidth": 1.5},
                "encoding": {"xOffset": offset, "y": {**y, "field": "low"}, "y2": {"field": "high"}, "color": COLOUR},
            },
            {
                "mark": {"type": "point", "filled": True, "opacity": 1, "size": 40},
                "encoding": {
                    "xOffset": offset,
                    "y": {**y, "field": "value"},
                    "color": COLOUR,
                    "shape": SHAPE,
                    "tooltip": {"field": "told", "type": "nominal"},
                },
            },
        ],
    }  # fmt: skip


def _diagonal(field: str) -> dict[str, Any]:
    """From corner to corner: what chance, or perfect calibration, looks like."""
    return {
        "data": {"values": [{field: 0, "at": 0}, {field: 1, "at": 1}]},
        "mark": {"type": "line", "color": "var(--soft)", "strokeDash": [2, 2], "strokeWidth": 1},
        "encoding": {"y": {"field": "at", "type": "quantitative"}},
    }
