"""Under a heat map: short names, brackets, counts; nothing said twice, nothing lost."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib import pyplot as plt

from interp.capturing.roles import ROLES
from interp.reporting.column_axis import FAMILIES, ColumnAxis, column_counts, points, text_width

NAMES = st.lists(st.sampled_from([*ROLES, "mean:exact_answer", "exact_answer_"]), min_size=1, max_size=20)


@given(NAMES)
def test_every_column_is_named_once_with_its_bracket(columns):
    axis = ColumnAxis(columns)
    whole = list(axis.names)
    for first, last, title in axis.families:
        assert last > first
        beginning = {v: k for k, v in FAMILIES.items()}[title]
        whole[first : last + 1] = [beginning + name for name in whole[first : last + 1]]
    assert whole == columns
    inside = {k for first, last, _ in axis.families for k in range(first, last + 1)}
    alone = [k for k, name in enumerate(columns) if name.startswith("exact_answer_") and k not in inside]
    assert all(not columns[k + 1].startswith("exact_answer_") for k in alone if k + 1 < len(columns))


def test_a_repeat_has_its_dagger_behind_the_short_name():
    axis = ColumnAxis(["exact_answer_first", "exact_answer_last"], repeats=["", "exact_answer_first"])
    assert axis.names == ["first", "last †"]


@pytest.mark.parametrize(
    ("n", "counts", "note"),
    [
        ([[5, 5], [5, 5]], ["5", "5"], "n = 5 in every cell"),
        ([[5, 4], [5, 4]], ["5", "4"], ""),
        ([[5, 5], [4, 4]], ["≥4", "≥4"], ""),  # the same for all columns, but not for all cells
    ],
)
def test_counts_are_a_note_only_where_all_cells_have_as_many(n, counts, note):
    found = column_counts(np.array(n))
    assert found == counts and ColumnAxis(["last_q", "-1"], counts=found).count_note == note


def test_depth_is_where_the_lowest_word_ends():
    figure = plt.figure(figsize=(6, 4), layout="constrained")
    ax = figure.add_subplot()
    ax.set(xlim=(-0.5, len(ROLES) - 0.5))
    axis = ColumnAxis(ROLES, counts=[str(1000 - k) for k in range(len(ROLES))])
    axis.draw(ax)
    figure.canvas.draw()
    lowest = min(text.get_window_extent().y0 for text in [*ax.texts, *ax.get_xticklabels()])
    drawn = (ax.get_window_extent().y0 - lowest) * 72 / figure.dpi
    assert drawn == pytest.approx(axis.depth, abs=4)
    plt.close(figure)


def test_sizes_follow_the_style():
    usual = points("small"), text_width("exact_answer_first")
    with plt.style.context("interp.publication"):
        small = points("small"), text_width("exact_answer_first")
    assert small[0] == pytest.approx(usual[0] * 0.8) and small[1] == pytest.approx(usual[1] * 0.8, rel=0.05)
