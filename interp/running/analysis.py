"""From a Capture to results: both grids, their comparison, controls, observations; and the files that show them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from interp.applying.abstention import selective
from interp.applying.for_use import ForUse, for_use
from interp.applying.probe_file import save_probe
from interp.capturing.activations import Capture
from interp.capturing.positions import Positions
from interp.comparing.against_controls import against_controls
from interp.comparing.compare import Comparison, compare_grids
from interp.comparing.widths import Widths, widths
from interp.controls.control_table import Controls
from interp.controls.controls import control_grid
from interp.controls.permutations import permutation_test
from interp.errors import RunError
from interp.grids import fold_values
from interp.grids.grid import save_grids
from interp.grids.grid_table import run_rows, write_table
from interp.grids.join import join_grids
from interp.grids.probes import attention_grid, probe_grid
from interp.labelling.answers import Answers
from interp.reporting.section import read_sections
from interp.running.exploring import explored_run
from interp.runs.identity import run_identity
from interp.runs.lock import locked
from interp.runs.opened_run import Run
from interp.runs.run_folder import RunFolder, going_on, read_samples
from interp.runs.settings import Settings
from interp.statistics.folds import Folds
from interp.support.atomic import write_json, write_text, writing
from interp.support.axes import places
from interp.support.heap import give_back
from interp.support.progress import Advance, bar
from interp.support.stored import as_written


@dataclass(frozen=True)
class Analysis:
    """What a run computes from its activations."""

    probe: xr.Dataset
    attention: xr.Dataset
    comparison: Comparison
    controls: Controls | None
    widths: Widths | None
    for_use: ForUse

    def to_dict(self) -> dict[str, Any]:
        """What `comparison.json` holds."""
        controls = (
            None if self.controls is None else self.controls.to_dict() | {"summary": self.controls.lines(self.probe)}
        )
        widths = {} if self.widths is None else self.widths.to_dict(self.comparison.delta_auc)
        return {
            **self.comparison.to_dict(),
            "controls": controls,
            "against_controls": against_controls(self.probe, {} if self.controls is None else self.controls.baselines),
            **widths,
            "for_use": self.for_use.to_dict(),
        }


def analyse(
    cap: Capture,
    answers: Answers,
    positions: Positions,
    folds: Folds,
    settings: Settings,
    *,
    model: str = "",
    progress: bool = False,
    n_jobs: int | None = None,
) -> Analysis:
    """Both grids on the same samples and folds, their comparison and controls; `model`: the hash of its weights."""
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
    with _step("Probing", cells + len(cap.roles), progress) as advance:
        probe = probe_grid(cap, answers.correct, site=site, progress=advance, **shared)
    with _step("Probing attention", cells, progress) as advance:
        attention = attention_grid(cap, answers.correct, progress=advance, **shared)
    if settings.permutations:
        drawn: dict[str, Any] = {"permutations": settings.permutations, "seed": settings.seed, "n_jobs": n_jobs}
        with _step("Permuting labels", 2 * cells, progress) as advance:
            probe = permutation_test(probe, cap, progress=advance, **drawn)
            attention = permutation_test(attention, cap, progress=advance, **drawn)
    probe, attention = (_annotated(grid, positions, answers, folds, settings.population) for grid in (probe, attention))
    controls, further = None, None
    if settings.controls:
        with _step("Widths", 2 * cells, progress) as advance:
            further = widths(cap, answers.correct, probe, attention, site=site, progress=advance, **shared)
        with _step("Controls", cells, progress) as advance:
            controls = control_grid(cap, answers, probe, seed=settings.seed, n_jobs=n_jobs, progress=advance)
    own = {key: shared[key] for key in ("groups", "fold", "seed", "C", "probe")}
    use = for_use(cap, answers.correct, probe, site=site, model=model, population=settings.population, **own)
    return Analysis(probe, attention, compare_grids(probe, attention), controls, further, use)


@contextmanager
def _step(title: str, cells: int, progress: bool) -> Iterator[Advance | None]:
    """A bar over cells; what the step leaves on the heap is given back before the next one."""
    with bar(title, cells, unit="cells", enabled=progress) as advance:
        yield advance
    give_back()


def _annotated(grid: xr.Dataset, positions: Positions, answers: Answers, folds: Folds, population: str) -> xr.Dataset:
    """The grid with each sample's token positions, for each column which other it mostly repeats, and who is in it."""
    members = places("samples", grid["sample"].values.tolist(), answers.id, where="the answers")
    roles = places("roles", grid["token"].values.tolist(), positions.roles, where="the positions")
    repeats = np.array(positions[members.tolist()].repeats(), dtype=object)
    tokens = {"position": positions.index, "position_first": positions.first}
    at = {
        name: (("sample", "token"), values.numpy()[np.ix_(members, roles)])
        for name, values in tokens.items()
        if values is not None
    }
    return grid.assign({**at, "coincides": (("token",), repeats[roles])}).assign_attrs(
        span_uses_gold=int(answers.span_uses_gold),
        population=population,
        **{f"excluded_{reason}": count for reason, count in folds.excluded.items()},
    )


