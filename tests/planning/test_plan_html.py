"""A Plan in a notebook: warnings before all, then the numbers that `print` says."""

from dataclasses import replace

import pytest
from read_html import HOSTILE, read

import interp
from interp import demo
from interp.planning.plan_html import IDS


@pytest.fixture(scope="module")
def plan(tmp_path_factory) -> interp.Plan:
    out = tmp_path_factory.mktemp("plans") / "next"
    return interp.plan(model=demo.model_path(), data=demo.questions_path(), out=out, time=False)


def test_the_numbers_are_those_of_the_plan(plan) -> None:
    found = read(plan)
    assert found.line[:3] == ["Plan", f"{plan.rows} rows", "0 left out"] and found.line[4] == "time not estimated"
    rows = {row[0]: row[1] for row in found.sections["Rows"].rows}
    assert rows["rows"] == str(plan.rows) and rows["to be answered"] == str(plan.answered)
    assert rows["tokens of a prompt (shortest, median, longest)"] == ", ".join(map(str, plan.prompt_tokens))
    room = dict(found.sections["Room"].rows)
    assert room["disk (at most)"] == found.line[3].removeprefix("disk ") and room["shards (at most)"] == str(
        plan.shards
    )
    assert found.sections["Time"].rows == [["time", "not estimated"]]


def test_warnings_come_first_and_are_open(plan) -> None:
    short = replace(
        plan, free=1, excluded={"too_long": ("a", "b", "c", "d")}, seconds={"answering": 90.0}, timed_on="x"
    )
    found = read(short)
    name, section = next(iter(found.sections.items()))
    assert name == "Warnings" and section.opened and section.paragraphs == short.warnings
    assert ["too_long", "4", ", ".join("abcd"[:IDS]) + " …"] in found.sections["Rows"].rows
    assert found.line[-1] == "time 1.5 min" and found.sections["Time"].paragraphs == ["x"]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_do_nothing(plan, text) -> None:
    read(replace(plan, excluded={text: (text,)}, notes=(text,), exact_answer=text, read_as={text: 1}))


def test_the_line_of_a_terminal_is_as_it_was(plan) -> None:
    assert repr(plan).startswith(f"Plan({plan.rows} rows, 0 left out; disk ")
    assert repr(plan).endswith("; print it for everything)")
