"""From a Capture to results: both grids, their comparison, controls, observations; and the files that show them."""

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from interp.activations import Capture
from interp.answers import Answers
from interp.atomic import write_json, write_text
from interp.compare import Comparison, compare_grids
from interp.control_table import Controls
from interp.controls import control_grid
from interp.errors import RunError
from interp.folds import Folds
from interp.grid import join_grids, save_grid
from interp.grid_table import grid_table, write_table
from interp.opened_run import Run
from interp.permutations import permutation_test
from interp.positions import Positions
from interp.probes import attention_grid, probe_grid
from interp.progress import bar
from interp.run_folder import RunFolder, read_samples
from interp.settings import Settings

MOSTLY = 0.9
"""Share of samples from which on a column is marked as repeating another."""


@dataclass(frozen=True)
class Analysis:
    """What a run computes from its activations."""

    probe: xr.Dataset
    attention: xr.Dataset
    comparison: Comparison
    controls: Controls | None

    def to_dict(self) -> dict[str, Any]:
        """What `comparison.json` holds."""
        controls = (
            None if self.controls is None else self.controls.to_dict() | {"summary": self.controls.summary(self.probe)}
        )
        return {**self.comparison.to_dict(), "controls": controls}


def analyse(
    cap: Capture,
    answers: Answers,
    positions: Positions,
    folds: Folds,
    settings: Settings,
    *,
    progress: bool = False,
    n_jobs: int | None = None,
) -> Analysis:
    """Both grids on the same samples and folds, then what SPEC says of them."""
    cells = len(cap.layers) * len(cap.roles)
    shared: dict[str, Any] = {
        "groups": answers.group,
        "fold": folds.fold,
        "seed": settings.seed,
        "C": settings.C,
        "probe": settings.probe,
        "n_jobs": n_jobs,
    }
    site = settings.sites[0]
    with bar("Probing", cells + len(cap.roles), unit="cells", enabled=progress) as advance:
        probe = probe_grid(cap, answers.correct, site=site, progress=advance, **shared)
    with bar("Probing attention", cells, unit="cells", enabled=progress) as advance:
        attention = attention_grid(cap, answers.correct, progress=advance, **shared)
    if settings.permutations:
        drawn: dict[str, Any] = {"permutations": settings.permutations, "seed": settings.seed, "n_jobs": n_jobs}
        with bar("Permuting labels", 2 * cells, unit="cells", enabled=progress) as advance:
            probe = permutation_test(probe, cap, progress=advance, **drawn)
            attention = permutation_test(attention, cap, progress=advance, **drawn)
    probe, attention = (_annotated(grid, positions, answers, folds) for grid in (probe, attention))
    controls = None
    if settings.controls:
        with bar("Controls", cells, unit="cells", enabled=progress) as advance:
            controls = control_grid(cap, answers, probe, seed=settings.seed, n_jobs=n_jobs, progress=advance)
    return Analysis(probe, attention, compare_grids(probe, attention), controls)


def _annotated(grid: xr.Dataset, positions: Positions, answers: Answers, folds: Folds) -> xr.Dataset:
    """The grid with each sample's token positions, and for each column which other column it mostly repeats."""
    members = np.flatnonzero(folds.member)
    share = positions[members.tolist()].coincidence().numpy()
    repeats = []
    for i in range(len(positions.roles)):
        others = [j for j in np.argsort(-np.nan_to_num(share[i]), kind="stable") if j != i and share[i, j] >= MOSTLY]
        # Of two columns that repeat each other, the later one is marked.
        repeats.append(positions.roles[others[0]] if others and others[0] < i else "")
    return grid.assign(
        position=(("sample", "token"), positions.index.numpy()[members]),
        coincides=(("token",), np.array(repeats, dtype=object)),
    ).assign_attrs(span_uses_gold=int(answers.span_uses_gold))


def write_results(folder: RunFolder, result: Analysis) -> None:
    """grid.csv, grid.nc and comparison.json."""
    delta = result.comparison.delta_auc
    controls = [] if result.controls is None else result.controls.table()
    write_table([*grid_table(result.probe, result.attention, delta), *controls], folder.grid_csv)
    # Root: both grids and their difference at a glance. The scores, many times larger, stand once, in the groups.
    joined = join_grids(result.probe, result.attention).drop_vars(["score", "embed_score"], errors="ignore")
    save_grid(joined.assign({f"delta_{name}": delta[name] for name in delta.data_vars}), folder.grid_nc)
    save_grid(result.probe, folder.grid_nc, group="probe")
    save_grid(result.attention, folder.grid_nc, group="attention")
    write_json(folder.comparison, result.to_dict())


def draw(
    folder: RunFolder,
    probe: xr.Dataset,
    attention: xr.Dataset,
    compared: Comparison,
    cap: Capture,
    record: dict[str, Any],
) -> None:
    """The figures and the report, from the grids and `comparison.json`."""
    from matplotlib import pyplot as plt

    from interp.plotting import plot_comparison, plot_grid, plot_heads, save_figure
    from interp.report import report_html

    comparison = json.loads(folder.comparison.read_text(encoding="utf-8"))
    best = comparison["best"]["probe"]["cell"]
    role = best["token"] if best is not None else cap.roles[-1]
    fold = (
        pd.Series(probe["fold"].values, index=probe.indexes["sample"]).reindex(list(cap.id), fill_value=-1).to_numpy()
    )
    y = pd.Series(probe["y"].values, index=probe.indexes["sample"]).reindex(list(cap.id), fill_value=0).to_numpy()
    axes = {
        "probe_grid": plot_grid(probe),
        "attention_grid": plot_grid(attention),
        "comparison": plot_comparison(probe, attention, comparison=compared)[0],
        "heads": plot_heads(cap, y, role, fold=fold),
    }
    figures = {}
    for name, ax in axes.items():
        figure = ax.figure.get_figure(root=True)
        _, svg = save_figure(figure, folder.figures / name)
        plt.close(figure)
        figures[name] = svg.read_text(encoding="utf-8")
    samples = read_samples(folder)
    page = report_html(
        run=record,
        samples=samples,
        probe=probe,
        attention=attention,
        delta=compared.delta_auc,
        comparison=comparison,
        observations=comparison["observations"],
        controls=(comparison["controls"] or {}).get("summary"),
        figures=figures,
    )
    write_text(folder.report, page)


def redraw(run: Run) -> None:
    """Figures and report of a finished run once more, from its stored grids. Raises RunError if it is not finished."""
    if run.settings["state"] != "done":
        raise RunError(f"{run.folder.path} is not finished; {run.settings['resume']} first")
    draw(run.folder, run.probe, run.attention, compare_grids(run.probe, run.attention), run.capture, run.settings)
