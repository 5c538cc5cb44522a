"""Progress bars by what is printed: title, count and unit on standard error, nothing on standard output."""

import pytest

from interp.support.progress import bar


def test_the_last_line_says_how_far_it_came(capsys):
    with bar("capturing", 12, unit="batches") as advance:
        assert advance is not None
        for count in (3, 0, 5):
            advance(count)
    out, err = capsys.readouterr()
    assert out == ""
    words = err.splitlines()[-1].split()
    assert words[0] == "capturing" and "8/12" in words and words[words.index("8/12") + 1] == "batches"
    assert {"0:00:00", "left"} <= set(words)


def test_samples_are_counted_unless_something_else_is_said(capsys):
    with bar("answering", 4) as advance:
        advance(4)
    assert "4/4 samples" in capsys.readouterr().err


def test_titles_of_several_stages_stand_in_one_column(capsys):
    lines = []
    for title in ("answering", "probing attention"):
        with bar(title, 2) as advance:
            advance(2)
        lines.append(capsys.readouterr().err.splitlines()[-1])
    assert len({line.index("━") for line in lines}) == 1


def test_nothing_is_printed_where_it_is_off(capsys):
    with bar("capturing", 12, enabled=False) as advance:
        assert advance is None
    assert capsys.readouterr() == ("", "")


def test_an_error_passes_and_leaves_the_line_where_it_was(capsys):
    with pytest.raises(ZeroDivisionError), bar("capturing", 12) as advance:
        advance(7)
        raise ZeroDivisionError
    assert "7/12" in capsys.readouterr().err


def test_a_late_bar_stands_there_from_the_first_count_on(capsys):
    with bar("patching", None, late=True):
        assert capsys.readouterr().err == ""
    assert capsys.readouterr().err == ""
    with bar("patching", 3, late=True) as advance:
        advance(1)
        advance(2)
    assert "patching" in (shown := capsys.readouterr().err) and "3/3" in shown
