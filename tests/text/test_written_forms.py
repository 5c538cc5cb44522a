r"""The same number in another way: per cent and fractions everywhere, thousands and values in options."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interp.data.row import QARow
from interp.labelling.correctness import correctness_rule
from interp.text.chosen_option import chosen
from interp.text.written_forms import option_forms, written_forms


@pytest.mark.parametrize(
    ("accepted", "completion", "right"),
    [
        *(
            ("20%", text, True)
            for text in ("20 %", "It is 20\u00a0%.", r"20\%", "20 percent", "20 per cent of it", "20%")
        ),
        *(("20 %", text, True) for text in ("20%", "20 percent")),
        *(("20%", text, False) for text in ("120%", "20", "1.20 %", "20 people")),
        *(("1/2", text, True) for text in ("½", r"\frac{1}{2}", r"$\dfrac12$", r"\tfrac12", r"\frac12", "It is 1/2.")),
        *(("1/2", text, False) for text in ("11/2", "1/20", "5½", "5 1/2", "-½", "-1/2", r"\frac{1}{20}")),
        *(("½", text, True) for text in ("1/2", r"\frac{1}{2}")),
        *((accepted, "at 12:30", False) for accepted in ("12", "30")),
        ("1000", "1,000", False),  # numeric compares values
    ],
)
def test_contains(accepted: str, completion: str, right: bool) -> None:
    row = QARow("r", "How much?", (accepted,))
    assert correctness_rule("contains", [row])(row, completion) is right


@pytest.mark.parametrize(
    ("options", "text"),
    [
        *((("10%", "20%"), text) for text in ("20 %", "20 percent", r"$20\%$", "The answer is 20 %.")),
        *((("1/4", "1/2"), text) for text in (r"\dfrac12", r"\frac12", r"$\tfrac{1}{2}$", "½", "0.5", "0.50")),
        *(((r"$\frac{1}{4}$", r"$\frac{1}{2}$"), text) for text in ("1/2", r"\dfrac12", "½", "0.5")),
        *((("1,000", "2,000"), text) for text in ("2 000", "2\u202f000", "2'000", "2{,}000", "2000", "2000.0")),
        *((("10 km", "20 km"), text) for text in ("20km", "20", "It is 20 km", "20.0 km")),
        *((("$10", "$20"), text) for text in ("20 dollars", "20", r"\$20", "$20.00")),
        *((("3 × 10^5", "3 × 10^6"), text) for text in ("3 × 10⁶", "3e6", "3,000,000", r"3 \times 10^{6}")),
        *((("10°", "20°"), text) for text in (r"20^\circ", "20")),
        (("-5", "5"), "5"),
        (("5", "-5"), "−5"),
        (("18-20", "20-22"), "20–22"),
    ],
)
def test_options(options: tuple[str, ...], text: str) -> None:
    found = chosen(options, text)
    assert found is not None and found.options == {1}


@pytest.mark.parametrize(
    ("options", "text", "verdict"),
    [
        (("10 km", "20 km"), "20 miles", None),
        (("10 km", "20 km"), "42 km", False),
        (("10", "20"), "10 or 20", None),
        (("x^2", "x^3"), "x³", None),
        (("18-20", "20-22"), "20 to 22", None),
        (("1.5", "2.5"), "2,5", None),
        (("10", "20"), "I cannot tell", False),
    ],
)
def test_a_number_that_may_be_an_option_is_never_wrong(
    options: tuple[str, ...], text: str, verdict: bool | None
) -> None:
    row = QARow("r", "How far?", (options[1],), options=options)
    assert correctness_rule("contains", [row])(row, text) is verdict


@given(st.text(alphabet="ab 12,/%½.$", max_size=9))
def test_the_answer_itself_comes_first(answer: str) -> None:
    assert written_forms(answer)[0] == option_forms(answer)[0] == answer
    assert set(written_forms(answer)) <= set(option_forms(answer))


@given(st.integers(1_000, 10**9))
def test_thousands_are_grouped_in_every_way(number: int) -> None:
    forms = option_forms(f"{number:,} people")
    assert {f"{number} people", f"{number:,} people".replace(",", " ")} < set(forms)
    assert written_forms(f"{number:,}") == (f"{number:,}",)


@pytest.mark.parametrize("answer", ["3/4/2020", "1/2/3", "2020-01-05", "10 or 20 %, 5 %", "v1000", "1000.5"])
def test_what_holds_no_such_number_has_one_form(answer: str) -> None:
    assert option_forms(answer) == (answer,)
