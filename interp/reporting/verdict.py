"""What a run found, in sentences and headline numbers that say how sure they are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from interp.comparing.against_controls import EMBED
from interp.reporting.control_words import gain_text, title
from interp.reporting.opening import (
    ALPHA,
    confidence_sentences,
    layer_runs,
    nonfinite_note,
    opening,
    own_confidence,
    place,
    strongest_control,
    tests_own_kind,
)
from interp.support.units import decimal

NAN = float("nan")
SHOWN_TOKENS = 4
LIMITS = ("value", "low", "high")
NOTEWORTHY = 0.05  # share of samples left out from which on a reader is warned


@dataclass(frozen=True)
class Number:
    """A number of the report with its interval (NaN: none)."""

    name: str
    value: float
    low: float = NAN
    high: float = NAN
    note: str = ""
    unit: str = "AUC"
    """What is not an AUC has no place on a bar from 0 to 1."""

    def __str__(self) -> str:
        known = np.isfinite(self.low) and np.isfinite(self.high)
        return decimal(self.value, 2) + (f" [{decimal(self.low, 2)}, {decimal(self.high, 2)}]" if known else "")


def nested_best(kind: str, comparison: Mapping[str, Any], name: str = "") -> Number | None:
    """AUC of a grid's best cell when it is chosen on other folds; None where the grid has no such cell."""
    best = comparison.get("best", {}).get(kind) or {}
    nested = best.get("nested") or {}
    if nested.get("value") is None:
        return None
    low, high = (_known(nested.get(key)) for key in ("low", "high"))
    return Number(name or kind, float(nested["value"]), low, high, f"highest: {place(best)}")


def best_embedding(probe: xr.Dataset) -> Number | None:
    """The highest cell of the control row, None without one."""
    if "embed_auc" not in probe or bool(probe["embed_auc"].isnull().all()):
        return None
    cell = probe.isel(token=int(probe["embed_auc"].argmax("token", skipna=True)))
    value, low, high = (float(cell[f"embed_{name}"]) for name in ("auc", "low", "high"))
    return Number("Embedding row, highest", value, low, high, str(cell["token"].values))


def verdict(probe: xr.Dataset, comparison: Mapping[str, Any]) -> list[str]:
    """What the run found: is there a signal, what explains it without a probe, does attention hold as much."""
    nested, rows = nested_best("probe", comparison), comparison.get("against_controls", [])
    if nested is None:
        return [opening(probe, comparison), *nonfinite_note(probe)]
    return [
        opening(probe, comparison),
        *nonfinite_note(probe),
        *confidence_sentences(rows),
        *_tested(probe),
        *_where(comparison),
        *_embedding(nested, probe, comparison),
        *_attention(comparison),
        *_alike(comparison),
    ]


def _tested(probe: xr.Dataset) -> list[str]:
    """What the permutation test says of the cells, where it speaks of this kind of probe."""
    if "p_corrected" not in probe:
        return []
    if not tests_own_kind(probe):
        return [
            "The permutation test refits a linear classifier: its p says nothing of this probe, and the verdict rests "
            "on the interval."
        ]
    p = probe["p_corrected"].values
    return [
        f"{int((p < ALPHA).sum())} of {int(np.isfinite(p).sum())} defined cells lie above chance once all cells are "
        f"accounted for (corrected p < {ALPHA:g}); that says nothing of what a control explains."
    ]


def _where(comparison: Mapping[str, Any]) -> list[str]:
    """The set of cells that holds the peak, as runs of layers per token, the likeliest tokens first."""
    cells = comparison["best"]["probe"].get("peak_set", [])
    layers: dict[str, list[int]] = {}
    for cell in cells:
        layers.setdefault(str(cell["token"]), []).append(int(cell["layer"]))
    if not layers:
        return []
    tokens = list(layers)[:SHOWN_TOKENS]
    ranges = [f"{token} ({layer_runs(layers[token])})" for token in tokens]
    more = f" and {len(layers) - len(tokens)} more columns" if len(layers) > len(tokens) else ""
    count = "one cell" if len(cells) == 1 else f"one of {len(cells)} cells"
    return [f"The peak lies in {count} (95 % of resamples): {', '.join(ranges)}{more}."]


def _embedding(nested: Number, probe: xr.Dataset, comparison: Mapping[str, Any]) -> list[str]:
    embedding = best_embedding(probe)
    if embedding is None or nested.value <= 0.5:
        return []
    share = 100 * np.clip(_share(embedding.value, nested.value, comparison), 0, 1)
    row = probe["embed_auc"].sel(token=comparison["best"]["probe"]["cell"]["token"])
    own = "undefined" if bool(row.isnull()) else f"{float(row):.2f}"
    gain = [gain_text(row) for row in comparison.get("against_controls", []) if row["name"] == EMBED]
    return [
        f"The embedding row, before any layer, reaches {embedding} at {embedding.note} ({share:.0f} % of what the best "
        f"cell has above chance){''.join(f': {text}' for text in gain)}; at the best cell's own token it is {own}."
    ]


