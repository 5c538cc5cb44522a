"""Progress on standard error: a bar for each stage in a terminal, a line now and then in a log."""

import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from time import monotonic

from interp.errors import visible

SOON, LATER = 5.0, 30.0
"""Seconds between two lines of a log: in the first two minutes of a stage, and after them."""


@dataclass(frozen=True)
class Advance:
    """Moves a bar on when it is called with a number of steps just finished."""

    move: Callable[[int], None]
    leave_out: Callable[[int], None]
    """Has the bar expect so many fewer."""

    def __call__(self, count: int) -> None:
        """Move on."""
        self.move(count)


def made_elsewhere(progress: Callable[[int], None] | None, count: int) -> None:
    """So many steps are another process's: a bar of this one does not wait for them."""
    if isinstance(progress, Advance):
        progress.leave_out(count)


def say(sentences: Iterable[str]) -> None:
    """What a user has to know while a run goes on, on standard error."""
    for sentence in sentences:
        print(f"interp: {visible(sentence)}", file=sys.stderr)


def announce(notes: Sequence[str], *, progress: bool) -> None:
    """What a user has to know before a run begins: on standard error beside a progress bar, else as warnings."""
    if progress:
        say(notes)
    else:
        for note in notes:
            warnings.warn(visible(note), stacklevel=3)


@contextmanager
def bar(
    title: str, total: int | None, *, unit: str = "samples", enabled: bool = True, late: bool = False
) -> Iterator[Advance | None]:
    """A bar named `title`; yields the function that moves it on, or None when disabled. `total`: None if not known.

    `late`: it stands there from the first count on, so that what is refused before is a sentence alone.
    """
    if not enabled:
        yield None
        return
    from rich.console import Console

    console = Console(stderr=True)
    if not (console.is_terminal or console.is_jupyter):
        with _lines(title, total, unit, late=late) as lines:
            yield lines
        return
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description:<22}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with ExitStack() as shown:
        progress = Progress(*columns, console=console)
        task = progress.add_task(title, total=total)
        if not late:
            shown.enter_context(progress)

        def advance(count: int) -> None:
            if not progress.live.is_started:
                shown.enter_context(progress)
            progress.update(task, advance=count)

        def leave_out(count: int) -> None:
            if (expected := progress.tasks[0].total) is not None:
                progress.update(task, total=expected - count)

        yield Advance(advance, leave_out)


@contextmanager
def _lines(title: str, total: int | None, unit: str, *, late: bool) -> Iterator[Advance]:
    """The same for a log: how much is done and how long it may still take, every few seconds, and once at the end.

    The first count says nothing of what is to come: it waited for workers to start, or a resumed run had it already.
    """
    began = monotonic()
    done, said, told = 0, began, -1
    first: tuple[float, int] | None = None

    def tell() -> None:
        nonlocal told
        if done == told:
            return
        told = done
        now, left = monotonic(), ""
        of = "" if total is None else f" of {total:,}"
        if first and total and first[1] < done < total:
            left = f", about {_time((now - first[0]) * (total - done) / (done - first[1]))} left"
        print(f"interp: {title}: {done:,}{of} {unit} in {_time(now - began)}{left}", file=sys.stderr, flush=True)

    def leave_out(count: int) -> None:
        nonlocal total
        total = None if total is None else total - count

    def advance(count: int) -> None:
        nonlocal done, said, first
        done += count
        now = monotonic()
        first = first or ((now, done) if done else None)
        if now - said >= (SOON if now - began < 120 else LATER):
            said = now
            tell()

    try:
        yield Advance(advance, leave_out)
    finally:
        if done or not late:
            tell()


def _time(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}" if whole >= 60 else f"{whole} s"
