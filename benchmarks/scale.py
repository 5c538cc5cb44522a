"""Store and probes from 1,000 to 100,000 synthetic samples: seconds per sample and peak memory, a process for each.

    python benchmarks/scale.py            # 1,000, 10,000 and 100,000 samples; about 1.4 GB of disk, given back
    python benchmarks/scale.py --quick    # 500, 2,000 and 8,000

*store*: batches of random bf16 vectors and float32 attention metrics go through `write_shards`, as capture's do.
*probe*, *attention*: `probe_grid` and `attention_grid` on what was stored, one worker, one BLAS thread.
Memory is the process's high-water mark (VmHWM, Linux) above what it held once everything was imported.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

import numpy as np
import torch

from interp.capturing.activations import Capture
from interp.capturing.attention import METRICS
from interp.capturing.positions import Positions
from interp.probing.attention_probe import attention_grid
from interp.probing.probes import probe_grid
from interp.runs.shards import write_shards
from interp.runs.stored import stored_capture

ROLES = ("last_q", "exact_answer_first", "-1")
LAYERS, HEADS, BATCH, RUN = 2, 8, 24, "scale"
GIGABYTE = 1e9
ONE_THREAD = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}


def memory(field: str) -> int:
    """Bytes of `VmRSS` (now) or `VmHWM` (high-water mark) of this process."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"no {field} in /proc/self/status")


def batch(start: int, n: int, width: int) -> Capture:
    """Samples `start` … `start + n - 1`: every second one is correct, which eight numbers of each vector hint at."""
    generator = torch.Generator().manual_seed(start)
    vectors = torch.randn(n, LAYERS + 1, len(ROLES), width, generator=generator)
    vectors[..., :8] += 0.5 * (torch.arange(start, start + n) % 2)[:, None, None, None]
    vectors = vectors.to(torch.bfloat16)
    attention = torch.rand(len(METRICS), n, LAYERS, HEADS, len(ROLES), generator=generator)
    return Capture(
        sites={"resid_post": vectors[:, 1:]},
        embed=vectors[:, 0],
        attention=dict(zip(METRICS, attention, strict=True)),
        valid=torch.ones(n, len(ROLES), dtype=torch.bool),
        index=torch.zeros(n, len(ROLES), dtype=torch.long),
        layers=tuple(range(LAYERS)),
        roles=ROLES,
        id=tuple(map(str, range(start, start + n))),
    )


def measured(task: str, n: int, width: int, folder: Path) -> dict[str, float]:
    """Run one task in this process; seconds and bytes."""
    if task != "store":
        index = torch.zeros(n, len(ROLES), dtype=torch.long)
        ones, span = torch.ones(n, dtype=torch.long), torch.zeros(n, 2, dtype=torch.long)
        positions = Positions(index, torch.ones_like(index, dtype=torch.bool), ROLES, ones, 2 * ones, span, span)
        cap = stored_capture(folder, tuple(map(str, range(n))), positions, run=RUN)
        y = np.arange(n) % 2
    before, started = memory("VmRSS"), perf_counter()
    if task == "store":
        starts = range(0, n, BATCH)

        def batches(skip: int) -> Iterator[tuple[list[int], Capture]]:
            for start in starts[skip:]:
                size = min(BATCH, n - start)
                yield list(range(start, start + size)), batch(start, size, width)

        write_shards(folder, batches, run=RUN, roles=ROLES)
    elif task == "probe":
        auc = probe_grid(cap, y, n_jobs=1)["auc"]
        assert float(auc.min()) > 0.55
    else:
        attention_grid(cap, y, n_jobs=1)
    return {"seconds": perf_counter() - started, "peak": memory("VmHWM") - before, "whole": memory("VmHWM")}


def in_process(task: str, n: int, width: int, folder: Path) -> dict[str, float]:
    command = [sys.executable, __file__, "--task", task, "--samples", str(n), "--width", str(width), "--folder", folder]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=os.environ | ONE_THREAD)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--width", type=int, help="numbers of a vector (default 512; quick: 128)")
    parser.add_argument("--task", help=argparse.SUPPRESS)
    parser.add_argument("--samples", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    width = args.width or (128 if args.quick else 512)
    if args.task:
        torch.set_num_threads(1)
        print(json.dumps(measured(args.task, args.samples, width, args.folder)))
        return
    sizes = (500, 2_000, 8_000) if args.quick else (1_000, 10_000, 100_000)
    found: dict[tuple[str, int], dict[str, float]] = {}
    print(f"{'task':<10} {'samples':>8} {'seconds':>9} {'ms/sample':>10} {'peak MB':>9} {'cells of float64':>17}")
    for n in sizes:
        with tempfile.TemporaryDirectory() as place:
            for task in ("store", "probe", "attention"):
                result = found[task, n] = in_process(task, n, width, Path(place) / "activations")
                cell = n * width * 8
                print(
                    f"{task:<10} {n:>8,} {result['seconds']:>9.1f} {1000 * result['seconds'] / n:>10.2f} "
                    f"{result['peak'] / 1e6:>9.0f} {result['peak'] / cell:>17.2f}"
                )
    small, middle, large = sizes
    bound = 4 * large * width * 8 + GIGABYTE
    figures = [
        (
            "store_peak_large_over_small",
            found["store", large]["whole"] / found["store", small]["whole"],
            1.05,
            f"{small}",
        ),
        ("probe_peak_over_4_cells_plus_1_gb", found["probe", large]["peak"] / bound, 1.0, "4 × n × d float64 + 1 GB"),
        ("attention_peak_over_4_cells_plus_1_gb", found["attention", large]["peak"] / bound, 1.0, "the same bound"),
    ]
    for task in ("store", "probe", "attention"):
        per_sample = [found[task, n]["seconds"] / n for n in (middle, large)]
        figures.append(
            (f"{task}_seconds_per_sample_large_over_middle", per_sample[1] / per_sample[0], 1.2, f"{middle}")
        )
    for figure, value, target, peer in figures:
        line = {"benchmark": "scale", "figure": figure, "value": round(value, 3), "target": target, "better": "lower"}
        print(json.dumps({**line, "peer": peer if "GB" in peer or "bound" in peer else f"{int(peer):,} samples"}))


if __name__ == "__main__":
    main()
