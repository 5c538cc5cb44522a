"""Around a picture: sizes that stay readable, nothing over the picture, and the same bytes each time it is saved."""

from itertools import pairwise

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from interp.errors import DataError
from interp.reporting.canvas import (
    check_drawing,
    draw_colorbar,
    draw_frame,
    draw_head,
    new_figure,
    save_figure,
    three_panels,
)
from interp.reporting.heatmap import AUC, Heatmap

KEY = [(Patch(color="k"), "best cell"), (Patch(color="r"), "not defined")]


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def heatmap(rows: int, columns: int, strips: int = 0) -> Heatmap:
    values = np.zeros((rows, columns))
    above = dict.fromkeys(map(str, range(strips)), np.zeros(columns))
    return Heatmap(values, range(rows), ["-1"] * columns, strips=above)


def test_what_is_no_axes_or_title_is_refused():
    check_drawing(None, None)
    check_drawing(plt.figure().add_subplot(), "A title")
    with pytest.raises(DataError, match=r"^ax: expected .*Axes.*plt.subplots\(\)"):
        check_drawing(plt.figure(), None)
    with pytest.raises(DataError, match="^title: expected "):
        check_drawing(None, 3)


def test_a_figure_grows_with_its_grid_until_a_page_ends():
    size = {n: new_figure(heatmap(n, n)).get_size_inches() for n in (2, 12, 24, 30, 80, 800)}
    assert size[2][0] == 5.5 and size[2][1] == new_figure(heatmap(9, 2)).get_size_inches()[1]  # a least size
    assert size[12][0] < size[24][0] and size[12][1] < size[24][1] < size[30][1]
    assert size[80].tolist() == size[800].tolist() and size[80][0] == 10.5
    assert new_figure(heatmap(12, 12, strips=3)).get_size_inches()[1] == pytest.approx(size[12][1] + 0.75)
    assert new_figure(heatmap(12, 15), panels=3).get_size_inches()[0] == pytest.approx(1.5 + 3 * 0.22 * 15)
    narrow = new_figure(heatmap(12, 15), panels=3, width=3.25).get_size_inches()
    assert narrow[0] == 3.25 and narrow[1] < new_figure(heatmap(12, 15), panels=3).get_size_inches()[1]


def test_three_panels_share_their_axes_and_the_bars_stand_after_the_second_and_third():
    figure = plt.figure()
    axes, bars = three_panels(figure)
    axes[0].set(xlim=(0, 7), ylim=(3, 0))
    assert all(ax.get_xlim() == (0, 7) and ax.get_ylim() == (3, 0) for ax in axes)
    order = sorted([*axes, *bars], key=lambda ax: ax.get_position().x0)
    assert order == [axes[0], axes[1], bars[0], axes[2], bars[1]]
    widths = [ax.get_position().width for ax in axes]
    assert widths == pytest.approx([widths[0]] * 3) and bars[0].get_position().width < widths[0] / 10


def test_a_colour_bar_says_what_it_is_and_spans_the_scale():
    figure = plt.figure()
    axes, (cax, _) = three_panels(figure)
    mesh = axes[1].pcolormesh(np.full((2, 2), 0.7), cmap=AUC.cmap, norm=AUC.norm)
    draw_colorbar(axes[1], mesh, AUC, cax=cax)
    assert cax.get_ylabel() == "AUC" and cax.get_ylim() == (0.5, 1.0) and len(figure.axes) == 5
    draw_colorbar(axes[1], mesh, AUC)
    assert len(figure.axes) == 6


def test_title_notes_and_key_stand_above_the_picture_one_over_the_other():
    figure = plt.figure(figsize=(5, 4))
    ax = figure.add_subplot()
    note = "a sentence that is much too long for one line of so narrow a picture, and so is wrapped: " * 2
    draw_head(ax, title="The title", key=KEY, notes=["", note, "short"])
    figure.canvas.draw()
    (text,), legend = ax.texts, ax.get_legend()
    boxes = [ax.get_window_extent(), *(one.get_window_extent() for one in (legend, text, ax._left_title))]
    assert all(below.y1 <= above.y0 + 1 for below, above in pairwise(boxes))  # of a pixel
    assert boxes[2].x1 <= figure.bbox.x1 and boxes[0].x0 == pytest.approx(boxes[2].x0, abs=1)
    assert text.get_text().split() == f"{note} short".split() and text.get_text().splitlines()[-1] == "short"
    assert [one.get_text() for one in legend.get_texts()] == ["best cell", "not defined"]


def test_nothing_is_drawn_for_what_is_not_given():
    figure = plt.figure()
    ax = figure.add_subplot()
    draw_head(ax, title=None, notes=["", ""])
    draw_frame(figure, title=None, notes=["", ""])
    assert not ax.texts and ax.get_legend() is None and ax.get_title("left") == ""
    assert not figure.texts and not figure.legends and figure.get_suptitle() == figure.get_supxlabel() == ""


def test_the_frame_of_a_whole_figure_holds_title_key_and_notes():
    figure = plt.figure(layout="constrained")
    draw_frame(figure, title="The title", key=KEY, notes=["one", "", "two"])
    assert (figure.get_suptitle(), figure.get_supxlabel()) == ("The title", "one\ntwo")
    assert [one.get_text() for one in figure.legends[0].get_texts()] == ["best cell", "not defined"]


def drawn() -> Figure:
    figure = Figure(figsize=(2, 1))
    ax = figure.add_subplot()
    ax.bar([0, 1], [1, 2], hatch="//")  # hatches and clips have ids in an SVG
    ax.set_title("searchable words")
    return figure


def test_the_same_figure_gives_the_same_bytes(tmp_path):
    first, second = save_figure(drawn(), tmp_path / "a"), save_figure(drawn(), str(tmp_path / "b.v2"))
    assert first == (tmp_path / "a.png", tmp_path / "a.svg") and second[0].name == "b.v2.png"
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    svg = first[1].read_text(encoding="utf-8")
    assert "searchable words" in svg and "<dc:date>" not in svg
    height, width, _ = plt.imread(first[0]).shape
    assert (width, height) == (320, 160)


def test_a_part_of_a_figure_saves_the_whole(tmp_path):
    figure = drawn()
    save_figure(figure, tmp_path / "whole")
    part = figure.subfigures(1, 1)
    save_figure(part, tmp_path / "part")
    assert plt.imread(tmp_path / "part.png").shape == plt.imread(tmp_path / "whole.png").shape
