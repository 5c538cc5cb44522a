"""The tidy table: what is written is read back equal, every digit of it, and a damaged file is one sentence."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interp.errors import RunError
from interp.grids.grid_table import write_table
from interp.grids.tidy import COLUMNS, COUNTS, NUMBERS, TEXTS, read_tidy, tidy

NUMBER = st.none() | st.floats(allow_nan=False, allow_infinity=True)
WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), max_size=5)
ROW = st.fixed_dictionaries(
    {"layer": st.integers(0, 99) | st.sampled_from(["embed", "all"])},
    optional=dict.fromkeys(NUMBERS, NUMBER)
    | dict.fromkeys(COUNTS, st.none() | st.integers(0, 1 << 40))
    | dict.fromkeys(TEXTS, WORDS),
)


@settings(max_examples=20)
@given(st.lists(ROW, max_size=4))
def test_what_is_written_is_read_back_equal(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("tidy") / "grid.csv"
    write_table([{name: row.get(name) for name in COLUMNS} for row in rows], path)
    pd.testing.assert_frame_equal(read_tidy(path), tidy(rows), check_exact=True)


def test_a_row_may_lack_columns_and_numbers_stay_numbers():
    table = tidy(
        [{"layer": 3, "token": "-1", "value": 0.5, "n": 7}, {"layer": "embed", "n_correct": 4, "reason": "few"}]
    )
    assert tuple(table.columns) == COLUMNS and table["layer"].tolist() == [3, "embed"]
    assert table["token"].tolist() == ["-1", ""] and table["reason"].tolist() == ["", "few"]
    assert table["value"].dtype == "float64" and table["value"].isna().tolist() == [False, True]
    assert table["n"].dtype == "Int64" and table["n"].sum() == 7 and table["n_correct"].isna().tolist() == [True, False]
    assert {name: str(kind) for name, kind in tidy([]).dtypes.items()} == {
        name: str(kind) for name, kind in table.dtypes.items()
    }


def test_columns_before_are_texts_in_front():
    table = tidy([{"layer": 0, "run": 12, "value": 1.0}, {"layer": 1, "run": "b"}], before=("run",))
    assert tuple(table.columns) == ("run", *COLUMNS) and table["run"].tolist() == ["12", "b"]


def test_every_digit_is_kept(tmp_path):
    values = [0.1 + 0.2, 1 / 3, 5e-324, 1 - 2**-53]
    write_table([dict.fromkeys(COLUMNS) | {"layer": 0, "value": value} for value in values], tmp_path / "grid.csv")
    assert read_tidy(tmp_path / "grid.csv")["value"].tolist() == values


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda text: text.replace("p_corrected", "p_correct"), "it lacks the column p_corrected"),
        (lambda text: "", "it lacks the column layer"),
        (lambda text: text[:-8], "line 3 is cut off"),
        (lambda text: text.replace("0.75", "0.7.5"), "could not convert string to float: '0.7.5'"),
        (lambda text: text.replace(",12,", ",twelve,"), "invalid literal for int"),
    ],
)
def test_a_damaged_file_is_one_sentence(tmp_path, damage, sentence):
    path = tmp_path / "grid.csv"
    row = dict.fromkeys(COLUMNS) | {"layer": 1, "token": "-1", "metric": "auc", "value": 0.75, "n": 12}
    write_table([row, row], path)
    path.write_text(damage(path.read_text()))
    with pytest.raises(RunError) as error:
        read_tidy(path)
    said = str(error.value)
    assert said.startswith(f"{path} does not hold the table of a run (") and sentence in said
    assert said.endswith("; restore it or run again")


def test_a_file_that_is_not_there_says_so(tmp_path):
    with pytest.raises(RunError, match=r"No such file or directory.*; restore it or run again"):
        read_tidy(tmp_path / "grid.csv")
