"""Candidates that hold sentences together are not answers: who is left out, who is only named, who is neither."""

import pytest

import interp
from interp.labelling.correctness import correctness_rule
from interp.labelling.exact_answers import exact_answer_method
from interp.text.fillers import OFTEN, RARE, RATIO, without_fillers

COUNTRIES = [country for country in ("France", "Spain", "Peru", "Chad") for _ in range(5)]


def taken(candidates: list[str], texts: list[str]) -> tuple[list[str | None], list[tuple[str, bool]]]:
    found, fillers = without_fillers(candidates, texts)
    return [one and one.candidate for one in found], [(filler.candidate, filler.left_out) for filler in fillers]


@pytest.mark.parametrize("word", ["It", "I", "A", "He", "The"])
def test_a_function_word_of_one_row_takes_no_ones_place(word: str) -> None:
    texts = [f"{word} is in Spain", f"{word} cannot say"] * OFTEN
    found, fillers = taken([*COUNTRIES, word], texts)
    assert found == ["spain", None] * OFTEN and fillers == [(word, True)]


def test_so_does_any_word_beside_which_others_are_named() -> None:
    texts = ["Sure! It is Spain"] * OFTEN + ["Sure, Peru"] * 3 + ["I am sure"] * 2
    assert taken([*COUNTRIES, "Sure"], texts) == (["spain"] * OFTEN + ["peru"] * 3 + [None] * 2, [("Sure", True)])


def test_one_after_the_other() -> None:
    texts = ["It is a city in Spain"] * OFTEN + ["A city in Peru"] * OFTEN
    found, fillers = taken([*COUNTRIES, "It", "a"], texts)
    assert found == ["spain"] * OFTEN + ["peru"] * OFTEN and fillers == [("a", True), ("It", True)]


def test_a_favourite_answer_is_kept_and_named() -> None:
    texts = ["It is in London"] * 30
    assert taken([*COUNTRIES, "London"], texts) == (["london"] * 30, [("London", False)])
    assert taken([*COUNTRIES, "US"], ["the US"] * 30) == (["us"] * 30, [("US", False)])  # an acronym, not "us"
    # Of a closed set, where rows accept it as often as this, it is nothing to speak of.
    assert taken(COUNTRIES, ["France, not Spain"] * 25) == (["france"] * 25, [])


def test_a_candidate_that_many_rows_accept_is_never_left_out() -> None:
    texts = ["It is Spain"] * 1000
    often = round(RARE * len(texts))
    assert ("It", True) in taken(["It"] * often + COUNTRIES, texts)[1]
    assert ("It", False) in taken(["It"] * (often + 1) + COUNTRIES, texts)[1]


def test_the_bounds() -> None:
    others = ["Spain", "Peru"] * 100
    texts = ["It is Spain"] * (OFTEN - 1) + others
    answers = COUNTRIES * 20
    assert taken([*answers, "It"], texts)[1] == []
    assert taken([*answers, "It"], [*texts, "It is Peru"])[1] == [("It", True)]
    twice = ["It is Spain"] * 2 * RATIO + others
    assert taken([*answers, "It", "it"], twice)[1] == []  # two of 210 rows are one in a hundred


def test_it_depends_on_no_order_and_is_blind_to_which_row_accepts_what() -> None:
    texts = ["It is Spain"] * OFTEN + ["France"] * 5
    candidates = [*COUNTRIES, "It"]
    found, fillers = taken(candidates, texts)
    assert taken(candidates[::-1], texts) == (found, fillers)
    assert taken(candidates, texts[::-1]) == (found[::-1], fillers)


def test_only_the_default_list_is_cleaned() -> None:
    texts = ["It is in Spain"] * OFTEN
    default = exact_answer_method(default_candidates=[*COUNTRIES, "It"])
    given = exact_answer_method(candidates=["It", "Spain"])
    assert [method.locate([""] * OFTEN, texts)[0].spans for method in (default, given)] == [[(9, 14)], [(0, 2)]]
    assert [filler.candidate for filler in default.fillers] == ["It"] and given.fillers == []
    default.locate([""], ["Peru"])
    assert default.fillers == []  # of the last call


def test_the_label_does_not_know_of_fillers() -> None:
    row = interp.QARow(id="1", question="Which film?", answers=("It",))
    assert correctness_rule("contains", [row])(row, "It is by him") is True
