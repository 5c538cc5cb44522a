"""What bfloat16 changes on the CPU: the answers of the embedded model, and every AUC of both grids.

    python benchmarks/precision.py            # 200 questions, fifteen positions
    python benchmarks/precision.py --quick    # 60 questions, two positions

The peer is float32: once on its own answers, so that only the states differ, and once each with its own answers.
"""

import argparse
from typing import Any

import numpy as np
import xarray as xr
from flow import recipe
from measuring import Figure, one_thread, parser, print_figures, print_header, print_row, progress

import interp

EXACT, ROUNDED, PEER = "float32", "bfloat16", "the same in float32"
Grids = dict[str, xr.Dataset]


def arguments() -> argparse.ArgumentParser:
    return parser(__doc__, quick="60 questions, two positions")


def grids(model: Any, answers: interp.Answers, roles: tuple[str, ...]) -> Grids:
    """Both grids of some answers, read by this model."""
    progress(f"capturing in {model.cfg.dtype}")
    cap = interp.capture(model, answers, interp.resolve_positions(answers, roles=roles))
    return {
        "probe": interp.probe_grid(cap, answers.correct, answers.group, nested=False),
        "attention": interp.attention_grid(cap, answers.correct, answers.group),
    }


def largest_difference(one: xr.Dataset, other: xr.Dataset) -> float:
    """Of an AUC, over the cells that are defined in both."""
    return float(np.nanmax(np.abs((one["auc"] - other["auc"]).values)))


def half_width(grid: xr.Dataset) -> float:
    """Of the 95 % intervals, the mean over cells: what a difference is to be seen against."""
    return float((grid["high"] - grid["low"]).mean()) / 2


def main() -> None:
    args = arguments().parse_args()
    one_thread()
    limit, roles = (60, ("last_q", "exact_answer_last")) if args.quick else (200, interp.ROLES)
    source, options = recipe()
    rows = interp.load_rows(options.pop("data"), limit=limit)
    models = {dtype: interp.load_model(source, dtype=dtype) for dtype in (EXACT, ROUNDED)}
    answers = {dtype: interp.generate_answers(model, rows, **options) for dtype, model in models.items()}
    same = sum(map(list.__eq__, answers[EXACT].completion_ids, answers[ROUNDED].completion_ids))
    exact = grids(models[EXACT], answers[EXACT], roles)
    rounded = {
        "the answers of float32": grids(models[ROUNDED], answers[EXACT], roles),
        "each with its own answers": grids(models[ROUNDED], answers[ROUNDED], roles),
    }
    figures = [Figure("share of answers of the same tokens", same / len(rows), PEER, "higher")]
    print_header(f"{same} of {len(rows)} answers are the same tokens", *exact)
    for what, found in rounded.items():
        differences = {name: largest_difference(exact[name], grid) for name, grid in found.items()}
        print_row(f"largest difference of an AUC, {what}", *(f"{value:.3f}" for value in differences.values()))
        figures += [
            Figure(f"{name} grid, {what}: largest difference", d, PEER, "lower") for name, d in differences.items()
        ]
    print_row("mean half-width of an interval", *(f"{half_width(grid):.3f}" for grid in exact.values()))
    print_figures("precision", figures)


if __name__ == "__main__":
    main()
