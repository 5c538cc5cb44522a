"""A run as an array of tasks: joined, it is the run of one machine; what is missing, foreign or damaged is named."""

import argparse
import inspect
import json
import re
import shutil
from pathlib import Path

import pytest

import interp
from interp.command.cli import INTERRUPTED, main
from interp.command.machine_options import add_array_and_store, add_machines, machine_options
from interp.engines.share import Share
from interp.errors import RunError
from interp.reporting.machine_words import missing_shares
from interp.running.array_checks import check_alone
from interp.running.gathering import gather
from interp.running.shares import join_parts
from interp.runs.part import part_of
from interp.runs.run_folder import RunFolder
from interp.storing.shard_files import marker_check

COUNTRIES = ("France", "Spain", "Italy", "Kenya", "Peru")
OPTIONS = {"permutations": 0, "controls": False, "batch_tokens": 60, "max_new_tokens": 4, "n_jobs": 1}


def rows() -> list[dict]:
    """A third of them are to be answered, the others bring a completion and a label."""
    some = []
    for i in range(36):
        truth, said = COUNTRIES[i % 5], COUNTRIES[(i * 7 + i // 5) % 5]
        row = {"id": f"row-{i}", "question": f"Where is city {i}?" + " Tell me." * (i % 3), "answer": truth}
        some.append(row if i % 3 == 0 else row | {"completion": f" It is in {said}.", "correct": i % 4 == 0})
    return some


@pytest.fixture(scope="module", autouse=True)
def small_shards():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("interp.storing.shards.SHARD_SAMPLES", 6)
        yield


@pytest.fixture(scope="module")
def asked(llama_folder, tmp_path_factory, small_shards) -> dict:
    data = tmp_path_factory.mktemp("data") / "rows.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows()), encoding="utf-8")
    return {"model": llama_folder, "data": data, **OPTIONS}


@pytest.fixture(scope="module")
def whole(asked, tmp_path_factory) -> Path:
    return interp.run(out=tmp_path_factory.mktemp("runs") / "whole", **asked).folder.path


@pytest.fixture(scope="module")
def answered(asked, tmp_path_factory) -> Path:
    """Three tasks have answered their shares."""
    out = tmp_path_factory.mktemp("runs") / "array"
    for part in (3, 1, 2):
        interp.run(out=out, shard=f"{part}/3", **asked)
    return out


@pytest.fixture(scope="module")
def captured(asked, answered, tmp_path_factory) -> Path:
    """They are joined, and two of the tasks have captured their shares."""
    out = Path(shutil.copytree(answered, tmp_path_factory.mktemp("runs") / "array"))
    run = interp.gather(out)
    assert run.record["state"] == "capturing" and not list(run.folder.activations.glob("shard-*"))
    for part in (1, 3):
        interp.run(out=out, shard=f"{part}/3", **asked)
    return out


def files(folder: Path) -> dict[str, bytes]:
    """What does not say when it was made."""
    timed = ("run.json", "report.html")
    paths = (path for path in folder.rglob("*") if path.is_file() and path.name not in timed)
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def test_an_array_makes_the_bytes_of_one_machine(asked, captured, whole, tmp_path) -> None:
    out = Path(shutil.copytree(captured, tmp_path / "array"))
    shards = sorted(path.name for path in (whole / "activations").glob("*.safetensors"))
    there = sorted(path.name for path in (out / "activations").glob("*.safetensors"))
    assert len(shards) > 4 and there == [name for i, name in enumerate(shards) if i % 3 != 1]
    with pytest.raises(RunError, match=r"share 2/3 of the activations is not finished .*: start that task again"):
        interp.gather(out)
    interp.run(out=out, shard="2/3", **asked)
    run = gather(out, n_jobs=1)
    assert run.record["state"] == "done" and files(out) == files(whole)
    for name in ("settings", "counts", "batches", "answer_batches", "model", "data", "used"):
        assert run.record[name] == interp.open_run(whole).record[name], name
    with pytest.raises(RunError, match="holds a run that is finished"):
        interp.run(out=out, shard="2/3", **asked)


def test_a_share_answers_only_its_batches_and_a_task_that_is_started_again_none(
    asked, answered, tmp_path, monkeypatch
) -> None:
    logs = [(answered / "parts" / f"{i}-of-3" / "answers.partial.jsonl").read_text().splitlines() for i in (1, 2, 3)]
    names = [{json.loads(line)["name"] for line in log[1:]} for log in logs]
    assert sum(map(len, names)) == len(set().union(*names)) == 12 and all(names)
    out = Path(shutil.copytree(answered, tmp_path / "array"))
    monkeypatch.setattr("interp.generating.generation._generate_batch", None)
    interp.run(out=out, shard="1/3", **asked)


def test_shares_that_are_not_there_are_named(answered, tmp_path) -> None:
    out = Path(shutil.copytree(answered, tmp_path / "array"))
    log = out / "parts" / "2-of-3" / "answers.partial.jsonl"
    log.write_text("".join(log.read_text().splitlines(keepends=True)[:1]))
    with pytest.raises(RunError, match="share 2/3 of the answers is not finished"):
        interp.gather(out)
    shutil.rmtree(out / "parts" / "2-of-3")
    shutil.rmtree(out / "parts" / "1-of-3")
    with pytest.raises(RunError, match="parts: shares 1/3 and 2/3 are not there: start those tasks"):
        interp.gather(out)


def test_a_share_of_another_run_is_refused_by_name(asked, answered, tmp_path) -> None:
    out = Path(shutil.copytree(answered, tmp_path / "array"))
    shutil.rmtree(out / "parts" / "1-of-3")
    for share, options, said in (("2/3", {"seed": 1}, "seed 0 and 1"), ("1/3", {"limit": 12}, "limit None and 12")):
        message = rf"2-of-3 holds a share of another run \(settings: {said}\); give .* that one, or remove that one"
        with pytest.raises(RunError, match=message):
            interp.run(out=out, shard=share, **asked | options)
    interp.run(out=tmp_path / "private", shard="1/3", **asked, seed=1)
    shutil.copytree(tmp_path / "private" / "parts" / "1-of-3", out / "parts" / "1-of-3", dirs_exist_ok=True)
    with pytest.raises(RunError, match=r"2-of-3: is of another run \(settings: seed 1 and 0\); remove it"):
        interp.gather(out)
    shutil.rmtree(out / "parts" / "1-of-3")
    shutil.copytree(out / "parts" / "2-of-3", out / "parts" / "2-of-2")
    with pytest.raises(RunError, match="holds shares of 2 and of 3"):
        interp.gather(out)


def test_a_folder_takes_the_tasks_of_one_array_and_no_run_beside_them(asked, answered, captured) -> None:
    """Shares of two arrays could never be joined, so the second is refused before it answers anything."""
    for out in (answered, captured):
        before = files(out)
        message = rf"^{out} holds shares of an array of 3 tasks, and 2/4 is of one of 4: .* \(--shard i/3\), or choose"
        with pytest.raises(RunError, match=message):
            interp.run(out=out, shard="2/4", **asked)
        message = f"^{out} holds shares of an array; nothing was overwritten: join them with `interp gather {out}`, or"
        with pytest.raises(RunError, match=message):
            interp.run(out=out, **asked)
        assert files(out) == before


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"processor": "another"},
            r"\(processor another, .*\); remove it, and make that share on a machine like theirs",
        ),
        (
            {"threads": 61},
            r"\(threads 61, the others' \d+\); remove it, .* OMP_NUM_THREADS=\d+, or give every task the same --threads$",
        ),
    ],
)
def test_a_share_with_other_last_digits_is_refused_with_its_remedy(answered, tmp_path, changed, message) -> None:
    out = Path(shutil.copytree(answered, tmp_path / "array"))
    path = out / "parts" / "3-of-3" / "run.json"
    record = json.loads(path.read_text())
    record["numerics"]["model"] |= changed
    path.write_text(json.dumps(record))
    with pytest.raises(RunError, match="3-of-3: was made with other last digits " + message):
        interp.gather(out)


