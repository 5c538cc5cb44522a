"""The correctness rules: each by examples, and against the published rule it stands for."""

import re
import string

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from interp.data.rows import QARow
from interp.errors import DataError
from interp.labelling.correctness import RULES, check_rule_name, correctness_rule, normalise, numeric, register


def row(*answers: str, **values) -> QARow:
    return QARow(**{"id": "1", "question": "Where?", "answers": answers, **values})


def judge(name, rows: QARow | list[QARow], completion: str) -> bool | None:
    rows = rows if isinstance(rows, list) else [rows]
    return correctness_rule(name, rows)(rows[0], completion)


# --- the published rules, written from their descriptions ---


def squad_normalise(text: str) -> str:
    """SQuAD v1.1: lower case; delete ASCII punctuation; articles become blanks; white space collapses."""
    kept = [char for char in text.lower() if char not in set(string.punctuation)]
    words = re.split(r"\s+", re.sub(r"\b(a|an|the)\b", " ", "".join(kept)))
    return " ".join(word for word in words if word)


def harness_triviaqa(completion: str, aliases: list[str]) -> bool:
    """lm-evaluation-harness, triviaqa: exact match with any alias, case and ASCII punctuation ignored; leading white
    space is stripped."""

    def key(text: str) -> str:
        return text.lower().translate(str.maketrans("", "", string.punctuation))

    return key(completion.lstrip()) in [key(alias) for alias in aliases]


english = st.text(alphabet="abtheAN 'THE.,-!x?", min_size=1, max_size=14)


@given(english, english)
def test_normalised_is_squads_exact_match(said: str, accepted: str) -> None:
    assume(squad_normalise(said) and squad_normalise(accepted))  # ours does not call "the" and "a!" the same answer
    assert squad_normalise(said) == normalise(said) and squad_normalise(accepted) == normalise(accepted)
    assert judge("normalised", row(accepted), said) is (squad_normalise(said) == squad_normalise(accepted))


words = st.lists(st.sampled_from(["New", "york", "St.", "O'Neill", "x-y", "USA", "u.s.a."]), min_size=1, max_size=3)


@given(words, st.lists(words, min_size=1, max_size=4))
def test_normalised_is_the_harness_rule_where_there_are_no_articles(said: list[str], accepted: list[list[str]]) -> None:
    completion, aliases = " " + " ".join(said), [" ".join(alias) for alias in accepted]
    assert judge("normalised", row(*aliases), completion) is harness_triviaqa(completion, aliases)


@pytest.mark.parametrize(
    ("accepted", "completion", "right"),
    [
        ("The Queen's Gambit", "Queen\u2019s Gambit.", True),
        ("Queen\u2019s Gambit", "the \u201cQueen's  Gambit\u201d\nQuestion: next", True),
        ("Beyoncé", "BEYONCE\u0301!", True),
        ("Paris", "It is Paris", False),
        ("Paris", "Answer: Paris", True),
        ("A", "A.", True),
        ("A", "the", False),
        ("!!!", "!!!", True),
        ("!!!", "...", False),
        ("7", "7.", True),
        ("", "", None),
    ],
)
def test_normalised(accepted: str, completion: str, right: bool | None) -> None:
    assert judge("normalised", row(*([accepted] if accepted else [])), completion) is right


@pytest.mark.parametrize(
    ("completion", "right"),
    [("In Paris, France.", True), ("PARIS", True), ("Parisian life", False), ("", False), ("Rome", False)],
)
def test_contains(completion: str, right: bool) -> None:
    assert judge("contains", row("paris", "Lutetia"), completion) is right
    assert judge("contains", row(), completion) is None


@pytest.mark.parametrize(
    ("accepted", "completion", "right"),
    [
        ("5", "1.5 metres", False),
        ("5", "5,000 people", False),
        ("3", "-3", False),
        ("3", "3/4", False),
        ("3", "It is 3.", True),
        ("US", "let us see", False),
        ("WHO", "the person who", False),
        ("IT", "it", False),
        ("May", "may", False),
        ("May", "In May.", True),
        ("São Paulo", "Sao Paulo", True),
        ("Mr. T", "Mr T", True),
        ("Queen's", "Queen\u2019s", True),
    ],
)
def test_contains_reads_numbers_capitals_and_typography(accepted: str, completion: str, right: bool) -> None:
    assert judge("contains", row(accepted), completion) is right
    both = [row(accepted), row("Rome", id="2")]
    assert judge("label", both, completion) is right
    assert judge("choice", row(accepted, wrong_answer="Rome"), completion) is right


def test_of_two_answers_that_an_accent_tells_apart_the_written_one_is_meant() -> None:
    for said, right in (("Peña", True), ("Pena", False)):
        assert judge("choice", row("Peña", wrong_answer="Pena"), said) is right
        assert judge("choice", row("Pena", wrong_answer="Peña"), said) is not right