def write_results(folder: RunFolder, result: Analysis) -> None:
    """grid.csv, grid.nc and comparison.json."""
    delta = result.comparison.delta_auc
    controls = [] if result.controls is None else result.controls.rows()
    further = result.widths
    beside = {} if further is None else {"matched": further.matched, "gain": further.gain}
    write_table([*run_rows(result.probe, result.attention, delta, **beside), *controls], folder.grid_csv)
    # Root: both grids and their difference at a glance. What every sample has in every cell stands once, in the groups.
    by_sample = ("score", "embed_score", "embed_training", *fold_values.VARIABLES)
    joined = join_grids(result.probe, result.attention).drop_vars(by_sample, errors="ignore")
    root = joined.assign({f"delta_{name}": delta[name] for name in delta.data_vars})
    grids = {None: root, "probe": result.probe, "attention": result.attention}
    if further is not None:
        grids |= {"matched_width": further.matched.drop_vars("score"), "gain": further.gain}
    save_grids(grids, folder.grid_nc)
    if result.for_use.probe is not None:
        save_probe(result.for_use.probe, folder.best_probe)
    write_json(folder.comparison, result.to_dict())


def draw(
    folder: RunFolder,
    probe: xr.Dataset,
    attention: xr.Dataset,
    cap: Capture,
    record: dict[str, Any],
) -> None:
    """The figures and the report, from the grids and `comparison.json`."""
    from matplotlib import pyplot as plt

    from interp.reporting.comparison_plot import plot_comparison
    from interp.reporting.heads_plot import plot_heads, telling_metric
    from interp.reporting.plotting import plot_grid, save_figure
    from interp.reporting.risk_plot import plot_risk_coverage

    comparison = Comparison.read(folder.comparison)
    metric, role = telling_metric(attention) or (next(iter(cap.attention)), cap.roles[-1])
    axes = {
        "comparison": plot_comparison(probe, attention, comparison=comparison)[0],
        "probe_grid": plot_grid(probe),
        "attention_grid": plot_grid(attention),
        "heads": plot_heads(cap, probe, role, metric=metric),
    }
    if comparison.get("for_use", {}).get("selective") is not None:
        axes["risk_coverage"] = plot_risk_coverage(selective(probe))
    figures = {}
    for name, ax in axes.items():
        figure = ax.figure.get_figure(root=True)
        _, svg = save_figure(figure, folder.figures / name)
        plt.close(figure)
        figures[name] = svg.read_text(encoding="utf-8")
    _write_report(folder, probe, attention, comparison, record, figures)


def _write_report(
    folder: RunFolder,
    probe: xr.Dataset,
    attention: xr.Dataset,
    comparison: Comparison,
    record: dict[str, Any],
    figures: dict[str, str],
) -> None:
    """report.html, with a section for every experiment that was made on this very run."""
    from interp.reporting.report import report_html

    sections, foreign = read_sections(folder.experiments, run=run_identity(record))
    page = report_html(
        run=record,
        samples=read_samples(folder),
        probe=probe,
        attention=attention,
        delta=comparison.delta_auc,
        comparison=comparison,
        observations=comparison["observations"],
        controls=(comparison["controls"] or {}).get("summary"),
        figures=figures,
        sections=sections,
        sections_folder=folder.experiments,
        foreign=foreign,
        explored=explored_run(folder, probe, attention, record),
    )
    write_text(folder.report, page)


def redraw(run: Run) -> None:
    """Figures and report of a finished run once more, from its stored grids. Raises RunError if it is not finished."""
    with locked(run.folder.path), writing(run.folder.path):
        run = Run(run.folder)  # as it is now: nobody else is working on it
        if run.record["state"] != "done":
            raise RunError(f"{run.folder.path} is not finished; `{going_on(run.record, run.folder.path)}` first")
        with as_written(run.folder.path):
            draw(run.folder, run.probe, run.attention, run.capture, run.record)
