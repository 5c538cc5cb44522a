"""A transfer matrix against the probe grids that it rests on: CPU time, one BLAS thread, one worker on both sides.

    python benchmarks/transfer.py            # five runs of 500 samples, 19 layers x 15 roles, 640 columns, drawn
    python benchmarks/transfer.py --quick    # three runs of 120 samples, 4 x 5 cells, 64 columns

The grids are `probe_grid` of every run with its defaults (nested choice, intervals); the matrix comes with the AUC of
every pair in every cell, and with the rows of several runs. One turn of each: a grid takes minutes.
"""

import argparse

import numpy as np
import torch
from measuring import Figure, cost, one_thread, parser, print_figures, print_header, print_row, progress

from interp import ROLES, Answers, Capture, probe_grid, transfer

TARGET = 1.3


def drawn_run(number: int, n: int, layers: int, roles: tuple[str, ...], width: int) -> tuple[Capture, Answers]:
    """Correlated features (variances i⁻¹), a direction in them that all runs have, questions of its own."""
    rng = np.random.default_rng(number)
    y = rng.permutation(np.arange(n) % 2)
    mix = np.random.default_rng(99).standard_normal((width, width)).astype(np.float32) / np.sqrt(width)
    x = rng.standard_normal((n, layers, len(roles), width), dtype=np.float32)
    x *= np.arange(1, width + 1, dtype=np.float32) ** -0.5
    x[..., 0] += 0.5 * y[:, None, None]
    x = x @ mix
    names = [f"run {number}, question {i}" for i in range(n)]
    answers = Answers(
        id=names, question=names, group=names, prompt=names, prompt_ids=[[1]] * n, completion_ids=[[2]] * n,
        text=names, finish=["stop"] * n, logprobs=[[float(value)] for value in y + rng.standard_normal(n)],
        correct=[bool(label) for label in y], exact_answer=[*names], exact_answer_method=["candidates"] * n,
        exact_answer_tokens=[(1, 1)] * n, question_tokens=[None] * n, status=["ok"] * n,
    )  # fmt: skip
    valid = torch.ones(n, len(roles), dtype=torch.bool)
    cap = Capture(
        sites={"resid_post": torch.from_numpy(x)}, embed=torch.from_numpy(x[:, 0]), attention={}, valid=valid,
        index=valid.long(), layers=tuple(range(layers)), roles=roles, id=tuple(names),
    )  # fmt: skip
    return cap, answers


def arguments() -> argparse.ArgumentParser:
    options = parser(__doc__, quick="three runs of 120 samples, 4 x 5 cells, 64 columns")
    options.add_argument(
        "--layers", type=int, default=19, help="of the full benchmark, for a shorter one (default: 19)"
    )
    return options


def main() -> None:
    args = arguments().parse_args()
    one_thread()
    n_runs, n, layers, roles, width = (3, 120, 4, ROLES[:5], 64) if args.quick else (5, 500, args.layers, ROLES, 640)
    runs = {f"run {k}": drawn_run(k, n, layers, roles, width) for k in range(n_runs)}
    progress("the grids")
    grids, _ = cost(lambda: [probe_grid(cap, answers, n_jobs=1) for cap, answers in runs.values()])
    progress(f"  {grids.cpu:.0f} s; the matrix")
    matrix, found = cost(lambda: transfer(runs, n_jobs=1))
    assert np.isfinite(found["grid_auc"]).all()
    print_header("", "CPU s", "clock s")
    print_row(f"{n_runs} probe grids of {layers} x {len(roles)} cells", f"{grids.cpu:.1f}", f"{grids.clock:.1f}")
    print_row(f"{n_runs} x {n_runs} transfer matrix", f"{matrix.cpu:.1f}", f"{matrix.clock:.1f}")
    peer = "probe_grid of every run, with its defaults"
    ratio = matrix.cpu / grids.cpu
    target = None if args.quick else TARGET  # so few cells that the rows of several runs are most of it
    print_figures("transfer", [Figure("CPU time of matrix / grids", ratio, peer, better="lower", target=target)])


if __name__ == "__main__":
    main()
