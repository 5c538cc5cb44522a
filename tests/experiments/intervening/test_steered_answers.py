"""Answers given again under a push: nothing changes without one, and the label is by the run's own rule."""

import numpy as np
import pytest

import interp
from interp import demo
from interp.errors import DataError
from interp.experiments.intervening.page import write_steering
from interp.experiments.intervening.steered_answers import _asked_anew, steered_answers


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return interp.run(
        model=demo.model_path(), data=demo.questions_path(), out=tmp_path_factory.mktemp("steer") / "run", limit=60,
        prompt_template=demo.PROMPT_TEMPLATE, max_new_tokens=demo.MAX_NEW_TOKENS, permutations=0, controls=False,
        roles=("last_q", "exact_answer_before_first"),
    )  # fmt: skip


def test_a_push_of_nothing_changes_nothing_and_a_large_one_much(run):
    found = steered_answers(run, cell=(3, "last_q"), doses=(0.0, 60.0), questions=12)
    assert (found["changed"].sel(dose=0.0) == 0).all() and (found["became_wrong"].sel(dose=0.0) == 0).all()
    assert float(found["changed"].sel(dose=60.0, direction="mean_difference")) > 0.5
    assert (found["changed_low"] <= found["changed"] + 1e-12).all() and (
        found["changed"] <= found["changed_high"]
    ).all()
    assert (found["changed_n"] == 12).all()
    both = found["became_right_n"] + found["became_wrong_n"]
    assert (both == 12).all()


def test_it_is_written_beside_the_doses(run):
    doses = interp.dose_response(run, cell=(3, "last_q"), doses=[4], pairs=12, draws=2)
    answers = steered_answers(run, cell=(3, "last_q"), doses=(4.0,), questions=6)
    sentences, files = write_steering(run, doses, answers)
    assert any("Answered again with +4 standard deviations" in one for one in sentences)
    assert all(path.exists() for path in files)
    again = interp.open_run(run.folder.path)
    assert "Pushing a cell" in again.folder.report.read_text(encoding="utf-8")
    assert np.isfinite(answers["changed"]).all()


def test_a_row_that_brings_its_answer_is_asked_anew_without_it():
    row = interp.QARow("a", "Where?", ("Paris",), completion="Rome", correct=False, exact_answer="Rome")
    asked = _asked_anew(row, "a#1")
    assert (asked.id, asked.completion, asked.correct, asked.exact_answer) == ("a#1", None, None, None)


def test_rows_that_are_gone_are_named(run, monkeypatch):
    from interp.experiments.intervening import steered_answers as module

    monkeypatch.setattr(module, "read_rows", lambda settings: [])
    with pytest.raises(DataError, match="no longer hold row"):
        steered_answers(run, cell=(3, "last_q"), questions=2)
