"""What is read from a stranger's folder: plain files of a bounded size, plain JSON, and names that stay in the folder."""

import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

import interp.support.stored as stored
from interp.errors import DataError, RunError
from interp.support.stored import as_written, check_inside, parse_json, plain_name, read_bytes, read_json_lines

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(JSON)
def test_json_that_was_written_is_read(value) -> None:
    assert parse_json(json.dumps(value)) == value


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[" * 10**6, "nested too deeply"),
        ("[" * 65 + "]" * 65, "nested too deeply"),
        ('{"a":' * 65 + "1" + "}" * 65, "nested too deeply"),
        ('{"a": 1, "b": 2, "a": 3}', "'a' stands twice"),
        ("[1" + "0" * 20 + "]", "a number of 21 digits"),
        ("{", "Expecting"),
    ],
)
def test_json_that_interp_writes_never(text, said) -> None:
    with pytest.raises(ValueError, match=said):
        parse_json(text)


def test_what_is_just_deep_enough_is_read() -> None:
    assert parse_json("[" * 64 + "]" * 64) and len(parse_json(json.dumps([[1]] * 100))) == 100


def test_a_file_has_a_bounded_size(tmp_path, monkeypatch) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"12345")
    assert read_bytes(path, 5) == b"12345"
    with pytest.raises(ValueError, match="it has 5 bytes, such a file at most 4"):
        read_bytes(path, 4)
    monkeypatch.setattr(stored, "MOST_LINE", 6)
    path.write_bytes(b"[1]\n[1,22]\n")
    with pytest.raises(ValueError, match="line 2 has more than 6 bytes"):
        list(read_json_lines(path))
    path.write_bytes(b"[1]\n[1,2]\n[3]")
    assert list(read_json_lines(path)) == [[1], [1, 2], [3]]


@pytest.mark.parametrize("read", [read_bytes, lambda path: list(read_json_lines(path))])
def test_only_files_are_read(tmp_path, read) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", "/dev/zero"):
        with pytest.raises((ValueError, OSError), match="it is no file"):
            read(tmp_path / path)


def test_links_that_lead_out_and_what_is_no_file(tmp_path) -> None:
    inside, beside = tmp_path / "in" / "deep", tmp_path / "in-beside"
    inside.mkdir(parents=True)
    beside.mkdir()
    (inside / "own").symlink_to("../deep")
    check_inside(tmp_path / "in")
    check_inside(tmp_path / "nowhere")
    for target in ("../../in-beside", str(beside), "/", "missing/../../../nowhere"):
        (inside / "out").symlink_to(target)
        with pytest.raises(RunError, match=f"deep/out: a link that leads out of the folder, to '{target}'"):
            check_inside(tmp_path / "in")
        (inside / "out").unlink()


@pytest.mark.parametrize("name", ["a", "a.b", "a b", "ä", "a-1_2"])
def test_a_plain_name(name) -> None:
    assert plain_name(name) == name


def test_errors_of_python_become_one_of_ours(tmp_path) -> None:
    with pytest.raises(RunError, match=r"do not belong together \(KeyError: 'x'\)"), as_written(tmp_path):
        {}["x"]
    with pytest.raises(DataError, match="as it was"), as_written(tmp_path):
        raise DataError("as it was")
    with pytest.raises(OSError, match="kept"), as_written(tmp_path):
        raise OSError("kept")
