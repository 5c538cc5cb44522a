"""The section of error types in a run's report: sentences, tables and what its figures show."""

import xarray as xr

from interp.reporting.error_type_words import error_type_sentences
from interp.reporting.section import Picture, Section, Table

NAME = "error_types"
SHARES, GRIDS = f"{NAME}_shares", f"{NAME}_grids"
SHOWN = 20
QUESTIONS = ("subtypes", "n", "n_right", "n_distinct", "n_largest_wrong", "n_no_answer", "n_unlabelled", "answers")


def error_type_section(data: xr.Dataset) -> Section:
    """Of what `error_types` returned."""
    return Section(
        name=NAME,
        title="Error types",
        sentences=tuple(error_type_sentences(data)),
        tables=(type_table(data), question_rows(data)),
        pictures=(
            Picture(SHARES, "Share of the questions that are of each type (a question may be of several)."),
            Picture(GRIDS, "Each type against the rest; hatched: undefined. Above: best cell.", wide=True),
        ),
        settings={name: data.attrs[name] for name in sorted(data.attrs)},
    )


def type_table(data: xr.Dataset) -> Table:
    """A row for each type."""
    columns = ("type", "what", "questions", "share", "low", "high", "AUC", "low", "high", "layer", "token", "undefined")
    names = ("title", "n_of_type", "share", "share_low", "share_high", "best_auc", "best_low", "best_high")
    rows = []
    for name in data["type"].values:
        one = data.sel(type=name)
        layer = int(one["best_layer"])
        place = (layer if layer >= 0 else None, one["best_token"].item() or None, one["best_reason"].item() or None)
        rows.append((str(name), *(one[key].item() for key in names), *place))
    return Table("Types, and the best cell that tells each from the rest (chosen on other folds)", columns, tuple(rows))


def question_rows(data: xr.Dataset) -> Table:
    """The first questions, with their counts."""
    values = [data[f"question_{name}"].values.tolist() for name in QUESTIONS]
    rows = list(zip(data["question"].values.tolist(), *values, strict=True))
    more = f" (the first {SHOWN} of {len(rows)}; all in {NAME}.csv)" if len(rows) > SHOWN else ""
    names = ("question", "types", "draws", "right", "distinct", "largest wrong", "no answer", "unlabelled", "answers")
    return Table(f"Questions{more}", names, tuple(rows[:SHOWN]))
