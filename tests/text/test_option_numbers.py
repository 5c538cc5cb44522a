"""An option chosen by its number: the value in whatever form, the same unit, and one option alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interp.text.option_numbers import chosen_by_number, may_be_a_number


@pytest.mark.parametrize(
    ("options", "text", "place"),
    [
        (("10 km", "20 km"), "It is 20km.", 1),
        (("10 km", "20 km"), "20", 1),
        (("10 km", "20 km"), "20 miles", None),
        (("1/4", "1/2"), "0.5", 1),
        (("10", "10.0"), "10", None),  # two options of one value
        (("10", "20"), "30", None),
        (("few", "many"), "20", None),
        (("10 < x", "20"), "10", None),  # no number and its unit
        (("10", "20"), "none", None),
    ],
)
def test_the_only_option_with_this_number(options, text, place):
    found = chosen_by_number(options, text)
    assert (found and set(found.options)) == (None if place is None else {place})
    if found:
        assert text[slice(*found.span)].startswith(("20", "0.5"))


@given(st.lists(st.integers(-9999, 9999), min_size=2, max_size=6, unique=True), st.data())
def test_an_integer_among_others_is_found_with_its_place(numbers, data):
    place = data.draw(st.integers(0, len(numbers) - 1))
    found = chosen_by_number([str(n) for n in numbers], f"I get {numbers[place]}")
    assert found is not None and found.options == {place} and found.span[0] == 6


@pytest.mark.parametrize(
    ("options", "text", "may"),
    [
        (("10", "20"), "30", False),  # read, and none of them
        (("10", "20"), "20", True),
        (("10", "20"), "many", False),
        (("x^2", "20"), "30", True),  # not every option is read
        (("few", "many"), "30", False),
        (("10", "20"), r"\pi", True),  # a formula that is not read
    ],
)
def test_whether_a_number_that_is_not_read_may_name_an_option(options, text, may):
    assert may_be_a_number(options, text) is may
