"""Half an hour of runs with injected faults: nothing is lost, every result is the unbroken one, no memory grows.

    python benchmarks/soak.py --minutes 30    # docs/fuzzing_and_soak.md
    python benchmarks/soak.py --quick         # one run for every fault

A run of the embedded model is broken off by one to three faults drawn from a seed, each in a process of its own, gone
on with as the messages say, and compared file by file with a run that nothing happened to. After each, one process that
lives through the whole soak makes an unbroken run: what it holds then is its memory, of which the slope over the runs
after the first `WARM_UP` is printed.
"""

import argparse
import hashlib
import multiprocessing
import os
import shutil
import tempfile
import warnings
from collections import Counter
from multiprocessing.connection import Connection
from pathlib import Path
from time import monotonic

import numpy as np
from measuring import NO_PEER, Figure, memory, one_thread, parser, print_figures, print_header, print_row, progress
from soak_faults import Soak, child, ended, session

import interp
import interp.running.pipeline
import interp.storing.shards
from interp import demo

OF_THE_SESSION = {"run.json", "report.html"}
"""Files that say when a run was made, and how often it was resumed."""
WARM_UP = 5


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
