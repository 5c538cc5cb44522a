"""Questions of one template: found by their words, noted where they tell right from wrong answers, and not otherwise."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from interp.labelling.template_check import template_check, templates
from interp.reporting.notes import template_sentences

RNG = np.random.default_rng(0)


def questions(n: int) -> list[str]:
    kinds = ["In which country is the city of {}?", "Who wrote the novel {}?", "How many strings has the {}?"]
    return [kinds[i % 3].format(f"Name{i}") for i in range(n)]


def test_templates_are_the_common_words():
    found = templates(questions(90))
    assert set(found) == {
        "In which country is the city of … ?",
        "Who wrote the novel … ?",
        "How many strings has the … ?",
    }


def check_of(right: list[float], n: int = 300):
    rng = np.random.default_rng(1)
    y = np.array([int(rng.random() < right[i % 3]) for i in range(n)])
    return template_check(questions(n), y, np.arange(n) // 3 % 5, [f"g{i}" for i in range(n)]), y


def test_tasks_of_different_difficulty_are_noted():
    check, y = check_of([0.95, 0.1, 0.5])
    assert check is not None and check["noted"] and check["n_templates"] == 3
    sizes = {one["template"]: (one["right"], one["n"]) for one in check["templates"]}
    assert sizes["Who wrote the novel … ?"] == (int(y[1::3].sum()), 100)
    # The same by the true shares, all pairs: the folds differ little.
    assert check["value"] == pytest.approx(roc_auc_score(y, np.tile([0.95, 0.1, 0.5], 100)), abs=0.02)
    (sentence,) = template_sentences({"template_check": check})
    assert "as `group`" in sentence and "“In which country is the city of … ?”" in sentence


def test_tasks_of_one_difficulty_are_not():
    check, _ = check_of([0.6, 0.6, 0.6])
    assert check is not None and not check["noted"] and check["low"] < 0.5 < check["high"] + 0.1
    assert template_sentences({"template_check": check}) == template_sentences({}) == []


def test_one_template_and_questions_without_one_say_nothing():
    y = np.arange(60) % 2
    fold, groups = np.arange(60) // 2 % 5, [str(i) for i in range(60)]
    assert template_check([f"Where is {i}?" for i in range(60)], y, fold, groups) is None
    assert template_check([f"a{i} b{i} c{i}" for i in range(60)], y, fold, groups) is None
    assert template_check(questions(60), np.zeros(60, int), fold, groups) is None


def test_templates_held_out_by_the_groups_are_not_known_elsewhere():
    """Groups that are the templates: no fold has seen the template that it scores."""
    rng = np.random.default_rng(2)
    kinds = [f"{a} {b}" for a in ("Who", "Where", "When", "Why") for b in ("wrote", "read", "sold")]
    names = [kinds[i % 12] for i in range(600)]
    share = dict(zip(kinds, rng.random(12), strict=True))
    y = np.array([int(rng.random() < share[name]) for name in names])
    check = template_check([f"{n} book{i}?" for i, n in enumerate(names)], y, np.arange(600) % 12 % 4, names)
    assert check is not None and not check["noted"]
