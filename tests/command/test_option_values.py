"""What the text of a command-line option means, read without a parser."""

import argparse
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interp.capturing.roles import THOUGHT_ROLES
from interp.command.option_values import chat_options, columns, file_text, roles, strengths, template_text
from interp.errors import InterpError


@given(st.lists(st.floats(min_value=1e-9, max_value=1e9), min_size=1, max_size=4))
def test_strengths_come_back_to_the_last_digit(numbers):
    assert strengths(",".join(map(repr, numbers))) == (tuple(numbers) if len(numbers) > 1 else numbers[0])


@pytest.mark.parametrize("text", ["", "1,", "cv,1", "strong", "1;2"])
def test_what_is_no_strength_is_refused(text):
    with pytest.raises(argparse.ArgumentTypeError, match=r"expected a number, several as in 0\.01,0\.1,1, or cv, got"):
        strengths(text)


def test_columns_keep_what_stands_after_the_first_equals_sign():
    assert columns("question=Q, answer = A=B ") == {"question": "Q", "answer": "A=B"}
    for text in ("question", "=Q", "question=", "question=Q,"):
        with pytest.raises(argparse.ArgumentTypeError, match="expected FIELD=COLUMN"):
            columns(text)


def test_a_variable_of_the_template_is_a_flag_a_number_nothing_or_text():
    found = chat_options(["a=TRUE", "b=null", "c=3", "d=1.5", "e=May 1", "f=[1]", "g=x=y", "h="])
    assert found == {"a": True, "b": None, "c": 3, "d": 1.5, "e": "May 1", "f": "[1]", "g": "x=y", "h": ""}
    assert chat_options([]) == {}


def test_a_role_keeps_its_name_and_its_rule():
    assert roles(["third=exact_last+3", "after=last+1:a=b"]) == {"third": "exact_last+3", "after": "last+1:a=b"}
    for name, rule in THOUGHT_ROLES.items():
        assert roles([name]) == {name: str(rule)}
    with pytest.raises(InterpError, match="--role a: given twice"):
        roles(["a=start", "a=end"])


def test_one_line_break_at_the_end_of_a_template_is_the_editors(tmp_path: Path):
    (tmp_path / "two.txt").write_text("{question}\n\n")
    assert template_text(tmp_path / "two.txt") == "{question}\n" and template_text(None) is None


def test_a_file_that_is_no_text_is_named(tmp_path: Path):
    (tmp_path / "bytes.txt").write_bytes(b"\xff")
    with pytest.raises(InterpError, match=r"the candidates file .*bytes\.txt cannot be read: "):
        file_text(tmp_path / "bytes.txt", "the candidates file")
    assert file_text(None, "the candidates file") is None


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "prompt.txt")
    for path in (tmp_path / "prompt.txt", tmp_path, Path(os.devnull)):
        with pytest.raises(InterpError, match=f"^the prompt template {path}: expected a file, got a folder, a pipe or"):
            template_text(path)
