"""Sections as HTML: what is a number stands at the right, what is undefined is a dash, a missing figure is said."""

from pathlib import Path

import pytest

from interp.errors import RunError
from interp.reporting.section import Picture, Section, Table
from interp.reporting.section_page import page_html, section_views

TABLE = Table(
    "Some", ("name", "AUC", "mixed", "nothing"), (("a", 0.987, 1, None), ("b", None, "x", None), ("c", -0.02, 1, None))
)


def test_numbers_stand_at_the_right_and_what_is_undefined_is_a_dash() -> None:
    ((view,),) = (section_views([Section("s", "S", (), (TABLE,))], Path()),)
    (table,) = view["tables"]
    assert [column["number"] for column in table["columns"]] == [False, True, False, False]
    assert table["rows"] == [["a", "0.99", "1", "–"], ["b", "–", "x", "–"], ["c", "−0.02", "1", "–"]]


def test_a_page_holds_its_style_and_its_figures_and_no_script(tmp_path: Path) -> None:
    (tmp_path / "pic.svg").write_text("<svg><script>1</script></svg>")
    page = page_html("T & T", [Section("s", "S", ("One.",), pictures=(Picture("pic", "Cap", wide=True),))], tmp_path)
    assert "<title>T &amp; T</title>" in page and "<script" not in page and 'class="wide"' in page
    assert "figure > div" in page  # the style sheet is not escaped


def test_a_figure_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"pic\.svg: the figure of 's' cannot be read .* make it again"):
        page_html("T", [Section("s", "S", (), pictures=(Picture("pic", ""),))], tmp_path)
