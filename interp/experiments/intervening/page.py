"""What `interp causal` and `interp steer` write: dataset, table, figures, and a section of the run's report."""

from pathlib import Path

import pandas as pd
import xarray as xr

from interp.experiments.intervening.beside import beside
from interp.experiments.written import write_experiment
from interp.reporting.causal_plot import plot_beside, plot_causal
from interp.reporting.causal_section import causal_section
from interp.reporting.steering_plot import plot_doses
from interp.reporting.steering_section import steering_section
from interp.runs.opened_run import Run


def write_causal(run: Run, found: xr.Dataset) -> tuple[tuple[str, ...], list[Path]]:
    """`experiments/causal_OUTCOME_SITE.*` of what `patch_grid` returned: the sentences and the files."""
    name = "_".join(["causal", found.attrs["outcome"], found.attrs["site"]])
    name += f"_{found.attrs['head']}" if found.attrs["head"] >= 0 else ""
    three = beside(run.probe, run.attention, found) if "same_label" in found["control"].values else None
    section = causal_section(name, found, three)
    figures = {name: plot_causal(found)} | ({} if three is None else {f"{name}_beside": plot_beside(three)})
    files = write_experiment(run, section, data=found, table=tidy_causal(found), figures=figures)
    return section.sentences, files


def write_steering(run: Run, found: xr.Dataset, answers: xr.Dataset | None) -> tuple[tuple[str, ...], list[Path]]:
    """`experiments/steering_OUTCOME.*` of `dose_response` and `steered_answers`: the sentences and the files."""
    name = f"steering_{found.attrs['outcome']}"
    section = steering_section(name, found, answers)
    table = found[["change", "low", "high", "p", "q"]].to_dataframe().reset_index()
    data = found if answers is None else found.merge(_as_steered(answers), combine_attrs="override")
    files = write_experiment(run, section, data=data, table=table, figures={name: plot_doses(found)})
    return section.sentences, files


def _as_steered(answers: xr.Dataset) -> xr.Dataset:
    """Under dims of its own: other doses and directions than those of the outcome."""
    names = {"direction": "answered_direction", "dose": "answered_dose"}
    return answers.rename({**names, **{str(name): f"answers_{name}" for name in answers.data_vars}})


def tidy_causal(found: xr.Dataset) -> pd.DataFrame:
    """A row per cell, and of the effects one per direction or control."""
    parts = []
    for metric, label, names in (
        ("effect", "direction", ("effect", "effect_low", "effect_high")),
        ("control_effect", "control", ("control_effect", "control_low", "control_high")),
        ("over", "control", ("over", "over_low", "over_high", "over_p", "over_q", "over_p_corrected")),
        ("auc", None, ("auc", "low", "high")),
    ):
        table = found[list(names)].to_dataframe().reset_index()
        short = {
            name: name.removeprefix(f"{metric}_").removeprefix("control_").removeprefix("over_") for name in names[1:]
        }
        table = table.rename(columns={names[0]: "value", **short, **({label: "of"} if label else {})})
        parts.append(table.assign(metric=metric))
    columns = ["metric", "of", "layer", "token", "value", "low", "high", "p", "q", "p_corrected"]
    return pd.concat(parts, ignore_index=True).reindex(columns=columns)
