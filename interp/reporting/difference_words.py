"""Differences between grids in words: of two runs, at the same width, and what attention adds."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from interp.comparing.widths import ALPHA
from interp.support.units import decimal, with_interval


def width_sentences(comparison: Mapping[str, Any]) -> list[str]:
    """What the matched width and the gain say, from `comparison.json`; none if they were not computed."""
    matched, gain = comparison.get("matched_width"), comparison.get("gain")
    if not matched or not gain:
        return []
    better, still, cells = matched["probe_better"], matched["still_better"], gain["cells"]
    sentences = []
    if better:
        sentences.append(
            f"Of the {better} cells in which the probe on the states is better than the one on attention, {still} stay "
            f"so when the states are cut to the attention probe's width (principal components); in the other "
            f"{better - still} the difference was only one of dimension, or is too small to tell."
        )
    higher, lower = gain["with_attention_higher"], gain["alone_higher"]
    mean = "undefined" if gain["mean_delta"] is None else decimal(gain["mean_delta"], sign=True)
    sentences.append(
        f"Attention metrics beside the states change the AUC by {mean} on average; of {cells} cells they raise it in "
        f"{higher} and lower it in {lower} (q < {ALPHA:g})."
    )
    return sentences


def describe_differences(differences: xr.Dataset) -> list[str]:
    """What `compare_runs` found, in a few lines per pair."""
    lines = []
    for name in differences["pair"].values:
        pair = differences.sel(pair=name)
        delta, q = pair["delta"].values, pair["q"].values
        how = {"same": "the same samples", "independent": "no question in common"}.get(
            str(pair["samples"].item()), f"{int(pair['shared_groups'])} questions in common"
        )
        lines.append(f"{name} ({how})")
        own, other = pair["first_layer"].values.tolist(), pair["second_layer"].values.tolist()
        if own != other:
            matched = ", ".join(f"{a} with {b}" for a, b in zip(own, other, strict=True))
            lines.append(f"  layers are paired by relative depth: {matched}")
        if not np.isfinite(delta).any():
            lines.append("  no cell is defined in both")
            continue
        mean, low, high, p = (float(pair[f"mean_{key}"]) for key in ("delta", "low", "high", "p"))
        lines.append(f"  mean difference in AUC over cells: {with_interval(mean, low, high, sign=True)}, p = {p:.2g}")
        higher, lower = int(((q < 0.05) & (delta > 0)).sum()), int(((q < 0.05) & (delta < 0)).sum())
        lines.append(f"  of {int(np.isfinite(delta).sum())} cells {higher} are higher, {lower} lower (q < 0.05)")
        row, column = np.unravel_index(int(np.nanargmax(np.abs(delta))), delta.shape)
        layer = str(own[row]) if own[row] == other[row] else f"{own[row]} against {other[row]}"
        place = f"layer {layer}, {pair['token'].values[column]}"
        ends = (float(pair[end][row, column]) for end in ("low", "high"))
        largest = with_interval(float(delta[row, column]), *ends, sign=True)
        lines.append(f"  largest at {place}: {largest}, q = {q[row, column]:.2g}")
    return lines
