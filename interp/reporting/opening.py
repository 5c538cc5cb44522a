"""The first sentence about a run: what the best cell tells, and what the strongest control leaves of it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from interp.comparing.against_controls import LOGPROBS
from interp.fitting.estimators import PROBES, ProbeSpec
from interp.reporting.control_words import control_sentences, title
from interp.support.units import decimal

ALPHA = 0.05
SMALL_CLASS = 30
"""Samples of the smaller class, or groups that hold them, below which intervals and p are rough."""
SHOWN = 2
"""How many further controls the sentence names."""


def opening(grid: xr.Dataset, comparison: Mapping[str, Any]) -> str:
    """What a probe grid shows, in one sentence that claims no more than the strongest control leaves.

    `comparison` is comparison.json. The claim is "more than the strongest control" only where there is a signal
    (`has_signal`) and the interval of the best cell's paired difference to that control lies above 0; it is "undecided"
    where that interval holds 0, or where nothing was compared. The sentence also says how many samples the smaller
    class has and how many cells are undefined.
    """
    auc = grid["auc"].values
    undefined = f"{int(np.isnan(auc).sum())} of {auc.size} cells undefined"
    best = comparison.get("best", {}).get("probe") or {}
    nested = best.get("nested") or {}
    if nested.get("value") is None:
        right, n = int(grid["y"].values.sum()), grid.sizes["sample"]
        what = "No cell of the probe grid is defined" if np.isnan(auc).all() else "Undecided: no cell can be chosen"
        return f"{what} ({nested.get('reason') or _why(grid)}); {_counts(n, right)}, {undefined}."
    counts = f"{_counts(nested['n'], nested['n_correct'])}, {undefined}."
    told = f"AUC {_interval(nested)} when it is chosen on other folds (highest: {place(best)})"
    rows = comparison.get("against_controls", [])
    if not has_signal(grid, nested):
        against = strongest_control(rows)
        control = "" if against is None else f"; the strongest control, {_named(against)}, reaches {_interval(against)}"
        return f"Undecided: the best cell has {told}, which chance (0.5) may explain{control}; {counts}"
    claim, why = _against(rows, nested)
    return f"{claim}: the best cell separates correct from wrong answers with {told}{why}; {counts}"


def _against(rows: Sequence[Mapping[str, Any]], nested: Mapping[str, Any]) -> tuple[str, str]:
    """What may be claimed of a signal beside its controls, and the numbers that say so, to follow the best cell's."""
    undecided = "Undecided what the states add"
    strongest = strongest_control(rows)
    if strongest is None:
        return undecided, ", but no control was compared with it, so that a shortcut may explain all of it"
    sign = gain_sign(strongest)
    reached = f"the strongest control, {_named(strongest)}, alone reaches {_interval(strongest)}"
    if sign is None:
        return undecided, f", but it cannot be compared with its controls: {reached}"
    why = f"{reached} (the best cell minus it: {_interval(strongest['difference'])}){_also(rows, strongest)}"
    if sign < 0:
        return "A control tells more than the states", f", but {why}"
    if sign == 0 or not (nested.get("low") or 0) > 0.5:
        return undecided, f", but {why}"
    told = own_confidence(rows)
    if told is None or gain_sign(told) == 1:
        return "Internal states tell more than the strongest control", f"; {why}"
    less = "but less than" if gain_sign(told) == -1 else "but not clearly more than"
    return f"Internal states tell more than the strongest control, {less} the model's own confidence", f"; {why}"


def _also(rows: Sequence[Mapping[str, Any]], strongest: Mapping[str, Any]) -> str:
    """Further shortcuts that tell more than chance and are not clearly exceeded."""
    others = [r for r in _shortcuts(rows) if r is not strongest and gain_sign(r) != 1 and (r["low"] or 0) > 0.5]
    if not others:
        return ""
    named = ", ".join(f"{_named(row)} (AUC {row['value']:.2f})" for row in others[:SHOWN])
    more = f" and {len(others) - SHOWN} more" if len(others) > SHOWN else ""
    return f", nor does the best cell clearly exceed {named}{more}"


def has_signal(grid: xr.Dataset, nested: Mapping[str, Any]) -> bool:
    """Whether anything is told: the permutation test of a linear probe says so, or else the best cell's interval.

    The interval is conditional on the fitted probes and a little narrow under the null; the test holds its level. But
    its statistic is a linear classifier's AUC (`permutation_statistic`): what another kind of probe finds, it misses.
    """
    if "p_corrected" in grid and tests_own_kind(grid):
        return bool((grid["p_corrected"].values < ALPHA).any())
    return nested.get("low") is not None and nested["low"] > 0.5


def tests_own_kind(grid: xr.Dataset) -> bool:
    """Whether the grid's probe is of the linear kind that the permutation test refits."""
    name = str(grid.attrs.get("probe", "logistic"))
    return name in PROBES and ProbeSpec(name).linear


