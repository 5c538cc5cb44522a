"""The section of steering in a run's report."""

import numpy as np
import xarray as xr

from interp.reporting.section import Picture, Section, Table
from interp.reporting.steering_words import steering_sentences

COUNTED = ("changed", "became_right", "became_wrong")


def steering_section(name: str, found: xr.Dataset, answers: xr.Dataset | None) -> Section:
    """Of what `dose_response` returned, and `steered_answers`."""
    caption = "Change of the outcome by dose, with 95 % intervals, over directions that mean nothing."
    tables = (dose_table(found), *(() if answers is None else (answer_table(answers),)))
    return Section(
        name=name,
        title=f"Pushing a cell ({found.attrs['outcome']})",
        sentences=tuple(steering_sentences(found, answers)),
        tables=tables,
        pictures=(Picture(name, caption),),
        settings={key: found.attrs[key] for key in sorted(found.attrs)},
    )


def dose_table(found: xr.Dataset) -> Table:
    """A row for each direction and dose, over all samples."""
    columns = ("direction", "dose", "change", "low", "high", "p, random", "p, arbitrary labels")
    rows = []
    for direction in found["direction"].values:
        for dose in found["dose"].values.tolist():
            one = found.sel(direction=direction, dose=dose, among="all")
            p = [_number(one["p"].sel(placebo=kind)) for kind in found["placebo"].values]
            rows.append((str(direction), dose, *(_number(one[key]) for key in ("change", "low", "high")), *p))
    return Table("Change of the outcome, all samples", columns, tuple(rows))


def answer_table(answers: xr.Dataset) -> Table:
    """A row for each direction and dose."""
    columns = (
        "direction",
        "dose",
        *(column for name in COUNTED for column in (name.replace("_", " "), "low", "high", "of")),
    )
    rows = []
    for direction in answers["direction"].values:
        for dose in answers["dose"].values.tolist():
            one = answers.sel(direction=direction, dose=dose)
            row = [_number(one[f"{name}{end}"]) for name in COUNTED for end in ("", "_low", "_high", "_n")]
            rows.append((str(direction), dose, *row))
    return Table("Answered again with the step at every token", columns, tuple(rows))


def _number(value: xr.DataArray) -> float | None:
    return float(value) if np.isfinite(value) else None
