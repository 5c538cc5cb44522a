"""report.html, written as one file: what a run found, how sure that is, and how every number was made."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import xarray as xr

from interp.controls.permutations import PERMUTATIONS, STATISTICS
from interp.grids.grid_table import run_rows
from interp.grids.tidy import tidy
from interp.reporting import report_tables as tables
from interp.reporting.difference_words import width_sentences
from interp.reporting.explore_page import explore_view
from interp.reporting.explore_run import Explored
from interp.reporting.notes import (
    filler_warnings,
    foreign_warnings,
    length_warnings,
    place_warnings,
    special_warnings,
    template_sentences,
    thought_warnings,
)
from interp.reporting.opening import small_class_note, tests_own_kind
from interp.reporting.section import Section
from interp.reporting.section_page import picture, section_views, style, template
from interp.reporting.use_words import use_sentences
from interp.reporting.verdict import headline, verdict, warnings

CAPTIONS = {
    "comparison": "Probe grid, attention grid and their difference, on the same samples, axes and folds.",
    "probe_grid": "Probe grid: AUC of a probe of the internal states, layer by layer and token by token.",
    "attention_grid": "Attention grid: AUC of the same probe on the attention metrics of all heads.",
    "risk_coverage": "Risk and coverage of the best cell, chosen, calibrated and ranked without the fold it is counted "
    "on: how often the answers given are wrong if only the surest are given.",
    "heads": "Every head on its own, at the metric and the token that tell most when averaged over heads. The colours "
    "reach as far as the farthest head.",
}
"""Captions of the figures that a run makes; others go by their file name."""
SINGLE = ("probe_grid", "attention_grid")
"""Figures that are panels of the comparison, and stand in the report without it only."""
ALWAYS_SHOWN = ("model.name", "data.source", "versions.interp")
"""Entries of run.json that stand open beside those that were asked for."""
METHOD = {
    "probe": "logistic",
    "C": 1.0,
    "folds": 5,
    "min_per_class": 10,
    "site": "resid_post",
    "permutations": PERMUTATIONS,
    "permutation_statistic": STATISTICS["ridge"],
}
"""What a grid says of itself where it differs."""


def report_html(
    *,
    run: Mapping[str, Any],
    samples: Sequence[Mapping[str, Any]],
    probe: xr.Dataset,
    attention: xr.Dataset,
    delta: xr.Dataset,
    comparison: Mapping[str, Any],
    observations: Sequence[Mapping[str, Any]] | None = None,
    controls: Sequence[Mapping[str, Any]] | None = None,
    figures: Mapping[str, str] | None = None,
    sections: Sequence[Section] = (),
    sections_folder: Path | None = None,
    foreign: Sequence[str] = (),
    explored: Explored | None = None,
) -> str:
    """The report of one run as a self-contained page: its own policy forbids the network and every script but two.

    These draw the linked grids of what `explored` holds (by default of the grids and samples alone); without them the
    figures stand there.
    `run` is run.json, `samples` the lines of samples.jsonl, `delta` the grids' difference (`Comparison.delta_auc`),
    `comparison` comparison.json, `figures` {name: SVG text}, `sections` those of experiments, whose figures stand in
    `sections_folder`, `foreign` the files there that belong to another run.
    `controls` and `observations` are rows with `name`, `value`, `low`, `high` (None: undefined) and `note`; an
    observation also has a `verdict`. All text from data is escaped.
    """
    if explored is None:
        rows = tidy(run_rows(probe, attention, delta))
        explored = Explored.of("run", rows, {"probe": probe, "attention": attention}, samples)
    return template("report.html.j2").render(
        style=style(),
        token_style=explored.colours.style(),
        explore=explore_view([explored]) if explored.start() else None,
        sections=section_views(sections, sections_folder or Path()),
        title="Where does the model show that its answer is right?",
        subtitle=_subtitle(run, len(samples), probe),
        verdict=[*verdict(probe, comparison), *template_sentences(run.get("counts", {}))],
        warnings=[
            *small_class_note(probe, comparison),
            *warnings(probe, samples),
            *(f"{note[:1].upper()}{note[1:]}." for note in run.get("notes", ())),
            *thought_warnings(samples),
            *special_warnings(run.get("counts", {})),
            *length_warnings(samples, run.get("settings", {}).get("max_new_tokens")),
            *filler_warnings(run),
            *place_warnings(tables.place_checks(run)),
            *foreign_warnings(foreign),
        ],
        headline=headline(probe, comparison),
        figures=[
            picture(svg, CAPTIONS.get(name, name.replace("_", " ").capitalize()), wide=name == "comparison")
            for name, svg in (figures or {}).items()
            if not (name in SINGLE and "comparison" in (figures or {}))
        ],
        controls=tables.controls(probe, comparison, controls),
        widths=width_sentences(comparison),
        use=use_sentences(comparison),
        operating_points=tables.operating_points(comparison),
        metrics=tables.single_metrics(attention),
        observations=tables.observations(observations or []),
        accuracy=tables.accuracy(samples),
        n_population=probe.sizes["sample"],
        n_samples=len(samples),
        exclusions=tables.exclusions(samples),
        cut_off=tables.cut_off(samples),
        methods=tables.methods(samples),
        place_checks=tables.place_checks(run),
        judged=tables.judged(run),
        method=METHOD | probe.attrs,
        logarithms=attention.attrs.get("transform") == "with_log",
        linear=tests_own_kind(probe),
        corrected="p_corrected" in probe,
        asked=[*(row for row in _flat(run) if row[0] in ALWAYS_SHOWN), *_flat(run.get("asked", {}))],
        settings=_flat(run),
        bar=_bar,
    )


def _subtitle(run: Mapping[str, Any], n_samples: int, probe: xr.Dataset) -> str:
    """Model, data and sizes; of paths only the last part."""
    model, data = run.get("model", {}), run.get("data", {})
    names = {"Model": model.get("name"), "data": data.get("source")}
    parts = [f"{what}: {str(name).rstrip('/').rsplit('/', 1)[-1]}" for what, name in names.items() if name]
    if parts and model.get("architecture"):
        parts[0] += f" ({model['architecture']})"
    sizes = probe.sizes
    return ", ".join([*parts, f"{n_samples} samples, {sizes['layer']} layers, {sizes['token']} token positions."])


def _flat(settings: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Nested settings as (dotted name, value as JSON), in their own order."""
    rows: list[tuple[str, str]] = []
    for key, value in settings.items():
        if isinstance(value, Mapping) and value:
            rows += _flat(value, f"{prefix}{key}.")
        else:
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
            rows.append((f"{prefix}{key}", text))
    return rows


def _bar(auc: float) -> float:
    """Place of an AUC on a bar from 0 to 1, in per cent."""
    return round(100 * auc, 2)
