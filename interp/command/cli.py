"""The program `interp`: a command's status, and one line where it fails or is stopped, even before all is imported."""

import atexit
import gc
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import current_thread, main_thread
from typing import TYPE_CHECKING, Any

from interp.errors import InterpError, visible

if TYPE_CHECKING:
    from argparse import Namespace
    from pathlib import Path

INTERRUPTED = 130
AGAIN = "; give the same command again"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; 0: done, 2: an error that the user can mend (one sentence on standard error)."""
    args = None
    try:
        with _left_at_once():
            from interp.command.commands import command_parser
            from interp.command.output import any_character
            from interp.support.heap import seldom_collected

            any_character()
            atexit.register(gc.freeze)  # else Python ends by looking through a million objects again, for seconds
            args = command_parser().parse(sys.argv[1:] if argv is None else argv)
        if current_thread() is main_thread():  # a scheduler's SIGTERM ends as Ctrl-C does: with the way to go on
            signal.signal(signal.SIGTERM, signal.default_int_handler)
        with seldom_collected():
            return int(args.command(args) or 0)
    except InterpError as error:
        print(f"interp: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(visible(f"\ninterp: stopped{_way_on(args)}"), file=sys.stderr)
        return INTERRUPTED


@contextmanager
def _left_at_once() -> Iterator[None]:
    """While nothing is begun, Ctrl-C and SIGTERM end the process itself: an import may lose an exception."""
    before: dict[signal.Signals, Any] = {}
    if current_thread() is main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            if signal.getsignal(number) is not signal.SIG_IGN:  # as a shell has it for what works in the background
                before[number] = signal.signal(number, _leave)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _leave(*_: object) -> None:
    os.write(2, f"\ninterp: stopped{AGAIN}\n".encode())
    os._exit(INTERRUPTED)


def _way_on(args: "Namespace | None") -> str:
    """How to go on after a stop, where the command worked on the folder of a run."""
    from interp.runs.run_folder import RunFolder, going_on, read_run_json

    out: Path | None = getattr(args, "out", None)
    if out is None or getattr(args, "shard", None):  # no other command goes on with the task of an array
        return AGAIN
    try:
        record = read_run_json(RunFolder(out))
    except InterpError:  # nothing is begun, or not joined yet
        return AGAIN
    if record["state"] == "done":
        return AGAIN
    return f"; go on with: {going_on(record, out)}"


if __name__ == "__main__":
    sys.exit(main())
