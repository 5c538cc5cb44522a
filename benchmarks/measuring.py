"""What every benchmark shares: its options, one BLAS thread, two sides timed in turns, its table and its figures.

A benchmark prints a Markdown table, then one JSON line per figure, last; progress goes to standard error.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any, Literal, NamedTuple

from threadpoolctl import threadpool_limits

ONE_THREAD = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
NO_PEER = "none: an absolute number"


def parser(doc: str | None, *, quick: str) -> argparse.ArgumentParser:
    """The command line of a benchmark; `quick` says what `--quick` leaves out to end within a minute."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help=quick)
    return parser


def one_thread() -> None:
    """One BLAS thread here and in the processes that are started: with two, a busy machine is 40 times slower.

    To be called once all imports are done, so that it finds every library that is loaded; later ones read the
    environment.
    """
    os.environ.update(ONE_THREAD)
    threadpool_limits(1)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)


# Cost -----------------------------------------------------------------------------------------------------------------


class Cost(NamedTuple):
    """Seconds by the clock and of the processor, or ratios of both; other jobs disturb the second less."""

    clock: float
    cpu: float


def cost(work: Callable[[], Any]) -> tuple[Cost, Any]:
    """What a call takes in this process, and what it returns."""
    clock, cpu = perf_counter(), process_time()
    returned = work()
    return Cost(perf_counter() - clock, process_time() - cpu), returned


def cpu(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds of the processor that a call takes, and what it returns."""
    spent, returned = cost(work)
    return spent.cpu, returned


def in_turns(
    sides: Mapping[str, Callable[[], Any]], repeats: int, *, warm_up: int = 1
) -> tuple[dict[str, list[Cost]], dict[str, Any]]:
    """What every side costs in every turn after those that warm up, and what it returned last; the order alternates."""
    spent: dict[str, list[Cost]] = {name: [] for name in sides}
    returned = {}
    for turn in range(warm_up + repeats):
        for name in sorted(sides, reverse=bool(turn % 2)):
            one, returned[name] = cost(sides[name])
            if turn >= warm_up:
                spent[name].append(one)
    return spent, returned


def ratio(one: Iterable[Cost], other: Iterable[Cost]) -> Cost:
    """Median over the turns of one ÷ other, pair by pair."""
    pairs = [Cost(a.clock / b.clock, a.cpu / b.cpu) for a, b in zip(one, other, strict=True)]
    return Cost(median(pair.clock for pair in pairs), median(pair.cpu for pair in pairs))


def memory(field: Literal["VmRSS", "VmHWM"]) -> int:
    """Bytes that this process holds now (`VmRSS`), or held at most since it began or `forget_peak` (`VmHWM`; Linux)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field))


def forget_peak() -> None:
    """The high-water mark begins again at what is held now."""
    Path("/proc/self/clear_refs").write_text("5")


def in_own_processes(script: str, option: str, items: Sequence[str], *given: object, together: bool) -> list[Any]:
    """One result per item: `script` is called anew with `option` and the item, and prints a JSON list of results last.

    Memory is that of a process, so each item has one; `together` (quick modes) one process goes through all of them.
    """
    found = []
    for some in [items] if together else [[item] for item in items]:
        command = [sys.executable, script, *map(str, given), option, *some]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=os.environ | ONE_THREAD)
        found += json.loads(done.stdout.splitlines()[-1])
    return found


# What is printed ------------------------------------------------------------------------------------------------------


def print_header(*cells: object) -> None:
    """First two lines of a Markdown table."""
    print_row(*cells)
    print("|" + "---|" * len(cells), flush=True)


def print_row(*cells: object) -> None:
    """One line of it."""
    print("|" + "".join(f" {cell} |" if str(cell) else " |" for cell in cells), flush=True)


def progress(text: str) -> None:
    """Say on standard error how far the measuring is."""
    print(text, file=sys.stderr, flush=True)


Direction = Literal["lower", "higher"]


@dataclass(frozen=True)
class Figure:
    """One measured number, and what it is measured against."""

    name: str
    value: float
    peer: str
    better: Direction | None = None
    target: float | tuple[float, float] | None = None
    """A bound, or both; None: the figure informs."""

    @property
    def met(self) -> bool:
        """Whether the value keeps its target; True without one."""
        if isinstance(self.target, tuple):
            return self.target[0] <= self.value <= self.target[1]
        return self.target is None or (
            self.value <= self.target if self.better == "lower" else self.value >= self.target
        )

    def target_cell(self) -> str:
        """The target as a cell of a table, with ✗ where it is missed."""
        if self.target is None:
            return ""
        if isinstance(self.target, tuple):
            said = "{:g} to {:g}".format(*self.target)
        else:
            said = f"{'≤' if self.better == 'lower' else '≥'} {self.target:.4g}"
        return said if self.met else f"{said} ✗"


def print_figures(benchmark: str, figures: Iterable[Figure]) -> None:
    """One JSON line per figure. Raises ValueError for a value that is no number."""
    lines = []
    for figure in figures:
        line = {"benchmark": benchmark, "figure": figure.name, "value": float(f"{figure.value:.6g}")}
        line |= {"target": figure.target, "better": figure.better, "peer": figure.peer}
        lines.append(json.dumps(line, ensure_ascii=False, allow_nan=False))
    print("", *lines, sep="\n", flush=True)


def read_figures(printed: str) -> list[dict[str, Any]]:
    """The figures that a benchmark printed: the lines at its end that are JSON."""
    lines = printed.splitlines()
    first = next((at for at in range(len(lines), 0, -1) if not lines[at - 1].startswith("{")), 0)
    return [json.loads(line) for line in lines[first:]]
