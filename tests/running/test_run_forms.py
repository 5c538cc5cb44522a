"""Published forms in a run: the rule they decide, what is said of them, and that plain rows are what they were."""

import json
from dataclasses import replace

import numpy as np
import pytest

import interp
from interp import demo
from interp.data.rows import load_rows
from interp.planning.request import Request
from interp.running.record import data_hash
from interp.runs.rows import fitting_options
from interp.runs.sample_lines import sample_lines
from interp.support.fingerprint import json_hash

CHOICES = [
    {"question": f"Which is number {i}?", "choices": ["one", "two", "three", "four"], "answer": i % 4} for i in range(8)
]
SUMS = [{"question": f"What is {i} + 1?", "answer": f"It is {i + 1}.\n#### {i + 1}"} for i in range(8)]
PLAIN = [{"question": f"{i}?", "answer": "yes", "wrong_answer": "no", "group": f"g{i}"} for i in range(8)]


def settings(rows, **options):
    return Request.of(model=demo.model_path(), data=rows, out=None, options=options).settings


def test_the_form_decides_the_rule_where_nobody_else_does():
    assert settings(CHOICES).correct == "choice" and settings(CHOICES).exact_answer is None
    assert settings(CHOICES, correct="contains").correct == "contains"
    found = settings(SUMS)
    assert (found.correct, found.exact_answer) == ("numeric", "last_number")
    found = settings(SUMS, answer_pattern="is (.+)")
    assert (found.correct, found.exact_answer) == ("numeric", None)
    assert settings(PLAIN) == replace(settings(PLAIN), correct="contains", exact_answer=None)
    mixed = load_rows([*CHOICES, *PLAIN])
    assert mixed.run_options == {} and sum(mixed.read_as.values()) == len(CHOICES)
    assert fitting_options(load_rows(CHOICES), {"dataset": "winogrande"}) == {}


def test_plain_rows_have_the_hash_that_they_had_before_there_were_options():
    """Written out field by field: a run that began before is not refused when it goes on."""
    rows = load_rows(PLAIN)
    before = [
        {
            **{"id": str(i), "question": f"{i}?", "answers": ["yes"], "prompt": None, "context": None},
            **{"wrong_answer": "no", "group": f"g{i}", "prompt_ids": None, "completion": None, "completion_ids": None},
            **{"exact_answer": None, "correct": None, "source": ""},
        }
        for i in range(8)
    ]
    assert data_hash(rows) == json_hash(before)
    assert data_hash(load_rows(CHOICES)) != data_hash(load_rows([*CHOICES[:-1], CHOICES[-1] | {"answer": 0}]))


def test_the_plan_says_what_was_recognised():
    plan = interp.plan(model=demo.model_path(), data=CHOICES, time=False)
    assert plan.read_as == {"question=question, options=choices, answer=answer": 8}
    assert "  read as question=question, options=choices, answer=answer: 8\n" in str(plan)
    plain = interp.plan(model=demo.model_path(), data=PLAIN, time=False)
    assert plain.read_as == {} and "read as" not in str(plain)


@pytest.fixture(scope="module")
def model():
    return interp.load_model(demo.model_path())


def test_a_choice_is_labelled_and_located_by_the_letter_or_the_text(model):
    said = ["B", "The answer is (A).", "three", "I do not know", "A good look", "**D**", "A or B", "two"]
    rows = load_rows([row | {"completion": text} for row, text in zip(CHOICES, said, strict=True)])
    for options in ({}, {"correct": "choice"}, {"correct": "contains", "exact_answer": "candidates"}):
        answers = interp.generate_answers(model, rows, **options)
        assert answers.exact_answer == ["B", "A", "three", None, None, "D", None, "two"]
        assert answers.exact_answer_method == ["option" if text else None for text in answers.exact_answer]
        assert answers.correct == [False, False, True, False, False, False, None, False]
        assert all("\nC. three\n" in prompt and prompt.endswith("\nAnswer:") for prompt in answers.prompt)
        assert all(tokens is not None for tokens in answers.question_tokens)
    asked = interp.generate_answers(model, rows, exact_answer="first_line")
    assert asked.exact_answer[1] == "The answer is (A)" and set(asked.exact_answer_method) == {"first_line"}
    positions = interp.resolve_positions(interp.generate_answers(model, rows))
    assert json.loads(json.dumps(sample_lines(answers, positions, None)))[0]["exact_answer_method"] == "option"


def test_the_span_does_not_move_with_the_key(model):
    said = ["B", "The answer is (A).", "three, not two", "none"] * 2
    rows = [row | {"completion": text} for row, text in zip(CHOICES, said, strict=True)]
    spans = [
        interp.generate_answers(model, [row | {"answer": key} for row in rows]).exact_answer_chars for key in range(4)
    ]
    assert all(each == spans[0] for each in spans)


def test_a_judge_is_told_the_options(model):
    told = []

    def judge(prompt: str) -> str:
        told.append(prompt)
        return "yes"

    rows = [CHOICES[1] | {"completion": "B"}]
    interp.generate_answers(model, rows, correct="judge", judge=judge)
    assert "Which is number 1?\nA. one\nB. two\nC. three\nD. four\nAccepted answers: B. two\n" in told[0]


def test_statements_are_captured_as_they_stand(model):
    rows = load_rows([{"statement": f"Town {i} is in Peru.", "label": i % 2} for i in range(4)])
    answers = interp.generate_answers(model, rows)
    assert answers.text == [row.question for row in rows] and answers.correct == [False, True, False, True]
    assert answers.prompt == [""] * 4 and answers.logprobs == [None] * 4
    positions = interp.resolve_positions(answers)
    last, after = (positions.index[:, positions.roles.index(f"exact_answer_{name}")] for name in ("last", "after_last"))
    ids = [[*p, *c] for p, c in zip(answers.prompt_ids, answers.completion_ids, strict=True)]
    assert [answers.decode([one[at]]).strip() for one, at in zip(ids, after.tolist(), strict=True)] == ["."] * 4
    assert (after - last == 1).all()
    cap = interp.capture(model, answers, positions)
    assert np.isfinite(np.asarray(cap.resid)[positions.valid[:, None].expand(-1, cap.resid.shape[1], -1).numpy()]).all()
