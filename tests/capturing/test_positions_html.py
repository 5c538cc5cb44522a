"""Positions in a notebook: the numbers of `summary`, without its table."""

from dataclasses import replace

import pytest
from read_html import HOSTILE, read

import interp
from interp.capturing.ledger import Ledger
from interp.capturing.positions_html import TO_END
from interp.demo import planted


@pytest.fixture(scope="module")
def positions() -> interp.Positions:
    """Of 5000 samples some lack the exact answer, for three reasons."""
    _, answers = planted(5000)
    why = {0: "no_exact_answer", 1: "too_long", 2: "empty"}
    status = [why.get(i % 50, "ok") for i in range(5000)]
    spans = [None if what != "ok" else span for what, span in zip(status, answers.exact_answer_tokens, strict=True)]
    return interp.resolve_positions(replace(answers, status=status, exact_answer_tokens=spans))


def test_the_numbers_are_those_of_the_summary(positions) -> None:
    found, summary = read(positions), positions.summary()
    head, *rows = found.sections["Roles"].rows
    assert head[:4] == ["role", "samples", "share", TO_END] and [row[0] for row in rows] == list(positions.roles)
    for row in rows:
        expected = summary.loc[row[0]]
        assert int(row[1]) == expected["n"] and row[4] == expected["repeats"]
        assert float(row[3]) == pytest.approx(expected["to_end"], abs=0.051)
    fewest = int(summary["n"].min())
    assert found.line == ["Positions", "5000 samples", "15 roles", f"every role in {fewest} or more"] and fewest < 5000


def test_the_main_reasons_come_first_and_all_are_counted() -> None:
    reasons = ["a"] * 3 + ["b"] * 2 + ["c"] + ["d"] + [""]
    made = interp.Positions.at([3] * 8, 6, valid=[[False]] * 7 + [[True]])
    ledger = Ledger.unknown(made.valid.numpy())
    ledger.reason[:, 0] = reasons
    assert read(replace(made, ledger=ledger)).sections["Roles"].rows[1][-1] == "a (3); b (2); others (2)"
    assert read(made).sections["Roles"].rows[1][-1] == "not recorded (7)"


def test_pooled_roles_say_how() -> None:
    made = interp.Positions.at([[[3, 4]], [[1, 2]]], 6, roles=("city",), pooling="max")
    head, row = read(made).sections["Roles"].rows
    assert head[1] == "pooled by" and row == ["city", "max", "2", "100.0%", "2.0", "", ""]


def test_a_role_that_none_has_and_no_samples_at_all(positions) -> None:
    nobody = interp.Positions.at([3, 4], 6, valid=[[False], [False]])
    assert read(nobody).sections["Roles"].rows[1] == ["0", "0", "0.0%", "–", "", "not recorded (2)"]
    assert read(positions[:0]).line[1] == "0 samples"


@pytest.mark.parametrize("text", [text for text in HOSTILE if text.isprintable() and text.strip() == text])
def test_hostile_names_and_reasons_do_nothing(text) -> None:
    made = interp.Positions.at([3, 4], 6, roles=(text,), valid=[[True], [False]])
    ledger = Ledger.unknown(made.valid.numpy())
    ledger.reason[1, 0] = text
    assert len(read(replace(made, ledger=ledger)).sections["Roles"].rows) == 2


def test_the_line_of_a_terminal_is_as_it_was() -> None:
    made = interp.Positions.at([[3, 5], [2, 3]], n_tokens=[6, 4], roles=("prompt_end", "answer"))
    assert repr(made) == "Positions(2 samples; roles: prompt_end 2, answer 2)"
