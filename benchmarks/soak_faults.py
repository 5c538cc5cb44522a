"""The faults of `soak.py`: what happens to a run, and what is done about it, as its messages say."""

import errno
import os
import random
import shutil
import signal
import sys
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from time import sleep
from typing import Any

import interp
from interp import demo
from interp.errors import InterpError

OPTIONS: dict[str, Any] = {
    "data": demo.questions_path(),
    "prompt_template": demo.PROMPT_TEMPLATE,
    "max_new_tokens": 24,
    "limit": 32,
    "batch_tokens": 600,
    "roles": ("last_q", "exact_answer_last", "-1"),
    "permutations": 0,
    "controls": False,
}
REFUSED, STOPPED = 3, 4
"""Exit statuses of a child that was refused by an error of ours, and that stopped at a full disk."""


def session(out: Path) -> None:
    """A run in that folder, from its beginning or from where it stands."""
    if (out / "run.json").exists():
        interp.resume(out, n_jobs=1)
    else:
        interp.run(model=demo.model_path(), out=out, n_jobs=1, **OPTIONS)


def child(action: Callable[[], None]) -> int:
    """The id of a process that does it, and ends with 0, with `REFUSED` for an error of ours, or with 1."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that a process with threads forks
        pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        action()
        status = 0
    except InterpError as error:
        status = STOPPED if "No space left" in str(error) else REFUSED
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def ended(pid: int) -> int:
    """Its exit status, or -signal."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def full_disk(at: int) -> None:
    """From the `at`-th time on that this process puts a file on the disk, the disk is full."""
    whole, left = os.fsync, at

    def full(descriptor: int) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        whole(descriptor)

    os.fsync = full  # type: ignore[assignment]


def flip(path: Path, rng: random.Random) -> None:
    """One bit of a file."""
    content = bytearray(path.read_bytes())
    content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    path.write_bytes(content)


class Soak:
    """The faults, each a method that returns what became of the processes, as a word to be counted."""

    def __init__(self, seed: int, whole: float) -> None:
        self.rng, self.whole = random.Random(seed), whole
        self.lost: list[str] = []

    def killed(self, out: Path, number: int = signal.SIGKILL, between: tuple[float, float] = (0.01, 1.1)) -> str:
        """At a moment drawn from a part of the time that a whole run takes."""
        pid = child(lambda: session(out))
        sleep(self.whole * self.rng.uniform(*between))
        os.kill(pid, number)
        status = ended(pid)
        if status not in (0, -number):
            self.lost.append(f"{out}: status {status} after signal {number}")
        return "died" if status else "was done before"

    def terminated(self, out: Path) -> str:
        return self.killed(out, signal.SIGTERM)

    def full(self, out: Path) -> str:
        at = self.rng.randrange(30)

        def act() -> None:
            full_disk(at)
            session(out)

        status = ended(child(act))
        if status not in (0, STOPPED):
            self.lost.append(f"{out}: status {status} on a full disk")
        return "refused in a sentence" if status else "was done before"

    def flipped_shard(self, out: Path) -> str:
        """A flipped bit of any shard: `verify` names it, and what its sentence says to do is done."""
        self.killed(out, between=(0.3, 1.1))
        shards = sorted((out / "activations").glob("*.safetensors")) if (out / "activations").exists() else []
        shards = [path for path in shards if path.with_suffix(".json").exists()]
        if not shards:
            return "nothing to flip yet"
        broken = self.rng.choice(shards)
        flip(broken, self.rng)
        problems = interp.open_run(out).verify()
        if len(problems) != 1 or not problems[0].startswith(f"{broken}: damaged"):
            self.lost.append(f"{broken}: a flipped bit, and verify said {problems}")
        state = interp.open_run(out).record["state"]
        if state in ("reporting", "done"):  # nothing is captured any more: a finished run is restored, or made anew
            shutil.rmtree(out)
            return "found; run made anew"
        for path in (broken, broken.with_suffix(".json")):
            path.unlink()
        return "found; shard removed"

    def flipped_log(self, out: Path) -> str:
        """A flipped bit of the answers so far: that line is answered again, or the log is named and removed."""
        self.killed(out, between=(0.03, 0.4))
        log = out / "answers.partial.jsonl"
        if not log.exists():
            return "nothing to flip"
        flip(log, self.rng)
        if status := ended(child(lambda: session(out))):
            if status != REFUSED:
                self.lost.append(f"{out}: status {status} after a flipped bit of its answers")
            log.unlink(missing_ok=True)
        return "refused; log removed" if status else "answered again"

    def two(self, out: Path) -> str:
        """Two processes at one folder: one works, the other is refused, or finds the run done."""
        pids = [child(lambda: session(out)) for _ in range(2)]
        statuses = sorted(map(ended, pids))
        if statuses not in ([0, 0], [0, REFUSED]):
            self.lost.append(f"{out}: two processes ended with {statuses}")
        return "one refused" if statuses[1] else "one after the other"

    FAULTS = (killed, terminated, full, flipped_shard, flipped_log, two)
