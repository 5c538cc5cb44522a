"""Numbers in running text: their values, and where they stand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interp.text.numerals import all_numerals, numerals, same_number


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("The answer is 9.", [9]),
        ("$1,234,567.50 in all", [1234567.5]),
        ("20\u202f000 or 20\u00a0000", [20000, 20000]),
        ("-3, +4 and \u22125", [-3, 4, -5]),
        ("5-7 people, COVID-19", [5, 7, 19]),
        ("-$5 or $-5", [-5, -5]),
        ("(5)-3", [5, 3]),
        ("3/4 of it; 1 1/2; 2½; ¾; -½", [0.75, 1.5, 2.5, 0.75, -0.5]),
        ("½½4", [0.5, 0.5, 4]),
        ("on 3/4/2020", [3, 4, 2020]),
        ("7/0", []),
        ("1,2,3", [1, 2, 3]),
        ("12,34", [12, 34]),
        (".5 and -.25 and ...6", [0.5, -0.25, 6]),
        ("1e6 and 2.5E-3", [1e6, 2.5e-3]),
        ("version 1.2.3", [1.2]),
        ("H2O, Q3, x2", []),
        ("10km, 5th", [10, 5]),
        ("５０ ٣", [50, 3]),
        ("no number, nine", []),
        ("", []),
        (r"9{,}500 or 1\,234 or 1{,}\!234", [9500, 1234, 1234]),
        (r"\frac{3}{4}, -\dfrac{1}{2}, 2\tfrac12", [0.75, -0.5, 2.5]),
        (r"\frac{x}{2}", [2]),
        ("3 × 10^5, 3\u00d710\u2075, 2x10^3", [3e5, 3e5, 2e3]),
        (r"3\times10^{-5} and 10^{-3} and 10⁻³", [3e-5, 1e-3, 1e-3]),
        ("2^10 or 9^99999", [1024]),
        ("5 000 and 12 345 678", [5000, 12345678]),
        ("90 100 95; 2020 500", [90, 100, 95, 2020, 500]),
        ("1'000, 1’000’000, 1_000", [1000, 1000000, 1000]),
        ("1.234,56 and 1 234,56 and 1.234.567", [1234.56, 1234.56, 1234567]),
        ("1,00,000 and 12,34,567.5", [100000, 1234567.5]),
        ("１，０００ and ٣٫٥", [1000, 3.5]),
        ("5 ½ and 5½-6", [5.5, 5.5, 6]),
        ("x \u20135", [-5]),
        (r"\$1{,}234.50, 50\%, 90^\circ", [1234.5, 50, 90]),
        (r"\sfrac{3}{4} and \nicefrac{1}{2}", [0.75, 0.5]),
        ("共18元, 총18개, ตอบ18บาท, は-18", [18, 18, 18, -18]),
        ("EUR18, Rs.5, kr7, -$3, -₹3, ABC4", [18, 5, 7, -3, -3]),
        ("1.5 million, 2 billion, 3 Milliarden, 2 thousand million", [1.5e6, 2e9, 3e9, 2e9]),
        ("5k, $8M, $8m, $2.5bn, 8 m, 8mm", [5e3, 8e6, 8e6, 2.5e9, 8, 8]),
        ("8万, 7亿, 3.5억 원, 8 lakh, 2 crore, 3千米, 8 ล้านบาท", [8e4, 7e8, 3.5e8, 8e5, 2e7, 3, 8e6]),
        ("$1.5$ million, 1.5~\\text{million}, 1 dozen", [1.5e6, 1.5e6, 12]),
        ("5K", []),  # thousands, kelvin or karat
    ],
)
def test_values(text: str, values: list[float]) -> None:
    assert [number.value for number in numerals(text)] == pytest.approx(values)


def test_places_and_per_cent() -> None:
    text = "About 2½ of $1,000, that is -50 % or 3 per cent."
    shown = [(text[number.start : number.end], number.percent) for number in numerals(text)]
    assert shown == [("2½", False), ("$1,000", False), ("-50 %", True), ("3 per cent", True)]


def test_places_in_latex() -> None:
    text = r"so $\frac{3}{4}$ of $9{,}500$ is $-7$, 3 \times 10^{5}, \$1\,234, 90^\circ"
    assert [text[number.start : number.end] for number in numerals(text)] == [
        r"\frac{3}{4}",
        "9{,}500",
        "-7",
        r"3 \times 10^{5}",
        r"\$1\,234",
        "90",
    ]


@pytest.mark.parametrize(
    "text", ["12,34", "1,2,3", "1.2.3", "3/4/2020", r"2\sqrt{3}", "2π", r"\frac{\sqrt{3}}{2}", "7/0", "3万5", "5K"]
)
def test_what_is_not_read_is_known_not_to_be(text: str) -> None:
    assert not all_numerals(text)[-1].is_read


@pytest.mark.parametrize("text", ["18.", "1, 2, 3", "$5,", "3/4.", "-0.5;", r"5\%", "1.234,56."])
def test_what_is_read_is_known_to_be(text: str) -> None:
    assert all_numerals(text)[-1].is_read


@given(st.integers(-(10**12), 10**12), st.sampled_from(["{}", "{:,}", "It is {}.", "({:,})", "€{}", "a\n{} kg", "{}!"]))
def test_what_python_writes_is_read_back(value: int, form: str) -> None:
    assert [number.value for number in numerals(form.format(value))] == [value]


@given(st.floats(-1e9, 1e9, allow_subnormal=False))
def test_decimals_are_read_back(value: float) -> None:
    assert [number.value for number in numerals(f"x = {value!r}")] == [value]


@given(st.text(alphabet="0123456789.,-/½ %e$a", max_size=40))
def test_places_never_overlap_and_stay_inside(text: str) -> None:
    found = numerals(text)
    edges = [0, *(at for number in found for at in (number.start, number.end)), len(text)]
    assert edges == sorted(edges) and all(number.start < number.end for number in found)


def test_a_number_of_thousands_of_digits_is_no_error() -> None:
    assert [number.value for number in numerals("9" * 6000)] == [float("inf")]
    assert len(numerals("1/" + "9" * 6000)) == 1


@pytest.mark.parametrize(
    ("said", "accepted", "same"),
    [
        ("9.0", "9", True),
        ("50 %", "50", True),
        ("0.5", "50%", True),
        ("50%", "0.5", True),
        ("0.5%", "50%", False),
        ("3.33", "3.3333", False),
        ("0", "0.0", True),
        ("-4", "4", False),
        ("1e-9", "0", False),
    ],
)
def test_equal_numbers(said: str, accepted: str, same: bool) -> None:
    assert same_number(numerals(said)[0], numerals(accepted)[0], tolerance=1e-6) is same
    assert same_number(numerals(accepted)[0], numerals(said)[0], tolerance=1e-6) is same
