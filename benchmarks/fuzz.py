"""Fuzzing of what reads other people's files, with Hypothesis: only an InterpError may be raised, and slowly nothing.

    python benchmarks/fuzz.py --minutes 10              # every target for ten minutes (docs/fuzzing_and_soak.md)
    python benchmarks/fuzz.py --only rows --minutes 1
    python benchmarks/fuzz.py --quick                   # every target for two seconds
    python benchmarks/fuzz.py --atheris --only rows     # guided by coverage, where atheris is installed

What is found is written to `--findings`, a file for each kind of exception and place of it, and counted; findings that
were mended are tests. An example may take `SECONDS`, and `MOST_MEMORY` above what the process held before.
"""

import argparse
import resource
import signal
import sys
import tempfile
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from importlib import import_module
from itertools import count
from pathlib import Path
from time import monotonic, process_time
from typing import Any

from fuzz_damage import Target
from hypothesis import HealthCheck, Phase, given, seed, settings
from measuring import NO_PEER, Figure, one_thread, parser, print_figures, print_header, print_row, progress

from interp.errors import InterpError

TARGETS = {
    "rows": "fuzz_rows",
    "spans": "fuzz_rows",
    "manifests": "fuzz_folders",
    "shards": "fuzz_folders",
    "logs": "fuzz_folders",
    "grids": "fuzz_folders",
}
"""The modules that they stand in; imported late, so that atheris can look into what they import."""
SECONDS = 10
MOST_MEMORY = 2 << 30
EXAMPLES = 200
"""Of one seed."""


class TooSlowError(Exception):
    """An example took longer than it may."""


class Findings:
    """What was raised that may not be, by kind and place."""

    def __init__(self, folder: Path | None) -> None:
        self.folder, self.found = folder, {}  # type: tuple[Path | None, dict[str, Any]]

    def add(self, target: str, error: BaseException, drawn: Any) -> None:
        frames = traceback.extract_tb(error.__traceback__)
        places = [frame for frame in frames if "/interp/" in frame.filename] or frames
        place = f" at {Path(places[-1].filename).name}:{places[-1].lineno}" if places else ""
        key = f"{target}: {type(error).__name__}{place}"
        if key not in self.found:
            self.found[key] = drawn
            progress(f"{key}: {str(error)[:300]}")
            if self.folder is not None:
                self.folder.mkdir(parents=True, exist_ok=True)
                told = "".join(traceback.format_exception(error))
                (self.folder / f"{len(self.found):03}-{target}.txt").write_text(
                    f"{key}\n{drawn!r}\n{told}", encoding="utf-8", errors="backslashreplace"
                )


@contextmanager
def bounded() -> Iterator[None]:
    """Raise TooSlowError in what takes longer than `SECONDS`, MemoryError in what takes more than `MOST_MEMORY`."""

    def late(*_: object) -> None:
        raise TooSlowError

    before, (_, hard) = signal.signal(signal.SIGPROF, late), resource.getrlimit(resource.RLIMIT_AS)
    held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (held + MOST_MEMORY, hard))
    signal.setitimer(signal.ITIMER_PROF, SECONDS)  # of the processor: another job's time is none of ours
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        resource.setrlimit(resource.RLIMIT_AS, (hard, hard))
        signal.signal(signal.SIGPROF, before)


def fuzz(target: Target, seconds: float, first_seed: int, findings: Findings) -> tuple[int, float]:
    """Examples that were tried, and the processor's seconds of the slowest."""
    began, tried, slowest = monotonic(), 0, 0.0

    def once(drawn: Any) -> None:
        nonlocal tried, slowest
        if monotonic() - began > seconds:
            return
        started = process_time()
        try:
            with bounded(), suppress(InterpError):
                target.check(drawn)
        except (Exception, RecursionError) as error:
            findings.add(target.name, error, drawn)
        took = process_time() - started
        if took > SECONDS:  # where an error raised by the clock was lost
            findings.add(target.name, TooSlowError(f"{took:.0f} s"), drawn)
        tried, slowest = tried + 1, max(slowest, took)

    for number in count(first_seed):
        if monotonic() - began > seconds:
            return tried, slowest
        run = settings(
            max_examples=EXAMPLES,
            database=None,
            deadline=None,
            derandomize=False,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )(given(target.strategy)(once))
        seed(number)(run)()
    raise AssertionError("there is always another seed")


def atheris() -> Any:
    """The package, if it is installed: it brings a compiler's run time, and is none of this project's requirements."""
    return import_module("atheris")


def guided(target: Target, minutes: float) -> None:
    """The same by coverage, in atheris; a finding ends the process with its traceback."""

    @settings(database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(target.strategy)
    def once(drawn: Any) -> None:
        with bounded(), suppress(InterpError):
            target.check(drawn)

    given_bytes: Any = once  # what Hypothesis makes of a test has more than its type says
    atheris().Setup(
        [sys.argv[0], f"-max_total_time={int(60 * minutes)}", "-len_control=0"], given_bytes.hypothesis.fuzz_one_input
    )
    atheris().Fuzz()


def arguments() -> argparse.ArgumentParser:
    options = parser(__doc__, quick="two seconds for every target")
    options.add_argument("--minutes", type=float, default=10)
    options.add_argument("--only", choices=TARGETS, nargs="+", default=list(TARGETS))
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--findings", type=Path, help="a folder for what is found")
    options.add_argument("--atheris", action="store_true", help="guided by coverage, one target")
    return options


def main() -> None:
    args = arguments().parse_args()
    one_thread()
    warnings.simplefilter("ignore")
    findings, figures = Findings(args.findings), []
    with tempfile.TemporaryDirectory() as place:
        with atheris().instrument_imports(include=["interp"]) if args.atheris else nullcontext():
            targets = {name: getattr(import_module(TARGETS[name]), f"{name}_target")(Path(place)) for name in args.only}
        if args.atheris:
            guided(targets[args.only[0]], args.minutes)
            return
        print_header("target", "examples", "slowest (s)", "findings")
        for name, target in targets.items():
            before = len(findings.found)
            tried, slowest = fuzz(target, 2 if args.quick else 60 * args.minutes, args.seed, findings)
            print_row(target.name, f"{tried:,}", f"{slowest:.1f}", len(findings.found) - before)
            figures.append(Figure(f"{name}: examples", tried, NO_PEER))
        figures.append(Figure("findings", len(findings.found), NO_PEER, "lower", 0))
    print_figures("fuzz", figures)


if __name__ == "__main__":
    main()
