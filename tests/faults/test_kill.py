"""kill -9 in one write after the other, and at delicate moments; then the same bytes as an unbroken run's."""

import json
import os
import signal

import pytest
from crash import contents, kill_at
from moments import in_child

import interp
import interp.running.analysis
from interp.runs.lock import FILES

KILLED = -signal.SIGKILL


def killed_at(action, target: str, call: int = 1, *, after: bool = False) -> int:
    def act():
        kill_at(target, call, after=after)
        return action()

    return in_child(act)


PROBING = 77


def until_probing(action):
    """`action`, which ends with a status of its own where the first probe would be fitted."""

    def act():
        interp.running.pipeline.analyse = lambda *_, **__: os._exit(PROBING)
        return action()

    return act


def measurements(files: dict[str, bytes]) -> dict[str, bytes]:
    return {name: content for name, content in files.items() if name not in ("grid.csv", "comparison.json")}


@pytest.mark.parametrize("target", ["os.fsync", "os.replace"])
def test_killed_in_one_write_after_the_other(start, go_on, unbroken, tmp_path, target) -> None:
    """Every write syncs its file, renames it and syncs the folder; each process dies a little later than the last."""
    out, deaths, states = tmp_path / "run", 0, set()
    while True:
        begun = (out / "run.json").exists()
        action = until_probing((go_on if begun else start)(out))
        status = killed_at(action, target, 1 + deaths)
        if status == PROBING:
            break
        assert status == KILLED
        deaths += 1
        states.add(json.loads((out / "run.json").read_text())["state"] if (out / "run.json").exists() else "nothing")
    assert deaths > 4 and states == {"nothing", "answering", "capturing"}
    assert measurements(contents(out)) == measurements(contents(unbroken))
    assert not {path.name for path in out.rglob(".*")} - FILES


@pytest.mark.parametrize(
    ("target", "call", "after"),
    [
        ("interp.generating.generation._generate_batch", 2, True),  # an answer batch is done
        ("interp.generating.answer_log.append_lines", 2, False),  # a batch is answered, it is not in the log
        ("interp.generating.answer_log.append_lines", 2, True),
        ("interp.running.measuring.remove", 1, False),  # samples.jsonl is there, and the log still too
        ("interp.running.measuring.write_text", 1, False),  # counted, samples.jsonl not written
        ("interp.running.measuring.write_text", 1, True),
        ("interp.support.safetensors_stream.layout", 4, True),  # the header of a shard is written, its tensors are not
        ("interp.storing.shard_io.write_json", 2, False),  # a shard is there, its marker is not
    ],
)
def test_killed_before_the_probes(start, go_on, unbroken, tmp_path, target, call, after) -> None:
    out = tmp_path / "run"
    assert killed_at(start(out), target, call, after=after) == KILLED
    run = interp.open_run(out)
    assert "go on with: interp resume" in run.status()
    assert run.verify() == []
    assert in_child(until_probing(go_on(out))) == PROBING
    assert measurements(contents(out)) == measurements(contents(unbroken))
    assert json.loads((out / "run.json").read_text())["counts"] == interp.open_run(unbroken).settings["counts"]
    assert not (out / "answers.partial.jsonl").exists()


def test_what_was_answered_is_not_answered_again(start, go_on, unbroken, tmp_path) -> None:
    out = tmp_path / "run"
    log = out / "answers.partial.jsonl"
    assert killed_at(start(out), "interp.generating.answer_log.append_lines", 2, after=True) == KILLED
    whole = log.read_bytes()
    assert whole.count(b"\n") == 1 + 12  # both batches
    log.write_bytes(whole[:-20])  # torn in its last line: that batch has to run again, the one before it must not

    def once_only():
        kill_at("interp.generating.generation._generate_batch", 2)
        return go_on(out)()

    assert in_child(until_probing(once_only)) == PROBING
    assert measurements(contents(out)) == measurements(contents(unbroken))
