"""Entries of a record as texts, answers, ids and truth values: what is read, what is absent, what is refused and how."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from interp.data.fields import absent, entries, field_value, read_answers, read_ids, read_text, read_truth
from interp.data.record import CsvText
from interp.errors import DataError

ABSENT = [None, float("nan"), np.float64("nan"), np.float32("nan"), pd.NA, pd.NaT]


@pytest.mark.parametrize("value", ABSENT, ids=repr)
def test_what_is_absent_is_none(value):
    assert field_value({"Question": value}, {"question": "Question"}, "question") is None
    assert field_value({}, {}, "question") is None


@pytest.mark.parametrize("value", ["", "nan", 0, False, [], [None], 0.0])
def test_what_is_empty_is_not_absent(value):
    assert not absent(value) and field_value({"question": value}, {}, "question") == value


def test_a_cell_is_pythons_own_and_found_by_its_column():
    values = {"n": np.int64(3), "ids": torch.tensor([1, 2]), "question": "?"}
    assert type(field_value(values, {}, "n")) is int and field_value(
        values, {"completion_ids": "ids"}, "completion_ids"
    ) == [1, 2]
    assert field_value(values, {"question": "asked"}, "question") is None  # the column it was said to be in, no other


def test_texts_are_texts_and_whole_numbers():
    assert [read_text("at", value) for value in ("a\u2028b", 12, -3, "")] == ["a\u2028b", "12", "-3", ""]
    assert type(read_text("at", CsvText("a"))) is str
    for value in (True, 1.0, ["a"], {"a": 1}):
        with pytest.raises(DataError, match="^rows:3, id: expected text, got .*; write it as text, or leave it out$"):
            read_text("rows:3, id", value)
    with pytest.raises(DataError, match="^at: half a surrogate pair"):
        read_text("at", "\ud83d")


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8).filter(str.strip)


@given(st.lists(TEXTS, min_size=1, max_size=4))
def test_answers_are_the_same_in_a_list_and_in_a_cell(texts):
    assert read_answers("at", texts) == read_answers("at", tuple(texts)) == tuple(texts)
    assert read_answers("at", CsvText(json.dumps(texts))) == tuple(texts)
    assert entries(CsvText(json.dumps(texts))) == texts
    assert read_answers("at", texts[0]) == (texts[0],)


@pytest.mark.parametrize("text", ["[1, 2]", "[1851", "{}", "12", '["a", 2]', "null", "[" * 5000])
def test_a_cell_that_is_no_list_of_texts_is_one_text(text):
    assert entries(CsvText(text)) == [text] and read_answers("at", CsvText(text)) == (text,)
    assert read_answers("at", '["a", "b"]') == ('["a", "b"]',)  # not from CSV: what stands there is meant


def test_blank_answers_are_none_and_a_blank_among_others_is_an_error():
    for nothing in ("", "  ", [], [None], ["", float("nan")], None, CsvText("[]"), CsvText('[""]')):
        assert read_answers("at", nothing) == ()
    with pytest.raises(DataError, match=r"^at: an accepted answer is blank in \['a', ' '\]$"):
        read_answers("at", ["a", " "])
    with pytest.raises(DataError, match=r"^at\[1\]: expected text, got None"):
        read_answers("at", ["a", None])
    with pytest.raises(DataError, match="^at: expected text, got 1.5"):
        read_answers("at", 1.5)
    assert read_answers("at", [1851, "in 1851"]) == ("1851", "in 1851")


@given(st.lists(st.integers(0, 1 << 20), max_size=5))
def test_ids_are_the_same_whatever_holds_them(ids):
    for value in (
        ids,
        tuple(ids),
        np.array(ids, dtype=np.int64),
        torch.tensor(ids, dtype=torch.int64),
        CsvText(json.dumps(ids)),
    ):
        assert read_ids("at", value) == tuple(ids)


@pytest.mark.parametrize(
    "value", [[-1], [1.0], [True], "[1]", CsvText("1"), CsvText("[1"), CsvText("[1.0]"), 3, {1}, [[1]]], ids=repr
)
def test_what_is_no_list_of_ids_is_refused(value):
    with pytest.raises(DataError, match=r"^at: expected a list of token ids \(whole numbers from 0\), got "):
        read_ids("at", value)
    assert read_ids("at", None) is None


@pytest.mark.parametrize(
    ("truth", "said"),
    [
        (
            True,
            [
                True,
                1,
                1.0,
                np.bool_(True),
                np.int64(1),
                torch.tensor(True),
                *map(CsvText, ("TRUE", " true ", "1", "1.0")),
            ],
        ),
        (False, [False, 0, 0.0, np.bool_(False), torch.tensor(0), *map(CsvText, ("False", "0", "0.0"))]),
        (None, [None]),
    ],
)
def test_truth_is_read_from_every_way_to_write_it(truth, said):
    assert all(read_truth("at", value) is truth for value in said)


@pytest.mark.parametrize(
    "value", ["true", "1", CsvText("yes"), CsvText(""), 2, 0.5, -1, [True], float("nan")], ids=repr
)
def test_what_is_no_truth_is_refused(value):
    with pytest.raises(DataError, match=r"^at: expected true or false \(or 1 or 0\), got "):
        read_truth("at", value)
