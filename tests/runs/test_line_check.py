"""Lines of `samples.jsonl`: every line that a run writes is one, and each entry of another kind is named."""

import json

import pytest

import interp
from interp.demo import answered
from interp.runs.line_check import KINDS, NEEDED, check_line
from interp.runs.sample_lines import sample_lines


@pytest.fixture(scope="module")
def line() -> dict:
    _, answers = answered(1)

    return json.loads(json.dumps(sample_lines(answers, interp.resolve_positions(answers), None)[0]))


def test_what_a_run_writes_is_a_line(line) -> None:
    check_line(1, line)
    assert line.keys() >= NEEDED.keys() and KINDS.keys() >= NEEDED.keys()
    check_line(1, line | {"fold": None, "logprobs": [-0.5, None], "exact_answer": None, "unknown": object()})


@pytest.mark.parametrize("name", NEEDED)
def test_an_entry_that_lacks(line, name) -> None:
    with pytest.raises(ValueError, match="expected lines with completion_ids, correct, group, id"):
        check_line(1, {key: value for key, value in line.items() if key != name})


@pytest.mark.parametrize("name", KINDS)
def test_an_entry_of_another_kind(line, name) -> None:
    for wrong in (object(), {"a": "b"}, ["a"]):
        with pytest.raises(ValueError, match=f"line 7: {name} is not what interp writes there"):
            check_line(7, line | {name: wrong})
