"""The tables of the report: rows of plain values from grids, samples, controls and observations."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from interp.labelling.length_stops import length_stops
from interp.reporting.notes import judge_sentence
from interp.reporting.verdict import Number, best_embedding, nested_best
from interp.support.units import decimal

SHOWN_IDS = 8
STATUS_MEANING = {
    "ok": "exact answer located, used",
    "ambiguous": "the exact answer occurs more than once; the first is used",
    "no_exact_answer": "no exact answer found in the completion; outside the default population",
    "empty": "the completion is empty; outside the default population",
    "too_long": "longer than the model's context; left out of the grids",
}


def accuracy(samples: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """How many samples are right, wrong and without a label."""
    counts = Counter(label(sample) for sample in samples)
    return {name: counts[name] for name in ("correct", "wrong", "no label")}


def label(sample: Mapping[str, Any]) -> str:
    """`correct`, `wrong` or `no label`."""
    correct = sample.get("correct")
    return "no label" if correct is None else "correct" if correct else "wrong"


def exclusions(samples: Sequence[Mapping[str, Any]], *, shown: int = SHOWN_IDS) -> list[dict[str, Any]]:
    """Every status with its count by label, what it means, and the first ids."""
    rows = []
    for status in dict.fromkeys([*STATUS_MEANING, *(str(sample["status"]) for sample in samples)]):
        members = [sample for sample in samples if sample["status"] == status]
        if not members:
            continue
        ids = "" if status == "ok" else _ids(members, shown)
        meaning = STATUS_MEANING.get(status, "")
        rows.append({"status": status, "n": len(members), **accuracy(members), "meaning": meaning, "ids": ids})
    return rows


def cut_off(samples: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """How many generated answers, of whatever status, were cut off at their length limit."""
    members = length_stops(samples)
    return {"n": len(members), **accuracy(members), "ids": _ids(members, SHOWN_IDS)}


def _ids(members: Sequence[Mapping[str, Any]], shown: int) -> str:
    more = len(members) - shown
    return ", ".join(str(sample["id"]) for sample in members[:shown]) + (f" and {more} more" if more > 0 else "")


def methods(samples: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """How the exact answer was located, by correctness (definitions: the finder is blind to the label)."""
    names = Counter(str(sample.get("exact_answer_method") or "not located") for sample in samples)
    rows = []
    for name, _ in names.most_common():
        members = [s for s in samples if str(s.get("exact_answer_method") or "not located") == name]
        rows.append({"method": name, **accuracy(members)})
    return rows


def place_checks(run: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Right against wrong answers: how and where their exact answers were located (`interp.labelling.place_check`)."""
    return list(run.get("counts", {}).get("place_check", ()))


def judged(run: Mapping[str, Any]) -> str:
    """What a judge said and how far it is to be trusted; empty without a judge."""
    counts = run.get("counts", {}).get("judge")
    return "" if counts is None else judge_sentence(counts)


def controls(
    probe: xr.Dataset, comparison: Mapping[str, Any], rows: Sequence[Mapping[str, Any]] | None
) -> list[Number]:
    """The controls under what they are to explain; empty if none were run."""
    if not rows:
        return []
    own = (nested_best("probe", comparison, "Probe grid, best cell"), best_embedding(probe))
    return [*filter(None, own), *(_named(row) for row in rows)]


def operating_points(comparison: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Recall at fixed false-positive rates: the rate, then recall, what the rate came to, and the threshold."""
    found = (comparison.get("for_use") or {}).get("selective") or {}
    return [
        {
            "rate": point["rate"],
            "recall": _interval(point["recall"]),
            "false_positives": _interval(point["false_positives"]),
            "threshold": _interval(point["threshold"]),
        }
        for point in found.get("operating_points", ())
    ]


def _interval(numbers: Mapping[str, Any]) -> str:
    value, low, high = (decimal(numbers[key], 2) for key in ("value", "low", "high"))
    return f"{value} [{low}, {high}]"


def single_metrics(attention: xr.Dataset) -> list[Number]:
    """For each attention metric, averaged over heads, the cell where it tells most, in either direction."""
    if "metric_auc" not in attention:
        return []
    rows = []
    for name in attention["metric"].values:
        auc = attention["metric_auc"].sel(metric=name).transpose("layer", "token")
        if bool(auc.isnull().all()):
            rows.append(Number(str(name), float("nan"), note="undefined in every cell"))
            continue
        row, column = np.unravel_index(int(np.nanargmax(np.abs(auc.values - 0.5))), auc.shape)
        cell = attention.sel(metric=name).isel(layer=row, token=column)
        value, low, high = (float(cell[f"metric_{key}"]) for key in ("auc", "low", "high"))
        place = f"layer {int(cell['layer'])}, {cell['token'].values}, n = {int(cell['metric_n'])}"
        rows.append(
            Number(str(name), value, low, high, f"{'higher' if value > 0.5 else 'lower'} when correct; {place}")
        )
    return sorted(rows, key=lambda row: -abs(row.value - 0.5) if np.isfinite(row.value) else 1.0)


def observations(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The observations of the heatmap's description, each with its number and verdict."""
    words = {"does not": "does not hold"}
    return [
        {
            "number": _named(row),
            "claim": str(row.get("claim", row["name"])),
            "verdict": words.get(row["verdict"], str(row["verdict"])),
        }
        for row in rows
    ]


def _named(row: Mapping[str, Any]) -> Number:
    value, low, high = (float("nan") if row.get(key) is None else float(row[key]) for key in ("value", "low", "high"))
    return Number(str(row["name"]), value, low, high, str(row.get("note", "")), str(row.get("unit", "AUC")))
