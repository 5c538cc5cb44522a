"""Where a completion names an option: by a letter, by a text, denied, listed, or a word of the sentence."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interp.text.option_places import (
    end_with_text,
    is_dismissed,
    is_listed,
    letter_at,
    letters_of,
    standing_letters,
    text_at,
    texts_of,
)
from interp.text.option_words import BARE, MARKED

CITIES = ("London", "Paris", "No", "Rome")


@pytest.mark.parametrize("text", ["B.", " (B)", "**B**", "`B`", "[B] because", "B, a city", '"B"', "$B$"])
def test_a_letter_after_what_opens_it_is_found_where_it_stands(text):
    found = letter_at(CITIES, text, 0)
    assert found is not None and found.options == {1} and found.span == (text.index("B"), text.index("B") + 1)


@pytest.mark.parametrize("text", ["By car", "B or C", "B isn't right", "b is nice", "E.", "A look", "", "AB.", "x B."])
def test_what_names_no_option_by_its_letter_there(text):
    assert letter_at(CITIES, text, 0) is None


@pytest.mark.parametrize(
    ("text", "span"),
    [("Paris.", (0, 5)), ("the Paris", (4, 9)), ("“Paris”", (1, 6)), ("Paris is wrong", None), ("Paris or Rome", None)],
)
def test_a_text_that_begins_at_a_place(text, span):
    found = text_at(CITIES, text, 0)
    assert (found and found.span) == span
    assert found is None or found.options == {1}


def test_texts_from_left_to_right_without_what_is_listed_denied_or_a_determiner():
    def named(text, **options):
        return [min(one.options) for one in texts_of(CITIES, text, **options)]

    assert named("Rome, then London") == [3, 0]
    assert named("Not Rome. London or Paris. No idea. No.") == [2]
    assert named("Not Rome. London or Paris. No idea. No.", dismissed=True) == [3, 0, 1, 2]


def test_marked_and_bare_letters():
    text = "(A) is near. So is option C. Is B?"
    assert [min(one.options) for one in letters_of(CITIES, text, MARKED)] == [0, 2]
    assert [min(one.options) for one in letters_of(CITIES, "D. So D!", BARE)] == [3, 3]
    assert [text[place] for place in standing_letters(CITIES, text)] == ["A", "C", "B"]
    assert standing_letters(CITIES, "A look, A-level, A's; I, E and USB") == []


def test_letters_side_by_side_are_listed():
    assert is_listed(CITIES, "A or B", 0) and is_listed(CITIES, "A or B", 5) and is_listed(CITIES, "A, B", 0)
    assert not is_listed(CITIES, "A. B", 0) and not is_listed(CITIES, "of A and C, D is correct", 12)


def test_a_letter_may_end_with_its_own_text_only():
    for text, end in (("B. Paris is right", 8), ("B. Rome is right", 1), ("BParis", 1), ("B", 1)):
        found = letter_at(CITIES, "B.", 0)
        assert end_with_text(CITIES, text, found) == end


@given(
    st.sampled_from(["It is not {}.", "rather than {}", "If {} it is", "{} is wrong", "{} – no", "不是{}", "{} ❌"]),
    st.sampled_from(CITIES),
)
def test_what_is_denied_or_supposed_is_dismissed_and_the_bare_name_is_not(form, name):
    begin = form.index("{")
    assert is_dismissed(form.format(name), begin, begin + len(name))
    assert not is_dismissed(name, 0, len(name)) and not is_dismissed(f"It is {name}.", 6, 6 + len(name))
