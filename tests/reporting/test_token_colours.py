"""Completions in colours: the characters stay, a shade follows the score, and what cannot be coloured is counted."""

from interp.reporting.token_colours import TokenColours
from interp.text.coloured import LEVELS, coloured, deepest, level, style

SAMPLES = [{"id": "a", "completion": "It is <b>Mali</b>."}, {"id": "b", "completion": "Oslo"}, {"id": "c"}]


def line(name: str, text: list[str], score: list[float], **other) -> dict:
    about = {"id": name, "layer": 3, "role": "exact_answer_last", "fold": 0, "special": [False] * len(text)}
    return about | {"text": text, "score": score} | other


LINES = [
    line("a", ["It is", " <b>Mali", "</b>.", "</s>"], [-2.0, 1.0, 0.9, 2.0], special=[False, False, False, True]),
    line("b", ["Os", "l"], [1.0, 1.0], fold=None),
]


def test_every_character_has_the_shade_of_its_token() -> None:
    colours = TokenColours.of(LINES, SAMPLES)
    assert colours.shades == {"a": [(5, -LEVELS), (18, 2)]} and colours.limit == 2.0
    assert (colours.held_out, colours.unseen, colours.uncoloured) == (1, 1, 2)
    told = " ".join(colours.sentences())
    assert "layer 3, exact_answer_last" in told and "extrapolation" in told and "2 completions have no colours" in told
    assert TokenColours.of([], SAMPLES).sentences() == [] and TokenColours().style() == ""


def test_shades() -> None:
    assert [level(value, 2.0) for value in map(float, (-9, -2, -0.4, 0, 0.3, 1, 2, 9, "nan"))] == [
        -4,
        -4,
        -1,
        0,
        1,
        2,
        4,
        4,
        0,
    ]
    assert level(1.0, 0.0) == 0 and style(0) == "" and "dotted" in style(-1) and "dotted" not in style(1)
    assert coloured([("<i>&", 1.0)], 1.0).count("<") == 2 and "&lt;i&gt;&amp;" in coloured([("<i>&", 1.0)], 1.0)


def test_the_deepest_shade_begins_where_few_scores_are() -> None:
    import numpy as np

    assert deepest(np.linspace(-1, 1, 2001)) == np.float64(0.95) and deepest(np.zeros(0)) == 1.0
