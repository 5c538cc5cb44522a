"""The results of Orgad et al. (2025), sections 3 to 6, on a small real model: what holds there and what does not.

    python benchmarks/replication.py --data DIR --keep runs    # Gemma 3 270M; DIR holds the published question files
    python benchmarks/replication.py --quick                   # the embedded model, few questions

Runs that `--keep` already holds are read, not made again. Without --data only the cities of examples/ are asked. The
tables, in this order: the runs; detectors of wrong answers; probes of one run on another; error types; choices.
"""

import argparse
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from flow import EXAMPLES, recipe
from measuring import Figure, one_thread, parser, print_figures, print_header, print_row, progress

import interp
from interp.command.option_values import template_text

PUBLISHED = {"winobias": "winobias_dev.csv", "winogrande": "winogrande_train.csv", "movies": "movie_qa_train.csv"}
"""{data set: its file}; its prompt stands in examples/."""
LIMIT = 1500
DRAWS = {"samples_per_question": 10, "temperature": 1.0, "greedy_too": True, "limit": 250}
LEAN = {"permutations": 0, "controls": False}
SHOWN = (
    *("logprob_mean", "exact_logprob_mean", "exact_logprob_min", "exact_entropy_mean", "p_true", "exact_p_true"),
    *("lookback_lens", "mean_difference", "ccs", "probe", "best_baseline", "baseline_and_probe"),
)


def arguments() -> argparse.ArgumentParser:
    options = parser(__doc__, quick="the embedded model, few questions")
    options.add_argument("--data", type=Path, metavar="DIR", help="folder of the published question files")
    options.add_argument("--keep", type=Path, metavar="DIR", help="keep the run folders here")
    options.add_argument("--no-model", action="store_true", help="no P(True), whose passes take longest")
    return options


