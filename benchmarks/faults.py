"""Faults at random moments of every phase of a run: killed, interrupted, a full disk; and what a resume then gives.

    python benchmarks/faults.py            # every phase of a small run of the embedded model, 20 kills in each
    python benchmarks/faults.py --quick    # one of each of three phases
    python benchmarks/faults.py --only reporting lens    # these phases and experiments

A row says how many processes met the fault, how many of them ended as they should (killed; or one line, which says how
to go on), and after how many of them `interp resume`, or the experiment's command once more, gave the bytes of the run
that nothing happened to. Beside it, the longest time from a signal to the end of its process.
"""

import argparse
import signal
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from faulted_run import PHASES, FaultedRun, contents
from measuring import Figure, one_thread, parser, print_figures, print_header, print_row, progress
from moments import STOPPED, Moments, draw, signal_self

import interp
from interp import demo
from interp.command.cli import INTERRUPTED, main

MOMENTS = {"kill -9": 20, "full disk": 5, "Ctrl-C": 5, "SIGTERM": 5}
"""Of every phase of a run."""
OF_EXPERIMENT = 5
FAULTS: dict[str, Callable[[Moments], Callable[[], None]]] = {
    "kill -9": lambda _: signal_self(signal.SIGKILL),
    "full disk": lambda moments: moments.fill_disk,
    "Ctrl-C": lambda _: signal_self(signal.SIGINT),
    "SIGTERM": lambda _: signal_self(signal.SIGTERM),
}
STATUS = {"kill -9": -signal.SIGKILL, "full disk": 2, "Ctrl-C": INTERRUPTED, "SIGTERM": INTERRUPTED}
EXPERIMENTS = {
    "detectors": ["--no-model"],
    "lens": [],
    "causal": ["--pairs", "4", "--no-scrambled"],
    "steer": ["--pairs", "4", "--draws", "2", "--answers", "0"],
}
"""The options that keep them short."""


@dataclass
class Row:
    """What became of the moments of one phase and fault."""

    phase: str
    fault: str
    met: int = 0
    ended_well: int = 0
    same_bytes: int = 0
    longest: float = 0.0


def small(work: Path, *, limit: int) -> FaultedRun:
    """The embedded model asked its first questions."""
    template = work / "template.txt"
    template.write_text(demo.PROMPT_TEMPLATE)
    options = f"--limit {limit} --permutations 0 --no-controls --batch-tokens 1500 --max-new-tokens 64".split()
    model = interp.load_model(demo.model_path())
    return FaultedRun(
        work, model, demo.model_path(), demo.questions_path(), "--prompt-template", str(template), *options
    )


def in_phases(run: FaultedRun, phases: list[str], counts: Mapping[str, int]) -> Iterator[Row]:
    """Every fault in phases of the run."""
    for phase in phases:
        for fault, happens in FAULTS.items():
            row = Row(phase, fault)
            for moment in draw(run.seen, phase, counts[fault], seed=len(fault)):
                run.back_to(phase)
                _meet(run, row, run.child(at=moment, happens=happens, stop=PHASES[phase][1]))
                run.finish(phase)
                row.same_bytes += not run.differing(phase)
            yield row


def in_experiments(run: FaultedRun, names: list[str], count: int) -> Iterator[Row]:
    """Killed while an experiment writes into the folder of a finished run; the same command is then given again."""
    for name in names:

        def command(moments: Moments, name: str = name) -> int:
            moments.phase = name
            return main([name, str(run.out), *EXPERIMENTS[name]]) or run.count(moments)

        run.copy("unbroken")
        assert run.child(command) == 0, run.said.read_text()
        expected, row = contents(run.out), Row(name, "kill -9")
        for moment in draw(run.counted(), name, count, seed=0):
            run.copy("unbroken")
            _meet(run, row, run.child(command, at=moment, happens=FAULTS["kill -9"]))
            run.child(command)
            row.same_bytes += contents(run.out) == expected
        yield row


def _meet(run: FaultedRun, row: Row, status: int) -> None:
    """One process that has ended with its fault; a moment that it never came to is no fault."""
    ended = monotonic()
    if status in (0, STOPPED):
        return
    row.met += 1
    told = row.fault == "kill -9" or run.last_line().startswith("interp: ")
    row.ended_well += status == STATUS[row.fault] and told
    if run.when.exists():
        row.longest = max(row.longest, ended - float(run.when.read_text()))


def figures(rows: Iterator[Row]) -> Iterator[Figure]:
    """A line of the table for each row, and its figures."""
    for row in rows:
        timed = f"{row.longest:.1f} s" if row.fault in ("Ctrl-C", "SIGTERM") else ""
        print_row(row.phase, row.fault, row.met, row.ended_well, row.same_bytes, timed)
        share = min(row.ended_well, row.same_bytes) / row.met if row.met else 1.0
        yield Figure(f"{row.phase}, {row.fault}: survived", share, "none: a share", "higher", 1.0)


def arguments() -> argparse.ArgumentParser:
    options = parser(__doc__, quick="one moment of each of three phases")
    everything = [*PHASES, *EXPERIMENTS]
    options.add_argument("--only", nargs="+", choices=everything, default=everything, help="phases and experiments")
    return options


def measure() -> None:
    args = arguments().parse_args()
    one_thread()
    phases = ["answering", "labelling", "capturing"] if args.quick else [one for one in PHASES if one in args.only]
    counts = dict.fromkeys(FAULTS, 1) if args.quick else MOMENTS
    with tempfile.TemporaryDirectory() as folder:
        run = small(Path(folder), limit=40)
        run.prepare()
        progress(f"{sum(run.seen.values())} moments")
        print_header("phase", "fault", "met", "ended as they should", "same bytes after", "longest until it stopped")
        found = list(figures(in_phases(run, phases, counts)))
        if not args.quick:
            experiments = [one for one in EXPERIMENTS if one in args.only]
            found += figures(in_experiments(run, experiments, OF_EXPERIMENT))
    print_figures("faults", found)


if __name__ == "__main__":
    measure()