def test_a_task_that_would_capture_other_data_than_the_joined_run_is_refused(asked, captured, tmp_path) -> None:
    out = Path(shutil.copytree(captured, tmp_path / "array"))
    before = files(out)
    for name, value in (("sites", ("resid_mid",)), ("roles", {"mine": "exact_last+1"}), ("permutations", 3)):
        with pytest.raises(
            RunError, match=rf"array holds another run \(settings: {name} .*; give this task the options"
        ):
            interp.run(out=out, shard="2/3", **asked | {name: value})
    assert files(out) == before


@pytest.mark.parametrize("how", ["a byte", "another run"])
def test_a_damaged_or_foreign_shard_is_refused_by_name(captured, tmp_path, how: str) -> None:
    out = Path(shutil.copytree(captured, tmp_path / "array"))
    shard = sorted((out / "activations").glob("*.safetensors"))[1]
    if how == "a byte":
        changed = bytearray(shard.read_bytes())
        changed[-3] ^= 1
        shard.write_bytes(changed)
    else:
        marker = json.loads(shard.with_suffix(".json").read_text())
        foreign = marker | {"run": "another"}
        shard.with_suffix(".json").write_text(json.dumps(foreign | {"check": marker_check(foreign)}))
    with pytest.raises(RunError, match=f"{shard.name}: (damaged: its bytes|belongs to a run of another)"):
        interp.gather(out)


