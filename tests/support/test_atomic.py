"""Whole files: replaced in one step or left alone, JSON any reader takes, lines that survive a torn one."""

import json
import os
import resource

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interp import RunError
from interp.support.atomic import append_lines, read_lines, write_json, write_text


def test_write_text_replaces_or_leaves_alone(tmp_path):
    path = tmp_path / "run.json"
    write_text(path, "old\n")
    write_text(path, "new\n")
    assert path.read_bytes() == b"new\n"
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))
    try:
        with pytest.raises(RunError, match="run.json: cannot be written: File too large"):
            write_text(path, "x" * 100)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == b"new\n" and os.listdir(tmp_path) == ["run.json"]
    with pytest.raises(RunError, match="gone/run.json: cannot be written: No such file or directory"):
        write_text(tmp_path / "gone" / "run.json", "x")


def test_write_json_is_json_for_every_reader(tmp_path):
    value = {
        "a": np.float64("nan"),
        "b": [float("inf"), np.int64(3), (1, 2)],
        3: np.array([0.5, np.nan]),
        "é": np.bool_(1),
    }
    write_json(tmp_path / "x.json", value)
    text = (tmp_path / "x.json").read_text(encoding="utf-8")
    loaded = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert loaded == {"a": None, "b": [None, 3, [1, 2]], "3": [0.5, None], "é": True}


@given(
    batches=st.lists(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\n")), max_size=3), max_size=4)
)
def test_lines_come_back_also_after_a_torn_one(tmp_path_factory, batches):
    path = tmp_path_factory.getbasetemp() / "samples.jsonl"
    path.unlink(missing_ok=True)
    assert read_lines(path) == []
    written = []
    for batch in batches:
        append_lines(path, batch)
        written += batch
        assert read_lines(path) == written
        with path.open("ab") as file:
            file.write(b'{"id": "torn \xc3')
        assert read_lines(path) == written
