"""Options chosen by their number: however it is written, in one unit, and never where it is not read."""

import pytest

from interp.text.option_numbers import chosen_by_number, may_be_a_number


@pytest.mark.parametrize(
    ("options", "text", "chosen"),
    [
        (["1/2", "1/3"], "0.5", 0),
        (["20 km", "30 km"], "It is 30km.", 1),
        (["20 km", "30 km"], "It is 30 miles.", None),  # another unit
        (["20", "20.0"], "20", None),  # two options are this number
        (["3 to 5", "7"], "3", None),  # an option of two numbers
        (["10", "12"], "11", None),
        (["10", "12"], "ten", None),
    ],
)
def test_the_number_that_is_answered_chooses(options, text, chosen):
    found = chosen_by_number(options, text)
    assert (found is None) is (chosen is None) and (found is None or found.options == {chosen})


@pytest.mark.parametrize(
    ("options", "text", "may"),
    [
        (["x^2", "2x"], "x²", True),  # a formula is not read
        (["10", "12"], "11", False),  # all are read, and it is none of them
        (["10", "12"], "12", True),
        (["Paris", "Rome"], "12", False),  # options without numbers
        (["10", "12"], "ten", False),
    ],
)
def test_where_a_number_may_be_meant(options, text, may):
    assert may_be_a_number(options, text) is may
