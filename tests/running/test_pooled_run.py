"""Pooled columns through a whole run: settings, samples, ledger, shards, grids, controls, report, resume, plan."""

import json
import shutil

import numpy as np
import pytest
import torch
from page_data import page_data
from test_roles_in_a_run import make_rows

import interp
from interp.capturing.ledger import read_ledger
from interp.command.cli import main

ROLES = (
    "exact_answer_last",
    "mean:exact_answer",
    "max:completion",
    "tail=mean:exact_last+1..end-1",
    "none=min:end-1..start",
)
NAMES = [role.partition("=")[0] for role in ROLES]


@pytest.fixture(scope="module")
def finished(llama_folder, tmp_path_factory) -> interp.Run:
    out = tmp_path_factory.mktemp("pooled") / "run"
    options = {"n_jobs": 1, "permutations": 0, "max_new_tokens": 4, "roles": ROLES}
    return interp.run(model=llama_folder, data=make_rows(), out=out, **options)


def test_pooled_columns_are_in_every_result(finished) -> None:
    assert finished.record["settings"]["roles"] == list(ROLES)
    for grid in (finished.probe, finished.attention):
        assert grid["token"].values.tolist() == NAMES
        assert np.isfinite(grid["auc"].sel(layer=1, token=NAMES[:4])).all()
        assert np.isnan(grid["auc"].sel(token="none")).all()
    assert np.isfinite(finished.probe["embed_auc"].sel(token=NAMES[:3])).all()  # behind the answer stands one text
    assert set(finished.table()["token"].dropna()) >= set(NAMES)
    page = finished.folder.report.read_text(encoding="utf-8")
    assert page_data(page)["runs"][0]["roles"] == NAMES
    for line in finished.samples:
        at, (first, last), n = line["positions"], line["exact_answer_tokens"], len(line["prompt_ids"])
        assert list(at) == NAMES and at["exact_answer_last"] == last and at["mean:exact_answer"] == [first, last]
        assert at["max:completion"] == [n, n + len(line["completion_ids"]) - 1] and at["none"] is None
    table = finished.table()
    assert {"mean:exact_answer", "max:completion", "tail"} <= set(table.loc[table["metric"] == "position_auc", "token"])


def test_the_ledger_says_what_was_pooled_and_why_it_is_absent(finished) -> None:
    table = finished.positions.table().set_index(["sample", "role"])
    for line in finished.samples:
        whole = table.loc[(line["id"], "max:completion")]
        assert (
            whole["text"] == line["completion"] and whole["to_end"] == 0 and whole["first"] == len(line["prompt_ids"])
        )
        assert table.loc[(line["id"], "mean:exact_answer"), "text"].strip(" ,.") == line["exact_answer"]
    assert set(table.xs("none", level="role")["reason"]) == {"the span ends before it begins"}
    read = read_ledger(finished.folder.positions, finished.answers.id, len(NAMES))
    assert read.reason.tolist() == finished.positions.ledger.reason.tolist()


def test_stored_vectors_are_those_of_a_capture_of_the_positions_read_back(finished, llama_folder) -> None:
    model = interp.load_model(llama_folder)
    positions = finished.positions
    assert positions.how == ("", "mean", "max", "mean", "min") and positions.roles == tuple(NAMES)
    cap = interp.capture(model, finished.answers, positions)
    stored = finished.capture
    torch.testing.assert_close(stored.resid[:], cap.resid, atol=1e-5, rtol=1e-4, equal_nan=True)
    torch.testing.assert_close(stored.embed[:], cap.embed, atol=1e-5, rtol=1e-4, equal_nan=True)
    for metric, values in cap.attention.items():
        torch.testing.assert_close(stored.attention[metric][:], values, atol=1e-5, rtol=1e-3, equal_nan=True)


