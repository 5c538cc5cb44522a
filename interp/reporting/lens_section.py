"""The section of the lens in a run's report: sentences, tables and what its figures show."""

import numpy as np
import xarray as xr

from interp.reporting.lens_words import PREDICTS, columns_at, lens_sentences
from interp.reporting.section import Entry, Picture, Section, Table

NAME = "lens"
RANKS, HEADS = f"{NAME}_ranks", f"{NAME}_parts"
SHOWN = 20


def lens_section(lens: xr.Dataset, attribution: xr.Dataset | None, why: str = "") -> Section:
    """Of what `lens_grid` and `logit_attribution` returned."""
    tables = [layer_table(lens)]
    pictures = [
        Picture(
            RANKS,
            "Median rank of the answer's first token (0: the top token), in every cell. Columns in grey: tokens that "
            "are the answer, or come behind it, and so do not predict it.",
            wide=True,
        )
    ]
    if attribution is not None:
        tables.append(component_table(attribution))
        pictures.append(
            Picture(
                HEADS,
                "What each component adds to the logit of the given answer's first token, at the token before it; "
                "+, −: right and wrong samples differ (q < 0.05).",
                wide=True,
            )
        )
    found = lens.attrs | ({} if attribution is None else {f"attribution_{k}": v for k, v in attribution.attrs.items()})
    return Section(
        name=NAME,
        title="The lens: what every cell would say",
        sentences=tuple(lens_sentences(lens, attribution, why)),
        tables=tuple(tables),
        pictures=tuple(pictures),
        settings={name: found[name] for name in sorted(found)},
    )


def layer_table(lens: xr.Dataset) -> Table:
    """A row for each layer, in the column that predicts the answer (the first of them; none: the first column)."""
    token = (columns_at(lens, PREDICTS) or lens["token"].values.tolist())[0]
    columns = ["layer"]
    for answer, label in (("given", "right"), ("given", "wrong"), ("right", "wrong")):
        columns += [f"{answer}, {label}: rank", "top", "log-probability"]
    rows = []
    for layer in lens["layer"].values.tolist():
        row: list[Entry] = [layer]
        for answer, label in (("given", "right"), ("given", "wrong"), ("right", "wrong")):
            one = lens.sel(layer=layer, token=token, answer=answer, label=label)
            names = ("median_rank", "top_share", "mean_logprob")
            row += [_number(one[name]) for name in names]
        cell = lens.sel(layer=layer, token=token)
        rows.append((*row, _number(cell["right_above_given"]), _number(cell["auc"])))
    caption = (
        f"By layer, at {token}: median rank, share of samples in which it is the top token, mean log-probability "
        f"(intervals: {NAME}.csv)"
    )
    return Table(caption, (*columns, "right above given", "AUC"), tuple(rows))


def component_table(found: xr.Dataset) -> Table:
    """The components whose means are farthest from 0."""
    mean, against = found.sel(contrast="given − mean"), found.sel(contrast="given − right", label="wrong")
    size = np.nan_to_num(np.abs(mean["attribution_mean"].values)).max(mean["attribution_mean"].dims.index("label"))
    order = np.argsort(-size, kind="stable")[:SHOWN]
    rows = []
    for k in order.tolist():
        one = mean.isel(component=k)
        row: list[Entry] = [str(one["component"].item())]
        for label in ("right", "wrong"):
            row += [_number(one.sel(label=label)[f"attribution_mean{end}"]) for end in ("", "_low", "_high")]
        row += [_number(one[f"attribution_difference{end}"]) for end in ("", "_low", "_high", "_q")]
        row.append(_number(against["attribution_mean"].isel(component=k)))
        rows.append(tuple(row))
    more = f" (the largest {SHOWN} of {len(size)}; all in {NAME}.csv)" if len(size) > SHOWN else ""
    columns = ("component", "right", "low", "high", "wrong", "low", "high", "difference", "low", "high", "q")
    caption = f"Components: mean share of the given answer's logit less the mean logit{more}"
    return Table(caption, (*columns, "given − right, wrong"), tuple(rows))


def _number(value: xr.DataArray) -> Entry:
    number = float(value)
    return number if np.isfinite(number) else None
