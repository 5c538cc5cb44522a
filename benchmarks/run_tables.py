"""The tables that the docs show of a finished run: its cells, controls and best cells, as its folder has them.

    python benchmarks/run_tables.py runs/gemma    # docs/gemma.md
    python benchmarks/run_tables.py demo-run      # interp/demo/README.md, after `interp demo`
    python benchmarks/run_tables.py --quick       # a small run of the embedded model, made for it

The first table: the probe grid (folds by question), the same with answers held out, and the control task, in some
layers; the embedding above them. The second: counts, the nested best cells, and every control that reads no layer.
"""

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from flow import small_run
from measuring import Figure, one_thread, parser, print_figures, print_header, print_row

import interp
from interp.controls.control_table import ON_EMBED, TITLES
from interp.reporting.control_words import title

EXACT = tuple(f"exact_answer_{place}" for place in ("before_first", "first", "last", "after_last"))
TOKENS = ("last_q", *EXACT, "-1")
LAYERS = 7
"""How many of them are shown."""
CELLS = {"probe_auc": "grid", "held_out_auc": "answers held out", "control_task_auc": "control task"}
EMBEDDING = {"probe_auc": "grid", "embed_held_out_auc": "answers held out"}


def arguments() -> argparse.ArgumentParser:
    options = parser(__doc__, quick="a small run of the embedded model")
    options.add_argument("run", nargs="?", type=Path, help="a finished run folder (not with --quick)")
    return options


def main() -> None:
    options = arguments()
    args = options.parse_args()
    if args.quick == (args.run is not None):
        options.error("give a run folder, or --quick without one")
    one_thread()
    with tempfile.TemporaryDirectory() as folder:
        run = small_run(Path(folder) / "run", limit=80, roles=EXACT[2:]) if args.quick else interp.open_run(args.run)
        cells_table(run)
        print()
        print_figures("run_tables", summary_table(run))


def cells_table(run: interp.Run) -> None:
    """Some layers of the grid and of its controls, cell by cell."""
    found = pd.read_csv(run.folder.grid_csv, dtype={"layer": str, "token": str}).set_index(["metric", "layer", "token"])
    known = [token for token in TOKENS if token in run.probe["token"].values]
    layers = run.probe["layer"].values
    shown = layers[np.unique(np.linspace(0, len(layers) - 1, LAYERS).round().astype(int))]
    print_header("layer", "", *(f"`{token}`" for token in known))
    for layer in ("embed", *map(str, shown)):
        for metric, what in (EMBEDDING if layer == "embed" else CELLS).items():
            cells = (_short(found["value"].get((metric, layer, token), np.nan)) for token in known)
            print_row("embedding" if layer == "embed" else layer, what, *cells)


def summary_table(run: interp.Run) -> Iterator[Figure]:
    """Counts, best cells and controls; the figures of the best cells and controls are yielded as they are printed."""
    comparison, counts = run.comparison, run.record["counts"]
    print_header("", "AUC", "the nested best cell exceeds it by")
    for what in ("samples", "population"):
        print_row(what, f"{counts[what]:,}", "")
    print_row("right", f"{counts['accuracy']:.1%}", "")
    for name in ("probe", "attention"):
        best = comparison["best"][name]
        if best["cell"] is None:
            continue
        as_seen = f"layer {best['cell']['layer']}, `{best['cell']['token']}`"
        print_row(f"{name} grid, best cell as seen ({as_seen})", _short(best["auc"]), "")
        print_row(f"{name} grid, best cell, nested", _interval(best["nested"]), "")
        if best["nested"]["value"] is not None:
            yield Figure(f"{name} grid: AUC of the nested best cell", best["nested"]["value"], "none: an AUC", "higher")
    for row in comparison["against_controls"]:
        print_row(title(row), _interval(row), _interval(row["difference"]))
        yield Figure(f"{title(row)}: AUC", row["value"], "none: an AUC")
    for name, estimates in comparison["controls"]["baselines"].items():  # of folds of their own, so not compared
        for token, found in estimates.items():
            if name in ON_EMBED and token in TOKENS and found["value"] is not None:
                print_row(f"{TITLES[name]}, {token}", _interval(found), "")


def _interval(estimate: dict[str, Any]) -> str:
    if estimate["value"] is None:
        return ""
    return f"{_short(estimate['value'])} [{_short(estimate['low'])}, {_short(estimate['high'])}]"


def _short(auc: float) -> str:
    return "–" if auc is None or np.isnan(auc) else f"{auc:.3f}"


if __name__ == "__main__":
    main()
