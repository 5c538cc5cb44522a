"""Half an hour of runs with injected faults: nothing is lost, every result is the unbroken one, no memory grows.

    python benchmarks/soak.py --minutes 30    # docs/fuzzing_and_soak.md
    python benchmarks/soak.py --quick         # one run for every fault

A run of the embedded model is broken off by one to three faults drawn from a seed, each in a process of its own, gone
on with as the messages say, and compared file by file with a run that nothing happened to. After each, one process that
lives through the whole soak makes an unbroken run: what it holds then is its memory, of which the slope over the runs
after the first `WARM_UP` is printed.
"""

import argparse
import errno
import hashlib
import multiprocessing
import os
import random
import shutil
import signal
import sys
import tempfile
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import numpy as np
from measuring import NO_PEER, Figure, memory, one_thread, parser, print_figures, print_header, print_row, progress

import interp
import interp.running.pipeline
import interp.storing.shards
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
OF_THE_SESSION = {"run.json", "report.html"}
"""Files that say when a run was made, and how often it was resumed."""
WARM_UP = 5
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
        """A flipped bit of the answers so far: the line is lost, and answered again."""
        self.killed(out, between=(0.03, 0.4))
        log = out / "answers.partial.jsonl"
        if not log.exists():
            return "nothing to flip"
        flip(log, self.rng)
        return "flipped"

    def two(self, out: Path) -> str:
        """Two processes at one folder: one works, the other is refused, or finds the run done."""
        pids = [child(lambda: session(out)) for _ in range(2)]
        statuses = sorted(map(ended, pids))
        if statuses not in ([0, 0], [0, REFUSED]):
            self.lost.append(f"{out}: two processes ended with {statuses}")
        return "one refused" if statuses[1] else "one after the other"

    FAULTS = (killed, terminated, full, flipped_shard, flipped_log, two)


def contents(out: Path) -> dict[str, str]:
    """SHA-256 of every file that must not depend on what happened."""
    paths = [path for path in sorted(out.rglob("*")) if path.is_file() and path.name not in OF_THE_SESSION]
    return {str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def long_lived(pipe: Connection, folder: Path) -> None:
    """A process that makes one run whenever it is asked to, and says what it holds then."""
    while pipe.recv():
        out = folder / "long-lived"
        session(out)
        pipe.send((memory("VmRSS"), contents(out)))
        shutil.rmtree(out)


def slope(held: list[int]) -> float:
    """KiB a run, by least squares over the runs after those that warm up."""
    after = np.array(held[min(WARM_UP, len(held) // 2) :]) / 1024
    return float(np.polyfit(np.arange(len(after)), after, 1)[0]) if len(after) > 1 else 0.0


def arguments() -> argparse.ArgumentParser:
    options = parser(__doc__, quick="one run for every fault")
    options.add_argument("--minutes", type=float, default=30)
    options.add_argument("--seed", type=int, default=0)
    return options


def main() -> None:
    args = arguments().parse_args()
    one_thread()
    os.environ.setdefault("MPLBACKEND", "agg")
    model = interp.load_model(demo.model_path())
    interp.running.pipeline.load_settings_model = lambda *_: model  # type: ignore[attr-defined]
    interp.storing.shards.SHARD_SAMPLES = 8
    counts: Counter[tuple[str, str]] = Counter()
    held: list[int] = []
    differing: list[str] = []
    runs = resumed = 0
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        started = monotonic()
        if ended(child(lambda: session(folder / "unbroken"))):
            raise SystemExit("the unbroken run failed")
        soak, expected = Soak(args.seed, monotonic() - started), contents(folder / "unbroken")
        pipe, other = multiprocessing.Pipe()
        living = multiprocessing.get_context("fork").Process(target=long_lived, args=(other, folder), daemon=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            living.start()
        started = monotonic()
        while runs < len(Soak.FAULTS) if args.quick else monotonic() - started < 60 * args.minutes:
            out = folder / f"run-{runs}"
            first = Soak.FAULTS[runs % len(Soak.FAULTS)]
            drawn = [first] + [soak.rng.choice(Soak.FAULTS) for _ in range(0 if args.quick else soak.rng.randrange(3))]
            for fault in drawn:
                counts[fault.__name__, fault(soak, out)] += 1
                resumed += 1
            if status := ended(child(lambda out=out: session(out))):  # type: ignore[misc]
                soak.lost.append(f"{out}: could not be finished (status {status})")
            elif wrong := sorted(name for name, _ in contents(out).items() ^ expected.items()):
                differing.append(f"{[fault.__name__ for fault in drawn]}: {', '.join(dict.fromkeys(wrong))}")
            shutil.rmtree(out, ignore_errors=True)
            runs += 1
            pipe.send(True)
            rss, made = pipe.recv()
            held.append(rss)
            if made != expected:
                differing.append("the long-lived process made another result")
            progress(f"{runs} runs, {len(soak.lost)} lost, {len(differing)} differing, {rss >> 20} MiB")
        pipe.send(False)
        living.join()
    for said in (*soak.lost, *differing):
        progress(said)
    print_header("fault", "what became of it", "times")
    for (name, what), times in sorted(counts.items()):
        print_row(name.replace("_", " "), what, times)
    print_figures(
        "soak",
        [
            Figure("runs broken off and finished", runs, NO_PEER),
            Figure("faults", resumed, NO_PEER),
            Figure("runs lost", len(soak.lost), NO_PEER, "lower", 0),
            Figure("runs that differ from the unbroken one", len(differing), "the unbroken run", "lower", 0),
            Figure("memory of a process after its last run (MiB)", held[-1] / 2**20, NO_PEER),
            Figure("growth of it (KiB a run)", slope(held), NO_PEER, "lower", 64),
        ],
    )


if __name__ == "__main__":
    main()
