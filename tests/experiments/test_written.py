"""What experiments leave behind: files beside a run, a section of its report, a page of their own."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
import xarray as xr
from matplotlib.figure import Figure

import interp
from interp.experiments.written import write_experiment, write_page
from interp.reporting.section import Picture, Section, Table, read_sections

ROWS = [
    {"question": f"Where is place {i}?", "answer": "aé"[i % 2], "completion": f" {'aé'[i % 3 % 2]}"} for i in range(80)
]
SECTION = Section(
    name="example",
    title="An <example>",
    sentences=("It says <b>something</b>.",),
    tables=(Table("Numbers", ("what", "AUC", "n"), (("one", 0.123, 12), ("two", None, 3))),),
    pictures=(Picture("example", "A figure & more"),),
    settings={"seed": 3, "cell": [1, "last_q"]},
)
TABLE = pd.DataFrame({"what": ["one", "two"], "auc": [0.123, float("nan")]})
DATA = xr.Dataset({"auc": ("what", [0.123, float("nan")])}, coords={"what": ["one", "two"]})


def figure() -> dict[str, Figure]:
    drawn = Figure()
    drawn.add_subplot().plot([0, 1])
    return {"example": drawn}


@pytest.fixture(scope="module")
def done(llama, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "done"
    interp.run(model=llama, data=ROWS, out=out, candidates=("a", "é"), permutations=0, controls=False)
    return out


def test_files_and_a_section_of_the_report(done: Path) -> None:
    run = interp.open_run(done)
    files = write_experiment(run, SECTION, data=DATA, table=TABLE, figures=figure())
    names = ["example.csv", "example.nc", "example.png", "example.svg", "example.json", "report.html"]
    assert [file.name for file in files] == names and all(file.exists() for file in files)
    page = run.folder.report.read_text(encoding="utf-8")
    assert (
        "An &lt;example&gt;" in page
        and "It says &lt;b&gt;something&lt;/b&gt;." in page
        and '<td class="n">0.12</td>' in page
    )
    assert pd.read_csv(files[0]).equals(TABLE) and xr.load_dataset(files[1]).equals(DATA)
    before = {file.name: file.read_bytes() for file in files}
    write_experiment(run, SECTION, data=DATA, table=TABLE, figures=figure())
    assert {file.name: file.read_bytes() for file in files if file.suffix != ".nc"} == {
        name: content for name, content in before.items() if not name.endswith(".nc")
    }


def test_what_was_stopped_half_way_leaves_no_older_section(done: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = interp.open_run(done)
    write_experiment(run, SECTION, data=DATA, table=TABLE, figures=figure())

    def stopped(*_) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("interp.experiments.written.save_figure", stopped)
    with pytest.raises(KeyboardInterrupt):
        write_experiment(run, SECTION, data=DATA, table=TABLE, figures=figure())
    assert read_sections(run.folder.experiments) == ([], [])


def test_a_section_of_another_run_is_said_and_not_shown(done: Path, tmp_path: Path) -> None:
    write_experiment(interp.open_run(done), SECTION, data=DATA, table=TABLE, figures=figure())
    copy = shutil.copytree(done, tmp_path / "copy")
    section = json.loads((copy / "experiments/example.json").read_text())
    (copy / "experiments/example.json").write_text(json.dumps({**section, "run": "another"}))
    other = Section("other", "Other", ("Said.",))
    write_experiment(interp.open_run(copy), other, data=DATA, table=TABLE, figures={})
    page = (copy / "report.html").read_text(encoding="utf-8")
    assert "Said." in page and "An &lt;example&gt;" not in page and "made on another run: example.json" in page


def test_an_unfinished_run_is_refused_and_nothing_written(done: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(done, tmp_path / "copy", ignore=shutil.ignore_patterns("experiments"))
    record = json.loads((copy / "run.json").read_text())
    (copy / "run.json").write_text(json.dumps({**record, "state": "probing"}))
    with pytest.raises(interp.RunError, match="not finished"):
        write_experiment(interp.open_run(copy), SECTION, data=DATA, table=TABLE, figures=figure())
    assert not (copy / "experiments").exists()


def test_a_page_of_several_runs(tmp_path: Path) -> None:
    files = write_page(tmp_path / "out", SECTION, data=DATA, table=TABLE, figures=figure())
    page = files[-1].read_text(encoding="utf-8")
    assert "<script" not in page and "http" not in page.replace("http-equiv", "") and "An &lt;example&gt;" in page
    write_page(tmp_path / "out", SECTION, data=DATA, table=TABLE, figures=figure())  # replaces its own
    (tmp_path / "full").mkdir()
    (tmp_path / "full/mine.txt").write_text("mine")
    with pytest.raises(interp.RunError, match="holds other files; nothing was overwritten"):
        write_page(tmp_path / "full", SECTION, data=DATA, table=TABLE, figures=figure())
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("content", ["", "[]", '{"name": 1}', json.dumps({**SECTION.to_dict(), "sentences": "text"})])
def test_a_damaged_section(content: str, tmp_path: Path) -> None:
    (tmp_path / "example.json").write_text(content)
    with pytest.raises(interp.RunError, match=r"example\.json does not hold an experiment's section"):
        read_sections(tmp_path)


def test_a_section_comes_back_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "example.json").write_text(json.dumps(SECTION.to_dict()))
    assert read_sections(tmp_path) == ([Section.from_dict(SECTION.to_dict())], [])
    assert Section.from_dict(SECTION.to_dict()).tables == SECTION.tables
