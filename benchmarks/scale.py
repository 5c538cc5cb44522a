"""Capture, store, resume and probes from 1,000 to 100,000 samples: time and peak memory, each in a process of its own.

    python benchmarks/scale.py            # 1,000, 10,000 and 100,000 samples; about 1.3 GB of disk, given back
    python benchmarks/scale.py --quick    # 300 and 1,200 of half the width, the steps of one size in one process

A random Llama of two layers captures samples of 12 random tokens at two roles and writes them to shards (*capture*).
The last shard loses its marker, and the run goes on (*resume*): the same bytes must come back. Then `probe_grid`
(*probe*) and `attention_grid` (*attention*) read the folder; a sample is right if the id of its exact answer, one of
64, is even.
One worker, one BLAS thread. Memory is the process's high-water mark during the step (VmHWM, Linux, set back when the
step begins) above what it held then, with everything imported and the samples, or the model, in memory.
"""

import argparse
import json
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from drawn_samples import random_llama
from measuring import (
    Figure,
    cost,
    forget_peak,
    in_own_processes,
    memory,
    one_thread,
    parser,
    print_figures,
    print_header,
    print_row,
)

import interp
from interp.capturing.capture_unit import CaptureUnit
from interp.capturing.forward_pass import capture_plan
from interp.capturing.positions import Positions
from interp.engines.units import Local
from interp.grids.attention_probe import attention_grid
from interp.grids.probes import probe_grid
from interp.labelling.answers import Answers
from interp.storing.shard_files import finished_shards
from interp.storing.shards import write_shards
from interp.storing.stored_capture import stored_capture
from interp.support.heap import give_back

ROLES = ("exact_answer_first", "-1")
LAYERS, HEADS, PROMPT, COMPLETION, BATCH_TOKENS, RUN = 2, 8, 8, 4, 8192, "scale"
GIGABYTE, MEGABYTE = 1e9, 1e6
TASKS = ("capture", "resume", "probe", "attention")


def drawn(n: int) -> tuple[Answers, Positions]:
    """Samples of random tokens; the exact answer is the second token of the completion."""
    random = np.random.default_rng(0).integers(5, 700, (n, PROMPT + COMPLETION))
    random[:, PROMPT + 1] = 5 + random[:, PROMPT + 1] % 64  # few enough for a probe to learn which are even
    tokens = random.tolist()
    ids: Any = list(map(str, range(n)))
    nothing: Any = [None] * n
    answers = Answers(
        id=ids,
        question=ids,
        group=ids,
        prompt=ids,
        prompt_ids=[sample[:PROMPT] for sample in tokens],
        completion_ids=[sample[PROMPT:] for sample in tokens],
        text=ids,
        finish=["stop"] * n,
        logprobs=nothing,
        correct=[sample[PROMPT + 1] % 2 == 0 for sample in tokens],
        exact_answer=ids,
        exact_answer_method=["row"] * n,
        exact_answer_tokens=[(PROMPT + 1, PROMPT + 1)] * n,
        question_tokens=nothing,
        status=["ok"] * n,
    )
    return answers, interp.resolve_positions(answers, roles=ROLES)


def measured(task: str, n: int, width: int, folder: Path) -> dict[str, float]:
    """Run one task in this process; seconds and bytes."""
    model = random_llama(LAYERS, width, HEADS, mlp=2) if task in ("capture", "resume") else None
    imported = memory("VmRSS")
    answers, positions = drawn(n)
    sums: list[str] = []
    cap: Any = None
    if task == "resume":
        shards = finished_shards(folder)
        sums = [shard.sha256 for shard in shards]
        (folder / f"shard-{len(shards) - 1:05}.json").unlink()
    elif model is None:
        cap = stored_capture(folder, tuple(answers.id), positions, run=RUN)

    def step() -> None:
        if model is not None:
            plan = capture_plan(model, answers, positions, batch_tokens=BATCH_TOKENS)
            write_shards(
                folder,
                [len(batch) for batch in plan.batches],
                partial(CaptureUnit.of, answers, positions, plan, ("resid_post",)),
                run=RUN,
                roles=ROLES,
                engine=Local(model),
            )
        elif task == "probe":
            assert float(probe_grid(cap, answers.correct, n_jobs=1)["auc"].max()) > 0.6
        else:
            attention_grid(cap, answers.correct, n_jobs=1)

    give_back()  # what drawing the samples left free is no room for the step
    forget_peak()
    before = memory("VmRSS")
    spent, _ = cost(step)
    if task == "resume":
        assert [shard.sha256 for shard in finished_shards(folder)] == sums
    times = {"seconds": spent.clock, "cpu": spent.cpu}
    return {**times, "peak": memory("VmHWM") - before, "samples": before - imported, "whole": memory("VmHWM")}


def arguments() -> argparse.ArgumentParser:
    options = parser(__doc__, quick="300 and 1,200 samples of half the width, one process for the steps of one size")
    options.add_argument("--width", type=int, help="width of the model (default 256; quick: 128)")
    options.add_argument("--task", nargs="+", help=argparse.SUPPRESS)
    options.add_argument("--samples", type=int, help=argparse.SUPPRESS)
    options.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    return options


def main() -> None:
    args = arguments().parse_args()
    one_thread()
    width = args.width or (128 if args.quick else 256)
    if args.task:
        print(json.dumps([measured(task, args.samples, width, args.folder) for task in args.task]))
        return
    sizes = (300, 1_200) if args.quick else (1_000, 10_000, 100_000)
    found: dict[tuple[str, int], dict[str, float]] = {}
    print_header("step", "samples", "seconds", "CPU ms a sample", "step, MB", "samples, MB", "all, MB")
    for n in sizes:
        with tempfile.TemporaryDirectory() as place:
            given = ("--samples", n, "--width", width, "--folder", Path(place) / "activations")
            results = in_own_processes(__file__, "--task", TASKS, *given, together=args.quick)
            for task, result in zip(TASKS, results, strict=True):
                found[task, n] = result
                sizes_in_mb = (f"{result[what] / MEGABYTE:,.0f}" for what in ("peak", "samples", "whole"))
                times = (f"{result['seconds']:.1f}", f"{1000 * result['cpu'] / n:.2f}")
                print_row(task, f"{n:,}", *times, *sizes_in_mb)
    small, middle, large = sizes[0], sizes[-2], sizes[-1]

    def without_samples(n: int) -> float:
        return found["capture", n]["whole"] - found["capture", n]["samples"]

    bound = 4 * large * width * 8 + GIGABYTE
    growth = without_samples(large) / without_samples(small)
    figures = [Figure("capture_peak_large_over_small", growth, f"{small:,} samples", "lower", 1.05)]
    for task in ("probe", "attention"):
        share = found[task, large]["peak"] / bound
        figures.append(Figure(f"{task}_peak_over_bound", share, "4 × n × d float64 + 1 GB", "lower", 1.0))
    for task in ("capture", "probe", "attention"):
        one, other = (found[task, n]["cpu"] / n for n in (middle, large))
        name = f"{task}_cpu_per_sample_large_over_middle"
        figures.append(Figure(name, other / one, f"{middle:,} samples", "lower", 1.2))
    print_figures("scale", figures)


if __name__ == "__main__":
    main()
