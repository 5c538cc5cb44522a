"""Every grid of a run as the page's heat map draws it: from the tidy table, by the labels of layers and tokens."""

from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from interp.controls.control_table import ON_EMBED, TITLES

EMBED = "embed"
SCORED = {"probe_auc": ("probe",), "attention_auc": ("attention",), "delta_auc": ("probe", "attention")}
"""Whose scores stand behind a cell; of every other grid those of the probe, of attention metrics the attention's."""
NAMES = {
    "probe_auc": "Probe: AUC",
    "attention_auc": "Attention probe: AUC",
    "delta_auc": "Probe − attention probe: ΔAUC",
    "gain_auc": "States with attention − states alone: ΔAUC",
    "matched_width_auc": "Probe at the attention probe's width: AUC",
}
SECTIONS = {
    "effect": ("share of the difference moved", "difference"),
    "median_rank": ("median rank", "rank"),
    "mean_logprob": ("mean log-probability", "value"),
    "auc": ("AUC", "two_sided"),
}
"""Variables of an experiment's dataset that are drawn where they stand on (layer, token): in words, and the unit."""
WIDEST = {"auc": 0.5, "two_sided": 0.5, "difference": 0.1}
"""The scale of a unit reaches at least so far from its middle."""


def table_grids(table: pd.DataFrame) -> list[dict[str, Any]]:
    """One for each metric of `grid.csv` that has a value in some cell: values, intervals, counts, tests and colours."""
    cells = table[table["layer"] != "all"]
    out = []
    for metric, rows in cells.groupby("metric", sort=False):
        name = str(metric)
        if not rows["layer"].map(lambda layer: isinstance(layer, int)).any():
            continue  # a control that reads no layer: it stands in every cell's controls
        frame = rows.set_index(["layer", "token"])
        layers = list(dict.fromkeys(rows["layer"]))
        tokens = list(dict.fromkeys(rows["token"]))
        unit = _unit(name)

        def column(key: str, frame: pd.DataFrame = frame, at: tuple = (layers, tokens)) -> np.ndarray:
            return frame[key].unstack("token").reindex(index=at[0], columns=at[1]).to_numpy()

        out.append(
            {
                "name": name,
                "title": _title(name),
                "unit": unit,
                "layers": [str(layer) for layer in layers],
                "tokens": tokens,
                **{key: _numbers(column(key)) for key in ("value", "low", "high", "n", "n_correct")},
                **{key: _numbers(column(key)) for key in ("q", "p_corrected") if frame[key].notna().any()},
                "reason": [["" if text != text else str(text) for text in line] for line in column("reason")],
                "scale": scale(unit, rows["value"].to_numpy(dtype=float)),
                "of": list(SCORED.get(name, ("attention",) if _of_attention(name, table) else ("probe",))),
            }
        )
    return out


def section_grids(section: str, title: str, data: xr.Dataset) -> list[dict[str, Any]]:
    """The same of an experiment's dataset (`SECTIONS`), one for each combination of its other labels."""
    out = []
    for name, (words, unit) in SECTIONS.items():
        if name not in data or not {"layer", "token"} <= {*data[name].dims}:
            continue
        more = [str(dim) for dim in data[name].dims if dim not in ("layer", "token")]
        for labels in product(*(data[name][dim].values.tolist() for dim in more)):
            chosen = data[name].sel(dict(zip(more, labels, strict=True))).transpose("layer", "token")
            cells = chosen.values.astype(float)
            if not np.isfinite(cells).any():
                continue
            out.append(
                {
                    "name": ":".join(map(str, (section, name, *labels))),
                    "title": f"{title}: {words}" + (f" ({', '.join(map(str, labels))})" if labels else ""),
                    "unit": unit,
                    "layers": [str(layer) for layer in data["layer"].values],
                    "tokens": [str(token) for token in data["token"].values],
                    "value": _numbers(cells),
                    "scale": scale(unit, cells.ravel()),
                    "of": ["probe"],
                }
            )
    return out


def baselines(table: pd.DataFrame) -> list[dict[str, Any]]:
    """What tells right from wrong without a layer: the same in every cell, or one for each token."""
    named = [f"{name}_auc" for name in ON_EMBED]
    rows = table[(table["layer"] == "all") | table["metric"].isin(named)]
    return [
        {
            "title": _title(str(row["metric"])),
            "token": str(row["token"]),
            **{key: _number(row[key]) for key in ("value", "low", "high")},
            "reason": str(row["reason"]),
        }
        for row in rows.to_dict("records")
    ]


def scale(unit: str, values: np.ndarray) -> dict[str, Any]:
    """Vega-Lite's colour scale of a unit: as in the figures, an AUC from 0.5 to 1, what has two sides about its middle.

    Blues and purple–orange are told apart with any colour vision; a grey print keeps the numbers in the cells.
    """
    known = values[np.isfinite(values)]
    if unit == "auc":
        return {"scheme": "blues", "domain": [0.5, 1.0], "clamp": True}
    if unit in ("two_sided", "difference"):
        middle = 0.5 if unit == "two_sided" else 0.0
        far = float(np.abs(known - middle).max(initial=0.05 if unit == "two_sided" else 0.1))
        bound = round(float(np.ceil(round(far / 0.05, 6))) * 0.05, 2)
        return {"scheme": "purpleorange", "reverse": True, "domain": [middle - bound, middle + bound]}
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
    return {"scheme": "blues", "domain": [low, high], "reverse": unit == "rank"}


def _unit(metric: str) -> str:
    if metric in ("delta_auc", "gain_auc", "selectivity"):
        return "difference"
    if metric.endswith("_auc"):
        own = metric.removesuffix("_auc") in TITLES or metric in NAMES
        return "auc" if own else "two_sided"
    return "value"


def _title(metric: str) -> str:
    name = metric.removesuffix("_auc")
    if metric in NAMES:
        return NAMES[metric]
    if name in TITLES:
        return TITLES[name]
    words = name.replace("_", " ")
    return f"{words}, mean over heads: AUC" if metric.endswith("_auc") else f"{words}: mean over heads and samples"


def _of_attention(metric: str, table: pd.DataFrame) -> bool:
    """Whether it is an attention metric: each stands in the table as a mean and as an AUC."""
    name = metric.removesuffix("_auc")
    return name not in TITLES and bool({name, f"{name}_auc"} <= {*table["metric"]})


def _numbers(values: np.ndarray) -> list[list[int | float | None]]:
    return [[_number(value) for value in row] for row in values]


def _number(value: Any) -> int | float | None:
    """With four digits: more than the page shows."""
    if pd.isna(value):
        return None
    return int(value) if float(value).is_integer() else float(f"{float(value):.4g}")
