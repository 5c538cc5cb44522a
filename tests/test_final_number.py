r"""Which number of a completion is its answer: boxes, hashes, "the answer is", remarks; and what is not read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interp.answering.exact_answers import exact_answer_method
from interp.answering.final_number import final_number

ANSWERS = [
    ("18 (see step 3)", "18"),
    ("18 (in 2 days)", "18"),
    ("It took 18 days [3].", "18"),
    ("18 apples (that is 3 × (2 + 4)), all in all", "18"),
    ("18 (cut off after 3", "18"),
    ("He paid 18（第3步）", "18"),
    ("(18)", "18"),
    ("eighteen (18) apples", "18"),
    ("2 + 16 = (18)", "18"),
    ("The result is (18).", "18"),
    (r"\( 18 \)", "18"),
    (r"so \[ x = 18 \]", "18"),
    (r"f(3) = 18", "18"),
    (r"First 3. So \boxed{$9{,}500} in 2 steps.", "$9{,}500"),
    (r"\boxed{1} no, \boxed{\frac{3}{4}} (2)", r"\frac{3}{4}"),
    (r"$\boxed{x = 5\,000 \text{ cm}^2}$", r"5\,000"),
    (r"\boxed{ } so 7", "7"),
    (r"\fbox{12", "12"),
    ("5 + 3\n#### 1,800\nQuestion 2", "1,800"),
    ("####-3 and 4", "-3"),
    ("#### Step 3: 18", "18"),
    ("The answer is 18. I used 2 steps.", "18"),
    ("The answer is 18 apples in 3 baskets", "18"),
    ("The answer is 3 + 15 = 18.", "18"),
    ("The answer is that he, after 3 days, has 18.", "18"),
    ("**Answer:** $18.50 in 3 days. So 4.", "$18.50"),
    ("Final answer:\n18\nsince 3", "18"),
    ("The answer is unknown. It may be 18", "18"),
    ("The area is 18 cm^2.", "18"),
    ("Its volume is 18 m^{3}", "18"),
    ("It is $18$.", "18"),
    ("-5 % or $-3", "$-3"),
]


@pytest.mark.parametrize(("text", "said"), ANSWERS)
def test_which_number_and_where(text: str, said: str) -> None:
    number = final_number(text)
    assert number is not None and text[number.start : number.end] == said and number.is_read
    assert exact_answer_method("last_number").locate([""], [text])[0].spans == [(number.start, number.end)]


@pytest.mark.parametrize(
    "text",
    [
        r"\boxed{x + 3}",
        r"\boxed{\pi}",
        r"\boxed{(2, 3)}",
        r"\boxed{2\sqrt{3}}",
        r"\boxed{5-3}",
        r"\boxed{3y}",
        r"\boxed{\frac{\sqrt{3}}{2}}",
        "7/0",
        "12,34",
        "It is 3 + 15",
        "1.2.3",
        "The answer is 3,5.",
        "9" * 400,
    ],
)
def test_what_is_not_read_is_said_to_be_so(text: str) -> None:
    number = final_number(text)
    assert number is not None and not number.is_read


@pytest.mark.parametrize("text", ["", "no number", "H2O", "nine (or so)", "Answer:"])
def test_no_number(text: str) -> None:
    assert final_number(text) is None and exact_answer_method("last_number").locate([""], [text])[0].spans == []


@given(st.text(alphabet="0123 .,-()[]{}=#$/\\^boxedanswer is:\n½", max_size=60))
def test_any_text_gives_a_place_inside_it_or_none(text: str) -> None:
    number = final_number(text)
    assert number is None or 0 <= number.start < number.end <= len(text)
