"""Progress bars by what is printed: title, count and unit on standard error, nothing on standard output."""

import re

import pytest

from interp.support import progress
from interp.support.progress import bar, made_elsewhere


@pytest.fixture
def terminal(monkeypatch, capsys):
    """As in a terminal; returns what was shown, without colours and movements of the cursor."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    return lambda: re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", capsys.readouterr().err)


@pytest.fixture
def clock(monkeypatch):
    """Seconds that pass only when they are told to: `clock(3)`."""
    now = [100.0]
    monkeypatch.setattr(progress, "monotonic", lambda: now[0])

    def passes(seconds: float) -> None:
        now[0] += seconds

    return passes


def test_a_log_gets_a_line_every_few_seconds_and_one_at_the_end(capsys, clock):
    with bar("Answering", 840) as advance:
        for _ in range(8):
            clock(2)
            advance(100)
        advance(40)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "interp: Answering: 300 of 840 samples in 6 s, about 11 s left",
        "interp: Answering: 600 of 840 samples in 12 s, about 5 s left",
        "interp: Answering: 840 of 840 samples in 16 s",
    ]


def test_a_long_stage_fills_no_log(capsys, clock):
    with bar("Capturing", 3600) as advance:
        for _ in range(3600):
            clock(1)
            advance(1)
    lines = capsys.readouterr().err.splitlines()
    assert lines[-1] == "interp: Capturing: 3,600 of 3,600 samples in 1:00:00" and 120 < len(lines) < 150
    assert "interp: Capturing: 1,795 of 3,600 samples in 0:29:55, about 0:30:05 left" in lines


def test_the_time_that_is_left_is_measured_from_the_first_count_on(capsys, clock):
    """That one waits until workers have started; of a run that is resumed it is what was done before."""
    with bar("Probing", 135, unit="cells") as advance:
        clock(7)
        advance(1)
        for _ in range(4):
            clock(2)
            advance(20)
    assert capsys.readouterr().err.splitlines() == [
        "interp: Probing: 1 of 135 cells in 7 s",
        "interp: Probing: 61 of 135 cells in 13 s, about 7 s left",
        "interp: Probing: 81 of 135 cells in 15 s, about 5 s left",
    ]


def test_a_log_says_where_an_error_came(capsys, clock):
    with pytest.raises(ZeroDivisionError), bar("Capturing", 12) as advance:
        advance(7)
        raise ZeroDivisionError
    assert capsys.readouterr().err == "interp: Capturing: 7 of 12 samples in 0 s\n"


def test_what_has_no_known_end_says_how_much_is_done(capsys, clock):
    with bar("steering", None, unit="samples run") as advance:
        clock(61)
        advance(7)
    assert capsys.readouterr().err.splitlines()[0] == "interp: steering: 7 samples run in 0:01:01"


def test_what_another_process_makes_is_not_waited_for(capsys, clock):
    with bar("Answering", 12) as advance:
        made_elsewhere(advance, 8)
        for _ in range(4):
            clock(3)
            advance(1)
    assert capsys.readouterr().err.splitlines() == [
        "interp: Answering: 2 of 4 samples in 6 s, about 6 s left",
        "interp: Answering: 4 of 4 samples in 12 s",
    ]
    counted: list[int] = []
    made_elsewhere(counted.append, 8)  # a function of the caller's own is told of what is finished, and of nothing else
    made_elsewhere(None, 8)
    with bar("answering", None) as advance:
        made_elsewhere(advance, 8)
        advance(1)
    assert not counted and "interp: answering: 1 samples" in capsys.readouterr().err


def test_the_last_line_says_how_far_it_came(terminal):
    with bar("capturing", 12, unit="batches") as advance:
        assert advance is not None
        for count in (3, 0, 5):
            advance(count)
    words = terminal().splitlines()[-1].split()
    assert words[0] == "capturing" and "8/12" in words and words[words.index("8/12") + 1] == "batches"
    assert {"0:00:00", "left"} <= set(words)


def test_a_bar_waits_for_its_own_steps_only(terminal):
    with bar("answering", 12) as advance:
        made_elsewhere(advance, 8)
        advance(4)
    assert "4/4 samples" in terminal()


def test_samples_are_counted_unless_something_else_is_said(terminal):
    with bar("answering", 4) as advance:
        advance(4)
    assert "4/4 samples" in terminal()


def test_titles_of_several_stages_stand_in_one_column(terminal):
    lines = []
    for title in ("answering", "probing attention"):
        with bar(title, 2) as advance:
            advance(2)
        lines.append(terminal().splitlines()[-1])
    assert len({line.index("━") for line in lines}) == 1


def test_nothing_is_printed_where_it_is_off(capsys):
    with bar("capturing", 12, enabled=False) as advance:
        assert advance is None
    assert capsys.readouterr() == ("", "")


def test_an_error_passes_and_leaves_the_line_where_it_was(terminal):
    with pytest.raises(ZeroDivisionError), bar("capturing", 12) as advance:
        advance(7)
        raise ZeroDivisionError
    assert "7/12" in terminal()


def test_a_late_bar_stands_there_from_the_first_count_on(terminal):
    with bar("patching", None, late=True):
        assert terminal() == ""
    assert terminal() == ""
    with bar("patching", 3, late=True) as advance:
        advance(1)
        advance(2)
    assert "patching" in (shown := terminal()) and "3/3" in shown