def test_a_probe_fitted_on_a_pooled_column_scores_and_steers(finished, llama_folder, tmp_path) -> None:
    probe = interp.fit_probe(finished, layer=1, role="mean:exact_answer")
    interp.save_probe(probe, tmp_path / "probe")
    again = interp.load_probe(tmp_path / "probe")
    assert again.role == "mean:exact_answer"
    scores = np.asarray(again.score(finished.capture))
    assert scores.shape == (60,) and np.isfinite(scores).all()
    np.testing.assert_allclose(scores, np.asarray(probe.score(finished)), rtol=1e-6)
    model = interp.load_model(llama_folder)
    tokens = torch.tensor([finished.samples[0]["prompt_ids"]])
    _, plain = model.run_with_cache(tokens)
    name, hook = again.steer(3.0)
    seen = {}
    keep = (name, lambda value, hook: seen.update(after=value.clone()))
    model.run_with_hooks(tokens, fwd_hooks=[(name, hook), keep])
    moved = (seen["after"] - plain[name]).norm(dim=-1)
    torch.testing.assert_close(moved, torch.full_like(moved, 3.0), atol=1e-3, rtol=1e-3)


def test_a_stopped_run_goes_on_with_its_pooled_columns(finished, tmp_path) -> None:
    """From the answers that are there, whose spans are read back; and from the beginning."""
    for lost in (("activations",), ("activations", "samples.jsonl", "positions.csv")):
        folder = tmp_path / str(len(lost))
        shutil.copytree(finished.folder.path, folder)
        (folder / "run.json").write_text(
            json.dumps(json.loads((folder / "run.json").read_text()) | {"state": "capturing"})
        )
        for name in lost:
            path = folder / name
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        resumed = interp.resume(folder, data=make_rows(), n_jobs=1)
        assert resumed.record["state"] == "done" and resumed.status()
        names = ["grid.csv", "positions.csv", "samples.jsonl"]
        names += [f"activations/{path.name}" for path in finished.folder.activations.glob("*.safetensors")]
        for name in names:
            assert (folder / name).read_bytes() == (finished.folder.path / name).read_bytes(), name


def test_a_plan_counts_pooled_columns_like_any_other(llama_folder, tmp_path, finished) -> None:
    options = {"data": make_rows(), "max_new_tokens": 4}
    plan = interp.plan(model=llama_folder, roles=ROLES, time=False, **options)
    taken = sum(path.stat().st_size for path in finished.folder.activations.iterdir())
    assert taken <= plan.disk <= 1.5 * taken
    single = interp.plan(model=llama_folder, roles=[f"r{i}=end-1" for i in range(len(ROLES))], time=False, **options)
    assert plan.disk == pytest.approx(single.disk, rel=0.01)


def test_the_command_line_takes_pooled_columns(llama_folder, tmp_path, capsys, monkeypatch) -> None:
    data = tmp_path / "rows.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in make_rows()), encoding="utf-8")
    arguments = ["run", "--model", str(llama_folder), "--data", str(data), "--out", str(tmp_path / "out")]
    for wrong, message in (
        ("mean:exact_anser", "expected mean|max|min:SPAN"),
        ("x=mean:last_q..ned", "did you mean 'end'"),
        ("avg:completion", "expected NAME=ROLE"),
    ):
        assert main([*arguments, f"--role={wrong}"]) == 2
        error = capsys.readouterr().err
        assert message in error and "Traceback" not in error and not (tmp_path / "out").exists()
    seen: dict = {}
    monkeypatch.setattr(
        "interp.running.pipeline.run", lambda **options: seen.update(options) or type("Done", (), {"summary": str})
    )
    roles = ["mean:exact_answer", "mean:first:a=b", "x=max:completion"]
    assert main([*arguments, *(f"--role={role}" for role in roles)]) == 0
    own = {"mean:exact_answer": "mean:exact_answer", "mean:first:a=b": "mean:first:a=b", "x": "max:completion"}
    assert seen["roles"] == own