@pytest.mark.parametrize(
    ("accepted", "completion", "right"),
    [
        ("9.0", "69 - 24 = 45, so he can buy 45 / 5 = 9 games.", True),
        ("9.0", "9 is my first guess, but it is 10", False),
        ("1234", "The total is $1,234.00", True),
        ("0.5", "One half, or 1/2", True),
        ("50%", "It is 0.5", True),
        ("50%", "It is 50 per cent", True),
        ("-4", "minus four: -4", True),
        ("4", "-4", False),
        ("9", "I cannot tell.", False),
        ("nine", "9", None),
        ("18", "18 (see step 3)", True),
        ("18", "The answer is 18. It took 2 steps.", True),
        ("9500", r"so \boxed{$9{,}500} in 3 days", True),
        ("1234", r"1\,234", True),
        ("0.75", r"\dfrac{3}{4}", True),
        ("300000", r"3\times10^{5}", True),
        ("0.001", "10^{-3}", True),
        ("5000", "5 000", True),
        ("1234.56", "1.234,56", True),
        ("100000", "1,00,000", True),
        ("34", "12,34", None),
        ("3", r"\boxed{2\sqrt{3}}", None),
        ("0", "7/0", None),
        ("12,34", "34", None),
    ],
)
def test_numeric_judges_the_last_number(accepted: str, completion: str, right: bool | None) -> None:
    assert judge("numeric", row(accepted), completion) is right


@pytest.mark.parametrize(
    ("accepted", "completion", "right"),
    [
        ("18", "答案是18。", True),
        ("18", "共19元", False),
        ("18", "USD18", True),
        ("18", "H2O", None),
        ("18", "Q18", None),
        ("18", "no idea", False),
        ("1.5 million", "1,500,000", True),
        ("1,500,000", "about 1.5 million people", True),
        ("80000", "8万", True),
        ("5", "5 million", False),
        ("5", "minus 5", None),
        ("-5", "minus 5", None),
        ("2", "20 - 2", None),
        ("18", "20 - 2", None),
    ],
)
def test_numeric_labels_what_is_read(accepted: str, completion: str, right: bool | None) -> None:
    assert judge("numeric", row(accepted), completion) is right


def test_numeric_takes_a_tolerance() -> None:
    assert judge("numeric", row("3.3333"), "3.33") is False
    assert judge(numeric(tolerance=0.01), row("3.3333"), "3.33") is True


@pytest.mark.parametrize(
    ("completion", "right"),
    [
        ("the developer, not the designer", True),
        ("The designer, not the developer.", False),
        ("The Developer.", True),
        ("developers", False),
        ("neither", False),
        ("the software developer lead, or the developer", False),
    ],
)
def test_choice_goes_by_the_earliest(completion: str, right: bool) -> None:
    given_row = row("developer", wrong_answer="designer")
    if "lead" in completion:  # of two that begin alike, the longer one is meant
        given_row = row("software developer", wrong_answer="software developer lead")
    assert judge("choice", given_row, completion) is right


def test_choice_needs_a_wrong_answer_in_every_row() -> None:
    with pytest.raises(DataError, match="data.csv:3: correct='choice' needs a `wrong_answer`"):
        correctness_rule("choice", [row("a", wrong_answer="b"), row("a", source="data.csv:3")])
    assert judge("choice", row("a", correct=True), "b") is True


NLI = [
    row("entailment", "entail", "entails"),
    row("neutral", "neutrality", id="2"),
    row("contradiction", "contradict", id="3"),
]


@pytest.mark.parametrize(
    ("completion", "label"),
    [
        ("Neutrality, since entailment is not given", 1),
        ("The premise ENTAILS it.", 0),
        ("It is a contradiction and neutral", 2),
        ("I cannot say", None),
        ("", None),
    ],
)
def test_label_goes_by_the_earliest_of_the_data_set(completion: str, label: int | None) -> None:
    rule = correctness_rule("label", NLI)
    assert [rule(one, completion) for one in NLI] == [i == label for i in range(3)]


@pytest.mark.parametrize("name", [*RULES, "judge"])
@pytest.mark.parametrize("correct", [True, False])
def test_a_rows_own_label_always_wins(name: str, correct: bool) -> None:
    for completion in ("Paris", "Rome", "", "7"):
        assert judge(name, row("Paris", wrong_answer="Rome", correct=correct), completion) is correct


@pytest.mark.parametrize("name", list(RULES))
@given(completion=st.text(max_size=30), answer=st.text(min_size=1, max_size=6).filter(str.strip))
def test_every_rule_gives_true_false_or_none_for_any_text(name: str, completion: str, answer: str) -> None:
    assert judge(name, row(answer, wrong_answer="?"), completion) in (True, False, None)


def test_a_rule_of_ones_own() -> None:
    assert judge(lambda row, completion: len(completion) > 3, row("x"), "long") is True
    assert judge(lambda row, completion: None, row("x"), "long") is None
    with pytest.raises(DataError, match="must return True, False or None, got 'yes'"):
        judge(lambda row, completion: "yes", row("x"), "long")
    with pytest.raises(DataError, match="expected one of contains, normalised, numeric, choice, label, judge"):
        check_rule_name("exact")
    with pytest.raises(DataError, match="taken already"):
        register("contains")(lambda rows: lambda row, completion: True)
