"""The whole flow on a tiny model: the files of a run, the same bytes again, resuming, and input that does not fit."""

import csv
import json
import random
import re
import shutil
from html import unescape
from pathlib import Path

import pytest
import torch
import xarray as xr

import interp
from interp.command.cli import main
from interp.errors import DataError, RunError
from interp.models.embedding import token_embeddings
from interp.reporting.verdict import verdict
from interp.running.analysis import redraw
from interp.runs.sample_lines import read_answers

COUNTRIES = ("France", "Spain", "Italy", "Kenya", "Peru")
FILES = {
    "run.json",
    "samples.jsonl",
    "positions.csv",
    "activations",
    "grid.csv",
    "grid.nc",
    "comparison.json",
    "figures",
    "probes",
    "report.html",
}
RESULTS = ("samples.jsonl", "grid.csv", "comparison.json")


def make_rows(n: int = 60) -> list[dict]:
    """Rows that bring completions: a right answer names the country asked for, a wrong one another."""
    rng = random.Random(0)
    rows = []
    for i in range(n):
        truth = rng.choice(COUNTRIES)
        said = truth if rng.random() < 0.5 else rng.choice([c for c in COUNTRIES if c != truth])
        where = rng.choice(["It lies in", "I think that is in", "Well,"])
        rows.append(
            {
                "id": f"row-{i}",
                "question": f"Where is city {i}?",
                "answer": truth,
                "completion": f" {where} {said}, far away.",
            }
        )
    rows[0]["completion"] = " I do not know that."
    rows[1] |= {"completion": "", "answer": [rows[1]["answer"], "Well"]}  # "Well," is how many of them begin
    return rows


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("data") / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in make_rows()), encoding="utf-8")
    return path


OPTIONS = {"permutations": 20, "batch_tokens": 600}


