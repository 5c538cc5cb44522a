"""`interp lens`: the lens of a run as files and a section of its report."""

from pathlib import Path

import pandas as pd
import xarray as xr

from interp.data.rows import load_rows
from interp.errors import ModelError
from interp.experiments.lens.attribution import logit_attribution
from interp.experiments.lens.cells_read import check_captured
from interp.experiments.lens.grid import lens_grid
from interp.experiments.written import write_experiment
from interp.reporting.lens_plot import plot_lens, plot_parts
from interp.reporting.lens_section import HEADS, RANKS, lens_section
from interp.runs.opened_run import Run
from interp.runs.run_model import model_of_run
from interp.support.accepted import RowSource


def lens_of_run(run: Run, *, rows: RowSource | None = None) -> tuple[xr.Dataset, xr.Dataset | None, str]:
    """`lens_grid` and `logit_attribution` of a run, whose model is loaded once; or why the latter is undefined."""
    run.probe  # noqa: B018 - an unfinished run is refused before its model is loaded
    check_captured(run.capture)
    rows = None if rows is None else load_rows(rows)
    model = model_of_run(run)
    lens = lens_grid(run, model=model, rows=rows)
    try:
        return lens, logit_attribution(run, model, rows=rows), ""
    except ModelError as error:
        return lens, None, str(error)


def write_lens(
    run: Run, lens: xr.Dataset, attribution: xr.Dataset | None, why: str = ""
) -> tuple[tuple[str, ...], list[Path]]:
    """`experiments/lens.*`: the sentences and the files."""
    section = lens_section(lens, attribution, why)
    figures = {RANKS: plot_lens(lens)} | ({} if attribution is None else {HEADS: plot_parts(attribution)})
    data = joined(lens, attribution)
    return section.sentences, write_experiment(run, section, data=data, table=tidy_lens(data), figures=figures)


def joined(lens: xr.Dataset, attribution: xr.Dataset | None) -> xr.Dataset:
    """Both in one dataset, on the samples of the lens."""
    if attribution is None:
        return lens
    there = attribution.reindex(sample=lens["sample"].values)
    coords = {name: there[name].variable for name in there.coords if name not in lens.variables}
    own = {name: there[name].variable for name in there.data_vars if name not in lens.variables}
    said = {f"attribution_{name}": value for name, value in attribution.attrs.items()}
    return lens.assign_coords(coords).assign(own).assign_attrs(said)


CELLS = (("mean_logprob", "n_read"), ("median_rank", "n_read"), ("top_share", "n_read"))
ORDER = (
    *("metric", "answer", "contrast", "label", "layer", "token", "component"),
    *("value", "low", "high", "p", "q", "n", "reason"),
)


def tidy_lens(data: xr.Dataset) -> pd.DataFrame:
    """One number a row: cells of the lens, its AUCs, and the components."""
    parts = [_tidy(data, name, n=n) for name, n in CELLS]
    parts += [_tidy(data, "right_above_given"), _tidy(data, "auc", ends=("low", "high"), n="n", reason="reason")]
    if "attribution_mean" in data:
        parts += [_tidy(data, "attribution_mean"), _tidy(data, "total_mean", ends=("total_low", "total_high"))]
        parts.append(_tidy(data, "attribution_difference", p="attribution_difference_p", q="attribution_difference_q"))
    return pd.concat(parts, ignore_index=True).reindex(columns=list(ORDER)).astype({"layer": "Int64", "n": "Int64"})


def _tidy(data: xr.Dataset, name: str, *, ends: tuple[str, str] | None = None, **others: str) -> pd.DataFrame:
    low, high = ends or (f"{name}_low", f"{name}_high")
    names = {name: "value", low: "low", high: "high", **{variable: column for column, variable in others.items()}}
    kept = xr.Dataset({column: data[variable].variable for variable, column in names.items()}).assign_coords(
        {dim: data[dim].values for dim in data[name].dims}
    )
    return kept.to_dataframe().reset_index().assign(metric=name)