def _share(embedding: float, best: float, comparison: Mapping[str, Any]) -> float:
    """What the embedding has above chance of what the best cell has, on the samples of both where that was compared."""
    for row in comparison.get("against_controls", []):
        if row["name"] == EMBED and row.get("best_value") is not None and row["best_value"] > 0.5:
            return float((row["value"] - 0.5) / (row["best_value"] - 0.5))
    return (embedding - 0.5) / (best - 0.5)


def _attention(comparison: Mapping[str, Any]) -> list[str]:
    nested = nested_best("attention", comparison)
    if nested is None:
        return []
    delta, q = (_numbers(comparison["delta_auc"][name]) for name in ("delta", "q"))
    higher, lower = int(((q < ALPHA) & (delta > 0)).sum()), int(((q < ALPHA) & (delta < 0)).sum())
    return [
        f"The attention probe reaches AUC {nested} ({nested.note}). Of {int(np.isfinite(delta).sum())} cells the "
        f"probe on the states is better in {higher}, the probe on attention in {lower} (q < {ALPHA:g})."
    ]


def _numbers(rows: Sequence[Sequence[float | None]]) -> np.ndarray:
    return np.array([[NAN if value is None else value for value in row] for row in rows], dtype=float)


def _alike(comparison: Mapping[str, Any]) -> list[str]:
    raw = comparison.get("correlation", {}).get("raw", {})
    if raw.get("between") is None:
        return []
    within = [raw[key] for key in ("within_1", "within_2") if raw.get(key) is not None]
    ceiling = f"; with itself each reaches {' and '.join(decimal(value, 2) for value in within)}" if within else ""
    between = decimal(raw["between"], 2)
    return [f"Across cells the two grids correlate at {between} between halves of the questions{ceiling}."]


def headline(probe: xr.Dataset, comparison: Mapping[str, Any]) -> list[Number]:
    """The numbers to remember; those that do not exist are left out."""
    rows = comparison.get("against_controls", [])
    strongest = strongest_control(rows)
    numbers = [
        nested_best("probe", comparison, "Probe grid, best cell"),
        None if strongest is not None and strongest["name"] == EMBED else best_embedding(probe),
        _beside(strongest, "Strongest control"),
        _beside(own_confidence(rows), "The model's own confidence"),
        nested_best("attention", comparison, "Attention grid, best cell"),
    ]
    raw = comparison.get("correlation", {}).get("raw", {})
    if raw.get("between") is not None:
        numbers.append(Number("Correlation of the two grids", raw["between"], note="between split halves"))
    return [number for number in numbers if number is not None]


def _beside(row: Mapping[str, Any] | None, name: str) -> Number | None:
    """A baseline with the best cell's difference to it; None where it was not compared."""
    if row is None:
        return None
    value, low, high = (_known(row[key]) for key in LIMITS)
    gain = [_known(row["difference"][key]) for key in LIMITS]
    note = f"best cell minus it: {Number('', gain[0], gain[1], gain[2])}"
    return Number(f"{name}: {title(row)}", value, low, high, note)


def _known(value: float | None) -> float:
    return NAN if value is None else float(value)


def warnings(probe: xr.Dataset, samples: Sequence[Mapping[str, Any]]) -> list[str]:
    """What a reader must know before believing the numbers."""
    found = []
    if probe.attrs.get("span_uses_gold"):
        found.append(
            "The exact answer was located with the sample's own accepted answers, so that the place itself may give "
            "away whether the answer is right: the columns around the exact answer are not to be trusted."
        )
    inside = set(map(str, probe["sample"].values))
    lost = [sample for sample in samples if sample.get("correct") is not None and str(sample["id"]) not in inside]
    if len(lost) > NOTEWORTHY * len(samples):
        right = sum(bool(sample["correct"]) for sample in lost)
        found.append(
            f"{len(lost)} labelled samples are not in the grids (see their status below); {right} of them are right "
            f"and {len(lost) - right} wrong, so that the grids do not speak of the whole data set."
        )
    others = probe["coincides"].values.tolist() if "coincides" in probe else []
    pairs = [f"{token} = {other}" for token, other in zip(probe["token"].values, others, strict=False) if other]
    if pairs:
        found.append(
            f"Some columns mostly name the same token and are no second piece of evidence: {', '.join(pairs)}."
        )
    return found
