"""A run in a notebook: its verdict, or how far it is; no sample and no activation is read."""

import json
import shutil
from pathlib import Path

import pytest
from read_html import HOSTILE, read

import interp
from interp.reporting.section import Section
from interp.reporting.verdict import headline, verdict
from interp.runs.identity import run_identity
from interp.runs.run_folder import RunFolder
from interp.runs.run_html import run_html

COUNTRIES = ("Spain", "Chad", "Peru", "Oman")


def rows() -> list[dict[str, str]]:
    """Completions that name the country asked for, or another one."""
    return [
        {
            "id": f"row-{i}",
            "question": f"Where is city {i}?",
            "answer": COUNTRIES[i % 4],
            "completion": f" It is in {said}.",
        }
        for i in range(60)
        for said in [COUNTRIES[(i + i // 4 % 2) % 4]]
    ]


@pytest.fixture(scope="module")
def done(llama_folder, tmp_path_factory) -> Path:
    """A finished run without what its repr may not read."""
    out = tmp_path_factory.mktemp("runs") / "first"
    options = {"permutations": 20, "folds": 4, "roles": ("last_q", "exact_answer_last")}
    interp.run(model=llama_folder, data=rows(), out=out, n_jobs=1, **options)
    shutil.rmtree(out / "activations")
    (out / "samples.jsonl").unlink()
    (out / "positions.csv").unlink()
    return out


def changed(folder: Path, to: Path, **entries: object) -> interp.Run:
    shutil.copytree(folder, to)
    record = json.loads((to / "run.json").read_text())
    record = {name: value for name, value in (record | entries).items() if value is not None}
    (to / "run.json").write_text(json.dumps(record))
    return interp.open_run(to)


def test_a_finished_run_says_what_it_found(done) -> None:
    run = interp.open_run(done)
    found, counts = read(run), run.record["counts"]
    assert found.line == [
        "Run",
        str(done),
        "done",
        run.record["model"]["name"],
        f"{counts['samples']} samples",
        f"{100 * counts['accuracy']:.1f}% right",
        f"{counts['population']} in the grids",
    ]
    assert found.sections["Verdict"].paragraphs == verdict(run.probe, run.comparison)
    assert [row[0] for row in found.sections["Numbers"].rows[1:]] == [
        number.name for number in headline(run.probe, run.comparison)
    ]
    nested = run.comparison.best["probe"]["nested"]
    row = next(row for row in found.sections["Best cells"].rows if row[0] == "probe")
    assert row[3] == f"{nested['value']:.3f} [{nested['low']:.3f}, {nested['high']:.3f}]"
    assert {row[0]: int(row[1]) for row in found.sections["Samples"].rows[1:]} == counts["status"]
    assert "Experiments" not in found.sections and not found.sections["Settings"].opened


def test_the_experiments_of_the_run_are_named(done, tmp_path) -> None:
    run = changed(done, tmp_path / "run")
    own = run_identity(run.record)
    run.folder.experiments.mkdir(exist_ok=True)
    for name, identity in (("lens", own), ("other", "x")):
        section = Section(name, f"The <{name}>", ("A sentence.",), run=identity)
        (run.folder.experiments / f"{name}.json").write_text(json.dumps(section.to_dict()))
    run.folder.token_scores.write_text("")
    assert read(run).sections["Experiments"].rows[1:] == [
        ["The <lens>", "experiments/lens.csv"],
        ["other.json, of another run", "experiments/other.json"],
        ["Token scores", "experiments/token_scores.jsonl"],
    ]


@pytest.mark.parametrize("state", ["answering", "capturing", "probing", "reporting"])
def test_an_unfinished_run_says_how_to_go_on(done, tmp_path, state) -> None:
    run = changed(done, tmp_path / "a run", state=state, finished=None, counts=None, given=None)
    found = read(run)
    assert found.line == ["Run", str(run.folder.path), state, run.record["model"]["name"]]
    assert found.sections["How far it is"].paragraphs == run.status().splitlines()
    assert found.sections["How far it is"].paragraphs[-1] == f"go on with: interp resume '{run.folder.path}'"
    assert "Verdict" not in found.sections


def test_a_run_that_has_gone_on_since_it_was_opened(done, tmp_path) -> None:
    run = changed(done, tmp_path / "run", state="probing")
    assert run.record["state"] == "probing" and "How far it is" in read(run).sections
    (run.folder.path / "run.json").write_text((done / "run.json").read_text())
    assert "Verdict" in run_html(run)
    assert read(run).line[2] == "done" and "Verdict" in read(run).sections


def test_a_folder_that_cannot_be_read_says_so(done, tmp_path) -> None:
    run = changed(done, tmp_path / "run")
    run.folder.comparison.unlink()
    (problem,) = read(run).sections["Not to be read"].paragraphs
    assert "comparison.json is missing" in problem
    damaged = changed(done, tmp_path / "damaged", model=[1])
    assert "model is no JSON object" in read(damaged).sections["Not to be read"].paragraphs[0]
    nowhere = interp.Run(RunFolder(tmp_path / "nowhere"))
    assert "is not a run folder" in read(nowhere).sections["Not to be read"].paragraphs[0]


@pytest.mark.parametrize("text", [text for text in HOSTILE if "\ud800" not in text])  # no run has such settings
def test_hostile_records_do_nothing(done, tmp_path, text) -> None:
    record = json.loads((done / "run.json").read_text())
    model, settings = record["model"] | {"name": text, text: text}, record["settings"] | {"prompt_template": text}
    read(changed(done, tmp_path / "done", model=model, settings=settings))
    read(changed(done, tmp_path / "stopped", model=model, settings=settings, state="probing", created=text))


def test_the_line_of_a_terminal_is_as_it_was(done) -> None:
    assert repr(interp.open_run(done)) == f"Run({str(done)!r}, state='done')"
