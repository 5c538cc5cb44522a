"""No text of a CSV file is a formula to a spreadsheet, and what is read back is what was written."""

import csv
from io import StringIO

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interp.grids.grid_table import write_table
from interp.grids.tidy import read_tidy
from interp.support.csv_text import cell, cell_text, csv_text

FORMULAS = [
    "=1+1",
    "+1+1",
    "-1+1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "'=1",
    "''=1",
    "＝1",
    "－2+3",
    "=cmd|' /C calc'!A0",
]
PLAIN = ["", "a", "a=b", "'a", "''", "-8", "+3", "-1.5", "1e-05", "-2E+10", " =1", '"', "x,y", "Ⅷ"]


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_gets_an_apostrophe(text) -> None:
    assert cell(text) == f"'{text}" and cell_text(cell(text)) == text


@pytest.mark.parametrize("text", PLAIN)
def test_other_texts_and_numbers_stay_as_they_are(text) -> None:
    assert cell(text) == text == cell_text(text)


@pytest.mark.parametrize("value", [-1, 1.5, float("-inf"), None, True])
def test_what_is_no_text_is_no_formula(value) -> None:
    assert cell(value) is value


@given(st.text() | st.text("='+-@\t\r\n＝1a", max_size=5))
def test_what_is_read_back_is_what_was_written(text) -> None:
    written = cell(text)
    assert cell_text(written) == text
    numeric = written.lstrip("+-").replace(".", "", 1).replace("e", "").replace("E", "").replace("-", "").isdecimal()
    assert numeric or written[:1] not in ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def test_a_table_keeps_its_numbers_and_names() -> None:
    table = pd.DataFrame({"=name": ["=1", "b", None], "x": [-1.5, 2.0, None], "n": pd.array([-1, 2, None], "Int64")})
    rows = list(csv.reader(StringIO(csv_text(table))))
    assert rows == [["'=name", "x", "n"], ["'=1", "-1.5", "-1"], ["b", "2.0", "2"], ["", "", ""]]


def test_the_grid_s_table_gives_back_every_text(tmp_path) -> None:
    tokens = ["-8", "=role", "-1+2", "'=x", "last_q"]
    rows = [{"layer": 1, "token": token, "metric": "m", "value": -0.5, "reason": "=because"} for token in tokens]
    write_table(rows, tmp_path / "grid.csv")
    text = (tmp_path / "grid.csv").read_text()
    assert "1,'=role,m,-0.5" in text and "\n1,-8,m,-0.5" in text and text.count("'=because") == 5
    table = read_tidy(tmp_path / "grid.csv")
    assert table["token"].tolist() == tokens and set(table["reason"]) == {"=because"}
    assert table["value"].tolist() == [-0.5] * 5
