"""What every repr of a notebook is made of: nothing that is put in gets out."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from read_html import HOSTILE, Page

from interp.support.html_repr import (
    LONGEST,
    ROWS,
    Html,
    box,
    facts,
    marked,
    safe,
    section,
    sentences,
    settings_section,
    table,
)


def page(*sections: Html, line=()) -> Page:
    return Page(box("Thing", line, sections))


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_text_is_shown_wherever_it_stands_and_does_nothing(text) -> None:
    found = page(
        section(text, table((text, "b"), [(text, text)]), note=text),
        *settings_section({text: text, "list": [text, [text]], "dict": {text: text}}),
        section("told", sentences([text])),
        line=[text, 1],
    )
    shown = Page(f"<div><span>{safe(text)}</span></div>").line[0]
    assert found.line == ["Thing", shown, "1"]
    assert found.sections[shown].rows == [[shown, "b"], [shown, shown]] and found.sections[shown].note == shown
    assert found.sections["Settings"].rows[0] == [shown, shown]
    if len(text) < LONGEST:
        assert found.sections["told"].paragraphs == [shown]


@given(st.text(st.characters(codec=None)), st.integers(-5, 400), st.integers(-5, 400))
def test_any_text_is_one_text_and_can_be_saved(text, begin, end) -> None:
    shown = Page(f"<div><span>{safe(text)}{marked(text, begin, end)}</span></div>")
    assert len(shown.line) == 1 and not any(ord(sign) < 32 for sign in shown.text)


def test_signs_that_nobody_sees_are_written_out() -> None:
    assert safe("\x1b[31m \ud800 \u202e a\nb \x85") == r"\x1b[31m \ud800 \u202e a⏎b \x85"
    assert safe("Größe, 数, 🙂 − \u00a0") == "Größe, 数, 🙂 − \u00a0"


def test_a_long_text_is_cut_and_ends_so() -> None:
    assert safe("ab" * LONGEST) == ("ab" * LONGEST)[: LONGEST - 1] + "…"
    assert safe("a" * LONGEST) == "a" * LONGEST


@pytest.mark.parametrize("before", ["", "x", "<" * 30, "y" * 1000])
@pytest.mark.parametrize("after", ["", "&z", "z" * 1000])
def test_what_is_marked_is_in_sight_however_long_the_text(before, after) -> None:
    text = f"{before}<exact>{after}"
    shown = Page(f"<div><span>{marked(text, len(before), len(before) + 7)}</span></div>")
    assert shown.marked == ["<exact>"]
    inside = shown.text.strip("…")
    assert inside in text and len(inside) == min(len(text), LONGEST)
    assert shown.text.startswith("…") == (not text.startswith(inside))
    assert shown.text.endswith("…") == (not text.endswith(inside))


def test_what_is_marked_and_too_long_is_marked_to_the_end_of_what_is_shown() -> None:
    shown = Page(f"<div><span>{marked('ab' + 'c' * 1000 + 'd', 2, 1002)}</span></div>")
    assert shown.marked == ["c" * (LONGEST - 2)] and shown.text == "ab" + shown.marked[0] + "…"


def test_a_table_says_how_many_rows_it_does_not_show() -> None:
    found = page(section("all", table(("", "n"), [(f"r{i}", i) for i in range(ROWS)])))
    more = page(section("some", table(("", "n"), [(f"r{i}", i) for i in range(ROWS + 3)])))
    assert len(found.sections["all"].rows) == len(more.sections["some"].rows) == ROWS + 1
    assert found.sections["all"].paragraphs == [] and more.sections["some"].paragraphs == ["and 3 more"]
    many = page(section("settings", facts({str(i): i for i in range(ROWS + 2)})))
    assert many.sections["settings"].paragraphs == ["and 2 more"]


def test_numbers_stand_to_the_right_and_none_is_a_dash() -> None:
    made = table(("name", "n", "text", "share"), [("a", 3, "x", "50.0%"), ("b", None, 2, "–")], right=["share"])
    found = page(section("s", made))
    assert found.sections["s"].rows[1:] == [["a", "3", "x", "50.0%"], ["b", "–", "2", "–"]]
    assert made.count('class="interp-number"') == 6  # the two columns and their heads; the third holds a text
    assert page(section("s", table(("", ""), [("a", math.nan), ("b", 0.12345)]))).sections["s"].rows[1:] == [
        ["a", "–"],
        ["b", "0.123"],
    ]


def test_settings_are_plain_values_and_types_of_others() -> None:
    values = {"a": None, "b": ("x", "y"), "c": [], "d": object(), "e": False, "f": 0.5, "g": "text"}
    rows = page(*settings_section(values)).sections["Settings"].rows
    assert rows == [["a", "–"], ["b", "x, y"], ["c", "–"], ["d", "object"], ["e", "False"], ["f", "0.5"], ["g", "text"]]
    assert settings_section({}) == []


def test_a_section_is_folded_unless_it_is_opened() -> None:
    found = page(section("one", sentences(["a"])), section("two", sentences(["b"]), opened=True))
    assert [found.sections[name].opened for name in ("one", "two")] == [False, True]


def test_the_style_is_that_of_the_box_alone() -> None:
    """Every rule begins with the box's own class, so that the notebook around it keeps its look; no colour is fixed."""
    style = box("Thing", [], []).split("<style>")[1].split("</style>")[0]
    rules = [rule.split("{")[0] for rule in style.split("}") if rule.strip()]
    selectors = [one.strip() for rule in rules for one in rule.split(",")]
    assert selectors and all(one.removeprefix("div").startswith(".interp-repr") for one in selectors)
    assert "#" not in style and "color: inherit" in style
