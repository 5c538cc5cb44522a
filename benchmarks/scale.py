"""Capture, store, resume and probes from 1,000 to 100,000 samples: time and peak memory, each in a process of its own.

    python benchmarks/scale.py            # 1,000, 10,000 and 100,000 samples; about 1.3 GB of disk, given back
    python benchmarks/scale.py --quick    # 500, 2,000 and 8,000

A random Llama of two layers captures samples of 12 random tokens at two roles and writes them to shards (*capture*).
The last shard loses its marker, and the run goes on (*resume*): the same bytes must come back. Then `probe_grid`
(*probe*) and `attention_grid` (*attention*) read the folder; a sample is right if the id of its exact answer, one of
64, is even.
One worker, one BLAS thread. Memory is the process's high-water mark during the step (VmHWM, Linux, set back when the
step begins) above what it held then, with everything imported and the samples, or the model, in memory.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np
import torch

import interp
from interp import demo
from interp.answering.answers import Answers
from interp.capturing.activations import capture_batches
from interp.capturing.positions import Positions
from interp.heap import give_back
from interp.probing.attention_probe import attention_grid
from interp.probing.probes import probe_grid
from interp.runs.shards import write_shards
from interp.runs.store import finished_shards
from interp.runs.stored import stored_capture

ROLES = ("exact_answer_first", "-1")
LAYERS, HEADS, PROMPT, COMPLETION, BATCH_TOKENS, RUN = 2, 8, 8, 4, 8192, "scale"
GIGABYTE = 1e9
ONE_THREAD = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}


def memory(field: str) -> int:
    """Bytes of `VmRSS` (now) or `VmHWM` (high-water mark) of this process."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"no {field} in /proc/self/status")


def random_model(width: int) -> Any:
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    tokenizer = AutoTokenizer.from_pretrained(demo.model_path())
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=width,
        intermediate_size=2 * width,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        attn_implementation="eager",
    )
    return interp.load_model(LlamaForCausalLM(config), tokenizer=tokenizer)


def drawn(n: int) -> tuple[Answers, Positions]:
    """Samples of random tokens; the exact answer is the second token of the completion."""
    random = np.random.default_rng(0).integers(5, 2_000, (n, PROMPT + COMPLETION))
    random[:, PROMPT + 1] = 5 + random[:, PROMPT + 1] % 64  # few enough for a probe to learn which are even
    tokens = random.tolist()
    ids, nothing = list(map(str, range(n))), [None] * n
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
    model = random_model(width) if task in ("capture", "resume") else None
    imported = memory("VmRSS")
    answers, positions = drawn(n)
    sums = []
    if task == "resume":
        shards = finished_shards(folder)
        sums = [shard.sha256 for shard in shards]
        (folder / f"shard-{len(shards) - 1:05}.json").unlink()
    elif model is None:
        cap = stored_capture(folder, tuple(answers.id), positions, run=RUN)
    give_back()  # what drawing the samples left free is no room for the step
    Path("/proc/self/clear_refs").write_text("5")
    before, started, worked = memory("VmRSS"), perf_counter(), process_time()
    if model is not None:
        write_shards(
            folder,
            lambda skip: capture_batches(model, answers, positions, batch_tokens=BATCH_TOKENS, skip=skip),
            run=RUN,
            roles=ROLES,
        )
    elif task == "probe":
        assert float(probe_grid(cap, answers.correct, n_jobs=1)["auc"].max()) > 0.6
    else:
        attention_grid(cap, answers.correct, n_jobs=1)
    times = {"seconds": perf_counter() - started, "cpu": process_time() - worked}
    if task == "resume":
        assert [shard.sha256 for shard in finished_shards(folder)] == sums
    return {**times, "peak": memory("VmHWM") - before, "samples": before - imported, "whole": memory("VmHWM")}


def in_process(task: str, n: int, width: int, folder: Path) -> dict[str, float]:
    command = [sys.executable, __file__, "--task", task, "--samples", str(n), "--width", str(width), "--folder", folder]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=os.environ | ONE_THREAD)
    return json.loads(done.stdout.splitlines()[-1])


TASKS = ("capture", "resume", "probe", "attention")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--width", type=int, help="width of the model (default 256; quick: 128)")
    parser.add_argument("--task", help=argparse.SUPPRESS)
    parser.add_argument("--samples", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    width = args.width or (128 if args.quick else 256)
    if args.task:
        torch.set_num_threads(1)
        print(json.dumps(measured(args.task, args.samples, width, args.folder)))
        return
    sizes = (500, 2_000, 8_000) if args.quick else (1_000, 10_000, 100_000)
    found: dict[tuple[str, int], dict[str, float]] = {}
    print(f"{'task':<10} {'samples':>8} {'seconds':>9} {'CPU ms':>9} {'peak MB':>9} {'samples MB':>11} {'all MB':>8}")
    for n in sizes:
        with tempfile.TemporaryDirectory() as place:
            for task in TASKS:
                result = found[task, n] = in_process(task, n, width, Path(place) / "activations")
                print(
                    f"{task:<10} {n:>8,} {result['seconds']:>9.1f} {1000 * result['cpu'] / n:>9.3f} "
                    f"{result['peak'] / 1e6:>9.0f} {result['samples'] / 1e6:>11.1f} {result['whole'] / 1e6:>8.0f}",
                    flush=True,
                )
    small, middle, large = sizes

    def without_samples(n: int) -> float:
        return found["capture", n]["whole"] - found["capture", n]["samples"]

    bound = 4 * large * width * 8 + GIGABYTE
    figures = [("capture_peak_large_over_small", without_samples(large) / without_samples(small), 1.05, f"{small:,}")]
    for task in ("probe", "attention"):
        figures.append((f"{task}_peak_over_bound", found[task, large]["peak"] / bound, 1.0, "4 × n × d float64 + 1 GB"))
    for task in ("capture", "probe", "attention"):
        per_sample = [found[task, n]["cpu"] / n for n in (middle, large)]
        figures.append((f"{task}_cpu_per_sample_large_over_middle", per_sample[1] / per_sample[0], 1.2, f"{middle:,}"))
    for figure, value, target, peer in figures:
        line = {"benchmark": "scale", "figure": figure, "value": round(value, 3), "target": target, "better": "lower"}
        print(json.dumps({**line, "peer": peer if "GB" in peer else f"{peer} samples"}, ensure_ascii=False))


if __name__ == "__main__":
    main()