def test_an_array_is_no_way_on_for_a_run_of_one_machine(asked, whole, tmp_path) -> None:
    out = Path(shutil.copytree(whole, tmp_path / "stopped"))
    record = json.loads((out / "run.json").read_text()) | {"state": "capturing"}
    (out / "run.json").write_text(json.dumps(record))
    with pytest.raises(RunError, match="holds a run that is no array of tasks"):
        interp.run(out=out, shard="1/2", **asked)
    assert join_parts(RunFolder(out)) == 1  # nothing to join
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").write_text("mine")
    with pytest.raises(RunError, match=r"holds other files \(notes.txt\)"):
        interp.run(out=tmp_path / "other", shard="1/2", **asked)


def test_a_share_is_not_gone_on_with_alone(answered, tmp_path, monkeypatch) -> None:
    out = Path(shutil.copytree(answered, tmp_path / "array"))
    before, part = files(out), out / "parts" / "2-of-3"
    said = f"is share 2/3 of an array and no run by itself: start that task again, then `interp gather {out}`"
    for go_on in (interp.resume, interp.gather):
        with pytest.raises(RunError, match=f"^{part}: {said}$"):
            go_on(part)
    check_alone(RunFolder(out))
    assert part_of(RunFolder(part)) == (Share(2, 3), RunFolder(out)) and part_of(RunFolder(out)) is None
    assert part_of(RunFolder(part.with_name("a-of-3"))) is part_of(RunFolder(tmp_path / "2-of-3")) is None
    monkeypatch.chdir(part)
    with pytest.raises(RunError, match=said):
        interp.resume(".")
    assert files(out) == before


def stopped(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_a_task_shows_how_far_its_own_share_is(capsys, asked, tmp_path) -> None:
    interp.run(out=tmp_path / "array", shard="2/3", progress=True, **asked)
    assert "Answering: 28 of 28 samples" in capsys.readouterr().err  # 24 bring their completion, 4 of 12 are its own


def test_the_command_says_what_comes_next(capsys, asked, answered, tmp_path, monkeypatch) -> None:
    out = Path(shutil.copytree(answered, tmp_path / "array"))
    part = out / "parts" / "1-of-3"
    assert main(["status", str(part)]) == 0
    *_, answered, took, way = capsys.readouterr().out.splitlines()
    assert answered == "4 samples answered so far" and took.startswith("answering: ")
    task = "go on with: the same task's command (--shard 1/3), unless it is at work; then, when all shares are made"
    assert way == f"{task}: interp gather {out}"
    assert main(["gather", str(out)]) == 0
    assert "The answers of 36 samples are joined" in capsys.readouterr().out
    assert main(["status", str(out)]) == 0
    said, both = capsys.readouterr().out, f"interp gather {out} (or on one machine: interp resume {out})"
    assert said.endswith(f"go on with: the same array, started once more, then: {both}\n")
    words = ["--model", asked["model"], "--data", asked["data"], "--out", out, "--permutations", 0, "--no-controls"]
    words += ["--batch-tokens", 60, "--max-new-tokens", 4, "--shard", "1/3"]
    monkeypatch.setattr("interp.running.shares.capture", stopped)
    assert main(["run", *map(str, words)]) == INTERRUPTED
    assert capsys.readouterr().err.endswith("interp: stopped; give the same command again\n")
    monkeypatch.undo()
    monkeypatch.setattr("interp.storing.shards.SHARD_SAMPLES", 6)
    assert main(["run", *map(str, words)]) == 0
    said = capsys.readouterr().err
    assert "Share 1/3 of the activations is made" in said
    (captured,) = re.findall(r"Capturing: (\d+) of \1 samples", said)  # its own, not the 36 of the run
    markers = [json.loads(path.read_text()) for path in (out / "activations").glob("*.json")]
    assert int(captured) == sum(len(marker["sample_ids"]) for marker in markers) < 20
    assert main(["gather", str(out)]) == 2
    assert "shares 2/3 and 3/3 of the activations are not finished" in capsys.readouterr().err


def test_many_missing_shares_are_counted() -> None:
    assert missing_shares([3], 8) == "share 3/8" and missing_shares([3, 5], 8) == "shares 3/8 and 5/8"
    assert missing_shares(range(1, 14), 20).endswith("9/20, 10/20 and 3 more")


def test_the_options_of_machines_are_those_of_the_function() -> None:
    parser = argparse.ArgumentParser()
    add_machines(parser)
    add_array_and_store(parser)
    for function in (interp.run, interp.plan):
        shown = inspect.signature(function).parameters
        defaults = {name: shown[name].default for name in ("engine", "address", "shard", "activations")}
        assert vars(parser.parse_args([])) == machine_options(parser.parse_args([])) == defaults


def test_activations_that_would_be_gone_when_the_command_ends_are_refused(capsys, asked, tmp_path) -> None:
    words = ["--model", asked["model"], "--data", asked["data"], "--out", tmp_path / "run"]
    for url in ("memory://here", "MEMORY://here"):
        with pytest.raises(SystemExit, match="2"):
            main(["run", *map(str, words), "--activations", url])
        assert "memory:// is gone when the command ends; give the URL of a store that stays" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
