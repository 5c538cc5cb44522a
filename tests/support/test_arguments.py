"""The rules at the door: what they take, what they refuse, and what they say of it."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from interp.data.readers import CsvText
from interp.errors import DataError, ModelError
from interp.support import arguments as at

EVERYTHING = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.binary(max_size=3),
    st.lists(st.one_of(st.integers(), st.text(max_size=3), st.none()), max_size=3), st.dictionaries(st.text(max_size=2), st.integers(), max_size=2),
)  # fmt: skip


@given(EVERYTHING)
def test_every_rule_gives_what_it_promises_or_one_sentence(value):
    """A property of all rules: the type that they say, or a DataError that begins with the argument's name."""
    rules = {
        "whole_number": (at.whole_number, int), "number": (at.number, float), "flag": (at.flag, bool), "one_text": (at.one_text, str),
        "several_texts": (at.several_texts, tuple), "whole_numbers": (at.whole_numbers, tuple), "numbers": (at.numbers, tuple),
        "path": (at.path, Path),
    }  # fmt: skip
    for rule, kind in rules.values():
        try:
            assert type(rule("here", value)) is kind or isinstance(rule("here", value), kind)
        except DataError as error:
            assert str(error).startswith("here") and ", got " in str(error) and "\n" not in str(error)


@pytest.mark.parametrize("value", [5, np.int64(5), np.array(5), torch.tensor(5)])
def test_a_whole_number_of_any_library_is_one(value):
    found = at.whole_number("n", value, 0, 5)
    assert found == 5 and type(found) is int


@pytest.mark.parametrize("value", [True, np.True_, 5.0, "5", None, [5], np.array([5]), torch.tensor(5.0), float("nan")])
def test_what_is_no_whole_number(value):
    with pytest.raises(DataError, match="n: expected a whole number from 2, got "):
        at.whole_number("n", value, 2)


def test_bounds_are_named():
    with pytest.raises(DataError, match=r"seed: expected a whole number from 0 to 4294967295, got -1"):
        at.seed_number(-1)
    with pytest.raises(DataError, match=r"rate: expected a number above 0, below 1, got 1\.0"):
        at.number("rate", 1.0, above=0, below=1)
    for value in (float("nan"), float("inf"), True, "1", None):
        with pytest.raises(DataError, match="rate: expected a number, got "):
            at.number("rate", value)
    assert at.number("rate", np.float32(0.5)) == at.number("rate", torch.tensor(0.5)) == 0.5


def test_a_text_is_one_text_and_its_letters_are_nobodys():
    assert at.several_texts("stop", "END") == ("END",)
    assert (
        at.several_texts("stop", np.array(["a", "b"])) == at.several_texts("stop", pd.Series(["a", "b"])) == ("a", "b")
    )
    assert at.several_texts("stop", (c for c in "ab")) == ("a", "b")
    assert at.several_texts("stop", {"b", "a", "c"}) == (
        "a",
        "b",
        "c",
    )  # the order of a set is another in every process
    with pytest.raises(DataError, match=r"names: expected several texts, got the single text 'ab'; write \['ab'\]"):
        at.several_texts("names", "ab", one=False)
    for value, shown in (
        (b"ab", r"b'ab'"),
        ({"a": 1}, r"\{'a': 1\}"),
        (5, "5"),
        (None, "None"),
        (np.array("a"), "ndarray"),
    ):
        with pytest.raises(DataError, match=f"stop: expected a list of texts, got {shown}"):
            at.several_texts("stop", value)
    for value in ("a\ud800", ["a", "\ud800"]):
        with pytest.raises(DataError, match="stop.*: half a surrogate pair"):
            at.several_texts("stop", [value] if isinstance(value, str) else value)
    with pytest.raises(DataError, match=r"stop\[1\]: expected a text, got b'x'; decode it first"):
        at.several_texts("stop", ["a", b"x"])


@pytest.mark.parametrize(
    ("value", "meant"),
    [("temperatur", "temperature"), ("Temperature", "temperature"), ("max_tokens", "max_new_tokens"), ("batchtokens", "batch_tokens")],
)  # fmt: skip
def test_a_misspelt_name_is_answered_with_the_nearest(value, meant):
    known = ("temperature", "max_new_tokens", "batch_tokens", "top_p")
    with pytest.raises(DataError, match=f"option: expected one of .*, got '{value}'; did you mean '{meant}'\\?"):
        at.one_of("option", value, known)
    with pytest.raises(ModelError, match=f"run: there is no option '{value}'; did you mean '{meant}'\\?"):
        at.known_options("run", {value: 1}, known, error=ModelError)


def test_the_beginning_of_a_single_name_is_near_it():
    assert at.nearest("Exact", ("exact_answer", "all")) == "; did you mean 'exact_answer'?"
    assert at.nearest("ex", ("exact_answer_first", "exact_answer_last")) == at.nearest("", ("all",)) == ""


def test_what_is_near_nothing_gets_the_whole_list():
    with pytest.raises(DataError, match="run: there is no option 'zzz'; there are a, b$"):
        at.known_options("run", ["zzz"], ("b", "a"))
    with pytest.raises(DataError, match=r"layer: expected one of 0, 1, got 99$"):
        at.one_of("layer", 99, (0, 1))
    assert at.one_of("layer", np.int64(1), (0, 1)) == 1 and at.one_of("site", "z", ("z",)) == "z"
    for value in ("1", True, 1.0, None, [1]):
        with pytest.raises(DataError, match="layer: expected one of 0, 1, got "):
            at.one_of("layer", value, (0, 1))


def test_large_values_are_named_not_printed():
    assert at.shown(torch.zeros(3, 4)) == "Tensor of shape (3, 4)"
    assert at.shown(pd.DataFrame({"a": [1]})) == "DataFrame of shape (1, 1)"
    assert len(at.shown("x" * 1000)) < 100 and len(at.shown([["x" * 1000] * 1000] * 1000)) <= 100
    assert at.shown(CsvText("yes")) == "'yes'" and at.shown([CsvText("yes")]) == "['yes']"
    assert len(at.shown(CsvText("x" * 1000))) < 100
    assert "\n" not in at.shown([pd.DataFrame({"a": [1, 2]})])


def test_flags_functions_paths_and_workers():
    assert at.flag("embed", np.False_) is False
    for value in ("no", 0, None):
        with pytest.raises(DataError, match="embed: expected True or False, got "):
            at.flag("embed", value)
    with pytest.raises(DataError, match=r"progress: expected a function \(finished: int\) or None, got 'x'"):
        at.progress_function("x")
    for value in (None, "", " ", "a\0b", "\ud800", "x" * 5000, "there/" + "x" * 5000, b"a", 3):
        with pytest.raises(DataError, match="out: expected a path, got "):
            at.path("out", value)
    with pytest.raises(DataError, match="n_jobs: expected a number of workers, -1"):
        at.job_count(0)