@pytest.fixture(scope="module", autouse=True)
def small_shards():
    """Several shards of several batches each, from sixty rows."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("interp.storing.shards.SHARD_SAMPLES", 12)
        yield


@pytest.fixture(scope="module")
def finished(llama_folder, data, tmp_path_factory, small_shards) -> interp.Run:
    out = tmp_path_factory.mktemp("runs") / "whole"
    return interp.run(model=llama_folder, data=data, out=out, n_jobs=1, **OPTIONS)


def test_a_run_folder_holds_its_files(finished) -> None:
    assert {path.name for path in finished.folder.path.iterdir()} == FILES
    lines = [json.loads(line) for line in finished.folder.samples.read_text(encoding="utf-8").split("\n")[:-1]]
    assert [line["id"] for line in lines] == [f"row-{i}" for i in range(60)]
    assert lines[0]["status"] == "no_exact_answer" and lines[0]["fold"] is None
    assert lines[1]["status"] == "empty" and lines[1]["positions"]["-1"] is None
    for line in lines[2:]:
        assert line["exact_answer"] in COUNTRIES and line["fold"] in range(5)
        first, last = line["exact_answer_tokens"]
        assert line["positions"]["exact_answer_first"] == first and line["positions"]["exact_answer_last"] == last
        assert line["completion"][slice(*line["exact_answer_chars"])] == line["exact_answer"]
    assert lines[0]["exact_answer_chars"] is None and lines[1]["exact_answer_chars"] is None
    chars = [line["exact_answer_chars"] for line in lines]
    assert finished.answers.exact_answer_chars == [None if at is None else tuple(at) for at in chars]
    entropies = [None, [0.25, 1.5], *[line["entropies"] for line in lines[2:]]]
    assert read_answers([line | {"entropies": one} for line, one in zip(lines, entropies, strict=True)]).entropies == (
        entropies
    )
    for line in lines:
        del line["exact_answer_chars"], line["entropies"]
    older = read_answers(lines)
    assert older.exact_answer_chars is None and older.entropies is None  # a run from before they were kept
    counts = finished.settings["counts"]
    none = dict.fromkeys(("ambiguous", "too_long", "unfinished_thought"), 0)
    assert counts["status"] == {"ok": 58, "no_exact_answer": 1, "empty": 1} | none
    assert counts["stopped_by_length"] == 0  # the rows brought their completions: nothing was cut off here
    assert counts["population"] == 58 and finished.settings["state"] == "done"


def test_the_table_says_what_the_grid_says(finished) -> None:
    with finished.folder.grid_csv.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == [
        "layer",
        "token",
        "metric",
        "value",
        "low",
        "high",
        "p",
        "q",
        "p_corrected",
        "n",
        "n_correct",
        "reason",
    ]
    cells = {(row["layer"], row["token"]): row for row in rows if row["metric"] == "probe_auc"}
    assert {layer for layer, _ in cells} == {"embed", "0", "1", "2"}
    for layer in range(3):
        for token in interp.ROLES:
            cell, row = finished.probe.sel(layer=layer, token=token), cells[str(layer), token]
            assert row["value"] == ("" if cell["reason"].item() else repr(cell["auc"].item()))
            assert int(row["n"]) == cell["n"].item() and row["reason"] == cell["reason"].item()
    assert {"attention_auc", "delta_auc", "entropy", "entropy_auc", "lookback_auc"} <= {row["metric"] for row in rows}
    with xr.open_dataset(finished.folder.grid_nc, engine="h5netcdf") as both:
        xr.testing.assert_equal(both["auc"].sel(grid="probe", drop=True), finished.probe["auc"])


def test_the_probe_of_the_best_cell_is_kept_for_use(finished) -> None:
    kept, cell = interp.load_probe(finished.folder.best_probe), finished.comparison["best"]["probe"]["cell"]
    assert (kept.layer, kept.role) == (cell["layer"], cell["token"]) and kept.auc == finished.comparison["best"][
        "probe"
    ]["auc"]
    again = interp.fit_probe(finished, layer=kept.layer, role=kept.role)
    assert kept.direction.equal(again.direction) and kept.protocol == again.protocol and kept.bias == again.bias
    here = finished.positions.valid[:, interp.ROLES.index(kept.role)]
    assert kept.score(finished).isfinite().equal(here)
    assert {"matched_width", "gain", "for_use"} <= set(finished.comparison)


def test_the_grids_of_a_run_are_those_of_the_functions(finished, llama, data) -> None:
    """Step by step in a notebook gives the numbers of the run."""
    answers = interp.generate_answers(llama, interp.load_rows(data))
    positions = interp.resolve_positions(answers)
    cap = interp.capture(llama, answers, positions, batch_tokens=600)
    probe = interp.probe_grid(cap, answers.correct, answers.group)
    xr.testing.assert_allclose(probe["auc"], finished.probe["auc"], atol=1e-6)
    attention = interp.attention_grid(cap, answers.correct, answers.group)
    xr.testing.assert_allclose(attention["auc"], finished.attention["auc"], atol=1e-6)


def test_the_same_run_again_gives_the_same_bytes(finished, llama_folder, data, tmp_path) -> None:
    again = interp.run(model=llama_folder, data=data, out=tmp_path / "again", n_jobs=2, **OPTIONS)
    for name in RESULTS:
        assert (again.folder.path / name).read_bytes() == (finished.folder.path / name).read_bytes(), name


@pytest.mark.parametrize("left", ["some shards", "no samples"])
def test_a_stopped_run_resumes_to_the_same_bytes(finished, tmp_path, left: str) -> None:
    folder = tmp_path / "stopped"
    shutil.copytree(finished.folder.path, folder)
    for name in (
        "grid.csv",
        "grid.nc",
        "comparison.json",
        "report.html",
        *(["samples.jsonl"] if left == "no samples" else []),
    ):
        (folder / name).unlink()
    shards = sorted((folder / "activations").glob("shard-*"))
    assert len(shards) > 4
    # The second shard has lost its marker, which is written last: it counts as unwritten.
    for path in [shards[2], *shards[4:]] if left == "some shards" else shards:
        path.unlink()
    state = json.loads((folder / "run.json").read_text()) | {"state": "capturing"}
    (folder / "run.json").write_text(json.dumps(state))
    resumed = interp.resume(folder, n_jobs=1)
    assert resumed.settings["state"] == "done"
    for name in RESULTS:
        assert (folder / name).read_bytes() == (finished.folder.path / name).read_bytes(), name


def test_resuming_with_other_data_is_refused(finished, tmp_path) -> None:
    folder = tmp_path / "stopped"
    shutil.copytree(finished.folder.path, folder)
    state = json.loads((folder / "run.json").read_text()) | {"state": "capturing"}
    (folder / "run.json").write_text(json.dumps(state))
    with pytest.raises(RunError, match="data changed"):
        interp.resume(folder, data=make_rows()[:40])


def test_resuming_without_the_model_that_was_given_is_refused(finished, tmp_path) -> None:
    folder = tmp_path / "stopped"
    shutil.copytree(finished.folder.path, folder)
    state = json.loads((folder / "run.json").read_text())
    state |= {"state": "capturing", "settings": state["settings"] | {"model": "TransformerBridge"}}
    (folder / "run.json").write_text(json.dumps(state))
    with pytest.raises(RunError, match="was given a loaded TransformerBridge: give it again in Python, as model="):
        interp.resume(folder)


def cli(capsys, *args: object) -> tuple[int, str]:
    status = main([str(arg) for arg in args])
    return status, capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "holds no rows"),
        ('{"question": "Where?"}\n', "no answer"),
        ('{"question": "Where?", "answer": "France"}\n{"answer": "France"}\n', "rows.jsonl:2: no question"),
        ("{not json\n", "rows.jsonl:1"),
    ],
)
def test_rows_that_do_not_fit_are_one_sentence(capsys, llama_folder, tmp_path, content: str, message: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(content, encoding="utf-8")
    status, error = cli(capsys, "run", "--model", llama_folder, "--data", path, "--out", tmp_path / "out")
    assert status == 2 and message in error and "Traceback" not in error
    assert not (tmp_path / "out").exists()


def test_an_unknown_model_or_file_is_one_sentence(capsys, data, llama_folder, tmp_path) -> None:
    status, error = cli(capsys, "run", "--model", tmp_path / "nowhere", "--data", data, "--out", tmp_path / "out")
    assert status == 2 and "nowhere" in error
    status, error = cli(
        capsys, "run", "--model", llama_folder, "--data", tmp_path / "none.jsonl", "--out", tmp_path / "out"
    )
    assert status == 2 and "none.jsonl" in error
    assert not (tmp_path / "out").exists()


def test_a_folder_in_use_is_left_alone(capsys, finished, llama_folder, data) -> None:
    before = finished.folder.samples.read_bytes()
    status, error = cli(capsys, "run", "--model", llama_folder, "--data", data, "--out", finished.folder.path)
    assert status == 2 and "holds another run" in error
    assert finished.folder.samples.read_bytes() == before


@pytest.mark.parametrize("correct", [True, False])
def test_one_class_cannot_be_probed_and_the_answers_are_kept(llama_folder, tmp_path, correct: bool) -> None:
    rows = [row | {"correct": correct} for row in make_rows()]
    with pytest.raises(DataError, match=r"all 58 samples.*answers\.jsonl"):
        interp.run(model=llama_folder, data=rows, out=tmp_path / "out")
    assert (tmp_path / "out" / "answers.jsonl").exists()


def long(rows: list[dict], upto: int) -> list[dict]:
    """The first `upto` rows with a question that no context holds."""
    return [row | {"question": row["question"] * 40} if i < upto else row for i, row in enumerate(rows)]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            long(make_rows(), 60),
            r"none of 60 rows fits into the model's context of 256 tokens: the shortest needs \d{3} with",
        ),
        (long(make_rows(), 56), "4 distinct groups for 5 folds among the 4 of 60 rows that fit into the context"),
        ([row | {"group": f"g{i % 3}"} for i, row in enumerate(make_rows())], "3 distinct groups for 5 folds; give"),
    ],
)
def test_too_few_rows_are_an_error_before_the_model_is_asked(llama, tmp_path, monkeypatch, rows, message) -> None:
    monkeypatch.setattr("interp.running.measuring.generate_answers", None)
    with pytest.raises(DataError, match=message):
        interp.run(model=llama, data=rows, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_site_that_the_model_lacks_leaves_no_folder(capsys, data, tiny_folder, tmp_path) -> None:
    options = ("--model", tiny_folder / "gpt_neox", "--data", data, "--out", tmp_path / "out")
    status, error = cli(capsys, "run", *options, "--sites", "resid_post,resid_mid")
    assert status == 2 and "has no site 'resid_mid'" in error and "Answering" not in error
    assert not (tmp_path / "out").exists()


def test_an_error_as_the_run_begins_leaves_the_place_as_it_was(capsys, data, llama_folder, tmp_path) -> None:
    (tmp_path / "there").mkdir()
    for out in (tmp_path / "out", tmp_path / "there"):
        options = ("--model", llama_folder, "--data", data, "--out", out, "--correct", "judge")
        status, error = cli(capsys, "run", *options, "--judge-model", tmp_path / "nowhere")
        assert status == 2 and "no such file or folder" in error and "Answering" not in error
    assert not (tmp_path / "out").exists() and not list((tmp_path / "there").iterdir())


@pytest.mark.parametrize("option", [{"stop": ("",)}, {"candidates": ()}])
def test_texts_that_are_missing_are_said_so(llama_folder, data, tmp_path, option: dict) -> None:
    with pytest.raises(DataError, match=f"{next(iter(option))}: expected"):
        interp.run(model=llama_folder, data=data, out=tmp_path / "out", **option)


def test_figures_and_report_are_drawn_again_from_what_is_stored(finished, tmp_path, monkeypatch) -> None:
    again = interp.open_run(shutil.copytree(finished.folder.path, tmp_path / "again"))
    figures = sorted(again.folder.figures.iterdir())
    before = [path.read_bytes() for path in figures]
    for path in (again.folder.report, *figures):
        path.unlink()
    monkeypatch.setattr("interp.running.analysis.compare_grids", None)  # nothing is compared again
    redraw(again)
    assert [path.read_bytes() for path in figures] == before
    pages = [run.folder.report.read_text(encoding="utf-8") for run in (again, finished)]
    one, two = (page.split("<h2>Settings and versions</h2>")[0] for page in pages)  # state and times come after it
    assert one == two


def test_the_best_cell_is_set_against_every_baseline_in_record_summary_and_report(finished) -> None:
    rows = {row["name"]: row for row in finished.comparison["against_controls"]}
    undefined = {
        name
        for name, of in finished.comparison["controls"]["baselines"].items()
        if all(e["value"] is None for e in of.values())
    }
    assert set(rows) | undefined | {"embed_held_out"} >= set(finished.comparison["controls"]["baselines"])
    assert "Strongest control: " in finished.folder.report.read_text(encoding="utf-8")


def test_the_question_is_a_control_of_every_run(finished) -> None:
    """Taken at capture, read back from the shards, and in the table, the record and the report."""
    tokens = [
        ids[a : b + 1]
        for ids, (a, b) in zip(finished.answers.prompt_ids, finished.answers.question_tokens, strict=True)
    ]
    weight = token_embeddings(interp.load_model(finished.settings["settings"]["model"]), range(320))
    for i in (0, 7, 59):
        torch.testing.assert_close(finished.capture.question_embed[i], weight[tokens[i]].mean(0), atol=0, rtol=1e-6)
    with finished.folder.grid_csv.open(newline="", encoding="utf-8") as file:
        (row,) = [row for row in csv.DictReader(file) if row["metric"] == "question_embedding_auc"]
    assert (row["layer"], row["token"], row["n"]) == ("all", "all", "58") and 0 < float(row["value"]) < 1
    assert "question_embedding" in {one["name"] for one in finished.comparison["against_controls"]}
    assert "Mean embedding of the question" in finished.folder.report.read_text(encoding="utf-8")


def test_a_filler_is_no_exact_answer_and_named_by_run_json_summary_and_report(finished) -> None:
    well = [line for line in finished.samples if line["completion"].startswith(" Well,")]
    assert {line["exact_answer"] for line in well} <= set(COUNTRIES) and len(well) > 10
    filler = {"candidate": "Well", "taken": len(well), "accepted": 1, "completions": 59, "left_out": True}
    assert finished.settings["used"]["candidates"]["fillers"] == [filler]
    page = unescape(finished.folder.report.read_text(encoding="utf-8"))
    for text in (finished.summary(), page):
        assert f"'Well' (taken in {len(well)} of 59 completions, accepted once)" in text


def test_summary_and_report_open_with_the_same_sentence_and_warn_alike(finished, tmp_path) -> None:
    again = interp.open_run(shutil.copytree(finished.folder.path, tmp_path / "again"))
    lines = [json.loads(line) for line in again.folder.samples.read_text(encoding="utf-8").splitlines()]
    for i, line in enumerate(lines):  # as if the model had answered, and been cut off in every third answer
        line |= {"logprobs": [-0.5] * len(line["completion_ids"]), "finish": "stop" if i % 3 else "length"}
    again.folder.samples.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    redraw(again)
    summary, page = again.summary(), unescape(again.folder.report.read_text(encoding="utf-8"))
    page = re.sub(r"</?strong>", "", page)
    cut = [line["correct"] for line in lines[::3]]
    warning = (
        f"20 of 60 generated answers (33%) were cut off by --max-new-tokens (32 tokens): {cut.count(True)} right, "
        f"{cut.count(False)} wrong, {cut.count(None)} without a label."
    )
    few = re.search(r"Only \d+ (right|wrong) answers are behind the numbers", summary)
    for sentence in (verdict(again.probe, again.comparison)[0], warning, few[0]):
        assert sentence in summary and sentence in page
    assert "were cut off" not in finished.summary()
