"""This checkout against another revision: the same command by both packages, in turns.

    python benchmarks/against.py --rounds 5 03bb621 benchmarks/probes.py
    python benchmarks/against.py --own 03bb621 benchmarks/scale.py --quick    # each side's own file
    python benchmarks/against.py 03bb621 interp demo --out {out} --limit 200
    python benchmarks/against.py --quick    # HEAD against itself, something tiny

REV is checked out into a temporary folder (git worktree). In every round the command runs once for each side, with one
BLAS thread; the order alternates. `{out}` becomes a path that does not exist yet. What runs is each side's package
under *this* checkout's benchmark, one instrument for both; with `--own` each side runs its own file, which compares
nothing if the two measure other things, and is needed where the modules that the file imports had other names. Printed
are the medians of the seconds, by the clock and of the processor (child processes included), and of every figure that
both sides print, matched by name; and the median of the ratios this ÷ REV, pair by pair. A target is missed by what is
worse by more than 5 %.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from measuring import (
    ONE_THREAD,
    Cost,
    Direction,
    Figure,
    parser,
    print_figures,
    print_header,
    print_row,
    progress,
    read_figures,
)

HERE = Path(__file__).resolve().parents[1]
WORSE = 0.05
TINY = ("benchmarks/projection.py", "--quick")
LAUNCHER = "import sys\nfrom {module} import {name}\nsys.exit({name}())\n"
"""`python -m` would import the package of the folder that it is called from."""


def arguments() -> argparse.ArgumentParser:
    options = parser(__doc__, quick="two rounds, HEAD against itself, something tiny")
    options.add_argument("--rounds", type=int, default=5, metavar="N", help="times that each side runs (default 5)")
    options.add_argument("--own", action="store_true", help="each side runs its own file of the benchmark")
    options.add_argument("rev", nargs="?", help="the other revision")
    options.add_argument("command", nargs=argparse.REMAINDER, help="benchmarks/NAME.py … or interp …")
    return options


@dataclass(frozen=True)
class Result:
    """What one call of the command cost and printed."""

    seconds: Cost
    figures: dict[str, dict[str, Any]]


@contextmanager
def checked_out(rev: str) -> Iterator[Path]:
    """A folder that holds the files of a revision, for the time of the block. Raises SystemExit if there is none."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "tree"
        git = ["git", "-C", str(HERE), "worktree"]
        done = subprocess.run([*git, "add", "--detach", str(folder), rev], capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"{rev} cannot be checked out: {done.stderr.strip()}")
        try:
            yield folder
        finally:
            subprocess.run([*git, "remove", "--force", str(folder)], check=True, capture_output=True)


def called(command: Sequence[str], tree: Path, scripts: Path, place: Path) -> Result:
    """Call the command once with the package in `tree`. Raises SystemExit if it fails."""
    program, *rest = (part.replace("{out}", str(place / "out")) for part in command)
    if program == "interp":
        script = place / "interp_command.py"
        script.write_text(LAUNCHER.format(**entry_point(tree)))
    else:
        script = scripts / program
    environment = os.environ | ONE_THREAD | {"PYTHONPATH": str(tree)}
    with open(place / "stdout", "w+") as out, open(place / "stderr", "w+") as errors:
        started = perf_counter()
        process = subprocess.Popen([sys.executable, str(script), *rest], stdout=out, stderr=errors, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = Cost(perf_counter() - started, usage.ru_utime + usage.ru_stime)
        for file in (out, errors):
            file.seek(0)
        if process.returncode:
            raise SystemExit(f"{' '.join(command)} failed in {tree}:\n{errors.read()[-2000:]}")
        return Result(seconds, {f"{one['benchmark']}: {one['figure']}": one for one in read_figures(out.read())})


def entry_point(tree: Path) -> dict[str, str]:
    """Module and function behind the command `interp` of the package in `tree`: it has not always been the same."""
    found = re.search(r'^interp = "(?P<module>[\w.]+):(?P<name>\w+)"$', (tree / "pyproject.toml").read_text(), re.M)
    if found is None:
        raise SystemExit(f"{tree / 'pyproject.toml'} names no command `interp`")
    return found.groupdict()


def check_package(tree: Path) -> None:
    """Raise SystemExit unless the package in `tree` is the one that is imported."""
    command = [sys.executable, "-c", "import interp; print(interp.__file__)"]
    with tempfile.TemporaryDirectory() as elsewhere:
        environment = os.environ | {"PYTHONPATH": str(tree)}
        done = subprocess.run(command, cwd=elsewhere, env=environment, capture_output=True, text=True, check=True)
    if not Path(done.stdout.strip()).is_relative_to(tree.resolve()):
        raise SystemExit(f"an import takes {done.stdout.strip()} instead of the package in {tree}")


def in_rounds(
    command: Sequence[str], trees: dict[str, Path], scripts: dict[str, Path], rounds: int
) -> dict[str, list[Result]]:
    """The results of every side, one for each round; the order alternates."""
    found: dict[str, list[Result]] = {side: [] for side in trees}
    for turn in range(rounds):
        for side in sorted(trees, reverse=bool(turn % 2)):
            with tempfile.TemporaryDirectory() as place:
                found[side].append(called(command, trees[side], scripts[side], Path(place)))
            progress(f"round {turn + 1} of {rounds}, {side}: {found[side][-1].seconds.clock:.1f} s")
    return found


def compared(this: Sequence[Result], other: Sequence[Result], rev: str) -> Iterator[Figure]:
    """The table, printed, and its ratios; figures of one side only are named."""
    print_header("figure", rev, "this", "this ÷ it", "target")
    rows: list[tuple[str, list[float], list[float], Direction | None]] = [
        ("seconds", [one.seconds.clock for one in other], [one.seconds.clock for one in this], "lower"),
        ("CPU seconds", [one.seconds.cpu for one in other], [one.seconds.cpu for one in this], "lower"),
    ]
    printed = [set.intersection(*(set(one.figures) for one in side)) for side in (other, this)]
    for name in (name for name in this[0].figures if name in printed[0] & printed[1]):
        values = ([float(one.figures[name]["value"]) for one in side] for side in (other, this))
        rows.append((name, *values, this[0].figures[name]["better"]))
    for name, before, now, better in rows:
        cells = (name, f"{median(before):.4g}", f"{median(now):.4g}")
        if min(before) <= 0:  # a ratio to it says nothing
            print_row(*cells, "", "")
            continue
        target = None if better is None else 1 + WORSE if better == "lower" else 1 - WORSE
        ratio = median(b / a for a, b in zip(before, now, strict=True))
        figure = Figure(name, ratio, rev, better, target)
        print_row(*cells, f"{ratio:.3f}", figure.target_cell())
        yield figure
    for side, names in ((rev, printed[0] - printed[1]), ("this", printed[1] - printed[0])):
        if names:
            progress(f"printed by {side} only, so not compared: {'; '.join(sorted(names))}")


def main() -> None:
    args = arguments().parse_args()
    rev, command = args.rev or "HEAD", args.command or TINY
    if not (args.quick or args.command):
        raise SystemExit("give a revision and a command, as in against.py 03bb621 benchmarks/probes.py --quick")
    with checked_out(rev) as tree:
        trees = {"other": tree, "this": HERE}
        for one in trees.values():
            check_package(one)
        scripts = {side: one if args.own else HERE for side, one in trees.items()}
        found = in_rounds(command, trees, scripts, 2 if args.quick else args.rounds)
    print_figures("against", compared(found["this"], found["other"], rev))


if __name__ == "__main__":
    main()
