"""Which of several numbers a completion answers with: alternatives, denials, circumstances, fields, signs, blanks."""

import pytest

from interp.data.row import QARow
from interp.labelling.correctness import correctness_rule
from interp.text.final_number import final_number
from interp.text.number_doubts import is_beside_another, is_denied, is_unclear
from interp.text.number_words import names_a_number
from interp.text.numerals import Numeral, all_numerals


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *((text, 18) for text in ("18, not 17", "The answer is not 17 but 18.", "Not 17. 18.", "18 rather than 17")),
        *((text, 18) for text in ("18 instead of 17", "17 is wrong, it is 18", "The answer isn't 17, it's 18.")),
        *((text, 18) for text in ("answer=18;confidence=3", "answer = 18, confidence = 0.9", "answer: 18\nconfidence: 3")),
        *((text, 18) for text in ('{"result": {"answer": 18}, "confidence": 3}', "{answer: 18, steps: 3}", "18 (90% confidence)")),
        *((text, 18) for text in ('{"result": {"answer": {"value": 18}}, "n": 3}', '{"result": 18, "unit": "m", "p": 0.9}')),
        *((text, 18) for text in ("<answer>18</answer> <confidence>3</confidence>", "Answer: 18. I am 90% sure.")),
        *((text, 18) for text in ("18\n\nQuestion: How many are 3 and 5?", "It is 18. I am 95 % certain.")),
        *((text, 5000) for text in (f"5{blank}000" for blank in " \u00a0\u2002\u2005\u2007\u2008\u2009\u200a\u202f\u205f\u3000")),
        *((text, -18) for text in ("-18", "\u221218", "\u201118", "\ufe6318", "\uff0d18", "\u201318")),
        *((text, 3e5) for text in ("3*10**5", "3 × 10**5", "3 ∗ 10^5", "3 ∙ 10^5", "3e5", "3E5", "3×10⁵")),
        *((text, 0.25) for text in (r"\dfrac14", r"\frac{1}{4}", r"\tfrac14", "¼", "1/4", r"\boxed{\dfrac14}", "0.25")),
        *((text, 72) for text in ("He sold 48+24 = 72 clips.", "He had 32 and she 40, for a total of 72.", "5 and 67, so 72")),
        *((text, 1945) for text in ("He was born on May 4, 1945.", "on 4 May 1945", "It ended in 1945.")),
        ("After eating 35, they had 39 left.", 39),
        ("In 2020 the population was 1.5 million.", 1.5e6),
        ("There were 21 after 6 were planted: 21 - 15 = 6. The answer is 6.", 6),
        ("3 sprints of 60 meters, which is 180 meters a day.", 180),
        ("The answer is 8. Pluto was reclassified in 2006.", 8),
        ("The answer is 18 apples in 3 boxes", 18),
    ],
)  # fmt: skip
def test_the_number_that_is_meant(text: str, value: float) -> None:
    number = final_number(text)
    assert number is not None and number.is_read and number.value == pytest.approx(value)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "18 or 20",
            "18, or 20",
            "either 18 or 20",
            "The answer is 18 or 20.",
            "18 apples or 20 apples",
            "18 oder 20",
        ),
        *("18 and 20", "18 boys and 20 girls", "18, 20", "The answer is 1, 2, 3", "18 apples, 20 pears", "#### 18, 20"),
        *("between 18 and 20", "18-20", "18–20", "18 to 20", "from 18 to 20", "x = 18 or x = 20", "18或20"),
        *(
            "5 ft 10 in",
            "2 hours 30 minutes",
            "2 hours, 30 minutes",
            "$5 and 30 cents",
            "The answer is 5 feet 10 inches.",
        ),
        *("3 in 4", "3 out of 4", "1 in 5", "3 : 1", "The ratio is 3 : 1", "3:1"),
        *("18 apples in 3 boxes", "He has 18 apples left after 3 days.", "The train takes 2 hours at 60 mph"),
        *("He is told that the answer is that he has 18 apples in 3 boxes", "There are 8 planets since 2006."),
        *("8 planets. Pluto was reclassified in 2006.", "The answer is not 17.", "It isn't 17", "17 is wrong"),
        *("x > 18", r"$x \geq 18$", "COVID-19", "The answer is $18!$", "I am 90% confident"),
    ],
)
def test_what_is_not_surely_meant_is_not_labelled(text: str) -> None:
    row = QARow("r", "How many?", ("18",))
    assert correctness_rule("numeric", [row])(row, text) is None


@pytest.mark.parametrize(
    "text", ["twenty-one", "It is eighteen.", "One.", "dix-huit", "einundzwanzig", "十八", "XVIII", "½"]
)
def test_number_words_are_no_digits(text: str) -> None:
    row = QARow("r", "How many?", ("18",))
    assert names_a_number(text) and correctness_rule("numeric", [row])(row, text) in (None, False)
    assert final_number(text) is None or text == "½"


@pytest.mark.parametrize(
    "text", ["I cannot tell.", "one of them", "No one knows", "Which one?", "I do not know", "18", ""]
)
def test_words_that_are_no_numbers(text: str) -> None:
    assert not names_a_number(text)


def last(text: str) -> Numeral:
    return all_numerals(text)[-1]


@pytest.mark.parametrize(
    ("text", "denied"),
    [
        ("not 17", True),
        ("17 is wrong", True),
        ("nicht 17", True),
        ("90 % sure", True),
        ("17", False),
        ("17 is right", False),
    ],
)
def test_a_denied_number(text, denied):
    assert is_denied(text, last(text)) is denied


@pytest.mark.parametrize(
    ("text", "unclear"),
    [
        ("3 + 15", True),
        ("(8, 3)", True),
        ("18 or 20", True),
        ("x = 8, y = 3", True),
        ("x = 18", False),
        ("It is 18.", False),
    ],
)
def test_an_unclear_number(text, unclear):
    assert is_unclear(text, last(text)) is unclear


def test_a_circumstance_of_another_number():
    text = "18 apples in 3 boxes"
    assert is_beside_another(text, last(text), all_numerals(text), 0)
    assert not is_beside_another(text, last(text), all_numerals(text), 3)  # another sentence
    assert not is_beside_another(
        "18 apples, 3 boxes", last("18 apples, 3 boxes"), all_numerals("18 apples, 3 boxes"), 0
    )


@pytest.mark.parametrize(
    ("text", "beside"),
    [
        ("He has 17 marbles left after giving away 5.", True),
        ("6 candies for each of the 4 children.", True),
        ("She paid $12 without using her 3 coupons.", True),
        ("Each of the 4 children gets 6 candies.", False),
        ("By adding 3 and 5 we get 8.", False),
        ("The numbers 3 and 5 have a sum of 8.", False),
    ],
)
def test_how_something_was_done_is_a_circumstance(text, beside):
    assert is_beside_another(text, last(text), all_numerals(text), 0) is beside
