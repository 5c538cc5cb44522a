"""The section of choices in a run's report: sentences, tables and what its figure shows."""

import xarray as xr

from interp.reporting.choice_words import choice_sentences, choice_title
from interp.reporting.section import Picture, Section, Table

NAME = "choices"


def choice_section(data: xr.Dataset) -> Section:
    """Of what `choose_answers` returned."""
    return Section(
        name=NAME,
        title="Choosing among answers",
        sentences=tuple(choice_sentences(data)),
        tables=(accuracy_table(data), *([difference_table(data)] if "probe" in data["by"].values else [])),
        pictures=(Picture(NAME, "How often the chosen answer is right, by error type.", wide=True),),
        settings={name: data.attrs[name] for name in sorted(data.attrs)},
    )


def accuracy_table(data: xr.Dataset) -> Table:
    """A row for each type and method."""
    rows = []
    for name in data["type"].values:
        for method in data["by"].values:
            one = data.sel(type=name, by=method)
            numbers = [float(one[key]) for key in ("accuracy", "low", "high")]
            reason = one["reason"].item() or None
            rows.append((str(name), choice_title(str(method)), int(one["n"]), *numbers, reason))
    columns = ("type", "chosen by", "questions", "accuracy", "low", "high", "undefined")
    return Table("How often the chosen answer is right", columns, tuple(rows))


def difference_table(data: xr.Dataset) -> Table:
    """What the probe has over each reference, a row for each type."""
    rows = []
    for name in data["type"].values:
        for reference in data["reference"].values:
            one = data.sel(type=name, by="probe", reference=reference)
            numbers = [float(one[key]) for key in ("delta", "delta_low", "delta_high", "p", "q")]
            rows.append((str(name), choice_title(str(reference)), *numbers, one["delta_reason"].item() or None))
    columns = ("type", "the probe minus", "difference", "low", "high", "p", "q", "undefined")
    return Table("Choosing by the probe against the other choices", columns, tuple(rows))
