"""`interp errors` and `interp choose` on a run that drew: files, sentences, and what is refused."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from sampled_answers import RIGHT, capture_of, drawn_answers

import interp
from interp.command.cli import main
from interp.command.sampled_commands import add_sampled_commands
from interp.experiments.choosing.accuracy import REFERENCES
from interp.experiments.choosing.scores import probe_scores
from interp.experiments.choosing.section import tidy_choices
from interp.experiments.choosing.variables import CHOICES
from interp.experiments.drawn_questions import drawn_questions
from interp.experiments.error_types.assembled import SHOWN
from interp.experiments.error_types.probing import too_few
from interp.experiments.error_types.section import tidy_types
from interp.experiments.error_types.variables import ERROR_TYPES
from interp.reporting.choice_plot import plot_choices
from interp.reporting.choice_section import accuracy_table, choice_section
from interp.reporting.choice_words import choice_sentences
from interp.reporting.error_type_plot import plot_shares, plot_type_grids
from interp.reporting.error_type_section import error_type_section, type_table
from interp.reporting.error_type_words import error_type_sentences
from interp.reporting.section import Section

ROLES = ("last_q", "exact_answer_last")
ROWS = [{"id": f"r{i}", "question": f"Where is place {i}?", "answer": "e" if i % 2 else "t"} for i in range(24)]


def even(row: interp.QARow, text: str) -> bool:
    """A rule that half of anything is right by."""
    return sum(map(ord, text)) % 2 == 0


@pytest.fixture(scope="module")
def sampled(llama, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "sampled"
    interp.run(
        model=llama, data=ROWS, out=out, correct=even, exact_answer="first_line", permutations=0, controls=False, folds=3,
        roles=ROLES,
        temperature=1.0, samples_per_question=4, greedy_too=True, max_new_tokens=12, population="all",
    )  # fmt: skip
    return out


def test_both_commands_leave_their_files_and_a_section(sampled: Path, capsys) -> None:
    assert main(["errors", str(sampled), "--permutations", "0"]) == 0
    assert main(["choose", str(sampled)]) == 0, capsys.readouterr().err
    told = capsys.readouterr().out
    assert "24 questions with 4 labelled draws" in told and "Of 4 draws of each of 24 questions" in told
    files = {path.name for path in (sampled / "experiments").iterdir()}
    assert {f"choices.{end}" for end in ("csv", "nc", "json", "svg", "png")} <= files
    assert {"error_types.csv", "error_types.nc", "error_types.json", "error_types_grids.svg"} <= files
    page = (sampled / "report.html").read_text(encoding="utf-8")
    assert "Error types" in page and "Choosing among answers" in page
    run = interp.open_run(sampled)
    assert run.answers.row[:5] == ["r0"] * 5 and run.answers.draw[:5] == [None, 0, 1, 2, 3]
    table = pd.read_csv(sampled / "experiments/choices.csv")
    overall = table[(table["metric"] == "accuracy") & (table["type"] == "all") & (table["by"] == "random")]
    drawn = [bool(y) for y, d in zip(run.answers.correct, run.answers.draw, strict=True) if d is not None]
    assert overall["value"].item() == pytest.approx(np.mean(drawn))


def test_refusals_write_nothing(llama, sampled: Path, tmp_path: Path, capsys) -> None:
    once = tmp_path / "once"
    interp.run(
        model=llama, data=ROWS, out=once, correct=even, exact_answer="first_line", permutations=0, controls=False, folds=3,
        roles=ROLES,
        max_new_tokens=12, population="all",
    )  # fmt: skip
    for words in (["errors", str(once)], ["choose", str(once)]):
        assert main(words) == 2
        assert "has one answer; draw several" in capsys.readouterr().err
    assert not (once / "experiments").exists()
    assert main(["errors", str(once), "--sampled", str(sampled), "--permutations", "0"]) == 0
    assert "Probed on 24 samples (all samples)." in capsys.readouterr().out
    assert main(["choose", str(tmp_path)]) == 2 and main(["choose", str(sampled), "--cell", "99,last_q"]) == 2


@pytest.fixture(scope="module")
def found() -> tuple[xr.Dataset, xr.Dataset]:
    rng = np.random.default_rng(5)
    said = [rng.choice([RIGHT, "Rome"], 6, p=(p, 1 - p)).tolist() for p in rng.random(60)]
    answers = drawn_answers(said)
    cap = capture_of(answers, np.zeros(len(answers)))
    grid = interp.probe_grid(cap, answers)
    assert np.isfinite(probe_scores(answers, grid, drawn_questions(answers), cell=None, min_per_class=10)).all()
    return interp.error_types(answers, cap, permutations=0), interp.choose_answers(answers, grid)


def test_sections_tables_and_figures_say_what_the_datasets_hold(found) -> None:
    types, choices = found
    for section in (error_type_section(types), choice_section(choices)):
        assert Section.from_dict(section.to_dict()).to_dict() == section.to_dict()
    for title, share in zip(types.title.values, types.share.values, strict=True):
        assert f"({title}) {100 * share:.0f} %" in error_type_sentences(types)[0]
    random = choices.sel(type="all", by="random")
    assert f"a random draw {float(random.accuracy):.3f} [{float(random.low):.3f}" in choice_sentences(choices)[0]
    assert len(type_table(types).rows) == 5
    assert len(accuracy_table(choices).rows) == choices.sizes["type"] * choices.sizes["by"]
    assert len(plot_type_grids(types).axes) >= 5 and len(plot_shares(types).axes) == 1
    panels = [t for t in choices.type.values if np.isfinite(choices.accuracy.sel(type=t)).any()]
    assert len(plot_choices(choices).axes) == len(panels)
    cells = tidy_types(types).query("metric == 'auc'")
    assert (
        len(cells) == types["auc"].size
        and len(tidy_choices(choices).query("metric == 'right'")) == choices["right"].size
    )
    assert REFERENCES == ("greedy", "majority", "random") and SHOWN == 3 and callable(add_sampled_commands)
    assert too_few(np.array([1] * 10 + [0] * 9), 10).startswith("10 questions of this type and 9 others")


def test_the_help_names_every_variable(found) -> None:
    for data, text in zip(found, (ERROR_TYPES, CHOICES), strict=True):
        for name in (*data.data_vars, *data.coords):
            assert any(str(name) in line.partition(" (")[0].split(", ") for line in text.splitlines()), name
