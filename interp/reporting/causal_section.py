"""The section of a causal grid in a run's report: sentences, the cells with the largest effects, figures."""

import numpy as np
import xarray as xr

from interp.reporting.causal_words import causal_sentences
from interp.reporting.section import Picture, Section, Table

SHOWN = 12


def causal_section(name: str, found: xr.Dataset, three: xr.Dataset | None) -> Section:
    """Of what `patch_grid` returned, and the three grids beside each other."""
    pictures = [
        Picture(name, "Share of the pairs' difference that each cell moves, and what the controls move.", wide=True)
    ]
    if three is not None:
        caption = "AUC of the probe, of the attention probe, and of donors told by what their states do, same samples."
        pictures.append(Picture(f"{name}_beside", caption, wide=True))
    return Section(
        name=name,
        title=f"Which cells matter ({found.attrs['outcome']}, {found.attrs['site']})",
        sentences=tuple(causal_sentences(found, three)),
        tables=(largest(found),),
        pictures=tuple(pictures),
        settings={key: found.attrs[key] for key in sorted(found.attrs)},
    )


def largest(found: xr.Dataset) -> Table:
    """The cells with the largest effects."""
    effect = found["effect"].sel(direction="both").transpose("layer", "token").values
    order = np.argsort(np.where(np.isfinite(effect), -np.abs(effect), np.inf), axis=None)
    cells = [np.unravel_index(k, effect.shape) for k in order[: min(SHOWN, int(np.isfinite(effect).sum()))]]
    controls = [str(one) for one in found["control"].values]
    columns = ["layer", "token", "effect", "low", "high", *(name.replace("_", " ") for name in controls)]
    if "same_label" in controls:
        columns += ["over same label", "low", "high", "corrected p"]
    rows = []
    for i, j in cells:
        one = found.isel(layer=int(i), token=int(j))
        both = one.sel(direction="both")
        row = [int(one["layer"]), str(one["token"].item()), *_numbers(both, "effect", "effect_low", "effect_high")]
        row += [_number(one["control_effect"].sel(control=name)) for name in controls]
        if "same_label" in controls:
            row += _numbers(one.sel(control="same_label"), "over", "over_low", "over_high", "over_p_corrected")
        rows.append(tuple(row))
    return Table("The cells with the largest effects", tuple(columns), tuple(rows))


def _numbers(one: xr.Dataset, *names: str) -> list[float | None]:
    return [_number(one[name]) for name in names]


def _number(value: xr.DataArray) -> float | None:
    return float(value) if np.isfinite(value) else None
