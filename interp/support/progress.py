"""Progress bars on standard error, one line per stage."""

import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

Advance = Callable[[int], None]


def say(sentences: Iterable[str]) -> None:
    """What a user has to know while a run goes on, on standard error."""
    for sentence in sentences:
        print(f"interp: {sentence}", file=sys.stderr)


def announce(notes: Sequence[str], *, progress: bool) -> None:
    """What a user has to know before a run begins: on standard error beside a progress bar, else as warnings."""
    if progress:
        say(notes)
    else:
        for note in notes:
            warnings.warn(note, stacklevel=3)


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
        progress = Progress(*columns, console=Console(stderr=True))
        task = progress.add_task(title, total=total)
        if not late:
            shown.enter_context(progress)

        def advance(count: int) -> None:
            if not progress.live.is_started:
                shown.enter_context(progress)
            progress.update(task, advance=count)

        yield advance
