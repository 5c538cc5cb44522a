"""How far a run is, told from its folder alone: what is counted is what was done."""

import json
import shutil
from pathlib import Path

import pytest

import interp
import interp.generating.generation as generation
from interp.command.cli import main
from interp.errors import RunError
from interp.runs.run_folder import RunFolder, going_on, read_run_json

ROWS = [interp.QARow(str(i), f"Where is city {i}?", ("e",)) for i in range(12)]
MIXED = [
    *ROWS,
    *(interp.QARow(f"own-{i}", f"Where is town {i}?", ("e",), completion=" Here.") for i in range(5)),
    interp.QARow("empty", "Where is nothing?", ("e",), completion=""),
    *(interp.QARow(f"long-{i}", f"Where is {'far ' * 80}{i}?", ("e",)) for i in range(2)),
]


class Stop(Exception):
    pass


@pytest.fixture
def one_batch(monkeypatch) -> list[int]:
    """Answering ends with Ctrl-C after one batch, whose size is in the list."""
    sizes, run = [], generation._generate_batch

    def stopped(model, suffixes, shared, n_prefix, max_new_tokens, stop, sampling, streams):
        if sizes:
            raise KeyboardInterrupt
        sizes.append(len(streams))
        return run(model, suffixes, shared, n_prefix, max_new_tokens, stop, sampling, streams)

    monkeypatch.setattr(generation, "_generate_batch", stopped)
    return sizes


@pytest.mark.parametrize(
    ("rows", "options", "asked", "others"),
    [
        (ROWS, {}, 12, 0),
        (MIXED, {}, 12, 8),
        # Rows that bring a completion stand once, the others three times; the long ones too, though nobody asks them.
        (MIXED, {"temperature": 1.0, "samples_per_question": 3}, 36, 12),
    ],
)
def test_status_of_a_run_that_was_stopped_as_it_answered(llama, tmp_path, one_batch, rows, options, asked, others):
    with pytest.raises(KeyboardInterrupt):
        interp.run(model=llama, data=rows, out=tmp_path / "run", max_new_tokens=5, batch_tokens=100, **options)
    said = interp.open_run(tmp_path / "run").status()
    assert f"{one_batch[0]} of {asked} samples answered" in said
    assert (f"; {others} more bring their completion, or do not fit" in said) == bool(others)


@pytest.fixture(scope="module")
def measured(llama_folder, tmp_path_factory) -> Path:
    """A run that was stopped where its probes begin."""
    out = tmp_path_factory.mktemp("runs") / "a run"
    rows = [row if row.id != "own-0" else interp.QARow("own-0", "Where?", ("e",), completion=" e") for row in MIXED]
    data = out.parent / "rows.jsonl"
    lines = [
        {"id": row.id, "question": row.question, "answer": list(row.answers), "correct": i % 2 == 0}
        | ({} if row.completion is None else {"completion": row.completion})
        for i, row in enumerate(rows)
    ]
    data.write_text("".join(json.dumps(line) + "\n" for line in lines))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("interp.running.pipeline.analyse", lambda *_, **__: (_ for _ in ()).throw(Stop))
        with pytest.raises(Stop):
            interp.run(model=llama_folder, data=data, out=out, max_new_tokens=5, population="all")
    return out


def test_status_of_a_run_whose_samples_are_there(measured, tmp_path, capsys) -> None:
    said = interp.open_run(measured).status()
    assert (
        "20 samples: 12 answered, 5 brought their completion, 3 have none (2 are too long for the model's context); 18 captured in 1 shard\n"
        in said
    )
    # The folder as it is called now, in quotes where a shell needs them.
    assert said.endswith(f"go on with: interp resume '{measured}'")
    moved = shutil.copytree(measured, tmp_path / "moved")
    assert main(["status", str(moved)]) == 0
    assert capsys.readouterr().out.strip().endswith(f"go on with: interp resume {moved}")
    (moved / "activations" / "shard-00000.safetensors").write_bytes(b"")
    assert "0 captured in 0 shards; damaged shards: 1 (`interp verify`" in interp.open_run(moved).status()


def test_the_record_counts_what_the_model_did(measured) -> None:
    run = interp.open_run(measured)
    counts = run.settings["counts"]
    assert counts["completions"] == {"generated": 12, "brought": 5, "none": 3}
    assert counts["status"]["too_long"] == 2 and counts["excluded"]["too_long"] == 2
    assert counts["excluded"]["unlabelled"] == 0 and counts["population"] == 18  # every row brings its label
    # A completion that was brought has no token that ends it, and was not stopped by our limit either.
    mine = [end for end, logprobs in zip(run.answers.finish, run.answers.logprobs, strict=True) if logprobs is not None]
    assert counts["stopped_by_length"] == mine.count("length") < run.answers.finish.count("length")


def test_status_of_a_cut_samples_file_is_one_sentence(measured, tmp_path) -> None:
    folder = shutil.copytree(measured, tmp_path / "cut")
    (folder / "samples.jsonl").write_bytes((folder / "samples.jsonl").read_bytes()[:-3])
    with pytest.raises(RunError, match=r"samples\.jsonl cannot be read \(it is cut off\)"):
        interp.open_run(folder).status()


def test_a_run_of_an_earlier_version_has_a_status(measured, tmp_path) -> None:
    folder = RunFolder(shutil.copytree(measured, tmp_path / "old"))
    record = read_run_json(folder)
    for key in ("given", "asked", "used", "numerics"):
        del record[key]
    del record["counts"]["completions"]
    folder.run_json.write_text(json.dumps(record))
    assert "20 samples answered; 18 captured" in interp.open_run(folder.path).status()


def test_what_was_given_in_python_is_said_to_be_needed_again(llama, tmp_path, one_batch) -> None:
    with pytest.raises(KeyboardInterrupt):
        interp.run(
            model=llama,
            data=ROWS,
            out=tmp_path / "run",
            max_new_tokens=5,
            batch_tokens=100,
            correct=lambda row, completion: "e" in completion,
            roles={"second": lambda ids, n_prompt: n_prompt + 1, "third": "prompt_end+3"},
        )
    wanted = f"interp.resume('{tmp_path / 'run'}', data=…, model=…, correct=…, roles=…)"
    run = interp.open_run(tmp_path / "run")
    assert run.status().endswith(f"go on with: {wanted}") and run.settings["resume"] == wanted
    assert going_on({}, Path("x")) == "interp resume x"
