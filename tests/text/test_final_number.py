r"""Which number of a completion is its answer: boxes, hashes, "the answer is", remarks; and what is not read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interp.labelling.exact_answers import exact_answer_method
from interp.text.final_number import final_number

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
    ("####-3 in 4 days", "-3"),
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
    ("-5 % and so $-3", "$-3"),
    # Letters that may touch a number: of scripts without spaces, Hangul, currencies.
    ("答案是18。", "18"),
    ("所以她每天赚18美元。", "18"),
    ("答えは18です。", "18"),
    ("ตอบ18บาท", "18"),
    ("정답은 18입니다", "18"),
    ("答案是-18", "-18"),
    ("EUR18", "EUR18"),
    ("Rs.18", "Rs.18"),
    ("CHF18.50", "CHF18.50"),
    ("about ₹18", "₹18"),
    ("350万", "350万"),
    ("1.5 million people", "1.5 million"),
    # Other words for "the answer is".
    ('{"answer": 18, "confidence": 0.9}', "18"),
    ("{'final_answer': '18', 'steps': 3}", "18"),
    ("The correct answer should be 18, i.e. 2 less than 20.", "18"),
    ("The answer must be 18, since 3 fits.", "18"),
    ("The final answer was 18 after 3 steps", "18"),
    ("The answer to this question is 18, see line 3", "18"),
    ("The answer is **18**, see step 3.", "18"),
    ("Ans: 18\nCheck: 3", "18"),
    ("Die richtige Antwort lautet 18. Es dauert 3 Tage.", "18"),
    ("La respuesta correcta es 18, en 3 días", "18"),
    ("La réponse est 18 en 3 jours", "18"),
    ("A resposta é 18. São 3 dias.", "18"),
    ("La risposta è 18 in 3 giorni", "18"),
    ("最终答案是：**18**，共3步", "18"),
    ("정답: 18, 3일", "18"),
    # What was calculated or remarked before does not make the result doubtful.
    ("20 - 2 = 18", "18"),
    ("20 - 2 is 18", "18"),
    ("#### 3 + 15 = 18", "18"),
    ("If x = 2, y = 9 then it is 18", "18"),
    ("(2, 9) gives 18", "18"),
    ("On 2020-01-05, at 12:30, he had 18.", "18"),
    (r"\boxed{18\,\mathrm{km}}", "18"),
    (r"\boxed{a + b = 18}", "18"),
    (r"\boxed{18^\circ}", "18"),
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
        *("minus 5", "It is negative 5.", "- 5", "x = - $5", "moins 5", "负5"),
        *(
            "20 - 5",
            "20-5",
            "20 -5",
            "36 / 5",
            "20 minus 5",
            "20 times 5",
            "3 x 5",
            "3x5",
            "5 + x",
            "3**5",
            "#### 20 - 5",
        ),
        *(
            "5²",
            "5³",
            "5 squared",
            "sqrt(5)",
            "log 5",
            "f(5)",
            "half of 5",
            "18±5",
            "5 ± 3",
            r"5 \pm 3",
            r"{3 \over 5}",
        ),
        *("2020-01-05", "The answer is 2020-01-05", "12:30", "12h05", "2020年1月5日", "0x5", "0b1", "3万5", "5 to 7"),
        *(
            "(8, 5)",
            "The answer is (8, 5)",
            "[1, 5]",
            "{1, 5}",
            "(1; 5)",
            "x=8, y=5",
            "x_1=8, x_2=5",
            "The answer is x=8, y=5",
            "a = 1 and b = 5",
        ),
        *(r"\boxed{5!}", r"\boxed{x > 5}", r"\boxed{\pm 5}", r"\boxed{5i}", r"\boxed{\log 5}", r"\boxed{|5|}"),
        *(r"\boxed{x=8, y=5}", r"\boxed{5, 8}", r"\boxed{x \geq 5}", r"\boxed{5 + c}", r"\boxed{8 \text{ or } 5}"),
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


@pytest.mark.parametrize(
    "text",
    [
        "1" + " " * 20_000 + "2",
        "1, " * 8_000,
        "answer " + "a " * 8_000,
        "(1, 2) " * 1_000,
        "The answer is 1. " + "no " * 8_000,
        "The answer is 1." + " " * 20_000 + "x",
        "The answer is 1. Wait" + " ." * 9_000,
        "wait, " * 5_000 + "1",
    ],
)
def test_long_texts_are_read(text: str) -> None:
    assert (final_number(text) is None) is ("1" not in text)
