"""At random moments of every phase: killed, interrupted, or no room left; one line, and a resume gives the same bytes."""

import signal
from collections.abc import Iterator

import jaxtyping
import pytest
from crash import make_rows
from faulted_run import PHASES, FaultedRun, contents
from moments import STOPPED, Moment, draw, signal_self

import interp
from interp.command.cli import INTERRUPTED
from interp.experiments.detecting.page import write_detectors

KILLED = -signal.SIGKILL
SEED = 16
FAULTS = {
    "full disk": (lambda moments: moments.fill_disk, 2),
    "Ctrl-C": (lambda _: signal_self(signal.SIGINT), INTERRUPTED),
    "SIGTERM": (lambda _: signal_self(signal.SIGTERM), INTERRUPTED),
}


@pytest.fixture(scope="module", autouse=True)
def quickly() -> Iterator[None]:
    """Without the types that other tests check at every call."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.fixture(scope="module")
def run(llama, llama_folder, data, tmp_path_factory) -> FaultedRun:
    options = ["--permutations", "0", "--no-controls", "--batch-tokens", "250", "--max-new-tokens", "4"]
    made = FaultedRun(tmp_path_factory.mktemp("faulted"), llama, llama_folder, data, *options)
    made.prepare()
    return made


def test_a_run_is_seen_at_every_kind_of_moment(run) -> None:
    assert {phase for phase, _ in run.seen} == {"beginning", *PHASES}
    kinds = {phase: {kind for of, kind in run.seen if of == phase} for phase in PHASES}
    assert {"batch", "step", "open", "sync"} <= kinds["answering"]
    assert {"open", "sync", "rename", "remove"} <= kinds["labelling"]
    assert {"pass", "chunk", "folder", "rename"} <= kinds["capturing"]
    assert "probe" in kinds["probing"] and {"grid", "row", "figure", "rename"} <= kinds["reporting"]
    # Both grids' cells and the embedding row; the best cell once more, for use.
    assert run.seen["probing", "probe"] == (3 + 1) * 2 + 3 * 2 + 1
    assert len(make_rows()) == len((run.work / "unbroken" / "samples.jsonl").read_text().splitlines())


@pytest.mark.parametrize("phase", PHASES)
def test_killed_again_and_again_at_random_moments(run, phase) -> None:
    """Each process goes on where the last one died, until the phase ends."""
    run.back_to(phase)
    deaths = 0
    for moment in draw(run.seen, phase, 3, SEED):
        status = run.child(at=moment, happens=lambda _: signal_self(signal.SIGKILL), stop=PHASES[phase][1])
        assert status in (KILLED, STOPPED, 0), run.said.read_text()
        deaths += status == KILLED
        assert interp.open_run(run.out).verify() == []
    assert deaths > 1
    assert run.finish(phase) == (STOPPED if PHASES[phase][1] else 0), run.said.read_text()
    assert run.differing(phase) == []


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("phase", PHASES)
def test_a_fault_is_one_line_and_the_run_goes_on(run, phase, fault) -> None:
    happens, ends = FAULTS[fault]
    (moment,) = draw(run.seen, phase, 1, SEED + len(fault))
    run.back_to(phase)
    assert run.child(at=moment, happens=happens, stop=PHASES[phase][1]) == ends, (moment, run.said.read_text())
    said, way = run.last_line(), f"interp resume {run.out}"
    if fault == "full disk":
        assert said.startswith("interp: ") and "No space left on device; make room or choose another folder" in said
        assert way in said or not (run.out / "run.json").exists()  # nothing was finished: the folder is free again
    else:
        assert said == f"interp: stopped; go on with: {way}"
    if phase not in ("probing", "reporting"):  # they start over, as in the test above
        assert run.finish(phase) == STOPPED, run.said.read_text()
        assert run.differing(phase) == []


def test_an_experiment_that_was_broken_off_is_made_again_by_the_same_command(run) -> None:
    run.copy("unbroken")
    found = interp.detectors(interp.open_run(run.out), model=False)

    def writing(moments) -> int:
        moments.phase = "experiment"
        try:
            write_detectors(interp.open_run(run.out), found)
        except interp.RunError as error:
            return 7 if "No space left on device; make room" in str(error) else 8
        return 0

    before = contents(run.out)
    assert run.child(writing) == 0, run.said.read_text()
    expected = contents(run.out)
    assert {"experiments/detectors.json", "experiments/detectors.nc"} <= expected.keys()
    run.copy("unbroken")
    kill, full = (lambda _: signal_self(signal.SIGKILL), KILLED), (FAULTS["full disk"][0], 7)
    for kind, n, (happens, ends) in (("open", 2, kill), ("rename", 4, full)):
        status = run.child(writing, at=Moment("experiment", kind, n), happens=happens)
        assert status == ends, run.said.read_text()
        after = contents(run.out)
        kept = {name for name in before if "/" not in name or name.startswith("activations")}
        assert all(after[name] == before[name] for name in kept)  # the run itself, its report too
    assert run.child(writing) == 0, run.said.read_text()
    assert contents(run.out) == expected
