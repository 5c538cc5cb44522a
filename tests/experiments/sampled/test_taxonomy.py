"""The error types against the thresholds of the paper's code, written out again here, and how they scale."""

from collections import Counter

import numpy as np
import pytest
from sampled_answers import RIGHT, drawn_answers

from interp.errors import DataError
from interp.experiments.drawn_questions import NO_ANSWER, Tally, answer_keys, drawn_questions, tally
from interp.experiments.error_types.taxonomy import Thresholds, subtypes


def by_the_paper(right: int, wrong: dict[str, int], n: int) -> set[str]:
    """Of n answers, as the code of Orgad et al. counts: wrong answers by name, `NO ANSWER` among them."""
    largest, names = max(wrong.values(), default=0), len(wrong)
    refuses = "NO ANSWER" in wrong and wrong["NO ANSWER"] == largest and largest > right
    types = {
        "A": refuses,
        "B1": right == n,
        "B2": right >= n // 2 and names > 0,
        "C1": largest >= n // 2 and not refuses and right == 0,
        "C2": largest >= n // 2 and not refuses and right > 0,
        "D": abs(right - largest) <= n // 6 and right > n // 6 and largest > n // 6,
        "E1": names >= n // 3 and right == 0,
        "E2": names >= n // 3 - 1 and right > 0,
    }
    return {name for name, holds in types.items() if holds}


@pytest.mark.parametrize("n", [6, 10, 30])
def test_types_are_those_of_the_papers_code(n: int) -> None:
    rng = np.random.default_rng(n)
    seen: Counter[str] = Counter()
    for _ in range(3000):
        weights = rng.dirichlet(np.full(13, rng.choice([0.05, 0.3, 2.0])))
        drawn = Counter(rng.choice(13, n, p=weights).tolist())
        right, none = drawn.pop(0, 0), drawn.pop(1, 0)
        wrong = {f"w{key}": count for key, count in drawn.items()} | ({"NO ANSWER": none} if none else {})
        ours = tuple(sorted(((NO_ANSWER if k == "NO ANSWER" else k, c) for k, c in wrong.items()), key=lambda x: -x[1]))
        found = subtypes(Tally(n, right, ours), Thresholds())
        assert set(found) == by_the_paper(right, wrong, n), (right, wrong)
        seen.update(found)
    assert set(seen) == {"A", "B1", "B2", "C1", "C2", "D", "E1", "E2"}


def test_thresholds_scale_with_the_draws_and_are_checked() -> None:
    assert Thresholds().counts(30) == (15, 10, 5) and Thresholds().counts(10) == (5, 3, 1)
    assert Thresholds().counts(2) == (1, 2, 0)
    assert Thresholds(close=0.2).counts(30) == (15, 10, 6)
    for wrong in ({"consistent": 0.0}, {"many": 1.5}, {"close": -0.1}):
        with pytest.raises(DataError, match=next(iter(wrong))):
            Thresholds(**wrong)


def test_equal_answers_are_merged_by_the_rules_normaliser() -> None:
    answers = drawn_answers([["The  Rome!", "rome", None, "NO ANSWER", "1,000", "1000.0"]])
    assert answer_keys(answers, no_answer=("no answer",)) == ["rome", "rome", NO_ANSWER, NO_ANSWER, "1000", "10000"]
    keys = answer_keys(answers, correct="numeric")
    assert keys[4] == keys[5] == "1000" and keys[0] == keys[1]
    assert answer_keys(answers, same=lambda text: text[0])[0] == "T"
    with pytest.raises(DataError, match="same: expected a function"):
        answer_keys(answers, same=lambda text: 3)


def test_draws_without_a_label_take_no_part_and_prompts_stand_for_rows() -> None:
    answers = drawn_answers([["Rome", RIGHT, RIGHT], ["Rome", "Rome", "Oslo"]], greedy=["Rome", RIGHT])
    answers.correct[1] = None
    first, second = drawn_questions(answers)
    assert (first.row, first.greedy, first.draws, first.unlabelled) == ("r0", 0, (2, 3), 1)
    assert tally(first, answers, answer_keys(answers)) == Tally(2, 2, ())
    assert tally(second, answers, answer_keys(answers)) == Tally(3, 0, (("rome", 2), ("oslo", 1)))
    from dataclasses import replace

    by_prompt = drawn_questions(replace(answers, row=None, draw=None))
    assert [one.draws for one in by_prompt] == [(0, 2, 3), (4, 5, 6, 7)]
    with pytest.raises(DataError, match="each of 1 questions has one answer"):
        drawn_questions(drawn_answers([["Rome"]]))