def strongest_control(rows: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The shortcut with the highest AUC among the rows of `against_controls`, the row `embed` too; None without any."""
    return max(_shortcuts(rows), key=lambda row: float(row["value"]), default=None)


def own_confidence(rows: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The higher mean log-probability: it is read off the model's output, a rival of the states and no shortcut."""
    return max(
        (row for row in rows if row["name"] in LOGPROBS and row["value"] is not None),
        key=lambda row: float(row["value"]),
        default=None,
    )


def confidence_sentences(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """How the best cell compares with the model's own confidence; none where no log-probabilities are known."""
    told = own_confidence(rows)
    if told is None:
        return []
    kind = "It is read off the model's output: a rival of the states, not a shortcut."
    return [f"{sentence} {kind}" for sentence in control_sentences([told])]


def gain_sign(row: Mapping[str, Any]) -> int | None:
    """1 if the best cell tells more than this baseline, -1 if less, 0 if the difference's interval holds 0.

    None where there is no such interval.
    """
    low, high = (row["difference"][key] for key in ("low", "high"))
    if low is None or high is None:
        return None
    return int(low > 0) - int(high < 0)


def small_class_note(grid: xr.Dataset, comparison: Mapping[str, Any]) -> list[str]:
    """A warning where the smaller class of the grid, or of its best cell, has fewer than `SMALL_CLASS` samples.

    Or where the samples of a class are of fewer groups.
    """
    nested = (comparison.get("best", {}).get("probe") or {}).get("nested") or {}
    counts = [(grid.sizes["sample"], int(grid["y"].values.sum()))]
    if nested.get("value") is not None:
        counts.append((nested["n"], nested["n_correct"]))
    smaller, name = min(min((right, "right"), (n - right, "wrong")) for n, right in counts)
    if smaller >= SMALL_CLASS:
        return _few_groups_note(grid)
    answers = "answer is" if smaller == 1 else "answers are"
    return [
        f"Only {smaller} {name} {answers} behind the numbers: with fewer than {SMALL_CLASS} of a class, intervals "
        "and p are rough and the best of many cells is mostly luck; ask more questions before you believe any of it."
    ]


def _few_groups_note(grid: xr.Dataset) -> list[str]:
    y, group = grid["y"].values, grid["group"].values
    groups, name = min((len(set(group[y == label].tolist())), name) for label, name in ((1, "right"), (0, "wrong")))
    if groups >= SMALL_CLASS:
        return []
    return [
        f"The {name} answers are of {groups} group{'s' * (groups > 1)} only: groups are what intervals and p count, "
        f"and with fewer than {SMALL_CLASS} they are rough; ask about more before you believe any of it."
    ]


def nonfinite_note(grid: xr.Dataset) -> list[str]:
    """What activations that are NaN or infinite leave out, and of which class; none where all are finite."""
    left_out, wrong = (int(grid.attrs.get(f"nonfinite_{what}", 0)) for what in ("samples", "wrong"))
    if not left_out:
        return []
    layers = grid["layer"].values[(grid["n_nonfinite"].values > 0).any(grid["n_nonfinite"].dims.index("token"))]
    return [
        f"Non-finite activations leave out {left_out} of {grid.sizes['sample']} samples in "
        f"{layer_runs(layers.tolist())}, {wrong} of them wrong: an AUC there is of the other samples, and biased if "
        "those left out are unlike them (in float16 the longest prompts overflow first: --dtype bfloat16 or float32)."
    ]


def layer_runs(layers: Sequence[int]) -> str:
    """Layers as runs of neighbours: "layers 1–3, 6–7"."""
    runs: list[list[int]] = []
    for layer in sorted(layers):
        if runs and layer == runs[-1][-1] + 1:
            runs[-1].append(layer)
        else:
            runs.append([layer])
    texts = [str(run[0]) if len(run) == 1 else f"{run[0]}–{run[-1]}" for run in runs]
    return f"layer{'s' if len(layers) > 1 else ''} {', '.join(texts)}"


def _why(grid: xr.Dataset) -> str:
    """What most undefined cells lack."""
    reasons = Counter(str(reason) for reason in grid["reason"].values.ravel() if reason) if "reason" in grid else None
    return reasons.most_common(1)[0][0] if reasons else "the reasons are in grid.csv"


def _shortcuts(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [row for row in rows if row["name"] not in LOGPROBS and row["value"] is not None]


def _counts(n: int, right: int) -> str:
    return f"{right} of {n} samples are right (the smaller class: {min(right, n - right)})"


def _named(row: Mapping[str, Any]) -> str:
    """A baseline in words, inside a sentence, with its token where it has one."""
    name = title({**row, "token": "all"})
    return f"{name[0].lower()}{name[1:]}" + ("" if row["token"] == "all" else f" at {row['token']}")


def place(best: Mapping[str, Any]) -> str:
    """The highest cell in words."""
    cell = best.get("cell")
    return f"layer {cell['layer']}, {cell['token']}" if cell else "undefined"


def _interval(numbers: Mapping[str, Any]) -> str:
    shown = [numbers.get(key) for key in ("value", "low", "high")]
    value, low, high = (None if number is None else decimal(number, 2) for number in shown)
    return f"{value}" if low is None or high is None else f"{value} [{low}, {high}]"
