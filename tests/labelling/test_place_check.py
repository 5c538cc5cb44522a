"""Right against wrong answers: a planted leak of the place is noted, with its numbers; alike is not."""

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from interp.labelling.answers import Answers
from interp.labelling.place_check import PLACES, place_check
from interp.reporting.notes import place_warnings

N_PROMPT = 5


def make_answers(correct, before, length, method=None, lost=None, group=None) -> Answers:
    """Answers whose exact answer is one token, `before` tokens into a completion of `length` tokens."""
    n = len(correct)
    method = ["candidates"] * n if method is None else list(method)
    lost = [False] * n if lost is None else lost
    text = [str(i) for i in range(n)]
    return Answers(
        id=text,
        question=text,
        group=text if group is None else list(group),
        prompt=text,
        prompt_ids=[[0] * N_PROMPT] * n,
        completion_ids=[[1] * int(k) for k in length],
        text=text,
        finish=["stop"] * n,
        logprobs=[None] * n,
        correct=list(correct),
        exact_answer=[None if gone else "x" for gone in lost],
        exact_answer_method=[None if gone else m for gone, m in zip(lost, method, strict=True)],
        exact_answer_tokens=[None if gone else (N_PROMPT + int(b),) * 2 for gone, b in zip(lost, before, strict=True)],
        question_tokens=[None] * n,
        status=["no_exact_answer" if gone else "ok" for gone in lost],
    )


@pytest.fixture
def alike():
    rng = np.random.default_rng(0)
    correct = (rng.random(400) < 0.6).tolist()
    return correct, rng.integers(0, 8, 400), np.full(400, 12)


def test_alike_is_not_noted(alike) -> None:
    checks = place_check(make_answers(*alike))
    assert [check.name for check in checks] == ["without an exact answer", "located by candidates", *PLACES]
    assert not any(check.noted for check in checks) and place_warnings([vars(c) for c in checks]) == []


def test_values_are_those_of_the_definitions(alike) -> None:
    correct, before, _ = alike
    rng = np.random.default_rng(1)
    length = before + rng.integers(1, 9, 400)
    lost = rng.random(400) < np.where(correct, 0.1, 0.4)
    method = rng.choice(["candidates", "row"], 400)
    checks = {check.name: check for check in place_check(make_answers(correct, before, length, method, lost))}
    y = np.array(correct)
    none = checks["without an exact answer"]
    assert (none.right, none.wrong) == (lost[y].mean(), lost[~y].mean())
    assert none.value == pytest.approx(none.right - none.wrong)
    se = np.sqrt(sum(p * (1 - p) / (n - 1) for p, n in ((none.right, y.sum()), (none.wrong, (~y).sum()))))
    assert (none.low, none.high) == pytest.approx(stats.norm.interval(0.95, none.value, se))
    inside = ~lost
    values = {
        "tokens before it": before,
        "tokens after it": length - before - 1,
        "relative place": before / length,
    }
    for name, place in values.items():
        check = checks[name]
        assert check.value == pytest.approx(roc_auc_score(y[inside], place[inside]))
        assert check.low < check.value < check.high
        assert (check.right, check.wrong) == pytest.approx((place[inside & y].mean(), place[inside & ~y].mean()))
        assert (check.n_right, check.n_wrong) == ((inside & y).sum(), (inside & ~y).sum())
    shares = [checks[f"located by {m}"].right for m in ("candidates", "row")]
    assert sum(shares) == pytest.approx(1) and checks["located by row"].value == pytest.approx(
        -checks["located by candidates"].value
    )


def noted(answers: Answers) -> tuple[set[str], list[str]]:
    checks = place_check(answers)
    return {check.name for check in checks if check.noted}, place_warnings([vars(check) for check in checks])


def test_a_planted_place_is_noted(alike) -> None:
    correct, before, length = alike
    names, sentences = noted(make_answers(correct, before + np.where(correct, 0, 4), length))
    assert names == set(PLACES) and len(sentences) == 1
    assert "stand at different places (tokens of the completion before the exact answer: mean" in sentences[0]


def test_a_small_shift_is_not_noted_however_sure_it_is() -> None:
    rng = np.random.default_rng(0)
    correct = rng.random(20_000) < 0.5
    before = rng.normal(10, 3, 20_000).round().clip(0) + (correct & (rng.random(20_000) < 0.5))
    checks = {c.name: c for c in place_check(make_answers(correct.tolist(), before, np.full(20_000, 40)))}
    assert checks["tokens before it"].low > 0.5 and not checks["tokens before it"].noted
    lost = rng.random(20_000) < np.where(correct, 0.10, 0.13)
    none, *_ = place_check(make_answers(correct.tolist(), before, np.full(20_000, 40), lost=lost.tolist()))
    assert none.high < 0 and not none.noted


def test_methods_by_label_are_noted_even_without_variance(alike) -> None:
    """The paper's code: right answers by the gold string, wrong ones by another model's extraction."""
    correct, before, length = alike
    names, sentences = noted(make_answers(correct, before, length, np.where(correct, "gold", "extract")))
    assert names == {"located by gold", "located by extract"}
    assert "located by gold: 100% of the right, 0% of the wrong" in sentences[0]
    assert "95 % interval lies beyond 5%" in sentences[0]


def test_samples_without_a_span_are_noted(alike) -> None:
    correct, before, length = alike
    lost = [not y and i % 3 == 0 for i, y in enumerate(correct)]
    names, sentences = noted(make_answers(correct, before, length, lost=lost))
    assert names == {"without an exact answer"}
    assert sentences[0].startswith("No exact answer was found in 0% of the right answers and 3")


def test_repeated_questions_count_once(alike) -> None:
    """Ten copies of everything: the interval is that of the groups, not of ten times the samples."""
    correct, before, length = alike
    once = place_check(make_answers(correct, before, length))
    ten = place_check(
        make_answers(correct * 10, np.tile(before, 10), np.tile(length, 10), group=[str(i % 400) for i in range(4000)])
    )
    for one, many in zip(once, ten, strict=True):
        assert (one.value, one.low, one.high) == pytest.approx((many.value, many.low, many.high))


def test_too_few_of_a_class_say_nothing() -> None:
    answers = make_answers([True] * 30 + [False] * 9, list(range(30)) + [60] * 9, [99] * 39)
    checks = place_check(answers)
    assert all(check.value is None and not check.noted for check in checks)
    assert checks[-1].n_wrong == 9
    nobody = place_check(make_answers([None] * 3, [0] * 3, [2] * 3))
    assert [check.right for check in nobody] == [None] * 4