def recipes(args: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """{name: options of the run}; one of them draws several answers to each question."""
    model, options = recipe(gemma=not args.quick)
    options = {"model": model, **options}
    if args.quick:
        drawn = DRAWS | {"samples_per_question": 3, "limit": 30}
        options |= {"roles": ("last_q", "exact_answer_last")}
        return {"first": {**options, "limit": 60}, "second": {**options, "limit": 90}, "drawn": options | drawn}
    asked: Mapping[str, str] = {} if args.data is None else PUBLISHED
    published = {
        name: options
        | {
            "dataset": name,
            "data": args.data / file,
            "prompt_template": template_text(EXAMPLES / f"{name}_prompt.txt"),
            "limit": LIMIT,
        }
        for name, file in asked.items()
    }
    return {"cities": options, **published, "cities, drawn": options | DRAWS}


def main() -> None:
    args = arguments().parse_args()
    one_thread()
    with tempfile.TemporaryDirectory() as folder:
        runs = dict(made(recipes(args), args.keep or Path(folder)))
        figures = [*runs_table(runs)]
        drawn = runs.popitem()[1] if "drawn" in list(runs)[-1] else None
        usable = {
            name: run
            for name, run in runs.items()
            if isinstance(run, interp.Run) and np.isfinite(run.probe["auc"]).any()
        }
        figures += [
            figure for name, run in usable.items() for figure in detectors_table(name, run, model=not args.no_model)
        ]
        if len(usable) > 1:
            transfer_table(interp.transfer(usable))
        if isinstance(drawn, interp.Run):
            types_table(interp.error_types(drawn, permutations=0))
            choices_table(interp.choose_answers(drawn))
        print_figures("replication", figures)


def made(recipes: Mapping[str, dict[str, Any]], folder: Path) -> Iterator[tuple[str, interp.Run | str]]:
    """Every run by its name; where there are too few right or wrong answers to probe, the sentence that says so."""
    for name, options in recipes.items():
        out = folder / name.replace(", ", "-")
        progress(name)
        try:
            yield name, interp.resume(out) if (out / "run.json").exists() else interp.run(out=out, **LEAN | options)
        except interp.InterpError as error:
            yield name, str(error)


def runs_table(runs: Mapping[str, interp.Run | str]) -> Iterator[Figure]:
    print_header("run", "answers", "right", "in the grid", "best cell, nested", "where")
    for name, run in runs.items():
        if isinstance(run, str):
            print_row(name, run, "", "", "", "")
            continue
        best, right = interp.compare_grids(run.probe, run.attention).best["probe"], run.answers.correct.count(True)
        share, population = f"{right / len(run.answers):.1%}", run.probe.sizes["sample"]
        if best["cell"] is None:
            print_row(name, len(run.answers), share, population, f"none: {int(run.probe['y'].sum())} right", "")
            continue
        cell = f"layer {best['cell']['layer']}, `{best['cell']['token']}`"
        print_row(name, len(run.answers), share, population, interval(best["nested"]), cell)
        yield Figure(f"{name}: nested AUC", best["nested"]["value"], "none: an absolute number", "higher")
    print()


def detectors_table(name: str, run: interp.Run, *, model: bool) -> Iterator[Figure]:
    found = interp.detectors(run, model=None if model else False)
    print_header(f"detector, {name}", "AUC", "probe minus it", "q")
    for one in SHOWN:
        row = found.sel(detector=one) if one in found["detector"].values else None
        if row is None or not np.isfinite(row["auc"]):
            continue
        delta = f"{row['delta'].item():+.3f} [{row['delta_low'].item():+.3f}, {row['delta_high'].item():+.3f}]"
        q = f"{row['delta_q'].item():.2g}" if np.isfinite(row["delta_q"]) else ""
        print_row(f"`{one}`", interval({k: row[v].item() for k, v in AUC.items()}), delta if q else "", q)
    gain = {k: found[v].item() for k, v in {"value": "gain", "low": "gain_low", "high": "gain_high"}.items()}
    print_row("what the probe adds", interval(gain, "+.3f"), "", "")
    print()
    yield Figure(f"{name}: what the probe adds to the best baseline", gain["value"], "the best baseline", "higher")


AUC = {"value": "auc", "low": "low", "high": "high"}


def transfer_table(found: xr.Dataset) -> None:
    """AUC, and in brackets its difference from the log-probability's."""
    tests = found["test"].values.tolist()
    print_header("trained on", *(f"tested on {test}" for test in tests))
    for train in found["train"].values.tolist():
        cells = [found.sel(train=train, test=test) for test in tests]
        print_row(
            train,
            *(
                f"{interval({k: c[v].item() for k, v in AUC.items()}, '.2f')} ({c['minus_logprob'].item():+.2f})"
                for c in cells
            ),
        )
    print()


def types_table(found: xr.Dataset) -> None:
    print_header("error type", "questions", "share", "best cell, nested", "")
    for one in found["type"].values.tolist():
        row = found.sel(type=one)
        share = {k: row[v].item() for k, v in {"value": "share", "low": "share_low", "high": "share_high"}.items()}
        best = {k: row[f"best_{v}"].item() for k, v in AUC.items()}
        told = interval(best) if np.isfinite(best["value"]) else ""
        title = f"{one}: {row['title'].item()}"
        print_row(title, row["n_of_type"].item(), interval(share, ".2f"), told, row["best_reason"].item())
    print()


def choices_table(found: xr.Dataset) -> None:
    overall = found.sel(type="all")
    print_header("chosen by", "accuracy", "minus greedy", "q")
    for one in found["by"].values.tolist():
        row = overall.sel(by=one)
        against = row.sel(reference="greedy")
        delta = {k: against[v].item() for k, v in {"value": "delta", "low": "delta_low", "high": "delta_high"}.items()}
        accuracy = {k: row[v].item() for k, v in {"value": "accuracy", "low": "low", "high": "high"}.items()}
        known = np.isfinite(delta["value"])
        print_row(
            f"`{one}`",
            interval(accuracy),
            interval(delta, "+.3f") if known else "",
            f"{against['q'].item():.2g}" if known else "",
        )
    print()


def interval(number: Mapping[str, Any], form: str = ".3f") -> str:
    return f"{number['value']:{form}} [{number['low']:{form}}, {number['high']:{form}}]"


if __name__ == "__main__":
    main()
