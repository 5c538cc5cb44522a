"""Runs on the disk as pages of linked grids: what is read is found by label, and several runs share one file."""

import json
import shutil

import numpy as np
import pytest
from page_data import page_data, ranks

import interp
from interp.command.cli import main
from interp.errors import RunError
from interp.experiments.compared_runs import differences_folder
from interp.running.exploring import explored_run
from interp.running.runs_page import write_runs_page


@pytest.fixture(scope="module")
def finished(llama_folder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("explored") / "first"
    rows = [{"id": f"r{i}", "question": f"What is {i}?", "answer": "x", "correct": i % 3 == 0} for i in range(60)]
    return interp.run(
        model=str(llama_folder), data=rows, out=folder, controls=False, permutations=0, chat=False, n_jobs=1,
        max_new_tokens=6, roles=("last_q", "exact_answer_first", "exact_answer_last", "-1"), exact_answer="first_line",
    )  # fmt: skip


@pytest.fixture(scope="module")
def two(finished, tmp_path_factory):
    """The run, and a copy of it in another folder."""
    other = tmp_path_factory.mktemp("copies") / "second"
    shutil.copytree(finished.folder.path, other)
    return str(finished.folder.path), str(other)


def test_a_report_holds_every_cell_and_sample_of_its_run(finished) -> None:
    (run,) = page_data(finished.folder.report.read_text(encoding="utf-8"))["runs"]
    assert [sample["id"] for sample in run["samples"]] == [line["id"] for line in finished.samples]
    table = finished.table()
    assert {grid["name"] for grid in run["grids"]} == {
        name for name in table["metric"] if table.loc[table["metric"] == name, "layer"].ne("all").any()
    }
    found = ranks(run, "attention", "1", "exact_answer_last")
    score = finished.attention["score"].sel(layer=1, token="exact_answer_last").to_series()
    fold = finished.attention["fold"].to_series()
    for f in range(5):
        members = fold.index[fold == f]
        by_rank = sorted(members, key=lambda name: (found[name], score[name]))
        assert np.all(np.diff(score[by_rank]) >= 0)


def test_role_tokens_come_from_the_ledger(finished) -> None:
    explored = explored_run(finished.folder, finished.probe, finished.attention, finished.record)
    packed = explored.packed()
    names = packed["roles"]
    for line, sample in zip(finished.samples, packed["samples"], strict=True):
        text = "".join(piece if isinstance(piece, str) else piece[0] for piece in sample["pieces"])
        assert text == line["completion"]
        marked = [piece[0] for piece in sample["pieces"] if isinstance(piece, list) and piece[1]]
        assert "".join(marked) == (line["exact_answer"] or "")
        for i, name in enumerate(names):
            parts = [piece[0] for piece in sample["pieces"] if isinstance(piece, list) and i in piece[3]]
            assert "".join(parts) in ("", sample["tokens"][i]) or name not in line["positions"]
    placed = {
        names[i]
        for sample in packed["samples"]
        for piece in sample["pieces"]
        if isinstance(piece, list)
        for i in piece[3]
    }
    assert {"exact_answer_first", "exact_answer_last"} <= placed


def test_several_runs_are_one_page(two, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["report", *two]) == 0
    assert capsys.readouterr().out == "runs.html\n"
    page = (tmp_path / "runs.html").read_text(encoding="utf-8")
    assert [run["name"] for run in page_data(page)["runs"]] == ["first", "second"]
    assert "2 runs side by side" in page and "first − second (the same samples)" in page
    assert main(["report", *two]) == 0  # an earlier page gives way
    (tmp_path / "mine.html").write_text("mine", encoding="utf-8")
    assert main(["report", *two, "--out", "mine.html"]) == 2
    assert "something else than a page of runs; nothing was overwritten" in capsys.readouterr().err
    assert (tmp_path / "mine.html").read_text(encoding="utf-8") == "mine"


def test_compare_writes_table_figure_and_page_and_says_where(two, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["compare", *two]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "first − second (the same samples)"
    folder = tmp_path / "compare_first_second"
    assert {line.rsplit("/", 1)[-1] for line in said if line.startswith("compare_first_second/")} == {
        path.name for path in folder.iterdir()
    }
    assert {"differences.csv", "differences.png", "differences.svg", "report.html"} <= {
        path.name for path in folder.iterdir()
    }
    assert (folder / "differences.csv").read_text(encoding="utf-8").startswith("pair,layer,token,metric,value")
    assert (
        json.loads((folder / "differences.json").read_text(encoding="utf-8"))["title"]
        == "Where the probe grids of runs differ"
    )
    assert main(["compare", *two, "--out", two[0]]) == 2
    assert "holds other files; nothing was overwritten" in capsys.readouterr().err


def test_a_folder_is_named_after_its_runs_and_a_page_has_to_be_a_file(finished, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert str(differences_folder(None, [tmp_path / "a", tmp_path / "b"])) == "compare_a_b"
    with pytest.raises(RunError, match="something else than a page of runs"):
        write_runs_page([finished, finished], tmp_path)
