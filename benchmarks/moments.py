"""Moments of a run at which something happens to it: each touch of a file of its folder, each step, batch and probe.

A moment is the n-th of its kind in a phase. An unbroken run counts them (`Moments.seen`); a process that is forked for
it reaches one again, and there dies, is interrupted, or finds the disk full from then on. No clock is asked.
"""

import errno
import importlib
import os
import random
import signal
import sys
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from interp.runs.run_record import Journal

STOPPED = 77
"""Exit status of a process that was to end where a phase begins."""
WORK = {
    "step": "interp.generating.generation.forward",
    "batch": "interp.generating.generation._generate_batch",
    "pass": "interp.capturing.one_pass.OnePass.__call__",
    "probe": "interp.fitting.crossfit._scored",
    "figure": "interp.reporting.canvas.Figure.savefig",
    "row": "interp.grids.grid_table._text",
    "grid": "interp.running.analysis.save_grids",
    "dataset": "interp.experiments.written.save_grid",
}
"""What a run does between two files,."""
WRITES = ("open", "sync", "chunk", "folder")
"""Kinds of moments at which a full disk is met; names can be changed and files removed on one."""


class Moment(NamedTuple):
    """The n-th (from 1) of a kind in a phase."""

    phase: str
    kind: str
    n: int


class Moments:
    """Counts the moments of this process, which cannot be undone: to be used in a process of its own."""

    def __init__(self, folder: Path, phase: str = "beginning") -> None:
        self.folder, self.phase = f"{folder.absolute()}{os.sep}", phase
        self.seen: Counter[tuple[str, str]] = Counter()
        self.at: Moment | None = None
        self.happens: Callable[[], None] = signal_self(signal.SIGKILL)
        self.full = False
        """Whether nothing can be written any more."""
        sys.addaudithook(self._audited)
        for kind, target in WORK.items():
            wrap(target, partial(self._counted, kind=kind))
        wrap("os.fsync", lambda work: self._counted(work, "sync"))
        wrap("interp.storing.shard_io.serialized", self._chunks)
        wrap("interp.labelling.generate_answers.label_answers", self._labelling)
        wrap("interp.runs.run_record.Journal.write", self._writes)

    def reached(self, kind: str) -> None:
        """One more moment; what is to happen at it happens."""
        self.seen[self.phase, kind] += 1
        if self.at == Moment(self.phase, kind, self.seen[self.phase, kind]):
            self.happens()
        if self.full and kind in WRITES:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def fill_disk(self) -> None:
        """From now on there is no room."""
        self.full = True

    def _audited(self, event: str, given: tuple[Any, ...]) -> None:
        kind = {"open": "open", "os.rename": "rename", "os.remove": "remove", "os.mkdir": "folder"}.get(event)
        if kind is None or not isinstance(given[0], str | Path) or not str(given[0]).startswith(self.folder):
            return
        if kind == "open" and not (set(str(given[1] or "")) & set("wax+") or given[2] & (os.O_WRONLY | os.O_RDWR)):
            return
        if "/.lock" not in str(given[0]):
            self.reached(kind)

    def _counted(self, work: Callable, kind: str) -> Callable:
        def counted(*args: Any, **options: Any) -> Any:
            self.reached(kind)
            return work(*args, **options)

        return counted

    def _chunks(self, work: Callable) -> Callable:
        def chunks(tensors: Any) -> Iterator[memoryview]:
            for chunk in work(tensors):
                self.reached("chunk")
                yield chunk

        return chunks

    def _labelling(self, work: Callable) -> Callable:
        def labelling(*args: Any, **options: Any) -> Any:
            self.phase = "labelling"
            return work(*args, **options)

        return labelling

    def _writes(self, work: Callable) -> Callable:
        def writes(journal: Journal, **entries: Any) -> None:
            work(journal, **entries)
            self.phase = entries.get("state", self.phase)

        return writes


def wrap(target: str, around: Callable[[Callable], Callable]) -> None:
    """Put `around(function)` in the place of the function, or method of a class, that is named."""
    owner_name, _, name = target.rpartition(".")
    try:
        owner: Any = importlib.import_module(owner_name)
    except ModuleNotFoundError:
        module, _, cls = owner_name.rpartition(".")
        owner = getattr(importlib.import_module(module), cls)
    setattr(owner, name, around(getattr(owner, name)))


def at_states(happens: Callable[[str], object]) -> None:
    """From now on something happens whenever run.json has been given a state; it is handed over."""

    def around(work: Callable) -> Callable:
        def writes(journal: Journal, **entries: Any) -> None:
            work(journal, **entries)
            if "state" in entries:
                happens(entries["state"])

        return writes

    wrap("interp.runs.run_record.Journal.write", around)


def draw(seen: Counter[tuple[str, str]], phase: str, count: int, seed: int) -> list[Moment]:
    """Moments of a phase: a kind first, each as likely as the others, then one of its moments."""
    rng = random.Random(f"{phase} {seed}")
    kinds = sorted(kind for of, kind in seen if of == phase)
    return [Moment(phase, kind, rng.randint(1, seen[phase, kind])) for kind in rng.choices(kinds, k=count)]


def signal_self(number: int) -> Callable[[], None]:
    """What sends this process a signal."""
    return lambda: os.kill(os.getpid(), number)


def in_child(action: Callable[[], Any]) -> int:
    """Run `action` in a forked process; its exit status (the status it returns, 1 for an exception), or -signal."""
    sys.stdout.flush()
    sys.stderr.flush()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that a process with threads forks
        pid = os.fork()
    if pid == 0:
        status = 1
        try:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            returned = action()
            status = returned if isinstance(returned, int) else 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
