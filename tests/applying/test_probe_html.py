"""A probe, and what it is good for, in a notebook: the numbers that they hold."""

import re
from dataclasses import replace

import pytest
from read_html import HOSTILE, read

import interp
from interp.applying.interval import Interval
from interp.applying.probe_html import selective_html
from interp.demo import planted

CELL = {"layer": 1, "role": "exact_answer_last"}


@pytest.fixture(scope="module")
def probe() -> interp.FittedProbe:
    cap, answers = planted()
    return interp.fit_probe(cap, answers.correct, **CELL)


def test_the_probe_says_its_cell_and_how_good_it_is(probe) -> None:
    found = read(probe)
    assert found.line == [
        "FittedProbe",
        "logistic on resid_post",
        "layer 1",
        "exact_answer_last",
        f"AUC {probe.auc:.3f} [{probe.low:.3f}, {probe.high:.3f}]",
        "100 samples, 50 correct",
    ]
    parts = dict(found.sections["Probe"].rows)
    assert parts["hook point"] == "blocks.1.hook_resid_post" and parts["folds"] == "5" and parts["width"] == "8"
    rows = found.sections["Thresholds"].rows[1:]
    assert len(rows) == len(probe.thresholds) > 0
    for (rate, threshold), row in zip(probe.thresholds.items(), rows, strict=True):
        assert row[0] == rate
        assert float(row[1].replace("−", "-")) == pytest.approx(threshold, abs=5e-4)
    assert dict(found.sections["Settings"].rows)["C"] == str(probe.protocol["C"])


def test_a_probe_read_back_is_shown_alike(probe, tmp_path) -> None:
    again = interp.load_probe(interp.save_probe(probe, tmp_path / "probe"))
    assert again._repr_html_() == probe._repr_html_()


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_do_nothing(probe, text) -> None:
    named = replace(probe, role=text, model=text, probe=text, protocol={text: text, "n": text})
    assert len(read(named).line) == 6


def test_what_it_is_good_for() -> None:
    cap, answers = planted()
    grid = interp.probe_grid(cap, answers.correct)
    use = interp.selective(grid, resamples=50)
    found = read(use)
    assert found.line[1].startswith(f"chosen without each fold, highest layer {use.layer}, {use.token}")
    assert found.line[2] == f"{use.n} samples, {use.n_correct} correct"
    table = use.table().to_dict("records")
    for row, expected in zip(found.sections["Operating points"].rows[1:], table, strict=True):
        for cell, name in zip(row[1:], ("recall", "false_positives", "threshold"), strict=True):
            told = [float(number.replace("−", "-")) for number in re.findall(r"[−]?(?:\d+\.\d+|inf)", cell)]
            values = [expected[f"{name}{end}"] for end in ("", "_low", "_high")]
            assert told == pytest.approx(values, abs=5e-4)
    areas = {row[0]: row[1] for row in found.sections["Area under risk and coverage"].rows[1:]}
    assert areas["in random order"] == f"{use.aurc_chance:.3f}"
    unknown = replace(use, aurc=Interval(0.25, float("nan"), float("nan")))
    assert "area under risk and coverage 0.250, at random" in selective_html(unknown)
    one = interp.selective(grid, layer=1, token="exact_answer_last", resamples=10)
    assert read(one).line[1] == "layer 1, exact_answer_last"
    assert repr(one).startswith("Selective(layer 1, exact_answer_last; 100 samples, 50 correct; area under risk and")


def test_the_line_of_a_terminal_is_as_it_was(probe) -> None:
    assert re.fullmatch(
        r"FittedProbe\(logistic on resid_post, layer 1, exact_answer_last, width 8; AUC 0\.\d{3} \[0\.\d{3}, 0\.\d{3}\]\)",
        repr(probe),
    )
